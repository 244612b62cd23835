"""On the pods of a cluster hostile code gets nowhere either, and honest programs work there."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest
from clusters import Cluster, ClusterInstance
from instances import REPOSITORY

# A neighbour and three attacks at a time.
DEPLOYED_WITH = {"code_runner_slots": 4}
CONTAINERS = (
    "jsonpath={range .items[*].status.containerStatuses[*]}"
    "{.containerID} {.restartCount} {.ready}{'\\n'}{end}"
)


@pytest.fixture(scope="module")
def attacked(deployed: ClusterInstance, cluster: Cluster) -> Iterator[dict[str, str]]:
    """Where a suite finds the pod, and how it sees that its containers are the same."""
    containers = cluster.command("--namespace", deployed.namespace, "get", "pods", "-o", CONTAINERS)
    with cluster.forwarded(deployed.namespace) as port:
        yield {
            "CODE_RUNNER_TEST_URL": f"http://127.0.0.1:{port}",
            "CODE_RUNNER_TEST_UNCHANGED": shlex.join(containers),
        }


def _passes(suite: str, where: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", suite],
        cwd=REPOSITORY,
        env={**os.environ, **where},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_attack_is_contained(attacked: dict[str, str]) -> None:
    _passes("tests/hostile/test_attacks.py", attacked)


def test_real_programs_work(attacked: dict[str, str]) -> None:
    _passes("tests/programs/test_standard_library.py", attacked)
