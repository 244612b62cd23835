"""Resource limits of one run, and why each has the value it has.

These are the coarse backstops that the kernel keeps for each process; what a whole run may use is
counted by `code_runner.runner.policing`.
"""

from __future__ import annotations

import os
import resource
from functools import partial
from typing import NamedTuple

from code_runner.sandbox.steps import Step

MIB = 2**20

# glibc gives every thread a stack of the size that RLIMIT_STACK had at the start of the program.
# With the usual 8 MiB, forty threads alone would use up RLIMIT_DATA; hence a smaller one.
THREAD_STACK = 1 * MIB
MAIN_STACK = 8 * MIB


class Limits(NamedTuple):
    """What one run may use: `memory` in bytes, `processes` a count that includes threads."""

    memory: int
    processes: int


# Below the agent, which has to be in time to see what a run does.
NICENESS = 5


def apply_for_children(limits: Limits) -> None:
    """Bind the calling process, and all that it starts; only lowers, never raises.

    What it has in memory already is not the run's.
    """
    for kind, soft in (
        # A single allocation too many is a MemoryError which the program sees, at once and in the
        # right line. A quarter above the policed memory, because thread stacks and the copies that
        # fork makes of private memory count here without being used.
        (resource.RLIMIT_DATA, _data_bytes() + limits.memory + limits.memory // 4),
        # No file can be larger than the memory that it would be stored in.
        (resource.RLIMIT_FSIZE, limits.memory),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_STACK, MAIN_STACK),
        # A core file would carry a client's data past the end of its run. Where the node pipes it
        # to a program, 0 would not keep it from that; 1 does, and no file is that small.
        (resource.RLIMIT_CORE, 1),
        # Locked memory, message queues and real-time scheduling are of no use to a run.
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_RTPRIO, 0),
    ):
        resource.setrlimit(kind, _below_ceiling(kind, soft))


def for_each_child(limits: Limits) -> tuple[Step, ...]:
    """A child's bounds that would be in the way of the process that forks it."""
    # Counted for the uid on the whole node, other pods with the same uid included: far too coarse
    # for the exact count, which is polled, but it holds a bomb between two polls. A fork takes half
    # a MiB at least: with the defaults, the container's memory is about enough for all.
    processes = _below_ceiling(resource.RLIMIT_NPROC, 8 * limits.processes)
    niceness = os.getpriority(os.PRIO_PROCESS, 0) + NICENESS
    return (
        Step(partial(os.setpriority, os.PRIO_PROCESS, 0, niceness)),
        Step(partial(resource.setrlimit, resource.RLIMIT_NPROC, processes)),
    )


def _data_bytes() -> int:
    """The data of this process, as RLIMIT_DATA counts it."""
    with open("/proc/self/status", "rb") as file:
        for line in file:
            if line.startswith(b"VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def shrink_thread_stacks() -> None:
    """Let the programs that this process starts give their threads stacks of `THREAD_STACK`."""
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (THREAD_STACK, hard))


bound_cpu_time = partial(resource.setrlimit, resource.RLIMIT_CPU)
"""Let this process have so many seconds of CPU time: a pair, of when SIGXCPU comes, and SIGKILL."""


def _below_ceiling(kind: int, limit: int) -> tuple[int, int]:
    _, ceiling = resource.getrlimit(kind)
    if ceiling != resource.RLIM_INFINITY:
        limit = min(limit, ceiling)
    return limit, limit
