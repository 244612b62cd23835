"""The agent's hold on the warm interpreter, and on the one child that it has forked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from code_runner.runner import forks, precedence, warm
from code_runner.runner.child import BEGUN, FOLDER, GREETING, JOB, SOURCE
from code_runner.runner.preload import PreloadFailed
from code_runner.sandbox.landlock import PACKAGES
from code_runner.sandbox.limits import Limits
from code_runner.waiting import is_readable

# Below the 30 seconds for which the gateway takes a runner's silence.
START_SECONDS = 25.0
# Most children are there by then. Until one is, this process has nothing else to do, and to wait by
# way of the loop would cost more than it gives.
SOON_SECONDS = 0.05
# A sweep takes milliseconds; an interpreter that is silent for this long has been stopped or worse.
SILENCE_SECONDS = 1.0
GREETING_BYTES = 4096

# All that a client's code finds in its environment, apart from what it sets itself. One thread for
# the numeric libraries: a slot has one processor, and each thread costs memory.
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "LANG": "C.UTF-8",
    # Its site-packages stand behind the standard library in the path of every Python of the run.
    "PYTHONUSERBASE": PACKAGES,
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
    """A child that waits for its job or has it from birth; known by a pidfd, which is never reused.

    `ending` is done when it has ended and nothing is left of its run; it fails with
    `InterpreterLost` where nobody can tell any more.
    """

    def __init__(self, channel: socket.socket, stdout: int, stderr: int) -> None:
        """For a child that is being forked with the other ends of `channel` and the two pipes."""
        self.stdout = stdout
        self.stderr = stderr
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self.is_known = False
        self._has_begun = False
        self._pidfd = -1
        self._watched = -1
        self._silence: asyncio.TimerHandle | None = None
        self.walls: list[str] = []
        self.exited = False
        self.ending: asyncio.Future[Ending] = self._loop.create_future()

    async def meet(self) -> None:
        """Wait for its greeting; raises `InterpreterLost`, `PreloadFailed` and `TimeoutError`."""
        if is_readable(self._channel, SOON_SECONDS):
            greeting = self._channel.recv(GREETING_BYTES)
        else:
            coming = self._loop.sock_recv(self._channel, GREETING_BYTES)
            greeting = await asyncio.wait_for(coming, START_SECONDS)
        if not greeting:
            words = self.last_words() or "the log may say why"
            raise InterpreterLost(f"it ended before its first word; {words}")
        if greeting.startswith(warm.REFUSED):
            raise PreloadFailed(greeting.removeprefix(warm.REFUSED).decode(errors="replace"))
        self._know(greeting)

    def has_greeted(self) -> bool:
        """Whether it has put up its walls, so that the job which it has may begin."""
        if not self.is_known:
            with contextlib.suppress(OSError, struct.error):  # not yet, or it has ended before
                self._know(self._channel.recv(GREETING_BYTES))
        return self.is_known

    def _know(self, greeting: bytes) -> None:
        pid, self._has_begun = GREETING.unpack_from(greeting)
        self.walls = greeting[GREETING.size :].decode().split(",")
        self.is_known = True
        if self.exited:
            return
        try:
            self._pidfd = os.pidfd_open(pid)
        except OSError:  # ESRCH; EINVAL where an older kernel knows the number as a session's
            self.exited = True

    def last_words(self) -> str:
        """Why it could not start, or could not go on waiting; "" where it has not said so."""
        try:
            return os.read(self.stderr, 2000).decode(errors="replace").strip()
        except BlockingIOError:
            return ""

    def watch(self) -> None:
        """Look also for its end itself: the report of it may never come."""
        if not self.has_greeted():
            self._look_at(self._channel.fileno(), self._on_greeting)
        elif self.exited:
            self._expect_report()
        else:
            self._look_at(self._pidfd, self._on_exit)

    def _look_at(self, descriptor: int, callback: Callable[[], None]) -> None:
        self._loop.add_reader(descriptor, callback)
        self._watched = descriptor

    def _ignore(self) -> None:
        if self._watched >= 0:
            self._loop.remove_reader(self._watched)
            self._watched = -1

    def _on_greeting(self) -> None:
        self._ignore()
        if self.has_greeted():
            self.watch()
        else:
            self._expect_report()

    def _on_exit(self) -> None:
        self._ignore()
        self.exited = True
        self._expect_report()

    def _expect_report(self) -> None:
        if not self._silence and not self.ending.done():
            silent = InterpreterLost("silent")
            self._silence = self._loop.call_later(SILENCE_SECONDS, self.lose, silent)

    def report(self, ending: Ending) -> None:
        """The interpreter's word that the child has ended and nothing is left of its run."""
        self.exited = True
        if not self.ending.done():
            self.ending.set_result(ending)

    def lose(self, reason: InterpreterLost) -> None:
        """Nothing will be known of this child any more."""
        if not self.ending.done():
            self.ending.set_exception(reason)
            self.ending.exception()  # it need not interest anybody

    def start(self, code: bytes, cpu_seconds: int) -> None:
        """Hand over the job: the client's code, and the CPU time that each process may use.

        Raises `OSError` where the code cannot be stored.
        """
        file = os.open(SOURCE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            if os.write(file, code) < len(code):
                raise OSError(f"no room for {SOURCE}")
        finally:
            os.close(file)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            # Where it has ended meanwhile, `ending` tells.
            self._channel.send(JOB.pack(len(code), cpu_seconds))

    def has_begun(self) -> bool:
        """Whether the child has come as far as the client's code; to be asked once, at the end."""
        with contextlib.suppress(OSError):
            if self.has_greeted() and not self._has_begun:
                self._has_begun = self._channel.recv(GREETING_BYTES) == BEGUN
        return self._has_begun

    def kill(self) -> None:
        """End the child at once; what it has started is the sweep's."""
        if not self.has_greeted():
            self.lose(InterpreterLost("its child has to be ended and is not known yet"))
            return
        if not self.exited:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        self._expect_report()

    def close(self) -> None:
        """Give the descriptors back."""
        self._ignore()
        self._channel.close()
        os.close(self.stdout)
        os.close(self.stderr)
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        if self._silence:
            self._silence.cancel()


class Interpreter:
    """One warm interpreter process; `lost` once it has gone, at whatever moment."""

    def __init__(
        self, bounds: Limits, process: asyncio.subprocess.Process, control: socket.socket
    ) -> None:
        self._bounds = bounds
        self._process = process
        self._control = control
        self._child: Child | None = None
        self._loop = asyncio.get_running_loop()
        self.lost = False
        self._loop.add_reader(control.fileno(), self._on_message)

    @classmethod
    async def start(cls, bounds: Limits, modules: tuple[str, ...]) -> Interpreter:
        """Start it, to import `modules` first; it is ready when its first child is."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(warm.__file__)),
                str(bounds.memory),
                str(bounds.processes),
                *modules,
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.DEVNULL,  # what an import prints is nobody's answer
                # What is looked up now, no child has to; the interpreter takes it out again.
                env={**ENVIRONMENT, warm.BIND_NOW: "1"},
                cwd="/",
            )
        ours.setblocking(False)
        return cls(bounds, process, ours)

    def _on_message(self) -> None:
        try:
            message = self._control.recv(64)
        except BlockingIOError:
            return  # `ends_within` was here before
        except OSError:
            message = b""
        if not message:
            self._loop.remove_reader(self._control.fileno())
            self._lose()
        elif self._child:
            self._child.report(Ending(*forks.ENDING.unpack(message)))

    def _lose(self) -> None:
        self.lost = True
        if self._child:
            self._child.lose(InterpreterLost("it has ended; the log may say why"))

    async def fork(self) -> Child:
        """Have a child forked, and wait until it has put up its walls and waits for its job.

        Raises `InterpreterLost`, and `PreloadFailed` instead of the first child.
        """
        child = self._fork(forks.WAIT)
        try:
            await child.meet()
            return child
        except TimeoutError:
            child.close()
            raise InterpreterLost(f"no child within {START_SECONDS:g} seconds") from None
        except (OSError, struct.error) as error:
            child.close()
            raise InterpreterLost(f"no child could be forked: {error!r}") from None
        except BaseException:  # `PreloadFailed`, or nobody waits for this child any more
            child.close()
            raise

    def fork_for(self, code: bytes, cpu_seconds: int) -> Child:
        """Have a child forked that has its job already, as for `Child.start`.

        Nobody looks at the walls of this one before it begins: they are those of the children that
        `fork` has waited for. Raises `InterpreterLost`.
        """
        return self._fork(forks.RUN, lambda child: child.start(code, cpu_seconds))

    def _fork(self, order: bytes, begin: Callable[[Child], None] | None = None) -> Child:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        stdout, its_stdout = _pipe()
        stderr, its_stderr = _pipe()
        self._child = child = Child(ours, stdout, stderr)
        try:
            os.mkdir(FOLDER)
            if begin:
                begin(child)
            rights = forks.DESCRIPTORS.pack(theirs.fileno(), its_stdout, its_stderr)
            self._control.sendmsg([order], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            return child
        except OSError as error:
            child.close()
            self.lost = True  # its end may not have been heard of yet
            raise InterpreterLost(f"no child could be forked: {error!r}") from None
        finally:
            # With its ends in no other process, we learn of its end by the end of the channel.
            theirs.close()
            os.close(its_stdout)
            os.close(its_stderr)

    def ends_within(self, seconds: float) -> bool:
        """Wait for the end of the run by nothing else than the interpreter's report of it."""
        if not is_readable(self._control, seconds):
            return False
        self._on_message()
        return True

    def lower_run(self) -> None:
        """Let this process go before those of the run."""
        _assert_own_namespace()
        precedence.lower(but=self._process.pid)

    def gather_run(self) -> bool:
        """Keep the run on this process's processor; not the interpreter, or all later ones too.

        Returns whether that is done; where it takes long, the rest is left to another call.
        """
        _assert_own_namespace()
        # Two are not the run's: this process, and one that the kernel may not have taken away yet.
        return precedence.gather(but=self._process.pid, most=self._bounds.processes + 2)

    def halt_run(self) -> None:
        """Stop every process of the run where it is; the interpreter goes on, to end them.

        What is stopped does not fork or fill memory any more. Without that, a bomb of a thousand
        processes goes on for as long as the child that ends and the interpreter wait for their turn
        among them: time enough to make the kernel take this process for want of memory.
        """
        _signal_all(signal.SIGSTOP)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGCONT)

    async def destroy(self) -> None:
        """End it and every other process of this namespace, and wait until none is left."""
        # First, for the interpreter would complain of a control that has been closed.
        _signal_all(signal.SIGKILL)
        if self._control.fileno() >= 0:
            self._loop.remove_reader(self._control.fileno())
            self._control.close()
        self._lose()
        await self._process.wait()
        while reap():
            pass


def _pipe() -> tuple[int, int]:
    """A pipe whose reading end never blocks."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(reader, False)
    return reader, writer


def _signal_all(number: int) -> None:
    """Send a signal to all processes but this one; only where that is a namespace of our own."""
    _assert_own_namespace()
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, number)


def _assert_own_namespace() -> None:
    if os.getpid() != 1:
        raise RuntimeError("not PID 1: it would befall every process of this user")


def reap() -> bool:
    """Wait for the end of one process that was left to PID 1; returns whether there was one."""
    try:
        os.waitpid(-1, 0)
    except ChildProcessError:
        return False
    return True
