"""The processes of a running service, seen from outside, and how to end it without a trace."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from client import Client

# States of a connection, from <net/tcp_states.h>.
ESTABLISHED, CLOSE_WAIT = "01", "08"
SERVICE = Path(__file__).parents[2] / "service"


class Service:
    """A `code_runner.serve` process; as a context it is ready inside and gone afterwards."""

    def __init__(self, process: subprocess.Popen[bytes], client: Client, log: Path) -> None:
        self.process = process
        self.client = client
        self.log = log

    def __enter__(self) -> Service:
        try:
            eventually(self._all_slots_alive, 30)
        except AssertionError:
            self.stop()
            raise AssertionError(f"not ready; its log:\n{self.log.read_text()}") from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _all_slots_alive(self) -> bool:
        assert self.process.poll() is None, "it has ended"
        try:
            slots = self.client.get("/ready").body["slots"]
        except OSError:
            return False
        return bool(slots["alive"] == slots["total"])

    def stop(self) -> int:
        """Drain and end it; returns the exit status."""
        everything = list(descendants(self.process.pid))
        self.process.terminate()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        for pid in everything:
            eventually(lambda pid=pid: not Path(f"/proc/{pid}").exists(), 5)
        return status

    def gateway(self) -> int:
        """The process id of the gateway."""
        return next(p for p in descendants(self.process.pid) if "code_runner.gateway" in command(p))

    def runners(self) -> list[int]:
        """The process ids of the runners, as this machine numbers them."""
        return [
            pid
            for pid in descendants(self.process.pid)
            if command(pid).endswith("code_runner.runner") and "unshare" not in command(pid)
        ]

    def connections(self) -> int:
        """How many connections the gateway still has, seen by the kernel."""
        local = f"0100007F:{self.client.port:04X}"
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1] == local and row[3] in (ESTABLISHED, CLOSE_WAIT) for row in rows)

    def warm_interpreters(self) -> list[int]:
        """The process ids of the warm interpreters, without their waiting children."""
        runners = set(self.runners())
        return [pid for runner in runners for pid in children(runner)]


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def start_service(folder: Path, python: Path = Path(sys.executable), **settings: str) -> Service:
    """Start a service on a free port, with these variables set; its log goes to `folder`."""
    port = free_port()
    env = {
        **os.environ,
        "PYTHONPATH": str(SERVICE),
        "CODE_RUNNER_PORT": str(port),
        **settings,
    }
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "code_runner.serve"],
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Service(process, Client(f"http://127.0.0.1:{port}"), log)


def children(pid: int) -> list[int]:
    """The process ids of the children of all threads of a process."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid: int) -> Iterator[int]:
    """The process ids of children, their children, and so on."""
    for child in children(pid):
        yield child
        yield from descendants(child)


def command(pid: int) -> str:
    """The command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def resident_bytes(pid: int) -> int:
    """The resident set."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def kill(pid: int) -> None:
    """SIGKILL for one process that a test has found below its own service."""
    os.kill(pid, signal.SIGKILL)


def eventually(holds: Callable[[], bool], seconds: float) -> float:
    """Wait until `holds`; returns how long it took. Fails after `seconds`."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"still not so after {seconds} s"
        time.sleep(0.01)
    return time.monotonic() - began
