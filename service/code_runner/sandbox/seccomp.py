"""The seccomp filter: system calls that no program of a client needs are refused with an errno.

A refusal is an ordinary error that the program can catch, not a kill, so that honest programs that
merely try something take their usual way round. The filter is a program of classic BPF that the
kernel runs before each system call; here it is assembled from one table. Calls that need a
capability anyway (mounting modules, setting clocks, rebooting …) are not listed: a run has none.

Sources: <linux/seccomp.h>, <linux/filter.h>, <linux/audit.h>; numbers of the calls:
arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux. The filter
for aarch64 is untested until it has run on such a machine.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterator
from typing import NamedTuple

from code_runner.sandbox import kernel

PR_SET_SECCOMP = 22
MODE_FILTER = 2

ALLOW = 0x7FFF0000
REFUSE = 0x00050000  # plus the errno

# Operations of classic BPF, and where `struct seccomp_data` has its fields.
LOAD = 0x20
JUMP_EQUAL = 0x15
JUMP_AT_LEAST = 0x35
JUMP_ANY_BIT = 0x45
AND = 0x54
RETURN = 0x06
CALL_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_CALLS = 0x40000000  # from here up, x86_64 takes calls of the x32 ABI

# Refused whatever the arguments: name, number on x86_64, on aarch64 (None: not there), errno.
# A program takes ENOSYS as "this kernel is older" and falls back, and 0 for success.
REFUSED: tuple[tuple[str, int | None, int | None, int], ...] = (
    # other processes: their memory, their descriptors, their placement
    ("ptrace", 101, 117, errno.EPERM),
    ("process_vm_readv", 310, 270, errno.EPERM),
    ("process_vm_writev", 311, 271, errno.EPERM),
    ("process_madvise", 440, 440, errno.EPERM),
    ("process_mrelease", 448, 448, errno.EPERM),
    ("kcmp", 312, 272, errno.EPERM),
    ("pidfd_getfd", 438, 438, errno.EPERM),
    ("move_pages", 279, 239, errno.EPERM),
    ("migrate_pages", 256, 238, errno.EPERM),
    ("sched_setaffinity", 203, 122, errno.EPERM),
    # large parts of the kernel that a run has no use for, and that had many holes
    ("io_uring_setup", 425, 425, errno.ENOSYS),
    ("io_uring_enter", 426, 426, errno.ENOSYS),
    ("io_uring_register", 427, 427, errno.ENOSYS),
    ("bpf", 321, 280, errno.EPERM),
    ("userfaultfd", 323, 282, errno.EPERM),
    ("perf_event_open", 298, 241, errno.EPERM),
    ("fanotify_init", 300, 262, errno.EPERM),
    # what a whole node has only so much of (fs.aio-max-nr), and what it tells to everybody
    ("io_setup", 206, 0, errno.ENOSYS),
    ("syslog", 103, 116, errno.EPERM),
    # Landlock has no say in watches: they would tell who opens what, in shared folders too
    ("inotify_init", 253, None, errno.ENOSYS),
    ("inotify_init1", 294, 26, errno.ENOSYS),
    ("inotify_add_watch", 254, 27, errno.ENOSYS),
    ("add_key", 248, 217, errno.EPERM),
    ("request_key", 249, 218, errno.EPERM),
    ("keyctl", 250, 219, errno.EPERM),
    ("memfd_secret", 447, 447, errno.ENOSYS),
    ("modify_ldt", 154, None, errno.ENOSYS),
    # what all of the node would feel: said to be done, as it is nothing that a program can see
    ("sync", 162, 81, 0),
    ("syncfs", 306, 267, 0),
    ("fadvise64", 221, 223, 0),
    # namespaces and mounts
    ("unshare", 272, 97, errno.EPERM),
    ("setns", 308, 268, errno.EPERM),
    ("clone3", 435, 435, errno.ENOSYS),  # its flags lie in memory, where no filter can look
    ("chroot", 161, 51, errno.EPERM),
    ("pivot_root", 155, 41, errno.EPERM),
    ("mount", 165, 40, errno.EPERM),
    ("umount2", 166, 39, errno.EPERM),
    ("open_tree", 428, 428, errno.EPERM),
    ("move_mount", 429, 429, errno.EPERM),
    ("fsopen", 430, 430, errno.EPERM),
    ("fsconfig", 431, 431, errno.EPERM),
    ("fsmount", 432, 432, errno.EPERM),
    ("fspick", 433, 433, errno.EPERM),
    ("mount_setattr", 442, 442, errno.EPERM),
    ("open_tree_attr", 467, 467, errno.EPERM),
    ("statmount", 457, 457, errno.EPERM),
    ("listmount", 458, 458, errno.EPERM),
    ("name_to_handle_at", 303, 264, errno.EPERM),
    ("open_by_handle_at", 304, 265, errno.EPERM),
    # reaching anyone: a pair of connected sockets, which needs neither call, is for within the run
    ("socket", 41, 198, errno.EACCES),
    ("connect", 42, 203, errno.EACCES),
    ("bind", 49, 200, errno.EACCES),
    ("listen", 50, 201, errno.EACCES),
    # what would outlive the run in the kernel, outside every folder
    ("shmget", 29, 194, errno.EPERM),
    ("shmat", 30, 196, errno.EPERM),
    ("shmctl", 31, 195, errno.EPERM),
    ("semget", 64, 190, errno.EPERM),
    ("semop", 65, 193, errno.EPERM),
    ("semtimedop", 220, 192, errno.EPERM),
    ("semctl", 66, 191, errno.EPERM),
    ("msgget", 68, 186, errno.EPERM),
    ("msgsnd", 69, 189, errno.EPERM),
    ("msgrcv", 70, 188, errno.EPERM),
    ("msgctl", 71, 187, errno.EPERM),
    ("mq_open", 240, 180, errno.EPERM),
    ("mq_unlink", 241, 181, errno.EPERM),
    ("setxattr", 188, 5, errno.EPERM),
    ("lsetxattr", 189, 6, errno.EPERM),
    ("fsetxattr", 190, 7, errno.EPERM),
    ("setxattrat", 463, 463, errno.EPERM),
)

# Numbers of the calls below, whose arguments decide: x86_64, aarch64.
SOCKETPAIR, CLONE = (53, 199), (56, 220)
PRLIMIT, SETPRIORITY, IOPRIO_SET, PERSONALITY = (302, 261), (141, 140), (251, 30), (135, 92)
SCHED_SET = ((142, 118), (144, 119), (314, 274))  # param, scheduler, attr
# kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_open: the first argument is whom.
SIGNALS = ((62, 129), (200, 130), (234, 131), (129, 138), (297, 240), (434, 434))
FCNTL, IOCTL = (72, 25), (16, 29)

AF_UNIX, SOCK_STREAM, SOCK_TYPE_MASK = 1, 1, 0xF
NAMESPACE_FLAGS = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
QUERY_PERSONALITY = 0xFFFFFFFF
PRIO_PROCESS, IOPRIO_WHO_PROCESS = 0, 1
F_SETOWN, F_SETOWN_EX, F_NOTIFY = 8, 15, 0x402
# Of the requests to a socket, the kind: they tell of the pod's network, and make others' signals.
SOCKET_REQUESTS, KIND_OF_REQUEST = 0x8900, 0xFF00


class _Condition(NamedTuple):
    """The low 32 bits of an argument; all that the kernel looks at for the calls used here."""

    argument: int
    operation: int
    value: int
    mask: int = 0xFFFFFFFF

    def jump_if_not(self, distance: int) -> Iterator[bytes]:
        yield _op(LOAD, ARGUMENTS_AT + 8 * self.argument)
        if self.mask != 0xFFFFFFFF:
            yield _op(AND, self.mask)
        yield _op(self.operation, self.value, 0, distance)

    def size(self) -> int:
        return 2 if self.mask == 0xFFFFFFFF else 3


def _is(argument: int, value: int, mask: int = 0xFFFFFFFF) -> _Condition:
    return _Condition(argument, JUMP_EQUAL, value & 0xFFFFFFFF, mask)


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def install(program: bytes) -> None:
    """Put a filter up for this process and all that it starts; needs no_new_privs.

    Raises `OSError`.
    """
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    buffer = ctypes.create_string_buffer(header, len(header))
    kernel.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.addressof(buffer))


def assemble(machine: str, protected_pids: tuple[int, ...]) -> bytes:
    """The filter for a machine as uname names it, in instructions of 8 bytes each.

    `protected_pids` get no signal from the run, nor do their groups: for kernels whose Landlock
    knows no signal scope. Raises `OSError` where there is no table for `machine`.
    """
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no seccomp table for {machine}")
    column = list(ARCHITECTURES).index(machine)
    program = [
        _op(LOAD, ARCHITECTURE_AT),
        _op(JUMP_EQUAL, ARCHITECTURES[machine], 1, 0),
        _op(RETURN, REFUSE | errno.ENOSYS),  # 32-bit calls
        _op(LOAD, CALL_AT),
    ]
    if machine == "x86_64":
        program += [_op(JUMP_AT_LEAST, X32_CALLS, 0, 1), _op(RETURN, REFUSE | errno.ENOSYS)]
    for _, *numbers, code in REFUSED:
        number = numbers[column]
        if number is not None:
            program += [_op(JUMP_EQUAL, number, 0, 1), _op(RETURN, REFUSE | code)]
    program += _by_arguments(column, protected_pids)
    program.append(_op(RETURN, ALLOW))
    return b"".join(program)


def _by_arguments(column: int, protected_pids: tuple[int, ...]) -> Iterator[bytes]:
    # Datagrams could be sent to an address without a connection.
    only_stream = (_is(0, AF_UNIX), _is(1, SOCK_STREAM, SOCK_TYPE_MASK))
    yield from _allow_only(SOCKETPAIR[column], only_stream, errno.EACCES)
    yield from _refuse_if(CLONE[column], _Condition(0, JUMP_ANY_BIT, NAMESPACE_FLAGS), errno.EPERM)
    yield from _allow_only(PERSONALITY[column], (_is(0, QUERY_PERSONALITY),), errno.EPERM)
    yield from _allow_only(PRLIMIT[column], (_is(0, 0),), errno.EPERM)
    yield from _allow_only(SETPRIORITY[column], (_is(0, PRIO_PROCESS), _is(1, 0)), errno.EPERM)
    yield from _allow_only(IOPRIO_SET[column], (_is(0, IOPRIO_WHO_PROCESS), _is(1, 0)), errno.EPERM)
    sockets = _is(1, SOCKET_REQUESTS, KIND_OF_REQUEST)
    yield from _refuse_if(IOCTL[column], sockets, errno.EPERM)
    # Watching folders, as inotify does.
    yield from _refuse_if(FCNTL[column], _is(1, F_NOTIFY), errno.EPERM)
    for call in SCHED_SET:
        yield from _allow_only(call[column], (_is(0, 0),), errno.EPERM)
    if protected_pids:
        for whom in (-1, *protected_pids, *(-pid for pid in protected_pids)):
            for call in SIGNALS:
                yield from _refuse_if(call[column], _is(0, whom), errno.EPERM)
        for command in (F_SETOWN, F_SETOWN_EX):
            yield from _refuse_if(FCNTL[column], _is(1, command), errno.EPERM)


def _refuse_if(call: int, condition: _Condition, code: int) -> Iterator[bytes]:
    """Refuse a call when the condition holds; ends with the call's number loaded again."""
    yield _op(JUMP_EQUAL, call, 0, condition.size() + 2)
    yield from condition.jump_if_not(1)
    yield _op(RETURN, REFUSE | code)
    yield _op(LOAD, CALL_AT)


def _allow_only(call: int, conditions: tuple[_Condition, ...], code: int) -> Iterator[bytes]:
    """Refuse a call unless every condition holds."""
    size = sum(condition.size() for condition in conditions)
    yield _op(JUMP_EQUAL, call, 0, size + 2)
    for condition in conditions:
        size -= condition.size()
        yield from condition.jump_if_not(size + 1)
    yield _op(RETURN, ALLOW)
    yield _op(RETURN, REFUSE | code)
