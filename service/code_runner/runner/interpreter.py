"""The agent's hold on the warm interpreter, and on the one child that it has forked."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from code_runner.runner import warm
from code_runner.runner.child import BEGUN, JOB
from code_runner.sandbox.limits import Limits

START_SECONDS = 30.0
# A sweep takes milliseconds; an interpreter that is silent for this long has been stopped or worse.
SILENCE_SECONDS = 1.0

# All that a client's code finds in its environment, apart from what it sets itself. One thread for
# the numeric libraries: a slot has one processor, and each thread costs memory.
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "LANG": "C.UTF-8",
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
    ),
}


class InterpreterLost(Exception):
    """The warm interpreter has ended or does not answer; everything that it started must go."""


@dataclass(frozen=True)
class Ending:
    """How a run ended: `status` as waitpid gives it, CPU time in microseconds, memory in bytes."""

    status: int
    cpu_us: int
    peak_memory: int


class Child:
    """The child that waits for a job, then runs it; known by a pidfd, which is never reused."""

    def __init__(self, pid: int, channel: socket.socket, walls: list[str]) -> None:
        self.walls = walls
        self._channel = channel
        self._pidfd = os.pidfd_open(pid)
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._pidfd, self._on_exit)

    def _on_exit(self) -> None:
        self._loop.remove_reader(self._pidfd)
        if not self.exited.done():
            self.exited.set_result(None)

    def start(self, cpu_seconds: int, code: int, stdout: int, stderr: int) -> None:
        """Hand over the job: descriptors of the code and of the two outputs."""
        try:
            socket.send_fds(self._channel, [JOB.pack(cpu_seconds)], [code, stdout, stderr])
        except OSError:
            pass  # it has ended meanwhile, as `exited` tells

    def has_begun(self) -> bool:
        """Whether the child has come as far as the client's code; to be asked once, at the end."""
        try:
            return self._channel.recv(len(BEGUN)) == BEGUN
        except OSError:
            return False

    def kill(self) -> None:
        """End the child at once; what it has started is the sweep's."""
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def close(self) -> None:
        """Give the descriptors back."""
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._channel.close()


class Interpreter:
    """One warm interpreter process. `lost` is done when it has gone, at whatever moment."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._report: asyncio.Future[bytes] = self._loop.create_future()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(control, self._on_message)

    @classmethod
    async def start(cls, limits: Limits) -> Interpreter:
        """Start it; it is ready when its first child is."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(warm.__file__)),
                str(limits.memory),
                str(limits.processes),
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.PIPE,
                env=ENVIRONMENT,
                cwd="/",
            )
        ours.setblocking(False)
        return cls(process, ours)

    def _on_message(self) -> None:
        try:
            message = self._control.recv(64)
        except OSError:
            message = b""
        if not message:
            self._loop.remove_reader(self._control)
            self.lost.set_result(None)
        elif not self._report.done():
            self._report.set_result(message)

    async def fork(self) -> Child:
        """Have a child forked, and wait until it has put up its walls; raises `InterpreterLost`."""
        self._report = self._loop.create_future()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        try:
            with theirs:
                socket.send_fds(self._control, [b"fork"], [theirs.fileno()])
            greeting = await asyncio.wait_for(self._loop.sock_recv(ours, 4096), START_SECONDS)
            pid, _, walls = greeting.decode().partition(" ")
            return Child(int(pid), ours, walls.split(","))
        except (OSError, ValueError, TimeoutError) as error:
            ours.close()
            raise InterpreterLost(f"no child could be forked: {error!r}") from None

    async def ending(self) -> Ending:
        """Wait for the report that the child has ended and nothing is left of its run.

        Raises `InterpreterLost` when the interpreter has gone, or is silent for a second.
        """
        either: set[asyncio.Future[Any]] = {self._report, self.lost}
        await asyncio.wait(either, timeout=SILENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not self._report.done():
            raise InterpreterLost("gone" if self.lost.done() else "silent")
        return Ending(*warm.ENDING.unpack(self._report.result()))

    async def destroy(self) -> None:
        """End it and every other process of this namespace, and wait until none is left."""
        end_all_processes()  # first, for it would complain of a control that has been closed
        if self._control.fileno() >= 0:
            self._loop.remove_reader(self._control)
            self._control.close()
        if not self.lost.done():
            self.lost.set_result(None)
        await self._process.wait()
        while reap():
            pass


def end_all_processes() -> None:
    """SIGKILL for everything but this process; only where that is a namespace of our own."""
    if os.getpid() != 1:
        raise RuntimeError("not PID 1: a sweep would end every process of this user")
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass


def reap() -> bool:
    """Wait for the end of one process that was left to PID 1; returns whether there was one."""
    try:
        os.waitpid(-1, 0)
    except ChildProcessError:
        return False
    return True
