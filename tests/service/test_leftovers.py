"""Nothing of a run is left when its answer arrives: no process, no file, no text."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from client import Client
from processes import Service, children, descendants, eventually


def survivors(service: Service) -> int:
    """How many processes are left of the runs so far.

    Looked at when the next child waits, so that it cannot be taken for one of them.
    """
    (runner,) = service.runners()
    eventually(lambda: len(list(descendants(runner))) >= 2, 2)
    return len(list(descendants(runner))) - 2


DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)   # with the pipes of the run still open
    os._exit(0)
print('left a daemon')
"""

BOMB = """
import os, time
for _ in range(50):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        time.sleep(600)
print('bang')
"""


def test_a_daemon_is_dead_when_the_answer_arrives(fresh_service: Service) -> None:
    client = fresh_service.client
    began = time.monotonic()
    outcome = client.run(DAEMON, timeout=5)
    assert time.monotonic() - began < 2
    assert (outcome["reason"], outcome["timed_out"]) == ("exited", False)
    assert outcome["stdout"] == "left a daemon\n"
    assert survivors(fresh_service) == 0


def test_forty_fork_bombs_leave_no_survivor(fresh_service: Service) -> None:
    client = fresh_service.client
    for _ in range(40):
        outcome = client.run(BOMB, timeout=5)
        assert outcome["stdout"] == "bang\n"
        assert survivors(fresh_service) == 0
    (warm,) = fresh_service.warm_interpreters()
    eventually(lambda: len(children(warm)) == 1, 1)


def test_a_runner_shares_its_session_with_nobody(service: Service) -> None:
    # In one with others it would have little of a processor beside a bomb: see `code_runner.serve`.
    sessions = [os.getsid(pid) for pid in [service.process.pid, *service.runners()]]
    assert len(set(sessions)) == len(sessions) == 5


def test_a_bomb_that_never_stops_is_ended_and_swept(fresh_service: Service) -> None:
    client = fresh_service.client
    outcome = client.run("import os\nwhile True: os.fork()", timeout=3)
    assert outcome["reason"] in ("processes", "memory", "timeout")
    assert survivors(fresh_service) == 0


def test_dead_orphans_are_taken_in_while_the_run_goes_on(fresh_service: Service) -> None:
    code = """
import os
for _ in range(500):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
print(os.getpid(), flush=True)
import time; time.sleep(2)
"""
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(fresh_service.client.run, code, 10)
        most = 0
        (runner,) = fresh_service.runners()
        while not run.done():
            most = max(most, len(list(descendants(runner))))
            time.sleep(0.1)
        assert run.result()["reason"] == "exited"
    assert most < 50


LEAVE = """
import os, mmap
marker = 'MAR' + 'KER-{number}'
keep = [marker * 1000 for _ in range(100)]
for folder in ('/tmp', '/dev/shm', os.getcwd()):
    os.makedirs(folder + '/a/b/' + marker)
    for name in ('plain', marker, '.hidden'):
        with open(folder + '/' + name, 'w') as f: f.write(marker)
    os.symlink(marker, folder + '/link')
    os.chmod(folder + '/a/b', 0)
    os.chmod(folder + '/a', 0)
os.environ['LEFT'] = marker
print(marker)
"""

# The pattern does not match itself, so that what is found is not the search.
SEARCH = """
import ctypes, os, re
marker = re.compile(b'[M]ARKER-[0-9]')
found = []
for top in ('/tmp', '/dev/shm'):
    for path, folders, files in os.walk(top):
        found += [path + '/' + name for name in files + folders]
found = [path for path in found if path not in ('/tmp/run', '/tmp/run/main.py')]
with open('/proc/self/maps') as maps:
    regions = [line.split() for line in maps]
searched = 0
for limits, modes, *_, name in regions:
    if modes.startswith('r') and not name.startswith(('[vvar', '[vsyscall')):
        low, high = (int(x, 16) for x in limits.split('-'))
        searched += high - low
        if marker.search(ctypes.string_at(low, high - low)): found.append(name)
found += [v for v in os.environ.values() if marker.search(v.encode())]
print(searched > 2**20, found)
"""


def test_the_next_run_finds_nothing_of_the_one_before(fresh_service: Service) -> None:
    client = fresh_service.client
    for number in range(3):
        assert client.run(LEAVE.format(number=number))["stdout"] == f"MARKER-{number}\n"
        outcome = client.run(SEARCH)
        assert outcome["stdout"] == "True []\n", outcome


MESSES = {
    "a deep folder": """
import os
for _ in range(5000):
    os.mkdir('d'); os.chdir('d')
""",
    "many files": """
import os
for top in ('/tmp', '/dev/shm'):
    try:
        for n in range(20000): os.close(os.open(f'{top}/{n}', os.O_CREAT))
    except OSError as error: print(error.errno)
""",
    "a full disk": """
for top in ('/tmp', '/dev/shm'):
    try:
        with open(top + '/full', 'wb') as f:
            while True: f.write(bytes(2**20))
    except OSError as error: print(error.errno)
""",
    "names that are no text": """
import os
for n in range(1, 256):
    if n != 47: os.makedirs(b'/tmp/x' + bytes([n]) + b'/' + bytes([n]) * 200)
""",
    "folders that forbid everything": """
import os
os.umask(0)
path = '/dev/shm'
for n in range(50):
    path += '/locked'
    os.mkdir(path)
while path != '/dev/shm':
    os.chmod(path, 0)
    path = os.path.dirname(path)
""",
    "an attribute on the folder itself": """
import os
for top in ('/tmp', '/dev/shm'):
    try: os.setxattr(top, 'user.note', b'x' * 1000)
    except OSError as error: print(error.errno)
    os.chmod(top, 0o700)
""",
    "links and pipes": """
import os
os.mkfifo('/tmp/pipe')
open('/tmp/one', 'w').close()
os.link('/tmp/one', '/tmp/two')
os.symlink('/', '/tmp/root')
os.symlink('loop', '/tmp/loop')
""",
}


@pytest.mark.parametrize("mess", MESSES.values(), ids=MESSES.keys())
def test_the_slot_is_clean_again_after(fresh_service: Service, mess: str) -> None:
    client = fresh_service.client
    look = (
        "import os; print(os.listdir('/tmp'), os.listdir('/dev/shm'), oct(os.stat('/tmp').st_mode))"
    )
    before = client.run(look)["stdout"]
    for _ in range(2):
        assert client.run(mess, timeout=10)["exit_code"] == 0
        assert client.run(look)["stdout"] == before


def test_hundreds_of_runs_leak_no_descriptor_or_process(fresh_service: Service) -> None:
    def held() -> dict[int, int]:
        pids = [fresh_service.gateway(), *fresh_service.runners()]
        return {pid: len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids}

    client = fresh_service.client
    time.sleep(0.2)
    before = held()
    processes = len(list(descendants(fresh_service.process.pid)))
    for _ in range(200):
        client.run("import os; os.fork(); print(open('/tmp/x', 'w'))")
    eventually(lambda: held() == before, 2)
    eventually(lambda: len(list(descendants(fresh_service.process.pid))) == processes, 2)


def test_the_random_generator_differs_between_runs(client: Client) -> None:
    numbers = {client.run("import random; print(random.random())")["stdout"] for _ in range(8)}
    assert len(numbers) == 8


def test_locks_and_flags_of_standard_input_end_with_the_run(fresh_service: Service) -> None:
    leave = """
import fcntl, os, struct
lock = struct.pack('hhqqi4x', fcntl.F_RDLCK, 0, 1, 77, 0)
fcntl.fcntl(0, fcntl.F_OFD_SETLK, lock)
fcntl.fcntl(0, fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK)
fcntl.flock(0, fcntl.LOCK_SH)
print('left')
"""
    look = """
import fcntl, os, struct
null = os.open('/dev/null', os.O_RDWR)
lock = fcntl.fcntl(null, fcntl.F_OFD_GETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
fcntl.flock(null, fcntl.LOCK_EX | fcntl.LOCK_NB)
flags = fcntl.fcntl(0, fcntl.F_GETFL) & (os.O_APPEND | os.O_NONBLOCK)
print(struct.unpack('hhqqi4x', lock)[0] == fcntl.F_UNLCK, flags)
"""
    client = fresh_service.client
    assert client.run(leave)["stdout"] == "left\n"
    assert client.run(look)["stdout"] == "True 0\n"


def test_files_that_the_kernel_gives_back_late_do_not_cost_the_slot(fresh_service: Service) -> None:
    # A socket on its way through itself: only the kernel's garbage collector frees what is with it.
    code = """
import os, socket
file = os.open('/tmp/x', os.O_CREAT | os.O_RDWR)
os.write(file, b'x' * 2**20)
os.unlink('/tmp/x')
first, second = socket.socketpair()
socket.send_fds(first, [b'x'], [second.fileno(), first.fileno(), file])
os._exit(0)
"""
    for _ in range(20):
        assert fresh_service.client.run(code)["exit_code"] == 0
    assert fresh_service.client.run("print('next')")["stdout"] == "next\n"
    assert "out of service" not in fresh_service.log.read_text()
