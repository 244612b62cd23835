"""The autoscaler adds pods under load and takes them away afterwards, and no request is lost."""

from __future__ import annotations

from clusters import ClusterInstance, until
from loading import load

NAME = "code-runner-service"
# Twice a second: three tenths of a core, and each pod is to use less than one tenth.
RATE = 2
BUSY = """
import time
while time.process_time() < 0.15: pass
print({number})
"""
IDLE = "import time; time.sleep(2 * {share}); print({number})"
SETTINGS = {
    "code_runner_slots": 4,
    "code_runner_autoscaling": True,
    "code_runner_min_replicas": 1,
    "code_runner_max_replicas": 3,
    "code_runner_target_cpu_millicores": 80,
    "code_runner_scale_down_seconds": 5,
}


def _replicas(instance: ClusterInstance) -> int:
    deployment = instance.objects("deployment", NAME)
    replicas: int = deployment["spec"]["replicas"]
    return replicas if deployment["status"].get("readyReplicas") == replicas else 0


def test_replicas_follow_the_load_and_no_request_is_lost(instance: ClusterInstance) -> None:
    instance.deploy("--tags", "prerequisites,image,deployment", **SETTINGS)
    assert _replicas(instance) == 1
    with load(instance, RATE, BUSY) as busy:
        until(lambda: _replicas(instance) == 3, 120, "three replicas under load")
        # Deploying again leaves the autoscaler its say.
        assert instance.deploy("--tags", "deployment", **SETTINGS).changed == 0
        assert _replicas(instance) == 3
    assert busy.all_answered, busy.outcomes
    assert busy.refused == 0
    with load(instance, 1, IDLE) as idle:
        until(lambda: _replicas(instance) == 1, 180, "one replica without load")
    assert idle.all_answered, idle.outcomes
    assert idle.refused == 0
