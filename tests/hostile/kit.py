"""What every attack may use. It is sent in front of each one, as part of the same program.

An attack says what it has achieved: a line `BREACH: …` for each thing that it should not have been
able to do, a line `CONTAINED: …` for each attempt that came to nothing.
"""

import ctypes
import os

# Numbers of system calls: x86_64, aarch64 (None: not there).
CALLS = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "clone": (56, 220),
    "clone3": (435, 435),
    "fanotify_init": (300, 262),
    "fsopen": (430, 430),
    "futex": (202, 98),
    "getpid": (39, 172),
    "init_module": (175, 105),
    "io_setup": (206, 0),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "ioprio_set": (251, 30),
    "kcmp": (312, 272),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "listmount": (458, 458),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "mlock": (149, 228),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "move_pages": (279, 239),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pivot_root": (155, 41),
    "prctl": (157, 167),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "rt_sigqueueinfo": (129, 138),
    "sched_setattr": (314, 274),
    "seccomp": (317, 277),
    "semget": (64, 190),
    "setns": (308, 268),
    "shmget": (29, 194),
    "statmount": (457, 457),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "tgkill": (234, 131),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vmsplice": (278, 75),
}
COLUMN = {"x86_64": 0, "aarch64": 1}[os.uname().machine]
AGENT = 1
SERVICE = os.getppid()  # the warm interpreter

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def syscall(name: str, *arguments: object) -> int:
    """A system call by its name; raises `OSError`."""
    number = CALLS[name][COLUMN]
    if number is None:
        raise OSError(38, f"{name} is not there on this machine")
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = libc.syscall(ctypes.c_long(number), *words)
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
    return result


def breach(what: object) -> None:
    """Say what should not have been possible."""
    os.write(1, f"BREACH: {what}\n".encode())


def contained(what: object) -> None:
    """Say what came to nothing."""
    os.write(1, f"CONTAINED: {what}\n".encode())


def attempt(what: str, call, *arguments):  # type: ignore[no-untyped-def]
    """Do what has to be refused, with an errno or for want of memory; returns what it gave."""
    try:
        result = call(*arguments)
    except (OSError, MemoryError) as error:
        contained(f"{what}: {error!r}")
        return None
    breach(f"{what}: {result!r:.200}")
    return result


def attempt_to_read(path: str) -> None:
    """Read a file, or list a folder, of which nothing may be seen."""

    def read() -> object:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return os.read(descriptor, 64)
        except IsADirectoryError:
            return os.listdir(descriptor)
        finally:
            os.close(descriptor)

    try:
        found = read()
    except OSError as error:
        contained(f"{path}: {error!r}")
        return
    # A container engine covers some of these files by /dev/null.
    (breach if found else contained)(f"{path}: {found!r}")
