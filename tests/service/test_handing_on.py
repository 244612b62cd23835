"""Where runs wait, a slot gets the next one after its answer to the last, without a READY between.

Each side is tested alone: a runner with this test as its gateway, a gateway with a runner of ours.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from client import Client
from code_runner.protocol import Frame, Frames, Job, Kind, Outcome
from code_runner.serve import ENTER, NAMESPACES, PYTHON
from processes import SERVICE, children, command, descendants, eventually, free_port, kill

# Everything that a run has been given or bound to.
CIRCUMSTANCES = """
import os, resource, sys
print(sorted((name, resource.getrlimit(getattr(resource, name)))
             for name in dir(resource) if name.startswith("RLIMIT_")))
print(os.nice(0), os.getsid(0) == os.getpid(), os.getppid(), os.getcwd())
print(sorted(os.environ.items()))
print(sys.argv, sys.path, sorted(sys.modules), sorted(globals()), os.listdir("/tmp"))
print([fd for fd in range(1024) if os.path.exists(f"/proc/self/fd/{fd}")])
for what in (lambda: open("/etc/passwd"), lambda: os.kill(os.getppid(), 0), lambda: os.kill(1, 0)):
    try:
        print(what())
    except OSError as error:
        print(error)
"""
BOMB = "import os, time\nfor _ in range(300):\n    if not os.fork(): time.sleep(9)\ntime.sleep(9)"
EATER = "x = []\nwhile True: x.append(bytearray(2**20))"
TOO_LARGE = "bytearray(2**30)"
SLOW = "import time; time.sleep(1); print('slow')"


class Peer:
    """The other side of a conversation."""

    def __init__(self, connection: socket.socket, pid: int = 0) -> None:
        """`pid`: the process that has it below it, where that matters."""
        self.pid = pid
        connection.settimeout(10)
        self._connection = connection
        self._frames = Frames(2**20)
        self._heard: deque[Frame] = deque()

    def say(self, frame: Frame) -> None:
        self._connection.sendall(frame.encode())

    def hear(self) -> Frame:
        while not self._heard:
            data = self._connection.recv(65536)
            assert data, "hung up"
            self._heard += self._frames.cut(data)
        return self._heard.popleft()

    def hears_nothing_for(self, seconds: float) -> bool:
        self._connection.settimeout(seconds)
        try:
            return not self._heard and not self._connection.recv(65536)
        except TimeoutError:
            return True
        finally:
            self._connection.settimeout(10)

    def run(self, run_id: str, code: str, others_wait: bool = True, timeout: float = 5) -> None:
        self.say(Job(run_id, code.encode(), timeout).frame(others_wait))

    def job(self) -> tuple[Job, bool]:
        """The next frame, which has to be a job; and whether others wait."""
        frame = self.hear()
        assert frame.kind == Kind.RUN
        return Job.from_frame(frame)

    def outcome(self, run_id: str, may_be_ready: bool = False) -> tuple[Outcome, bool]:
        """The next frame, which has to be the outcome of this run; and whether it is ready soon.

        `may_be_ready`: a READY may come before it.
        """
        frame = self.hear()
        if may_be_ready and frame.kind == Kind.READY:
            frame = self.hear()
        assert frame.kind == Kind.RESULT
        outcome, whose, ready_soon = Outcome.from_frame(frame)
        assert whose == run_id
        return outcome, ready_soon


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Peer]:
    """A runner that is ready, as its gateway hears it."""
    folder = Path("/var/tmp") / f"code-runner-test-{os.getpid()}-{time.monotonic_ns()}"
    (folder / "slot-0").mkdir(parents=True)
    path = folder / "slot-0" / "runner.sock"
    environ = {
        **os.environ,
        "CODE_RUNNER_SOCKET_DIR": str(folder),
        "CODE_RUNNER_RUNNER_UIDS": str(os.getuid()),
        "CODE_RUNNER_SLOT": "0",
    }
    with socket.socket(socket.AF_UNIX) as door, (tmp_path / "log").open("wb") as log:
        door.bind(str(path))
        door.listen()
        door.settimeout(20)
        process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES),
                *("--fork", "--kill-child", "sh", "-c", ENTER, SERVICE),
                *(PYTHON, "-m", "code_runner.runner"),
            ],
            env=environ,
            stdout=log,
            stderr=log,
            start_new_session=True,  # as `code_runner.serve` does
        )
        try:
            connection, _ = door.accept()
            with connection:
                peer = Peer(connection, process.pid)
                assert peer.hear().kind == Kind.READY
                yield peer
        finally:
            process.kill()
            process.wait()
            path.unlink()
            (folder / "slot-0").rmdir()
            folder.rmdir()


def _run_in_line(runner: Peer, code: str, timeout: float = 5) -> Outcome:
    """Have code executed whose job is there when the slot has just been cleaned."""
    runner.run("slow", SLOW)
    time.sleep(0.4)
    runner.run("next", code, timeout=timeout)
    slow, ready_soon = runner.outcome("slow")
    assert (slow.stdout, ready_soon) == (b"slow\n", True)
    outcome, _ = runner.outcome("next")
    return outcome


def test_a_run_that_stood_in_line_finds_what_any_other_finds(runner: Peer) -> None:
    runner.run("alone", CIRCUMSTANCES, others_wait=False)
    alone, ready_soon = runner.outcome("alone")
    assert not ready_soon
    assert runner.hear().kind == Kind.READY
    in_line = _run_in_line(runner, CIRCUMSTANCES)
    assert in_line.stdout.decode() == alone.stdout.decode()
    assert (in_line.stderr, in_line.exit_code, in_line.reason) == (b"", 0, "exited")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("while True: pass", "timeout"),
        (BOMB, "processes"),
        (EATER, "memory"),
        (TOO_LARGE, "exited"),
    ],
)
def test_a_run_that_stood_in_line_has_the_same_limits(runner: Peer, code: str, reason: str) -> None:
    outcome = _run_in_line(runner, code, timeout=1)
    assert outcome.reason == reason
    assert outcome.exit_code == (1 if reason == "exited" else -1)
    if code == TOO_LARGE:
        assert b"MemoryError" in outcome.stderr
    runner.run("after", "print('fine')")
    assert runner.outcome("after", may_be_ready=True)[0].stdout == b"fine\n"


def test_a_run_that_is_cancelled_while_it_stands_in_line_never_begins(runner: Peer) -> None:
    runner.run("slow", SLOW)
    time.sleep(0.4)
    runner.run("next", "print('begun')")
    runner.say(Frame.telling(Kind.CANCEL, run_id="next"))
    assert runner.outcome("slow")[0].stdout == b"slow\n"
    assert runner.outcome("next")[0] == Outcome("cancelled")


def test_many_in_a_row_each_leave_nothing_to_the_next(runner: Peer) -> None:
    code = """
import os
print(os.listdir("."), os.listdir("/tmp"), os.listdir("/dev/shm"), flush=True)
os.fork()
open("/tmp/x", "w").write("x"), open("/dev/shm/y", "w"), os.mkdir("z" + str(os.getpid()))
"""
    for number in range(100):
        runner.run(str(number), code)
        outcome, ready_soon = runner.outcome(str(number), may_be_ready=True)
        assert (outcome.stdout, ready_soon) == (b"['main.py'] ['run'] []\n", True)


def test_who_leaves_many_files_is_not_ready_soon(runner: Peer) -> None:
    runner.run("many", "for n in range(500): open(f'/tmp/{n}', 'w')")
    outcome, ready_soon = runner.outcome("many")
    assert (outcome.exit_code, ready_soon) == (0, False)
    assert runner.hear().kind == Kind.READY


def test_a_run_that_stands_in_line_outlives_the_interpreter(runner: Peer) -> None:
    (agent,) = (pid for pid in descendants(runner.pid) if command(pid).endswith(".runner"))
    (warm,) = children(agent)
    runner.run("slow", SLOW)
    time.sleep(0.4)
    runner.run("next", "print('fine')")
    # Of the end of the run and that of the interpreter the agent hears at the same moment.
    os.kill(agent, signal.SIGSTOP)
    eventually(lambda: not children(warm), 5)
    time.sleep(0.1)
    kill(warm)
    os.kill(agent, signal.SIGCONT)
    assert runner.outcome("slow")[0].stdout == b"slow\n"
    assert runner.outcome("next", may_be_ready=True)[0].stdout == b"fine\n"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[Client, str, Peer]]:
    """A gateway of one slot, the URL of its metrics, and its connection to the runner."""
    port, metrics_port = free_port(), free_port()
    environ = {
        **os.environ,
        "PYTHONPATH": str(SERVICE),
        "CODE_RUNNER_HOST": "127.0.0.1",
        "CODE_RUNNER_PORT": str(port),
        "CODE_RUNNER_METRICS_PORT": str(metrics_port),
        "CODE_RUNNER_SOCKET_DIR": str(tmp_path),
        "CODE_RUNNER_RUNNER_UIDS": str(os.getuid()),
    }
    path = str(tmp_path / "slot-0" / "runner.sock")

    metrics = f"http://127.0.0.1:{metrics_port}/metrics"

    def is_open() -> bool:  # to the runner, to clients, and then for its metrics
        with contextlib.suppress(OSError), urllib.request.urlopen(metrics, timeout=5):
            return True
        return False

    with socket.socket(socket.AF_UNIX) as connection, (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "code_runner.gateway"], env=environ, stdout=log, stderr=log
        )
        try:
            eventually(is_open, 10)
            connection.connect(path)
            peer = Peer(connection)
            peer.say(Frame.telling(Kind.READY, walls=[], memory_counter="none"))
            yield Client(f"http://127.0.0.1:{port}"), metrics, peer
        finally:
            process.kill()
            process.wait()


def test_the_gateway_hands_a_slot_on_when_it_is_ready_soon_and_not_before(
    gateway: tuple[Client, str, Peer],
) -> None:
    client, metrics, runner = gateway

    def two_wait() -> bool:
        with urllib.request.urlopen(metrics, timeout=5) as answer:
            return b"\ncode_runner_queue_length 2.0\n" in answer.read()

    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(client.run, "print(1)")]
        first, others_wait = runner.job()
        assert not others_wait
        answers += [pool.submit(client.run, "print(2)") for _ in range(2)]
        eventually(two_wait, 5)
        runner.say(Outcome("exited", 1).frame(first.run_id, ready_soon=False))
        assert answers[0].result()["exit_code"] == 1
        assert runner.hears_nothing_for(0.3)
        runner.say(Frame(Kind.READY))
        second, others_wait = runner.job()
        assert others_wait
        runner.say(Outcome("exited", 2).frame(second.run_id, ready_soon=True))
        third, others_wait = runner.job()
        assert not others_wait
        # It did not come in time: the runner has prepared for waiting.
        runner.say(Frame(Kind.READY))
        assert runner.hears_nothing_for(0.1)
        runner.say(Outcome("exited", 3).frame(third.run_id, ready_soon=True))
        assert sorted(answer.result()["exit_code"] for answer in answers) == [1, 2, 3]
        assert runner.hears_nothing_for(0.1)
