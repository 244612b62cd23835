"""Sees to it that the agent goes before a run of several processes or threads.

The agent looks at what a run uses some hundred times a second, but only when it is its turn. Among
a hundred processes it has a hundredth of the processor, and whoever has just had more than that
waits until the others have caught up, for seconds: so a run of many gets the lowest priority.
And while the whole container waits for the processor that the agent is on, a run could go on on
another, and fill the container's memory unseen: so it is moved to that of the agent.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

LOWEST_PRIORITY = 19
# Whatever a moved thread starts is on the right processor already, so the second look finds the
# last strays; the third is for one that came between two lines of /proc.
LOOKS = 3
# After each move this process may have to wait for its turn.
GATHER_SECONDS = 0.005
# NR_CPUS of the largest kernels; the numbers of those that are there need not be without gaps.
MOST_PROCESSORS = 8192
# It has ended, or somebody has come in from outside to look around.
_NOT_OURS = contextlib.suppress(ProcessLookupError, PermissionError)


def lower(*, but: int) -> None:
    """Give the lowest priority to the processes of this PID namespace, `but` one and this.

    What they start has it too, and seccomp keeps a run from more. Of a process's threads only the
    first is changed, who starts the others as a rule: to list all takes ten times as long.
    """
    for process in _processes(but):
        if process != os.getpid():
            with _NOT_OURS:
                os.setpriority(os.PRIO_PROCESS, process, LOWEST_PRIORITY)


def gather(*, but: int, most: int) -> bool:
    """Move the threads of this PID namespace, `but` one process, to the calling one's processor.

    What they start stays there, and seccomp keeps a run from leaving. Where there are more than
    `most`, the rest is left: to follow a bomb that grows would take seconds, in which nobody ends
    it. Returns False where some are left for the next call, because of `GATHER_SECONDS`.
    """
    here = {_processor()}
    deadline = time.monotonic() + GATHER_SECONDS
    for _ in range(LOOKS):
        threads = islice(_threads(but), most)
        strays = [thread for thread in threads if _processors_of(thread) - here]
        if not strays:
            break
        for thread in strays:
            if time.monotonic() > deadline:
                return False
            with _NOT_OURS:
                os.sched_setaffinity(thread, here)
    return True


def roam() -> None:
    """Let the calling thread use all processors again that its container may use."""
    os.sched_setaffinity(0, range(MOST_PROCESSORS))


def _processor() -> int:
    """The number of the processor that the calling thread is on."""
    # The name of the program, in brackets, may hold anything.
    return int(Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()[36])


def _processors_of(thread: int) -> set[int]:
    try:
        return os.sched_getaffinity(thread)
    except ProcessLookupError:
        return set()


def _threads(but: int) -> Iterator[int]:
    for process in _processes(but):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield from map(int, os.listdir(f"/proc/{process}/task"))


def _processes(but: int) -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != but)
