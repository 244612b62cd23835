"""Counts what a whole run uses while it runs, and ends it when that is too much.

The limits of `code_runner.sandbox.limits` hold for one process each; the sum over all processes of
a run is known to the container's own cgroup (version 1 or 2). Where it has none, as with rootless
podman on cgroup version 1, it is taken from the processes in the slot's PID namespace.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from code_runner.sandbox.limits import MIB, Limits

# In this time a run on one CPU fills about 20 MiB; the container's limit leaves room for 256. Where
# half of what it may have is used already, or it has just grown by a process, we look more often,
# for we may come late ourselves.
POLL_SECONDS = 0.01
CLOSE_POLL_SECONDS = 0.002
# CPU time does not run away so fast: it is asked for less often.
CPU_POLL_SECONDS = 0.1
# What a run leaves in the kernel may be given back late: messages that nobody has received wait for
# its garbage collector. Of that, the next run may have so much on top of its own.
LATE_BYTES = 32 * MIB
# More than a program with one helper: they could fill memory on two processors at the same moment.
LONE_TASKS = 1
# Beside so many of a run's priority this process has a quarter of the turns on a processor.
MANY_TASKS = 8
CGROUP = Path("/sys/fs/cgroup")
UNLIMITED = 2**60


class Counter(Protocol):
    """Counts the memory, the tasks (processes and threads) and the CPU time of this container."""

    name: str

    def begin(self) -> int:
        """Bytes that the next run does not have to answer for, as far as `memory` counts them.

        To be called before each run, when of it there is at most the waiting child.
        """

    def memory(self) -> int:
        """Bytes in use that cannot be reclaimed at once."""

    def tasks(self) -> int:
        """Processes and threads."""

    def cpu_seconds(self) -> float:
        """CPU time used so far, also by processes that have ended."""

    def oom_kills(self) -> int:
        """How many processes the kernel has ended for want of memory; 0 where nobody counts."""


class CgroupFiles(NamedTuple):
    """Where a version of cgroups has its numbers."""

    name: str
    memory: Path
    statistics: Path
    cache_field: str  # of the statistics: what the kernel can drop
    tasks: Path
    cpu: Path  # the first number in it
    cpu_units: int  # for one second
    events: Path  # has a line that begins with oom_kill


class CgroupCounter:
    """Reads the files of the container's own cgroup, kept open."""

    def __init__(self, files: CgroupFiles) -> None:
        self.name = files.name
        self._memory = _open(files.memory)
        self._statistics = _open(files.statistics)
        self._cache_field = f"\n{files.cache_field} ".encode()
        self._tasks = _open(files.tasks)
        self._cpu = _open(files.cpu)
        self._cpu_units = files.cpu_units
        self._events = _open(files.events)
        self._least = UNLIMITED

    def begin(self) -> int:
        """What is in use; where a former run has left much of it, not all."""
        used = self.memory()
        self._least = min(self._least, used)
        return min(used, self._least + LATE_BYTES)

    def memory(self) -> int:
        """As the kubelet counts it: without file pages that the kernel can drop."""
        used = int(os.pread(self._memory, 32, 0))
        return max(0, used - _number_after(self._cache_field, os.pread(self._statistics, 8192, 0)))

    def tasks(self) -> int:
        """What the pids controller counts."""
        return int(os.pread(self._tasks, 32, 0))

    def cpu_seconds(self) -> float:
        """What the kernel has charged to the group."""
        number = re.search(rb"\d+", os.pread(self._cpu, 64, 0))
        return int(number[0]) / self._cpu_units if number else 0.0

    def oom_kills(self) -> int:
        """What the kernel has counted for the group."""
        return _number_after(b"\noom_kill ", os.pread(self._events, 1024, 0))


def _number_after(name: bytes, lines: bytes) -> int:
    """What stands behind `name`, which begins with a line's end; 0 where that is nowhere.

    Such a file is read for every run, and most of its lines are of no interest.
    """
    _, _, rest = lines.partition(name)
    return int(rest.partition(b"\n")[0] or 0)


class NamespaceCounter:
    """Sums over the processes that this PID namespace shows."""

    name = "sum over the PID namespace"

    def __init__(self) -> None:
        self._shared = 0

    def begin(self) -> int:
        """Take the size of the smallest process but this one for what all forks share."""
        # This one is no relative of theirs, and smaller than they are with modules preloaded.
        self._shared = min(self._look_at_each(_own_bytes, above=1), default=0)
        return self.memory()

    def memory(self) -> int:
        """The private memory of all processes.

        What every fork shares with the warm interpreter is counted once; what the processes of a
        run share among themselves, for each. Memory that is mapped nowhere does not show.
        """
        sizes = self._look_at_each(_own_bytes)
        return self._shared + sum(max(0, size - self._shared) for size in sizes)

    def tasks(self) -> int:
        """The threads of all processes."""
        return sum(self._look_at_each(lambda process: len(os.listdir(process / "task"))))

    def cpu_seconds(self) -> float:
        """That of all processes, and of those that they have waited for."""
        return sum(self._look_at_each(_own_ticks)) / os.sysconf("SC_CLK_TCK")

    def oom_kills(self) -> int:
        """Nobody counts them for us alone."""
        return 0

    def _look_at_each(self, count: Callable[[Path], int], above: int = 0) -> list[int]:
        values = []
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) > above:
                try:
                    values.append(count(Path("/proc", name)))
                except (FileNotFoundError, ProcessLookupError):
                    continue  # it has ended since it was listed
        return values


def _own_bytes(process: Path) -> int:
    """Memory that is no page of a file: the process's own, and what it shares with others."""
    kib = 0
    for line in (process / "status").read_text().splitlines():
        if line.startswith(("RssAnon:", "RssShmem:")):
            kib += int(line.split()[1])
    return kib * 1024


def _own_ticks(process: Path) -> int:
    """CPU time in user and kernel, its own and that of its children that have been waited for."""
    # The name of the program, in brackets, may hold anything.
    fields = (process / "stat").read_bytes().rpartition(b")")[2].split()
    return sum(int(field) for field in fields[11:15])


def find_counter() -> Counter:
    """The counter of this container: its own cgroup where it has one."""
    for build in (_cgroup_v2, _cgroup_v1):
        counter = build()
        if counter:
            return counter
    return NamespaceCounter()


def memory_limit() -> int | None:
    """The memory limit (bytes) of the container's own cgroup, None where there is none."""
    for group, name in ((CGROUP, "memory.max"), (CGROUP / "memory", "memory.limit_in_bytes")):
        if not _is_ours(group, name):
            continue
        try:
            limit = int((group / name).read_text())
        except ValueError:  # "max"
            return None
        return limit if limit < UNLIMITED else None
    return None


def _cgroup_v2() -> Counter | None:
    if not _is_ours(CGROUP, "memory.current", "pids.current"):
        return None
    return CgroupCounter(
        CgroupFiles(
            name="cgroup v2",
            memory=CGROUP / "memory.current",
            statistics=CGROUP / "memory.stat",
            cache_field="inactive_file",
            tasks=CGROUP / "pids.current",
            cpu=CGROUP / "cpu.stat",
            cpu_units=1_000_000,
            events=CGROUP / "memory.events",
        )
    )


def _cgroup_v1() -> Counter | None:
    memory, tasks, cpu = CGROUP / "memory", CGROUP / "pids", CGROUP / "cpuacct"
    if not (
        _is_ours(memory, "memory.usage_in_bytes")
        and _is_ours(tasks, "pids.current")
        and _is_ours(cpu, "cpuacct.usage")
    ):
        return None
    return CgroupCounter(
        CgroupFiles(
            name="cgroup v1",
            memory=memory / "memory.usage_in_bytes",
            statistics=memory / "memory.stat",
            cache_field="total_inactive_file",
            tasks=tasks / "pids.current",
            cpu=cpu / "cpuacct.usage",
            cpu_units=1_000_000_000,
            events=memory / "memory.oom_control",
        )
    )


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _is_ours(group: Path, *files: str) -> bool:
    """Whether the group has these files and holds this PID namespace and nothing else."""
    try:
        members = (group / "cgroup.procs").read_text().split()
    except OSError:
        return False
    # The kernel shows a process that this namespace cannot name as 0.
    return "1" in members and "0" not in members and all((group / file).exists() for file in files)


class Police:
    """Looks after one run from its beginning; calls `end` with a reason when it is over a limit.

    Calls `lower` when and while it becomes a run of so many that this process would seldom have its
    turn, and `gather` when it could use up memory on several processors, until that returns True.
    """

    def __init__(
        self,
        counter: Counter,
        limits: Limits,
        cpu_seconds: int,
        end: Callable[[str], None],
        lower: Callable[[], None],
        gather: Callable[[], bool],
        to_come: int = 0,
    ) -> None:
        """`to_come` is how many processes more there are going to be when the run begins."""
        self._counter = counter
        self._limits = limits
        self._cpu_limit = cpu_seconds
        self._end = end
        self._lower = lower
        self._gather = gather
        self.has_moved = False
        self._is_gathered = False
        self._is_over = False
        self._base_memory = counter.begin()
        self._base_tasks = counter.tasks() + to_come
        self._base_cpu = 0.0
        self._base_oom_kills = counter.oom_kills()
        self.peak_memory = 0
        self._tasks = 0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._cpu_timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Go on looking, early at first, for a run that is going to spread has begun to by then.

        Its CPU time counts from now on.
        """
        self._base_cpu = self._cpu_seconds()
        self._timer = self._loop.call_later(CLOSE_POLL_SECONDS, self._look_again)
        self._cpu_timer = self._loop.call_later(CPU_POLL_SECONDS, self._look_at_cpu)

    def _look_again(self) -> None:
        now = self._loop.time()
        pause = CLOSE_POLL_SECONDS if self.look() else POLL_SECONDS
        self._timer = self._loop.call_at(now + pause, self._look_again)

    def look(self) -> bool:
        """Look at tasks and memory now; returns whether the next look should come early."""
        tasks = self._counter.tasks() - self._base_tasks
        if tasks > self._limits.processes:
            # At once: where they have to be counted one by one, so has their memory, which takes
            # longer, and a bomb goes on meanwhile.
            self._end_for("processes")
            return True
        memory = self._counter.memory() - self._base_memory
        has_grown, self._tasks = tasks > self._tasks, tasks
        self.peak_memory = max(self.peak_memory, memory)
        if memory > self._limits.memory:
            self._end_for("memory")
        elif not self._is_over:
            if tasks > MANY_TASKS and has_grown:
                self._lower()
            if memory > self._limits.memory // 4 or (tasks > LONE_TASKS and not has_grown):
                # A bomb that grows could keep this process from its next look, so close to it.
                self._go_on_gathering()
        is_close = has_grown or memory > self._limits.memory // 2
        return is_close or (self.has_moved and not self._is_gathered)

    def _end_for(self, reason: str) -> None:
        self._is_over = True
        self._end(reason)

    def _go_on_gathering(self) -> None:
        if not self._is_gathered:
            self.has_moved = True
            self._is_gathered = self._gather()

    def _look_at_cpu(self) -> None:
        self._cpu_timer = self._loop.call_later(CPU_POLL_SECONDS, self._look_at_cpu)
        if self._cpu_seconds() - self._base_cpu > self._cpu_limit:
            self._end("cpu")

    def _cpu_seconds(self) -> float:
        """Without our own time, or a run whose flood we drain would be charged for it."""
        return self._counter.cpu_seconds() - time.process_time()

    def came_too_late(self) -> bool:
        """Whether the kernel has ended a process of this container for want of memory meanwhile."""
        return self._counter.oom_kills() > self._base_oom_kills

    def dismiss(self) -> None:
        """Stop watching."""
        for timer in (self._timer, self._cpu_timer):
            if timer:
                timer.cancel()
