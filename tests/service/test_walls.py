"""What hostile code gets when it tries: an ordinary error, and everybody else is unharmed.

A first row from each family; the hostile suite proper is a later milestone.
"""

import errno

import pytest

from client import Client

CALL = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
result = libc.syscall(*{arguments})
print(errno.errorcode[ctypes.get_errno()] if result < 0 else 'done')
"""


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM)", "PermissionError"),
        ("import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)", "PermissionError"),
        ("import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)", "PermissionError"),
        ("import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", "PermissionError"),
        ("import socket; socket.getaddrinfo('example.org', 80)", "gaierror"),
        ("import socket; socket.socket(socket.AF_UNIX)", "PermissionError"),
        ("import socket; socket.socketpair()[0].connect('/tmp/x')", "PermissionError"),
        ("import socket; socket.socketpair()[0].connect('\\0x')", "PermissionError"),
        ("open('/proc/1/environ').read()", "PermissionError"),
        ("open('/proc/net/tcp').read()", "PermissionError"),
        (
            "open('/proc/self/task/' + str(__import__('os').getpid()) + '/net/tcp')",
            "PermissionError",
        ),
        ("open('/proc/self/limits').read()", "PermissionError"),
        ("import os; os.listdir('/proc')", "PermissionError"),
        ("import os; os.listdir('/run')", "PermissionError"),
        ("import os; os.listdir('/')", "PermissionError"),
        ("import os; os.listdir('/opt')", "PermissionError"),
        ("open('/etc/hosts').read()", "PermissionError"),
        ("open('/etc/shadow').read()", "Error"),
        ("open('/usr/x', 'w')", "Error"),
        ("import os; os.mknod('/tmp/zero', 0o20666, 0x105)", "Error"),
        ("import os; os.kill(1, 9)", "PermissionError"),
        ("import os; os.kill(os.getppid(), 9)", "PermissionError"),
        ("import os; os.setxattr('/tmp', 'user.x', b'y')", "PermissionError"),
        ("import os; os.sched_setaffinity(0, {0})", "PermissionError"),
        ("import os; os.setpriority(os.PRIO_PROCESS, 1, 19)", "PermissionError"),
        ("import resource; resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))", "PermissionError"),
        ("import resource; resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))", "ValueError"),
    ],
)
def test_is_refused_as_an_ordinary_error(client: Client, code: str, error: str) -> None:
    outcome = client.run(code)
    assert (outcome["reason"], outcome["exit_code"]) == ("exited", 1), outcome
    assert error in outcome["stderr"].splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((101, 0, 0, 0, 0), errno.EPERM),  # ptrace
        ((272, 0x10000000), errno.EPERM),  # unshare
        ((56, 0x10000011, 0, 0, 0, 0), errno.EPERM),  # clone into a new user namespace
        ((435, 0, 0), errno.ENOSYS),  # clone3
        ((425, 8, 0), errno.ENOSYS),  # io_uring_setup
        ((321, 0, 0, 0), errno.EPERM),  # bpf
        ((323, 0), errno.EPERM),  # userfaultfd
        ((250, 0, 0, 0), errno.EPERM),  # keyctl
        ((438, 3, 0, 0), errno.EPERM),  # pidfd_getfd
        ((135, 0x0040000), errno.EPERM),  # personality
        ((29, 1, 4096, 0o1600), errno.EPERM),  # shmget
        ((240, 0, 0o102, 0o600, 0), errno.EPERM),  # mq_open
        ((0x40000000 | 39,), errno.ENOSYS),  # getpid by the x32 ABI
    ],
)
def test_a_system_call_by_its_number(client: Client, arguments: tuple[int, ...], code: int) -> None:
    if "x86_64" not in client.run("import os; print(os.uname().machine)")["stdout"]:
        pytest.skip("these numbers are those of x86_64")
    outcome = client.run(CALL.format(arguments=arguments))
    assert outcome["stdout"] == errno.errorcode[code] + "\n", outcome


def test_all_processes_at_once_are_only_ones_own(client: Client) -> None:
    outcome = client.run("import os; os.kill(-1, 9)")
    assert outcome["reason"] in ("signal", "exited")
    assert client.run("print('still here')")["stdout"] == "still here\n"


def test_the_environment_tells_nothing(client: Client) -> None:
    names = client.run("import os; print(*sorted(os.environ))")["stdout"].split()
    assert names == [
        "HOME",
        "LANG",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "PATH",
        "PYTHONUSERBASE",
        "TMPDIR",
    ]


def test_no_descriptor_is_inherited(client: Client) -> None:
    code = (
        "import os; print([fd for fd in range(3, 1024) if os.path.exists(f'/proc/self/fd/{fd}')])"
    )
    assert client.run(code)["stdout"] == "[]\n"
