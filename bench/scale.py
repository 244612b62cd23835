"""What a pod holds at rest and what it does under load, by the number of its slots."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

from bench import processes
from bench.figures import of_sample
from bench.load import drive
from bench.measurement import REST_SECONDS
from bench.services import Ours, Trouble
from bench.workloads import HELLO

SLOTS = (1, 2, 4, 8)
SECONDS = 5.0
GATEWAY = "code-runner"
COLUMNS = {
    "slots": "slots",
    "pss_mib": "PSS MiB",
    "gateway_pss_mib": "gateway",
    "runner_pss_mib": "each runner",
    "rss_mib": "RSS MiB",
    "per_second": "runs/s",
    "p50_ms": "p50 ms",
    "cpu_ms": "CPU ms/run",
    "gateway_cpu_ms": "of the gateway",
}
HEADER = tuple(COLUMNS.values())


def measure(
    pod: Ours, numbers: Sequence[int] = SLOTS, seconds: float = SECONDS
) -> list[dict[str, Any]]:
    """Deploy with each number of slots in turn; look at it at rest, then with two clients a slot.

    Counts all containers but the pod's own.
    """
    found = []
    for slots in numbers:
        pod.deploy(code_runner_slots=slots)
        time.sleep(REST_SECONDS)
        found.append({"slots": slots, **_at_rest(pod), **_loaded(pod, 2 * slots, seconds)})
    return found


def _at_rest(pod: Ours) -> dict[str, Any]:
    containers = {n: processes.memory([pid]) for n, pid in pod.containers().items()}
    if any(weighed.pss is None for weighed in containers.values()):
        raise Trouble("the PSS of the containers may not be read; run it as root")
    runners = [w.pss or 0 for name, w in containers.items() if name != GATEWAY]
    return {
        "pss_mib": sum(weighed.pss or 0 for weighed in containers.values()),
        "gateway_pss_mib": containers[GATEWAY].pss,
        "runner_pss_mib": statistics.mean(runners),
        "rss_mib": sum(weighed.rss for weighed in containers.values()),
    }


def _loaded(pod: Ours, clients: int, seconds: float) -> dict[str, Any]:
    containers = pod.containers()
    whole = processes.Meter(list(containers.values()))
    gateway = processes.Meter([containers[GATEWAY]])
    sample = drive(pod.request(HELLO), clients, seconds)
    figures = of_sample(sample, whole.service())
    if not figures["answered"]:
        raise Trouble(f"the service with {clients} clients gave no right answer")
    return {
        **{name: figures[name] for name in ("per_second", "p50_ms", "cpu_ms")},
        "gateway_cpu_ms": of_sample(sample, gateway.service())["cpu_ms"],
    }


def rows(found: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """A row for each number of slots."""
    return [(str(pod["slots"]), *(f"{pod[key]:.3g}" for key in list(COLUMNS)[1:])) for pod in found]
