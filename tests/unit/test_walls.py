"""The walls of a process stand after they were raised: looked at from inside, in a child."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from code_runner.sandbox.walls import WALL_NAMES

SERVICE = Path(__file__).parents[2] / "service"

RAISE = """
import os, resource, sys
from code_runner.sandbox import kernel, landlock, limits, walls
from code_runner.sandbox.steps import take
abi = min(landlock.abi(), ABI)
landlock.abi = lambda: abi
before = limits._data_bytes()
bounds = limits.Limits(memory=2**28, processes=50)
plan = walls.prepare(bounds)
steps = plan.steps()
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
take(steps)
print(*plan.standing.decode().split(","))
print(os.getsid(0) == os.getpid())
for name in ("DATA", "NPROC", "FSIZE", "NOFILE", "STACK", "CORE", "MEMLOCK"):
    print(name, *resource.getrlimit(getattr(resource, "RLIMIT_" + name)))
print(kernel.is_dumpable(), kernel.may_gain_privileges())
print(before)
"""


def _python(code: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SERVICE)},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return ended.stdout.splitlines()


def test_every_wall_that_is_said_to_stand_does() -> None:
    standing, session, *limits, flags, before = _python(RAISE.replace("ABI", "99"))
    assert {"no_new_privs", "non_dumpable", "rlimits", "landlock", "seccomp"} <= set(
        standing.split()
    )
    assert session == "True"
    assert flags == "False False"
    mib = 2**20
    _, soft, hard = limits[0].split()
    # A little may have come since, such as what is read from files.
    assert 0 <= int(soft) - int(before) - 320 * mib < 2 * mib
    assert soft == hard
    assert limits[1] == "NPROC 400 400"
    assert limits[2] == f"FSIZE {256 * mib} {256 * mib}"
    assert limits[5:] == ["CORE 1 1", "MEMLOCK 0 0"]


def test_a_child_that_has_opened_something_before_its_walls_is_not_let_on() -> None:
    before, after = RAISE.replace("ABI", "99").split("take(steps)")
    raised = "try:\n    take(steps)\nexcept OSError as error:\n    print(error)"
    (said, *_) = _python(f"{before}os.dup(0)\n{raised}{after}")
    assert re.search(r"built-in function open.* returned \d+, not \d+", said)


def test_walls_are_all_in_the_one_list() -> None:
    assert set(_python(RAISE.replace("ABI", "99"))[0].split()) <= set(WALL_NAMES)


@pytest.mark.parametrize(
    ("abi", "landlock"),
    [
        (0, []),
        (1, ["landlock"]),
        (2, ["landlock"]),
        (3, ["landlock"]),
        (4, ["landlock", "landlock_tcp"]),
        (5, ["landlock", "landlock_tcp", "landlock_ioctl"]),
        (6, ["landlock", "landlock_tcp", "landlock_ioctl", "landlock_scope"]),
    ],
)
def test_older_kernels_name_fewer_walls(abi: int, landlock: list[str]) -> None:
    standing = _python(RAISE.replace("ABI", str(abi)))[0].split()
    assert [wall for wall in standing if wall.startswith("landlock")] == landlock


def test_limits_are_only_lowered() -> None:
    code = """
import resource
from code_runner.sandbox import limits
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
limits.apply_for_children(limits.Limits(memory=2**28, processes=50))
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    assert _python(code) == ["100 100"]


def test_cpu_time_is_bounded_for_one_process() -> None:
    code = """
import resource
from code_runner.sandbox import limits
limits.bound_cpu_time((3, 4))
print(*resource.getrlimit(resource.RLIMIT_CPU))
"""
    assert _python(code) == ["3 4"]
