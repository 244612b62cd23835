"""The few calls of the kernel that Python's standard library does not offer, by way of libc.

Source of the numbers: <linux/prctl.h>; they are the same on every architecture.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable
from functools import partial

PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_GET_NO_NEW_PRIVS = 39
PR_SET_THP_DISABLE = 41
# __WALL of <linux/wait.h>: also children that tell of their end by another signal, or by none.
EVERY_CHILD = 0x40000000
# -1 as an unsigned number; from a negative one, ctypes would make an exception at first.
ANY_PROCESS = 2**32 - 1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_libc.prctl.restype = ctypes.c_int
# By the type of an address: it takes numbers, and bytes and buffers by where they lie.
_libc.syscall.argtypes = [ctypes.c_long] + [ctypes.c_void_p] * 4
_libc.syscall.restype = ctypes.c_long
# Without types it takes numbers of 32 bits and bytes, and has to make nothing up for them.
_plain_syscall = _libc["syscall"]
_plain_syscall.restype = ctypes.c_long
# What wait4 fills in: the status; then, of struct rusage, times in user and in the kernel as
# seconds and microseconds, the largest resident set in KiB, and what is of no interest.
_ENDED = struct.Struct("@iq4q")
_ended = ctypes.create_string_buffer(8 + 18 * 8)

Argument = int | bytes | ctypes.Array[ctypes.c_char] | None


def prctl(option: int, value: int = 0, address: int = 0) -> int:
    """Operate on this process. Raises `OSError`."""
    result: int = _libc.prctl(option, value, address, 0, 0)
    if result < 0:
        raise failure(f"prctl({option}, {value})")
    return result


def syscall(
    number: int, first: Argument, second: Argument = 0, third: Argument = 0, fourth: Argument = 0
) -> int:
    """A system call by its number; bytes are passed by their address. Raises `OSError`."""
    result: int = _libc.syscall(number, first, second, third, fourth)
    if result < 0:
        raise failure(f"system call {number}")
    return result


def prepared_syscall(
    number: int, first: Argument, second: Argument = 0, third: Argument = 0, fourth: Argument = 0
) -> Callable[[], int]:
    """The same as a call that is made up now and does without a line of Python later.

    For numbers of 32 bits. It does not raise: where it returns -1, `failure` tells why.
    """
    return partial(_plain_syscall, number, first, second, third, fourth)


def failure(call: str) -> OSError:
    """What has become of the last call here, which is to be named, and has failed."""
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")


def _prepared_wait(options: int) -> Callable[[], int]:
    status, usage = ctypes.byref(_ended), ctypes.byref(_ended, 8)
    return partial(_libc.wait4, ANY_PROCESS, status, options | EVERY_CHILD, usage)


# os.wait3 imports a module each time, and raises where there is no child: a process that only forks
# and waits would write to a dozen pages more after each fork.
wait_for_child = _prepared_wait(0)
"""Wait for the end of any child; returns its process id, or -1 where `failure` tells why not."""
look_for_child = _prepared_wait(os.WNOHANG)
"""The same without waiting; returns 0 where no child has ended yet."""
last_ended = partial(_ENDED.unpack_from, _ended)
"""The status of the child that the last of these calls was about; then its processor time in user
and in the kernel, each as seconds and microseconds, and its largest resident set in KiB."""


def forbid_new_privileges() -> None:
    """No execve may gain anything from now on (set-uid, file capabilities); cannot be undone."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def may_gain_privileges() -> bool:
    """Whether an execve could still gain privileges."""
    return prctl(PR_GET_NO_NEW_PRIVS) == 0


def hide_from_debuggers() -> None:
    """Turn non-dumpable: others of the same uid may not read its memory or descriptors."""
    prctl(PR_SET_DUMPABLE, 0)


def is_dumpable() -> bool:
    """Whether other processes of the same uid may look inside this one."""
    return prctl(PR_GET_DUMPABLE) != 0


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, as a sub-reaper."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def fill_memory_in_small_pages() -> None:
    """No page of 2 MiB for this process and its descendants, whatever they ask for."""
    prctl(PR_SET_THP_DISABLE, 1)
