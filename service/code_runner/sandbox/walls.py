"""The one list of walls, and where those of a single process are put up.

A wall is named by what gives it. Those of `raise_walls` are put up here, in the child that will
execute a client's code, before it reads that code; the others are given by the container, and
`code_runner.runner.surroundings` looks whether they stand. `/ready` names both kinds.
"""

from __future__ import annotations

import os

from code_runner.sandbox import kernel, limits
from code_runner.sandbox.limits import Limits

WALL_NAMES = {
    "pid_namespace": "the processes of a slot see and reach none outside it",
    "own_uid": "a slot shares its user id neither with the gateway nor with root",
    "read_only_root": "nothing of the image can be changed",
    "sized_tmpfs": "writable folders are memory of a fixed size",
    "memory_cgroup": "the container has a memory limit of its own",
    "memory_counter": "the memory of a run can be counted while it runs",
    "no_new_privs": "no program gains privileges when it is started",
    "non_dumpable": "a run cannot look into the processes of the service",
    "rlimits": "one process cannot exhaust the slot",
    "landlock": "files and sockets outside the slot's own folders cannot be opened",
    "seccomp": "system calls that a program has no use for are refused",
}


def raise_walls(bounds: Limits) -> list[str]:
    """Put up every wall that a process can give itself; returns the names of those that stand.

    Called once in a fresh child. The order matters: what later steps need is taken away last.
    Raises `OSError` where the kernel refuses a call that every supported kernel has.
    """
    standing = []
    kernel.forbid_new_privileges()
    if not kernel.may_gain_privileges():
        standing.append("no_new_privs")
    kernel.hide_from_debuggers()
    if not kernel.is_dumpable():
        standing.append("non_dumpable")
    os.setsid()
    limits.apply(bounds)
    standing.append("rlimits")
    # Landlock and then seccomp, which would refuse some of the calls above, belong here.
    return standing
