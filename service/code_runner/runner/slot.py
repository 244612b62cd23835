"""One slot: its warm interpreter, its folders, and the rule that only a proven-clean slot runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any

from code_runner.protocol import Job, Outcome
from code_runner.runner.child import FOLDER, SOURCE
from code_runner.runner.cleaning import OPEN_FOLDER, CleanFolder, NotClean
from code_runner.runner.interpreter import Child, Ending, Interpreter, InterpreterLost
from code_runner.runner.policing import find_counter
from code_runner.runner.preload import PreloadFailed
from code_runner.runner.run import Run
from code_runner.runner.surroundings import standing_walls
from code_runner.sandbox.limits import Limits
from code_runner.sandbox.walls import WALL_NAMES

WRITABLE_FOLDERS = ("/tmp", "/dev/shm")
PROGRAM = os.path.basename(SOURCE)
RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)

logger = logging.getLogger(__name__)


class MissingWall(Exception):
    """A wall that the operator requires does not stand."""


class Slot:
    """Cleans itself, executes one job, and cleans itself again."""

    def __init__(
        self,
        limits: Limits,
        characters: int,
        warm_runs: int,
        required_walls: frozenset[str],
        preload: tuple[str, ...],
    ) -> None:
        self._limits = limits
        self._characters = characters
        self._warm_runs = warm_runs
        self._required_walls = required_walls
        self._preload = preload
        self._counter = find_counter()
        self._folders: list[CleanFolder] = []
        self._surroundings: list[str] = []
        self._interpreter: Interpreter | None = None
        self._child: Child | None = None
        self._forks = 0
        self._is_clean = False
        self._run: Run | None = None

    @property
    def walls(self) -> list[str]:
        """The names of the walls that stand, in the order of the list of walls."""
        standing = {*self._surroundings, *(self._child.walls if self._child else [])}
        return [name for name in WALL_NAMES if name in standing]

    @property
    def description(self) -> dict[str, Any]:
        """What READY tells of this slot."""
        return {"walls": self.walls, "memory_counter": self._counter.name}

    async def clean_up(self, out_of_service: Callable[[str], None]) -> None:
        """Have the slot proven clean, and an interpreter whose children have all walls.

        Tries until that has been reached; `out_of_service` is told the reason of each failure.
        """
        await self._try_until_done(self._clean_up, out_of_service)

    async def prepare(self, out_of_service: Callable[[str], None]) -> None:
        """The same, and have a child waiting."""
        await self._try_until_done(self._prepare, out_of_service)

    async def _try_until_done(
        self, step: Callable[[], Awaitable[None]], out_of_service: Callable[[str], None]
    ) -> None:
        attempt = 0
        while True:
            try:
                await step()
                return
            except (NotClean, InterpreterLost, PreloadFailed, MissingWall, OSError) as error:
                reason = f"{type(error).__name__}: {error}"
            logger.error("slot out of service: %s", reason)
            out_of_service(reason)
            await self.clear()
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1

    async def _prepare(self) -> None:
        await self._clean_up()
        if not self._child:
            await self._fork()

    async def _clean_up(self) -> None:
        if self._child and (self._child.exited or self._child.ending.done()):
            await self._bury(self._child)
        if self._child:
            return
        if self._interpreter and self._is_used_up(self._interpreter):
            await self.clear()
        if not self._is_clean:
            self._clean_folders()
        # What stands around this process does not change while it lives.
        self._surroundings = self._surroundings or standing_walls(self._folders, self._counter)
        if not self._interpreter:
            self._interpreter = await Interpreter.start(self._limits, self._preload)
            self._forks = 0
            await self._fork()

    async def _bury(self, child: Child) -> None:
        """Do without a child that has ended while it waited."""
        # Its report must not be taken for the next one's.
        await child.ending
        if words := child.last_words():
            logger.error("a child ended while it waited: %s", words)
        child.close()
        self._child = None

    def _is_used_up(self, interpreter: Interpreter) -> bool:
        return interpreter.lost or self._forks >= self._warm_runs

    def _clean_folders(self) -> None:
        _remove_the_program()
        for folder in self._folders:
            folder.clean()
        for path in WRITABLE_FOLDERS[len(self._folders) :]:
            self._folders.append(CleanFolder(path))
        self._is_clean = True

    async def _fork(self) -> None:
        """Have a child waiting; raises `MissingWall` where one that is required does not stand."""
        assert self._interpreter
        self._soil()
        self._child = await self._interpreter.fork()
        if missing := sorted(self._required_walls - set(self.walls)):
            raise MissingWall(f"required, but not standing: {', '.join(missing)}")

    def _soil(self) -> None:
        self._is_clean = False
        self._forks += 1

    async def clear(self) -> None:
        """End every process of the slot but the agent."""
        if self._child:
            self._child.close()
            self._child = None
        if self._interpreter:
            self._is_clean = False  # for something may have been in there until now
            await self._interpreter.destroy()
            self._interpreter = None

    @property
    def waiting(self) -> asyncio.Future[Ending]:
        """Done when the child that waits for a job has gone while there was none."""
        assert self._child
        return self._child.ending

    def is_ready_soon(self) -> bool:
        """Whether the clean-up after the last run will be a matter of moments."""
        return bool(
            self._interpreter
            and not self._is_used_up(self._interpreter)
            and all(folder.is_cleaned_soon() for folder in self._folders)
        )

    async def execute(self, job: Job) -> Outcome:
        """Execute one job in the clean slot, in the child that waits or in one that it forks.

        Afterwards `clean_up` has to be called again. Raises `NeverBegan`.
        """
        assert self._interpreter
        child, self._child = self._child, None
        if not child:
            self._soil()
        self._run = Run(job, child, self._interpreter)
        try:
            return await self._run.execute(self._counter, self._limits, self._characters)
        finally:
            self._run.close()
            self._run = None
            if self._interpreter.lost:
                await self.clear()

    def stop(self, run_id: str | None) -> None:
        """End the run with this id, if it is the one that is under way."""
        if self._run and self._run.job.run_id == run_id:
            self._run.stop("cancelled")


def _remove_the_program() -> None:
    """Remove what was made for the run; if that was all, there is nothing to search for."""
    with contextlib.suppress(OSError):
        # The run may have put a link to somewhere else in its place.
        folder = os.open(FOLDER, OPEN_FOLDER)
        try:
            os.unlink(PROGRAM, dir_fd=folder)
        finally:
            os.close(folder)
        os.rmdir(FOLDER)
