"""The few calls of the kernel that Python's standard library does not offer, by way of libc.

Source of the numbers: <linux/prctl.h>; they are the same on every architecture.
"""

from __future__ import annotations

import ctypes
import os

PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_GET_NO_NEW_PRIVS = 39
PR_SET_THP_DISABLE = 41

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_libc.prctl.restype = ctypes.c_int
# By the type of an address: it takes numbers, and bytes and buffers by where they lie.
_libc.syscall.argtypes = [ctypes.c_long] + [ctypes.c_void_p] * 4
_libc.syscall.restype = ctypes.c_long

Argument = int | bytes | ctypes.Array[ctypes.c_char] | None


def prctl(option: int, value: int = 0, address: int = 0) -> int:
    """Operate on this process. Raises `OSError`."""
    result: int = _libc.prctl(option, value, address, 0, 0)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}, {value}): {os.strerror(number)}")
    return result


def syscall(
    number: int, first: Argument, second: Argument = 0, third: Argument = 0, fourth: Argument = 0
) -> int:
    """A system call by its number; bytes are passed by their address. Raises `OSError`."""
    result: int = _libc.syscall(number, first, second, third, fourth)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"system call {number}: {os.strerror(code)}")
    return result


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
