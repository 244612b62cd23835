"""A deploy that cannot succeed ends early, says why, and leaves the version before serving."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from clusters import ClusterInstance, until
from instances import Played

NAME = "code-runner-service"
TIMEOUT = 300
# Seconds; 50 on a machine that is busy with other tests.
EARLY = 150


def failed(instance: ClusterInstance, **settings: object) -> Played:
    """Deploy with settings that cannot work, and return what the playbook said at its end."""
    begin = time.monotonic()
    settings["code_runner_wait_timeout"] = TIMEOUT
    played = instance.play("deploy.yml", "--tags", "deployment", **settings)
    assert played.returncode != 0, played.output
    assert time.monotonic() - begin < EARLY
    assert "Traceback" not in played.output
    message = played.output.split("TASK [deployment : Fail with the original error]")[-1]
    return Played(" ".join(message.split()), played.returncode)


def test_a_program_that_fails_is_shown_with_its_last_words_and_can_be_undone(
    deployed: ClusterInstance,
) -> None:
    (before,) = deployed.pods()
    begin = time.monotonic()
    broken = {"code_runner_max_timeout": -1, "code_runner_wait_timeout": TIMEOUT}
    played = deployed.play("deploy.yml", "--tags", "deployment", **broken)
    assert time.monotonic() - begin < EARLY
    assert played.returncode != 0
    assert "CrashLoopBackOff" in played.output
    # Pods, events and the last lines of the container.
    for words in (
        "--- pods",
        "--- last events",
        "BackOff",
        # YAML doubles the quotes around the value.
        "CODE_RUNNER_MAX_TIMEOUT=",
        "is wrong: it must be a number of seconds",
    ):
        assert words in played.output
    undo = f"--namespace={deployed.namespace} rollout undo deployment/{NAME}"
    assert undo in " ".join(played.output.split())
    assert before["metadata"]["uid"] in [pod["metadata"]["uid"] for pod in deployed.pods()]
    with deployed.reachable():
        assert deployed.run("print(1)")["stdout"] == "1\n"

    deployed.kubectl("rollout", "undo", f"deployment/{NAME}")
    # Its runners wait for a gateway's goodbye that never comes, so it takes the whole grace period.
    until(lambda: len(deployed.pods()) == 1, 90, "the end of the broken pod")
    assert deployed.deploy("--tags", "deployment").changed == 1
    (after,) = deployed.pods()
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def test_an_image_that_is_not_there_is_named(deployed: ClusterInstance) -> None:
    image = "localhost:1/never-pushed:1"
    settings = {
        "code_runner_provider": "kubernetes",
        "code_runner_context": deployed.cluster.context,
    }
    said = failed(deployed, code_runner_image=image, code_runner_replicas=1, **settings).output
    assert image in said
    assert "ImagePullBackOff" in said
    assert "goes on serving" in said
    with deployed.reachable():
        assert deployed.run("print(2)")["stdout"] == "2\n"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (
            {"kind": "ResourceQuota", "spec": {"hard": {"limits.memory": "600Mi"}}},
            "quota is too small",
        ),
        (
            {
                "kind": "LimitRange",
                "spec": {"limits": [{"type": "Container", "max": {"memory": "100Mi"}}]},
            },
            "refuses the pods by a policy of its own",
        ),
    ],
    ids=["quota", "limits"],
)
def test_a_namespace_that_refuses_the_pods_is_named(
    make_instance: Callable[..., ClusterInstance],
    make_namespace: Callable[..., str],
    policy: dict[str, object],
    reason: str,
) -> None:
    instance = make_instance(namespace=make_namespace())
    metadata = {"name": "policy", "namespace": instance.namespace}
    instance.cluster.apply({"apiVersion": "v1", "metadata": metadata, **policy})
    said = failed(instance).output
    assert reason in said
    assert "forbidden" in said
