"""The filter as a program: each jump stays inside, and a small machine runs it for every case."""

import errno
import struct

import pytest

from code_runner.sandbox import seccomp
from code_runner.sandbox.seccomp import ALLOW, ARCHITECTURES, REFUSE, REFUSED

PROTECTED = (1, 77)


def decide(program: bytes, arch: int, call: int, *arguments: int) -> int:
    """What the kernel would do: runs the filter as <linux/filter.h> defines it."""
    padded = (*arguments, *(0,) * (6 - len(arguments)))
    data = struct.pack("=IIQ6Q", call, arch, 0, *(a & (2**64 - 1) for a in padded))
    instructions = list(struct.iter_unpack("=HBBI", program))
    accumulator = place = 0
    while True:
        code, if_true, if_false, value = instructions[place]
        place += 1
        if code == seccomp.RETURN:
            return value
        if code == seccomp.LOAD:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif code == seccomp.AND:
            accumulator &= value
        else:
            holds = {
                seccomp.JUMP_EQUAL: accumulator == value,
                seccomp.JUMP_AT_LEAST: accumulator >= value,
                seccomp.JUMP_ANY_BIT: accumulator & value != 0,
            }[code]
            place += if_true if holds else if_false


@pytest.fixture(params=ARCHITECTURES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _call(machine: str, numbers: tuple[int, int], *arguments: int, protected=PROTECTED) -> int:
    column = list(ARCHITECTURES).index(machine)
    program = seccomp.assemble(machine, protected)
    return decide(program, ARCHITECTURES[machine], numbers[column], *arguments)


def test_every_call_of_the_table_is_refused_with_its_errno(machine: str) -> None:
    for _, on_x86_64, on_aarch64, code in REFUSED:
        if (on_x86_64 if machine == "x86_64" else on_aarch64) is not None:
            assert _call(machine, (on_x86_64, on_aarch64)) == REFUSE | code


def test_what_is_not_in_the_table_is_allowed(machine: str) -> None:
    read, write, execve, futex = (0, 63), (1, 64), (59, 221), (202, 98)
    for call in (read, write, execve, futex):
        assert _call(machine, call) == ALLOW


def test_other_architectures_are_refused(machine: str) -> None:
    program = seccomp.assemble(machine, ())
    for i386_or_arm in (0x40000003, 0x40000028):
        assert decide(program, i386_or_arm, 1) == REFUSE | errno.ENOSYS


def test_x32_calls_are_refused() -> None:
    program = seccomp.assemble("x86_64", ())
    assert decide(program, ARCHITECTURES["x86_64"], 0x40000000 | 1) == REFUSE | errno.ENOSYS


@pytest.mark.parametrize(
    ("call", "arguments", "allowed"),
    [
        (seccomp.SOCKETPAIR, (1, 1 | 0o2000000 | 0o4000), True),
        (seccomp.SOCKETPAIR, (1, 1), True),
        (seccomp.SOCKETPAIR, (1, 2), False),
        (seccomp.SOCKETPAIR, (1, 5), False),
        (seccomp.CLONE, (0x01200011,), True),
        (seccomp.CLONE, (0x003D0F00,), True),
        (seccomp.CLONE, (0x10000000 | 17,), False),
        (seccomp.CLONE, (0x20000 | 17,), False),
        (seccomp.PERSONALITY, (0xFFFFFFFF,), True),
        (seccomp.PERSONALITY, (0x0040000,), False),
        (seccomp.PRLIMIT, (0, 7), True),
        (seccomp.PRLIMIT, (1, 7), False),
        (seccomp.SETPRIORITY, (0, 0, 5), True),
        (seccomp.SETPRIORITY, (0, 1, 5), False),
        (seccomp.SETPRIORITY, (1, 0, 5), False),
        (seccomp.IOPRIO_SET, (1, 0), True),
        (seccomp.IOPRIO_SET, (1, 1), False),
        (seccomp.SCHED_SET[0], (0,), True),
        (seccomp.SCHED_SET[1], (1,), False),
        (seccomp.FCNTL, (3, 1), True),
        (seccomp.FCNTL, (3, 8), False),
        (seccomp.IOCTL, (3, 0x5401), True),
        (seccomp.FCNTL, (3, 0x402), False),
        (seccomp.IOCTL, (3, 0x5421), True),
        (seccomp.IOCTL, (3, 0x8901), False),
        (seccomp.IOCTL, (3, 0x8912), False),
        *((call, (whom,), False) for call in seccomp.SIGNALS for whom in (-1, 1, -77, 77)),
        *((call, (whom,), True) for call in seccomp.SIGNALS for whom in (0, 2, 78, -78)),
    ],
)
def test_arguments_decide(
    machine: str, call: tuple[int, int], arguments: tuple[int, ...], allowed: bool
) -> None:
    assert (_call(machine, call, *arguments) == ALLOW) is allowed


def test_with_a_signal_scope_signals_are_left_to_landlock(machine: str) -> None:
    for call in seccomp.SIGNALS:
        assert _call(machine, call, 1, protected=()) == ALLOW


def test_a_machine_without_a_table_is_named() -> None:
    with pytest.raises(OSError, match="no seccomp table for riscv64"):
        seccomp.assemble("riscv64", ())
