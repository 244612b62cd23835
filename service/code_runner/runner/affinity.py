"""Keeps a run that spreads over several processors on the one that the agent is on.

The agent looks at what a run uses some hundred times a second, but only when it is its turn on its
processor, for which the whole container may have to wait while others use it. Until then a run
could go on elsewhere, and fill the container's memory unseen. On one processor it waits with the
agent, and the agent goes first.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

# Whatever a moved thread starts is on the right processor already, so the second look finds the
# last strays; the third is for one that came between two lines of /proc.
LOOKS = 3
# NR_CPUS of the largest kernels; the numbers of those that are there need not be without gaps.
MOST_PROCESSORS = 8192


def gather(*, but: int, most: int) -> None:
    """Move the threads of this PID namespace, `but` one process, to the calling one's processor.

    What they start stays there, and seccomp keeps a run from leaving. Where there are more than
    `most`, the rest is left: to follow a bomb that grows would take seconds, in which nobody ends
    it.
    """
    here = {_processor()}
    for _ in range(LOOKS):
        threads = islice(_threads(but), most)
        strays = [thread for thread in threads if _processors_of(thread) - here]
        if not strays:
            return
        for thread in strays:
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread, here)


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
    for process in os.listdir("/proc"):
        if process.isdigit() and int(process) != but:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                yield from map(int, os.listdir(f"/proc/{process}/task"))
