"""Honest programs of all kinds do inside what they do outside."""

import pytest

from client import Client

PROGRAMS = {
    "multiprocessing pool": (
        """
import multiprocessing
def square(x): return x * x
if __name__ == '__main__':
    with multiprocessing.Pool(4) as pool: print(pool.map(square, range(5)))
""",
        "[0, 1, 4, 9, 16]\n",
    ),
    "multiprocessing spawn": (
        """
import multiprocessing
def answer(queue): queue.put(42)
if __name__ == '__main__':
    context = multiprocessing.get_context('spawn')
    queue = context.Queue()
    process = context.Process(target=answer, args=(queue,))
    process.start()
    print(queue.get())
    process.join()
    print(process.exitcode)
""",
        "42\n0\n",
    ),
    "process pool executor": (
        """
from concurrent.futures import ProcessPoolExecutor
def next_one(x): return x + 1
if __name__ == '__main__':
    with ProcessPoolExecutor(3) as executor: print(list(executor.map(next_one, range(4))))
""",
        "[1, 2, 3, 4]\n",
    ),
    "forty threads": (
        """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(40) as executor: print(sum(executor.map(lambda x: x, range(100))))
""",
        "4950\n",
    ),
    "asyncio subprocess": (
        """
import asyncio, sys
async def main():
    process = await asyncio.create_subprocess_exec(sys.executable, '-c', 'print(7)', stdout=-1)
    print((await process.communicate())[0])
asyncio.run(main())
""",
        "b'7\\n'\n",
    ),
    "a shell pipeline": (
        """
import subprocess
print(subprocess.run(['sh', '-c', 'echo hi | cat'], capture_output=True).stdout)
""",
        "b'hi\\n'\n",
    ),
    "terminate a child": (
        """
import subprocess
process = subprocess.Popen(['sleep', '9'])
process.terminate()
print(process.wait())
""",
        "-15\n",
    ),
    "sqlite": (
        """
import sqlite3
connection = sqlite3.connect('/tmp/data.db')
connection.execute('create table t(a)')
connection.execute('insert into t values (1)')
connection.commit()
print(connection.execute('select * from t').fetchall())
""",
        "[(1,)]\n",
    ),
    "files, moved between folders": (
        """
import os, shutil, tempfile
with tempfile.TemporaryDirectory() as folder:
    with open(folder + '/a', 'w') as file: file.write('x')
    os.mkdir(folder + '/s')
    os.rename(folder + '/a', folder + '/s/b')
    shutil.copy2(folder + '/s/b', '/dev/shm/c')
    print(os.listdir(folder), open('/dev/shm/c').read())
""",
        "['s'] x\n",
    ),
    "shared memory": (
        """
from multiprocessing import shared_memory
first = shared_memory.SharedMemory(create=True, size=100)
first.buf[0] = 7
second = shared_memory.SharedMemory(first.name)
print(second.buf[0])
second.close(); first.close(); first.unlink()
""",
        "7\n",
    ),
    "ctypes": ("import ctypes; print(ctypes.CDLL(None).getpid() > 0)", "True\n"),
    "certificates": (
        "import ssl; print(len(ssl.create_default_context().get_ca_certs()) > 10)",
        "True\n",
    ),
    "time zones": (
        """
import datetime, zoneinfo
print(datetime.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')))
""",
        "2020-01-01 00:00:00+01:00\n",
    ),
    "deep recursion": (
        """
import sys
sys.setrecursionlimit(30000)
def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
print(depth(20000))
""",
        "20000\n",
    ),
    "too deep recursion": (
        """
def f(): f()
try: f()
except RecursionError as error: print(error)
""",
        "maximum recursion depth exceeded\n",
    ),
    "number of processors": (
        "import os; print(os.cpu_count() >= len(os.sched_getaffinity(0)) >= 1)",
        "True\n",
    ),
    "locale": ("import locale; print(locale.getpreferredencoding())", "UTF-8\n"),
    "its own source": (
        "import inspect\ndef f():\n    return 1\nprint(inspect.getsource(f))",
        "def f():\n    return 1\n\n",
    ),
    "import of itself": (
        "import sys\nif __name__ == '__main__':\n    import main\n    print(main.__name__)",
        "main\n",
    ),
    "pickle of its own classes": (
        "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))).__name__)",
        "A\n",
    ),
    "doctest": (
        'import doctest\ndef f():\n    """\n    >>> f()\n    1\n    """\n    return 1\n'
        "print(doctest.testmod())",
        "TestResults(failed=0, attempted=1)\n",
    ),
    "asyncio with tasks and queues": (
        """
import asyncio
async def worker(queue, done):
    while True:
        done.append(await queue.get())
        queue.task_done()
async def main():
    queue, done = asyncio.Queue(), []
    tasks = [asyncio.create_task(worker(queue, done)) for _ in range(3)]
    for n in range(10): queue.put_nowait(n)
    await queue.join()
    for task in tasks: task.cancel()
    try: await asyncio.wait_for(asyncio.sleep(9), 0.01)
    except TimeoutError: done.append('late')
    print(sorted(done[:-1]), done[-1], await asyncio.to_thread(sum, [1, 2]))
asyncio.run(main())
""",
        "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9] late 3\n",
    ),
    "a filter with pipes": (
        """
import subprocess
process = subprocess.Popen(['sort'], stdin=-1, stdout=-1, text=True)
print(process.communicate('b\\na\\n')[0].split())
try: subprocess.run(['sleep', '9'], timeout=0.05)
except subprocess.TimeoutExpired as error: print('late:', error.cmd)
""",
        "['a', 'b']\nlate: ['sleep', '9']\n",
    ),
    "a literal path in /tmp": (
        """
import pathlib, tempfile, zipfile
print(tempfile.gettempdir(), pathlib.Path.home(), pathlib.Path.cwd())
with zipfile.ZipFile('/tmp/archive.zip', 'w') as archive: archive.writestr('a', 'x' * 1000)
print(zipfile.ZipFile('/tmp/archive.zip').testzip())
with tempfile.SpooledTemporaryFile(max_size=10) as file: print(file.write(b'x' * 100))
""",
        "/tmp /tmp /tmp/run\nNone\n100\n",
    ),
    "a memory map": (
        """
import mmap
with open('/tmp/map', 'wb+') as file:
    file.truncate(4096)
    with mmap.mmap(file.fileno(), 0) as area: area[:2] = b'ok'
print(open('/tmp/map', 'rb').read(2))
""",
        "b'ok'\n",
    ),
    "input at the end of the file": (
        """
import sys
try: input('name? ')
except EOFError as error: print(type(error).__name__, repr(sys.stdin.read()))
""",
        "name? EOFError ''\n",
    ),
    "signals and timers": (
        """
import signal, time
rung = []
signal.signal(signal.SIGALRM, lambda *_: rung.append('alarm'))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)  # again and again, lest it rings before the pause
signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0)
print(rung[0])
try: signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt: print('interrupted')
""",
        "alarm\ninterrupted\n",
    ),
    "local time": (
        """
import os, time
os.environ['TZ'] = 'America/New_York'
time.tzset()
print(time.tzname, time.strftime('%H', time.localtime(0)))
""",
        "('EST', 'EDT') 19\n",
    ),
    "a temporary module": (
        """
import sys
with open('helper.py', 'w') as file: file.write('def answer(): return 42')
import helper
print(helper.answer(), helper.__file__)
""",
        "42 /tmp/run/helper.py\n",
    ),
    "logging, json, re, decimal, fractions": (
        """
import decimal, fractions, json, logging, re, sys
logging.basicConfig(stream=sys.stdout, format='%(message)s', level='INFO')
logging.info(json.dumps(re.findall('[0-9]+', 'a1b22')))
print(decimal.Decimal('0.1') + decimal.Decimal('0.2'), fractions.Fraction(1, 3) * 3)
""",
        '["1", "22"]\n0.3 1\n',
    ),
    "a class with everything": (
        """
from __future__ import annotations
import dataclasses, enum, typing
@dataclasses.dataclass(order=True)
class Point:
    x: int
    y: int = 0
class Colour(enum.Enum):
    RED = 1
print(sorted([Point(2), Point(1)]), Colour(1), typing.get_type_hints(Point))
""",
        "[Point(x=1, y=0), Point(x=2, y=0)] Colour.RED {'x': <class 'int'>, 'y': <class 'int'>}\n",
    ),
    "file locks": (
        "import fcntl; f = open('/tmp/l', 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(1)",
        "1\n",
    ),
    "a pair of sockets": (
        "import socket; a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1))",
        "b'x'\n",
    ),
}


@pytest.mark.parametrize(("code", "stdout"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_program(client: Client, code: str, stdout: str) -> None:
    outcome = client.run(code, timeout=10)
    assert (outcome["stdout"], outcome["stderr"], outcome["exit_code"]) == (stdout, "", 0)


def test_unittest_as_a_program(client: Client) -> None:
    outcome = client.run(
        "import unittest\nclass T(unittest.TestCase):\n"
        "    def test_it(self): self.assertEqual(1, 2)\nunittest.main()"
    )
    assert outcome["exit_code"] == 1
    assert "FAILED (failures=1)" in outcome["stderr"]


def test_warnings_show_the_line(client: Client) -> None:
    stderr = client.run("import warnings\nwarnings.warn('careful')")["stderr"]
    assert stderr == "/tmp/run/main.py:2: UserWarning: careful\n  warnings.warn('careful')\n"


@pytest.mark.parametrize(
    ("code", "exit_code", "stderr"),
    [
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('no such file')", 1, "no such file\n"),
        ("raise SystemExit(256)", 0, ""),
        ("import os; os._exit(9)", 9, ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -15, ""),
    ],
)
def test_exit_codes(client: Client, code: str, exit_code: int, stderr: str) -> None:
    outcome = client.run(code)
    assert (outcome["exit_code"], outcome["stderr"]) == (exit_code, stderr)


def test_a_traceback_names_the_line_and_shows_it(client: Client) -> None:
    stderr = client.run("def f(x):\n    return 1 / x\n\nf(0)\n")["stderr"]
    assert stderr.splitlines()[:3] == [
        "Traceback (most recent call last):",
        '  File "/tmp/run/main.py", line 4, in <module>',
        "    f(0)",
    ]
    assert stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_a_syntax_error_shows_where(client: Client) -> None:
    outcome = client.run("x = 1\nif x\n    pass\n")
    assert outcome["exit_code"] == 1
    assert outcome["stderr"].startswith('  File "/tmp/run/main.py", line 2\n    if x\n')
    assert outcome["stderr"].endswith("SyntaxError: expected ':'\n")


def test_endless_recursion_is_reported_in_full(client: Client) -> None:
    stderr = client.run("def f(): f()\nf()")["stderr"]
    assert "[Previous line repeated" in stderr
    assert stderr.endswith("RecursionError: maximum recursion depth exceeded\n")
