"""What a pod holds while nobody asks anything of it, by the number of its slots."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

from bench import processes
from bench.measurement import REST_SECONDS
from bench.services import Ours, Trouble

SLOTS = (1, 2, 4, 8)
HEADER = ("slots", "PSS MiB", "gateway", "each runner", "RSS MiB")
GATEWAY = "code-runner"


def weigh(pod: Ours, numbers: Sequence[int] = SLOTS) -> list[dict[str, Any]]:
    """Deploy with each number of slots in turn, and weigh all containers but the pod's own."""
    found = []
    for slots in numbers:
        pod.deploy(code_runner_slots=slots)
        time.sleep(REST_SECONDS)
        containers = {n: processes.memory([pid]) for n, pid in pod.containers().items()}
        if any(weighed.pss is None for weighed in containers.values()):
            raise Trouble("the PSS of the containers may not be read; run it as root")
        runners = [w.pss or 0 for name, w in containers.items() if name != GATEWAY]
        found.append(
            {
                "slots": slots,
                "pss_mib": sum(weighed.pss or 0 for weighed in containers.values()),
                "gateway_pss_mib": containers[GATEWAY].pss,
                "runner_pss_mib": statistics.mean(runners),
                "rss_mib": sum(weighed.rss for weighed in containers.values()),
            }
        )
    return found


def rows(found: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """A row for each number of slots."""
    return [
        (str(weighed["slots"]), *(f"{weighed[key]:.1f}" for key in list(weighed)[1:]))
        for weighed in found
    ]
