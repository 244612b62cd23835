"""The one list of walls, and where those of a single process are put up.

A wall is named by what gives it. Those of `raise_walls` are put up here, in the child that will
execute a client's code, before it reads that code; the others are given by the container, and
`code_runner.runner.surroundings` looks whether they stand. `/ready` names both kinds.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from code_runner.sandbox import kernel, landlock, limits, seccomp
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
    "landlock": "no file outside the slot's own folders can be opened, but programs and libraries",
    "landlock_tcp": "no TCP connection can be made or taken",
    "landlock_ioctl": "devices can be read and written, not controlled",
    "landlock_scope": "signals reach the processes of the run only",
    "seccomp": "system calls that a program has no use for are refused",
}

# What has to stand before a slot takes a run, unless the operator says otherwise. The rest depends
# on the age of the kernel or on what a container engine offers.
REQUIRED_WALLS = ("seccomp", "landlock", "rlimits", "non_dumpable", "memory_counter")


class Plan(NamedTuple):
    """What the warm interpreter works out once, for the children that put it up."""

    limits: Limits
    landlock_abi: int
    seccomp_filter: bytes | None


def plan(bounds: Limits) -> Plan:
    """Look what this kernel offers; to be called by the process that forks the children."""
    abi = landlock.abi()
    protected = () if abi >= landlock.SCOPE_ABI else (1, os.getpid())
    try:
        program = seccomp.assemble(os.uname().machine, protected)
    except OSError:
        program = None
    return Plan(bounds, abi, program)


def raise_walls(plan: Plan) -> list[str]:
    """Put up every wall that a process can give itself; returns the names of those that stand.

    Called once in a fresh child. The order matters: what later steps need is taken away last.
    Raises `OSError` where the kernel refuses a call that it had offered.
    """
    standing = []
    kernel.forbid_new_privileges()
    if not kernel.may_gain_privileges():
        standing.append("no_new_privs")
    kernel.hide_from_debuggers()
    if not kernel.is_dumpable():
        standing.append("non_dumpable")
    os.setsid()
    limits.apply(plan.limits)
    standing.append("rlimits")
    standing += landlock.restrict_self(plan.landlock_abi)
    if plan.seccomp_filter:
        seccomp.install(plan.seccomp_filter)
        standing.append("seccomp")
    return standing
