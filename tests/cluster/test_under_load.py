"""New versions come, and pods come and go, under load, and no request is lost."""

from __future__ import annotations

import time
from collections.abc import Callable

from clusters import ClusterInstance, until
from loading import load

RATE = 20
# From 0 to 8 seconds, 1 on average: some 20 at a time on 24 slots, and the queue takes the rest.
# They sleep, for two cores have to carry all.
SLOW = "import time; time.sleep(8 * {share} ** 7); print({number})"
ROLLOUT = {
    "code_runner_slots": 12,
    "code_runner_replicas": 2,
    # While it starts pods, a small machine is slow: then more runs wait, and none is lost.
    "code_runner_queue_size": 500,
    "code_runner_wait_timeout": 300,
}
# Twice a second: three tenths of a core, and each pod is to use less than one tenth.
BUSY_RATE = 2
BUSY = """
import time
while time.process_time() < 0.15: pass
print({number})
"""
IDLE = "import time; time.sleep(2 * {share}); print({number})"
AUTOSCALING = {
    "code_runner_slots": 4,
    "code_runner_autoscaling": True,
    "code_runner_min_replicas": 1,
    "code_runner_max_replicas": 3,
    "code_runner_target_cpu_millicores": 80,
    "code_runner_scale_down_seconds": 5,
}


def _running(instance: ClusterInstance) -> tuple[set[str], set[str]]:
    """The pods of an instance, and the images that they run."""
    pods = instance.pods()
    return (
        {pod["metadata"]["name"] for pod in pods},
        {container["image"] for pod in pods for container in pod["spec"]["containers"]},
    )


def test_a_changed_tree_is_rolled_out_under_load_without_a_failed_request(
    builder: ClusterInstance, make_instance: Callable[..., ClusterInstance]
) -> None:
    # The same deployment, from the tree as it is, with the image that is there.
    make_instance(namespace=builder.namespace).deploy("--tags", "deployment", **ROLLOUT)
    before, (image,) = _running(builder)
    with (builder.tree / "service" / "code_runner" / "__init__.py").open("a") as module:
        module.write("# another version\n")
    with load(builder, RATE, SLOW) as running:
        builder.deploy("--tags", "prerequisites,image,deployment", **ROLLOUT)
        time.sleep(3)  # a request or two more on the new pods alone
        after, (new_image,) = _running(builder)
    assert new_image != image
    assert len(after) == 2
    assert not after & before
    assert running.all_answered, running.outcomes
    assert running.outcomes["answered"] > 10 * RATE
    # Not even refused and sent again: pods go on accepting until nobody is sent to them any more.
    assert running.refused == 0


def _replicas(instance: ClusterInstance) -> int:
    deployment = instance.deployment()
    replicas: int = deployment["spec"]["replicas"]
    return replicas if deployment["status"].get("readyReplicas") == replicas else 0


def test_replicas_follow_the_load_and_no_request_is_lost(
    instance: ClusterInstance, metrics: None
) -> None:
    instance.deploy("--tags", "deployment", **AUTOSCALING)
    assert _replicas(instance) == 1
    with load(instance, BUSY_RATE, BUSY) as busy:
        until(lambda: _replicas(instance) == 3, 120, "three replicas under load")
        # Deploying again leaves the autoscaler its say.
        assert instance.deploy("--tags", "deployment", **AUTOSCALING).changed == 0
        assert _replicas(instance) == 3
    assert busy.all_answered, busy.outcomes
    assert busy.refused == 0
    with load(instance, 1, IDLE) as idle:
        until(lambda: _replicas(instance) == 1, 180, "one replica without load")
    assert idle.all_answered, idle.outcomes
    assert idle.refused == 0
