"""The load of `load.py` on an instance, as a pod beside it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clusters import ClusterInstance, until

PROGRAM = Path(__file__).with_name("load.py")
POD = "load"
SERVICE = "code-runner-service"
# The longest run and the longest wait for a slot.
LAST_ANSWER_SECONDS = 60


@dataclass
class Load:
    """What came of the runs; complete when the load has ended."""

    instance: ClusterInstance
    outcomes: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    longest_refused: float = 0.0
    slowest: float = 0.0

    def log(self) -> str:
        return self.instance.kubectl("logs", POD, check=False)  # it fails until the pod has begun

    def answered(self) -> bool:
        """Whether answers come in already."""
        return "'answered'" in self.log()

    @property
    def all_answered(self) -> bool:
        return set(self.outcomes) == {"answered"}


@contextlib.contextmanager
def load(instance: ClusterInstance, rate: float, code: str) -> Iterator[Load]:
    """Put so many runs a second on an instance while inside; see `load.py` for `code`."""
    (image,) = {
        container["image"]
        for container in instance.objects("deployment", SERVICE)["spec"]["template"]["spec"][
            "containers"
        ]
    }
    url = f"http://{SERVICE}.{instance.namespace}.svc"
    instance.cluster.apply(_pod(instance.namespace, image, [url, str(rate), code]))
    running = Load(instance)
    try:
        until(running.answered, 60, "an answer to the load")
        yield running
        # To process 1, whose end may be faster than that of the messenger.
        interrupt = "import os; os.kill(1, 2)"
        instance.kubectl("exec", POD, "--", "python3", "-c", interrupt, check=False)
        until(lambda: _phase(instance) != "Running", LAST_ANSWER_SECONDS, "the end of the load")
        log = running.log()
        print(log)
        sums = json.loads(log.splitlines()[-1])
        running.outcomes, running.refused = sums["outcomes"], sums["refused"]
        running.longest_refused, running.slowest = sums["longest_refused"], sums["slowest"]
    finally:
        instance.kubectl("delete", "pod", POD, "--grace-period=0", "--force", check=False)


def _phase(instance: ClusterInstance) -> str:
    pod = instance.cluster.core.read_namespaced_pod(POD, instance.namespace)
    phase: str = pod.status.phase
    return phase


def _pod(namespace: str, image: str, arguments: list[str]) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": POD, "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "load",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["python3", "-c", PROGRAM.read_text(), *arguments],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }
