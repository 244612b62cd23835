"""Libraries of the operator's choice in a deployed pod, imported before any run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from instances import Instance

LIBRARIES = {"code_runner_packages": ["numpy"], "code_runner_preload": ["numpy", "numpy.random"]}
STAGES = ("--tags", "prerequisites,image,deployment")


@pytest.fixture(scope="module")
def deployed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    # Not the shared image: this one has packages.
    name = f"code-runner-test-{uuid.uuid4().hex[:8]}"
    instance = Instance(tree, tmp_path_factory.mktemp("state") / "code-runner", name, name)
    try:
        instance.deploy(*STAGES, **LIBRARIES)
        yield instance
    finally:
        instance.teardown()


def test_a_program_has_them_at_once(deployed: Instance) -> None:
    code = """
import time
begin = time.perf_counter()
import numpy
print(time.perf_counter() - begin < 0.01, numpy.__file__.startswith('/opt/packages/'))
print((numpy.ones((50, 50)) @ numpy.ones((50, 50))).sum())
"""
    assert deployed.run(code)["stdout"] == "True True\n125000.0\n"


def test_a_python_that_the_program_starts_has_them_too(deployed: Instance) -> None:
    code = """
import subprocess, sys
subprocess.run([sys.executable, '-c', 'import numpy; print(numpy.arange(3))'])
"""
    assert deployed.run(code)["stdout"] == "[0 1 2]\n"


def test_random_numbers_differ_from_run_to_run(deployed: Instance) -> None:
    code = "import numpy; print(numpy.random.random())"
    assert deployed.run(code)["stdout"] != deployed.run(code)["stdout"]


# Last, for it leaves a pod that takes no runs.
def test_a_module_that_is_not_there_fails_the_deploy_by_name(deployed: Instance) -> None:
    wrong = {**LIBRARIES, "code_runner_preload": ["numpy", "nowhere"]}
    played = deployed.play("deploy.yml", *STAGES, **wrong)
    assert played.returncode != 0
    assert "nowhere cannot be imported: ModuleNotFoundError" in " ".join(played.output.split())
    assert "code_runner_preload" in played.output
