"""Where nothing enforces network policies, people are told so."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from clusters import ClusterInstance, enforce_policies, until
from tables import VERIFY, rows


@pytest.fixture
def unenforced(cell: str, deployed: ClusterInstance, enforcement_changes: None) -> Iterator[None]:
    """A cluster in which nothing enforces network policies."""
    enforce_policies(False)
    assert not enforced()
    yield
    enforce_policies(True)
    until(enforced, 30, "the policies in force again")


def enforced() -> bool:
    """Whether the node filters what goes to pods that a policy selects."""
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    return "KUBE-POD-FW" in rules


def test_without_a_controller_the_table_says_that_nothing_enforces_the_policy(
    deployed: ClusterInstance, unenforced: None
) -> None:
    played = deployed.play(VERIFY)
    assert played.returncode == 0, played.output
    verdict, words = rows(played.output)[
        "Security: what a runner's container reaches, the process walls off"
    ]
    assert verdict == "note"
    assert "NOTHING ENFORCES the NetworkPolicy" in words
    assert "API server, DNS, another pod" in words
