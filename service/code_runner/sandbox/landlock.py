"""Landlock: which files a run may open, and (on newer kernels) no TCP, no signal to the outside.

Unprivileged and inherited by all that a run starts. Each version of the kernel's interface (its
ABI) can forbid more; what it cannot, it ignores, and the seccomp filter stands in where it can.
Source: <linux/landlock.h>, https://docs.kernel.org/userspace-api/landlock.html. The numbers of the
system calls are the same on every architecture.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
from collections.abc import Iterable, Iterator
from functools import partial

from code_runner.sandbox import kernel
from code_runner.sandbox.steps import Step, take

CREATE_RULESET = 444
ADD_RULE = 445
RESTRICT_SELF = 446
VERSION_FLAG = 1
RULE_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_CHAR, MAKE_BLOCK = 1 << 6, 1 << 11
TRUNCATE = 1 << 14
# How many rights to files each ABI knows: all bits below.
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
TCP_ABI, TCP_RIGHTS = 4, 0b11
SCOPE_ABI, SCOPES = 6, 0b11
IOCTL_ABI = 5

READ = READ_FILE | READ_DIR
RUN = READ | EXECUTE
# A rule for a single file takes only the rights that a file can have.
READ_WRITE_FILE = READ_FILE | WRITE_FILE | TRUNCATE

# What the operator has installed for the runs, and the service itself does not see.
PACKAGES = "/opt/packages"
PROGRAMS = ("/usr", "/lib", "/lib64", "/bin", PACKAGES, sys.base_prefix, sys.prefix)
CONFIGURATION = (
    *("/etc/ssl", "/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/ld.so.cache"),
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf"),
)
# Single files, because all of /proc would tell of other processes, and a process's own folder (by
# `net`, also below `task`) of the gateway's connections.
KERNEL_FACTS = (
    *("/proc/cpuinfo", "/proc/filesystems", "/proc/loadavg", "/proc/meminfo", "/proc/stat"),
    *("/proc/uptime", "/proc/version", "/proc/sys/kernel/random", "/proc/sys/vm"),
    "/sys/devices/system/cpu",
)
# What programs and their libraries look for. Each is a file more to open and a rule more to add in
# every child.
OWN_FACTS = {
    "fd": READ,
    **dict.fromkeys(("cmdline", "maps", "stat", "statm", "status"), READ_FILE),
}
# A ruleset is used for so many children, each of which adds what is its own to it.
CHILDREN = 8
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
WRITABLE = ("/tmp", "/dev/shm")


def abi() -> int:
    """The version of Landlock that this kernel offers; 0 where it has none."""
    try:
        return kernel.syscall(CREATE_RULESET, 0, 0, VERSION_FLAG)
    except OSError:
        return 0


class Ruleset:
    """What a run may do to files, worked out once by the process that forks the children.

    Looking up paths costs far more than adding a rule, and adding rules more than taking over a
    ruleset. So the descriptors of all that is the same for every child stay open here, and several
    children in a row add what is their own to one ruleset: rules for those that have ended allow
    nothing, since a new process has new files in /proc, whatever its number.
    """

    def __init__(self, version: int) -> None:
        """For ABI `version`, from 1 up."""
        everything = (1 << FILE_RIGHTS[min(version, max(FILE_RIGHTS))]) - 1
        rights = [everything]
        self.walls = ["landlock"]
        if version >= TCP_ABI:
            rights.append(TCP_RIGHTS)
            self.walls.append("landlock_tcp")
        if version >= IOCTL_ABI:
            self.walls.append("landlock_ioctl")
        if version >= SCOPE_ABI:
            rights.append(SCOPES)
            self.walls.append("landlock_scope")
        attributes = struct.pack(f"={len(rights)}Q", *rights)
        rules = [
            *_rules(PROGRAMS, RUN & everything),
            *_rules(CONFIGURATION, READ),
            *_rules(KERNEL_FACTS, READ),
            *_rules(DEVICES, READ_WRITE_FILE & everything),
            *_rules(WRITABLE, everything & ~(MAKE_CHAR | MAKE_BLOCK)),
        ]
        # The number stays, for it stands in what children call: what is closed is the lowest free.
        self._ruleset = kernel.syscall(CREATE_RULESET, attributes, len(attributes))
        create = kernel.prepared_syscall(CREATE_RULESET, attributes, len(attributes))
        renewal = [Step(partial(os.close, self._ruleset)), Step(create, self._ruleset)]
        self._renewal = [*renewal, *(self._adding(rule) for rule in rules)]
        self.renew()

    def renew(self) -> None:
        """Begin a new ruleset; after `CHILDREN` children. Raises `OSError`."""
        take(self._renewal)

    def _adding(self, rule: bytes) -> Step:
        add = kernel.prepared_syscall(ADD_RULE, self._ruleset, RULE_PATH_BENEATH, rule)
        return Step(add, 0)

    def confinement(self) -> Iterator[Step]:
        """How a child of this process confines itself and all that it starts.

        For one that has opened nothing yet, since rules name descriptors: they are those that are
        free in this process now. Leaves them open, and another working folder.
        """
        yield Step(partial(os.chdir, b"/proc/self"))
        for descriptor, (name, rights) in zip(self._free(), OWN_FACTS.items(), strict=True):
            yield Step(partial(os.open, name.encode(), os.O_PATH), descriptor)
            yield self._adding(_rule(rights, descriptor))
        yield Step(kernel.prepared_syscall(RESTRICT_SELF, self._ruleset), 0)

    def _free(self) -> list[int]:
        free = [os.dup(self._ruleset) for _ in OWN_FACTS]
        for descriptor in free:
            os.close(descriptor)
        return free


def _rules(paths: Iterable[str], rights: int) -> Iterator[bytes]:
    """Allow `rights` on each path and all below it; a path that is not there needs no rule."""
    for path in paths:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        yield _rule(rights if is_folder else rights & READ_WRITE_FILE, descriptor)


def _rule(rights: int, descriptor: int) -> bytes:
    # Not aligned: the structure of the kernel is a packed one.
    return struct.pack("=Qi", rights, descriptor)
