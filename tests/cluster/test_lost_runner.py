"""A runner's container is killed under load: what is lost with it, and for how long."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from clusters import ClusterInstance, until
from loading import load

DEPLOYED_WITH = {"code_runner_slots": 2}
RATE = 10
QUICK = "print({number})"
UNDER_WAY = "import time; time.sleep(3); print('unharmed')"


@pytest.fixture
def scaled(deployed: ClusterInstance, replicas: int) -> ClusterInstance:
    """The instance with so many pods."""
    deployed.kubectl("scale", "deployment/code-runner-service", f"--replicas={replicas}")
    deployed.kubectl("rollout", "status", "deployment/code-runner-service", "--timeout=60s")
    return deployed


def _runner(instance: ClusterInstance, pod: str) -> dict[str, object]:
    """What the kubelet says of the first runner of a pod."""
    (found,) = [
        status
        for one in instance.pods()
        for status in one["status"]["containerStatuses"]
        if one["metadata"]["name"] == pod and status["name"] == "runner-0"
    ]
    return dict(found)


def _kill(container: object) -> None:
    """Kill the first process of a container, as nobody inside it can."""
    inspect = ("crictl", "inspect", "--output", "go-template", "--template", "{{.info.pid}}")
    found = subprocess.run(
        [*inspect, str(container).rpartition("/")[2]], stdout=subprocess.PIPE, check=True
    )
    os.kill(int(found.stdout), signal.SIGKILL)


def _lose_a_runner(instance: ClusterInstance, pod: str) -> list[tuple[str, str]]:
    """Kill a runner while both slots of the pod have a run; return how the two ended."""
    with instance.reachable(pod), ThreadPoolExecutor(2) as clients:
        asked = [clients.submit(instance.run, UNDER_WAY) for _ in range(2)]
        time.sleep(1)
        _kill(_runner(instance, pod)["containerID"])
        killed = time.monotonic()
        until(lambda: _runner(instance, pod)["restartCount"] == 1, 30, "the container again")
        until(lambda: _runner(instance, pod)["ready"], 30, "a ready container")
        print(f"the container was back after {time.monotonic() - killed:.1f} s")
        time.sleep(2)
        assert instance.get("/ready")["slots"]["alive"] == 2
        return sorted((answer.result()["reason"], answer.result()["stdout"]) for answer in asked)


@pytest.mark.parametrize("replicas", [1, 2])
def test_only_the_run_of_the_lost_runner_is_lost(
    scaled: ClusterInstance, cell: str, replicas: int
) -> None:
    # A container that is lost for the first time is started again at once.
    pod = next(
        pod["metadata"]["name"]
        for pod in scaled.pods()
        if not any(one["restartCount"] for one in pod["status"]["containerStatuses"])
    )
    with load(scaled, RATE, QUICK) as running:
        ended = _lose_a_runner(scaled, pod)
    print(f"{running.refused} refused, {running.longest_refused} s, slowest {running.slowest} s")
    assert ended == [("exited", "unharmed\n"), ("runner_lost", "")]
    assert running.all_answered, running.outcomes
    # A pod without all of its containers gets no new connections: with a second one nobody notices.
    assert running.refused == 0 or replicas == 1
    assert running.longest_refused < 5
