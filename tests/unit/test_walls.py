"""The walls of a process stand after they were raised: looked at from inside, in a child."""

import subprocess
import sys
from pathlib import Path

from code_runner.sandbox.walls import WALL_NAMES

SERVICE = Path(__file__).parents[2] / "service"

RAISE = """
import os, resource, sys
from code_runner.sandbox import kernel, limits, walls
print(*walls.raise_walls(limits.Limits(memory=2**28, processes=50)))
print(os.getsid(0) == os.getpid())
for name in ("DATA", "NPROC", "FSIZE", "NOFILE", "STACK", "CORE", "MEMLOCK"):
    print(name, *resource.getrlimit(getattr(resource, "RLIMIT_" + name)))
print(kernel.is_dumpable(), kernel.may_gain_privileges())
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
    standing, session, *limits, flags = _python(RAISE)
    assert standing.split() == ["no_new_privs", "non_dumpable", "rlimits"]
    assert session == "True"
    assert flags == "False False"
    mib = 2**20
    assert limits[0] == f"DATA {320 * mib} {320 * mib}"
    assert limits[1] == "NPROC 800 800"
    assert limits[2] == f"FSIZE {256 * mib} {256 * mib}"
    assert limits[5:] == ["CORE 0 0", "MEMLOCK 0 0"]


def test_walls_are_all_in_the_one_list() -> None:
    assert set(_python(RAISE)[0].split()) <= set(WALL_NAMES)


def test_limits_are_only_lowered() -> None:
    code = """
import resource
from code_runner.sandbox import limits
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
limits.apply(limits.Limits(memory=2**28, processes=50))
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    assert _python(code) == ["100 100"]


def test_cpu_time_is_bounded_for_one_process() -> None:
    code = """
import resource
from code_runner.sandbox import limits
limits.apply_cpu_time(3)
print(*resource.getrlimit(resource.RLIMIT_CPU))
"""
    assert _python(code) == ["3 4"]
