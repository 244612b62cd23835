"""The one list of walls, and where those of a single process are put up.

A wall is named by what gives it. Those of a process are put up here, before the child that will
execute a client's code reads it: by `prepare` once for all children, where a wall is inherited and
does not hinder their parent, the others by the steps of its `Plan` in each. The rest is given by
the container, and `code_runner.runner.surroundings` looks whether it stands. `/ready` names all.
"""

from __future__ import annotations

import os
from functools import partial
from typing import NamedTuple

from code_runner.sandbox import kernel, landlock, limits, seccomp
from code_runner.sandbox.landlock import Ruleset
from code_runner.sandbox.limits import Limits
from code_runner.sandbox.steps import Step

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
    """What `prepare` leaves for each child to do, and the walls that stand after that."""

    first: tuple[Step, ...]
    ruleset: Ruleset | None
    last: tuple[Step, ...]
    standing: bytes
    """Their names, separated by commas."""

    def steps(self) -> tuple[Step, ...]:
        """How a child of this process puts up the rest, before it opens anything."""
        confinement = self.ruleset.confinement() if self.ruleset else ()
        return *self.first, *confinement, *self.last

    def renew(self) -> None:
        """To be called after every `CHILDREN` children.

        Raises `OSError` where the kernel refuses a call that it had offered.
        """
        if self.ruleset:
            self.ruleset.renew()


def prepare(bounds: Limits) -> Plan:
    """Put up what children inherit, and work out the rest; for the process that forks them.

    Raises `OSError` where the kernel refuses a call that it had offered.
    """
    standing = ["rlimits"]
    kernel.forbid_new_privileges()
    if not kernel.may_gain_privileges():
        standing.append("no_new_privs")
    kernel.hide_from_debuggers()
    if not kernel.is_dumpable():
        standing.append("non_dumpable")
    limits.apply_for_children(bounds)
    abi = landlock.abi()
    ruleset = landlock.Ruleset(abi) if abi >= 1 else None
    standing += ruleset.walls if ruleset else []
    program = _filter(signals_are_scoped=abi >= landlock.SCOPE_ABI)
    standing += ["seccomp"] if program else []
    # What earlier steps need is taken away last.
    last: list[Step] = []
    if program and abi >= landlock.SCOPE_ABI:
        seccomp.install(program)
    elif program:
        last.append(Step(partial(seccomp.install, program)))
    first = (Step(partial(os.setsid)), *limits.for_each_child(bounds))
    return Plan(first, ruleset, tuple(last), ",".join(standing).encode())


def _filter(signals_are_scoped: bool) -> bytes | None:
    """The seccomp filter; None where there is none for this machine.

    Without the scope it keeps a run's signals from this process, whose own it would keep from
    everybody too; so each child puts it up for itself.
    """
    try:
        return seccomp.assemble(os.uname().machine, () if signals_are_scoped else (1, os.getpid()))
    except OSError:
        return None
