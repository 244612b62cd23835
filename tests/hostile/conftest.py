"""Where the attacks go: the service at CODE_RUNNER_TEST_URL, or a pod of our own on podman.

CODE_RUNNER_TEST_KEY is its API key, if it asks for one. CODE_RUNNER_TEST_UNCHANGED may hold a
command whose output has to be the same before and after, such as the one that prints how often the
containers were restarted.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# pytest's importlib mode leaves a test's own folder out of the search path.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "collection"))

from campaign import Campaign, Verdict
from instances import REPOSITORY, Instance
from pods import Pod, PodmanPod

from client import Client

VERDICTS = pytest.StashKey[dict[str, Verdict]]()


@pytest.fixture(scope="session")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """The pod under attack, as it can be seen from outside."""
    if url := os.environ.get("CODE_RUNNER_TEST_URL"):
        client = Client(url, os.environ.get("CODE_RUNNER_TEST_KEY", ""))
        yield Pod(client, os.environ.get("CODE_RUNNER_TEST_UNCHANGED", ""))
        return
    name = f"code-runner-hostile-{uuid.uuid4().hex[:8]}"
    state = tmp_path_factory.mktemp("state") / "code-runner"
    instance = Instance(REPOSITORY, state, name, name)
    instance.deploy("--tags", "prerequisites,image,deployment", code_runner_slots=4)
    yield PodmanPod(instance)
    instance.teardown()


@pytest.fixture(scope="session")
def state_before(pod: Pod) -> Any:
    """What the pod was like before the first attack."""
    return pod.state()


@pytest.fixture(scope="session")
def verdicts(pod: Pod, state_before: Any, request: pytest.FixtureRequest) -> dict[str, Verdict]:
    """What came of each attack that was selected; all are carried out in one campaign."""
    assert state_before["status"] == "ready", state_before
    items = request.session.items
    selected = [item.callspec.params["attack"] for item in items if "attack" in _params(item)]
    verdicts = {v.attack.id: v for v in Campaign(pod.client).run(selected)}
    request.config.stash[VERDICTS] = verdicts
    return verdicts


def _params(item: pytest.Item) -> dict[str, object]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the total figure."""
    verdicts = config.stash.get(VERDICTS, {}).values()
    if not verdicts:
        return
    tried = Counter(verdict.attack.family for verdict in verdicts)
    contained = Counter(verdict.attack.family for verdict in verdicts if verdict.contained)
    terminalreporter.section("hostile suite")
    for family, number in tried.items():
        terminalreporter.line(f"{family:12} {contained[family]:3} of {number:3} attacks contained")
    terminalreporter.line(
        f"{'all':12} {contained.total():3} of {tried.total():3} attacks contained"
    )
