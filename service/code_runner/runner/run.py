"""One run: a job goes in, at most its timeout later an outcome comes out."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import time

from code_runner.protocol import Job, Outcome
from code_runner.runner import precedence
from code_runner.runner.interpreter import Child, Ending, Interpreter, InterpreterLost
from code_runner.runner.output import BoundedOutput
from code_runner.runner.policing import Counter, Police
from code_runner.sandbox.limits import Limits

# A program that prints past the cap is drained, because it may still end well and in time; one that
# has printed this many bytes to one stream will not.
DRAIN_BYTES = 2**30
# Most runs end within a few such pauses, with less printed than a pipe holds. So long this process
# waits for the report of it and only looks in between, for to watch a run costs more than it gives.
PAUSE_SECONDS = 0.002
PAUSES = 5
# A child that has its job from birth comes to it in this time, where it has a processor; and most
# runs are over by then.
BIRTH_SECONDS = 0.01
BIRTHS = 5

logger = logging.getLogger(__name__)


class NeverBegan(Exception):
    """The child was lost before it came to the client's code: the job may be given to another.

    The text is what the child said about it.
    """


class Run:
    """The one run that a slot executes; `stop` may be called from outside while it does."""

    def __init__(self, job: Job, child: Child | None, interpreter: Interpreter) -> None:
        """With the child that waits for this job; None: one is forked when the run begins."""
        self.job = job
        self._child = child
        self._interpreter = interpreter
        self._stopped_for: str | None = None
        self._began = 0.0

    @property
    def _cpu_seconds(self) -> int:
        """CPU time for each process and for all: that of one processor, and some for starting."""
        return math.ceil(self.job.timeout) + 1

    def stop(self, reason: str) -> None:
        """End the run now; the first reason counts, unless it has ended by itself."""
        assert self._child
        if not self._child.exited:
            self._stopped_for = self._stopped_for or reason
        self._interpreter.halt_run()
        self._child.kill()

    async def execute(self, counter: Counter, limits: Limits, characters: int) -> Outcome:
        """Execute the job to its end, when no process of it is left any more.

        Where the warm interpreter was lost, the outcome's reason is `memory` if the kernel ended it
        for that, else `runner_lost`, and every process has been ended all the same. Raises
        `NeverBegan`.
        """
        self._began = time.monotonic()
        police = Police(
            counter,
            limits,
            self._cpu_seconds,
            self.stop,
            self._interpreter.lower_run,
            self._interpreter.gather_run,
            to_come=0 if self._child else 1,
        )
        child = self._hand_over()
        stdout, stderr = (
            BoundedOutput(descriptor, characters, DRAIN_BYTES, lambda: self.stop("output"))
            for descriptor in (child.stdout, child.stderr)
        )
        try:
            if not self._ends_soon(child, police, stdout, stderr):
                for watched in (police, stdout, stderr, child):
                    watched.watch()
            ending = await self._wait_for_end(child, self._began + self.job.timeout)
            if not self._stopped_for and not child.has_begun():
                raise NeverBegan(stderr.finish().decode(errors="replace"))
            reason, exit_code = self._judge(ending, police)
            return Outcome(
                reason,
                exit_code,
                duration_ms=(time.monotonic() - self._began) * 1000,
                cpu_ms=ending.cpu_us / 1000 if ending else 0.0,
                peak_memory_bytes=max(police.peak_memory, ending.peak_memory if ending else 0),
                stdout=stdout.finish(),
                stderr=stderr.finish(),
            )
        finally:
            police.dismiss()
            if police.has_moved:
                precedence.roam()
            stdout.ignore()
            stderr.ignore()

    def close(self) -> None:
        """Give the descriptors of its child back."""
        if self._child:
            self._child.close()

    def _hand_over(self) -> Child:
        """Give the job to the child that waits for it, or have one forked for it."""
        code, cpu_seconds = self.job.code, self._cpu_seconds
        if not self._child:
            try:
                self._child = self._interpreter.fork_for(code, cpu_seconds)
            except (InterpreterLost, OSError) as error:
                raise NeverBegan(str(error)) from None
            return self._child
        try:
            self._child.start(code, cpu_seconds)
        except OSError as error:
            logger.error("run %s: its code cannot be handed over: %s", self.job.run_id, error)
            self._child.kill()
        return self._child

    def _ends_soon(self, child: Child, police: Police, *outputs: BoundedOutput) -> bool:
        for _ in range(0 if child.is_known else BIRTHS):
            looked = time.monotonic()
            if self._interpreter.ends_within(BIRTH_SECONDS):
                return True
            self._began = looked  # not before; a late birth is not on the run's own time
            if child.has_greeted():
                break
        for _ in range(PAUSES):
            if self._interpreter.ends_within(PAUSE_SECONDS):
                return True
            police.look()
            if any(output.take() for output in outputs):
                return False  # it may print more, and wait for a reader
        return False

    async def _wait_for_end(self, child: Child, deadline: float) -> Ending | None:
        try:
            try:
                if child.ending.done():
                    return child.ending.result()
                # A run that is over time ends later, and has its ending too.
                left = max(0.0, deadline - time.monotonic())
                return await asyncio.wait_for(asyncio.shield(child.ending), left)
            except TimeoutError:
                self.stop("timeout")
                return await child.ending
        except InterpreterLost:
            await self._interpreter.destroy()
            return None

    def _judge(self, ending: Ending | None, police: Police) -> tuple[str, int]:
        """Why the run ended, and its exit code."""
        if self._stopped_for:
            return self._stopped_for, -1
        if (ending is None or ending.status == signal.SIGKILL) and police.came_too_late():
            return "memory", -1
        if ending is None:
            return "runner_lost", -1
        exit_code = os.waitstatus_to_exitcode(ending.status)
        # The signal alone proves nothing: a program may send it to itself.
        if exit_code == -signal.SIGXCPU and ending.cpu_us >= self._cpu_seconds * 990_000:
            return "cpu", -1
        return ("exited" if exit_code >= 0 else "signal"), exit_code
