"""What a service costs: CPU time and memory of its processes, read from /proc.

All services are asked in the same way, whatever they are made of: the processes below one or
several first ones, which for a pod are those that its containers began with. The time of those
that have ended is with whoever waited for them, and that is one of the tree: uvicorn and asyncio
wait for their subprocesses, and the warm interpreter for its children, orphans included.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


class Stat(NamedTuple):
    """Some fields of /proc/PID/stat."""

    parent: int
    cpu_seconds: float
    """Its own, and that of the children for which it has waited, and of theirs."""


class Memory(NamedTuple):
    """What processes hold, in MiB."""

    rss: float
    """Resident; what several share is counted for each."""
    pss: float | None
    """Resident; what several share is divided among them. None where it may not be read."""


def tree(roots: Iterable[int]) -> dict[int, Stat]:
    """The processes that descend from `roots`, and these themselves."""
    every = {int(path.name): stat for path in PROC.glob("[0-9]*") if (stat := _stat(path))}
    children: dict[int, list[int]] = {}
    for pid, stat in every.items():
        children.setdefault(stat.parent, []).append(pid)
    found: dict[int, Stat] = {}
    waiting = [pid for pid in roots if pid in every]
    while waiting:
        pid = waiting.pop()
        found[pid] = every[pid]
        waiting += children.get(pid, [])
    return found


def cpu_seconds(roots: Iterable[int]) -> float:
    """CPU time of the processes below `roots` so far."""
    return sum(stat.cpu_seconds for stat in tree(roots).values())


def busy_seconds() -> float:
    """CPU time that this machine has spent on anything so far, or that its host kept from it."""
    for line in (PROC / "stat").read_text().splitlines():
        if line.startswith("cpu "):
            user, nice, system, _idle, _iowait, *interrupts = map(int, line.split()[1:9])
            return (user + nice + system + sum(interrupts)) / TICKS
    return 0.0


class Meter:
    """Counts CPU time from now on: that of the processes below `roots`, and that of the machine."""

    def __init__(self, roots: Sequence[int]) -> None:
        self._roots = roots
        self._began = cpu_seconds(roots), busy_seconds()

    def service(self) -> float | None:
        """Seconds so far; None where no process is known."""
        return cpu_seconds(self._roots) - self._began[0] if self._roots else None

    def machine(self) -> float:
        """Seconds so far, of all cores."""
        return busy_seconds() - self._began[1]


def memory(roots: Iterable[int]) -> Memory:
    """What the processes below `roots` hold now."""
    pids = list(tree(roots))
    rss = sum(_kib(pid, "status", "VmRSS:") or 0 for pid in pids)
    pss = [_kib(pid, "smaps_rollup", "Pss:") for pid in pids]
    whole = None if None in pss else sum(size or 0 for size in pss) / 1024
    return Memory(rss / 1024, whole)


def _stat(path: Path) -> Stat | None:
    try:
        text = (path / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None  # it has ended since it was listed
    # The name in parentheses may hold anything.
    fields = text.rpartition(")")[2].split()
    return Stat(int(fields[1]), sum(int(ticks) for ticks in fields[11:15]) / TICKS)


def _kib(pid: int, file: str, name: str) -> int | None:
    """A line of a file in /proc/PID; 0 for a process that has ended, None for another user's."""
    try:
        for line in (PROC / str(pid) / file).read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    except PermissionError:
        return None
    return 0
