"""The questions that a client can ask, and what hostile code tries, asked of a deployed pod."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from instances import REPOSITORY, Instance


@pytest.fixture(scope="module")
def deployed(make_instance: Callable[[], Instance]) -> Instance:
    instance = make_instance()
    instance.deploy()
    return instance


# What an older kernel, or an ordinary user on cgroup v1, does without.
OPTIONAL = {"landlock_tcp", "landlock_ioctl", "landlock_scope", "memory_cgroup"}


def test_the_walls_stand_around_a_container(deployed: Instance) -> None:
    walls = deployed.get("/ready")["walls"]
    assert set(walls["missing"]) <= OPTIONAL


@pytest.mark.parametrize("suite", ["service/test_contract.py", "service/test_walls.py", "programs"])
def test_the_service_passes_from_outside(deployed: Instance, suite: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"tests/{suite}"],
        cwd=REPOSITORY,
        env={**os.environ, "CODE_RUNNER_TEST_URL": f"http://127.0.0.1:{deployed.port}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
