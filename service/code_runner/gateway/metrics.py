"""What Prometheus is told, on a port of its own; nothing in it comes from a client."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from code_runner import __version__
from code_runner.protocol import REASONS, Outcome
from code_runner.sandbox.walls import WALL_NAMES

# Else there would be a line for each counter that tells since when it counts: since the start.
disable_created_metrics()  # type: ignore[no-untyped-call]

# Seconds. The first hold runs that need nothing but the interpreter, the last the longest timeouts.
RUN_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
WAIT_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counts while we serve, and looks at the state of the slots when it is asked."""

    def __init__(self) -> None:
        # Registered here rather than for the whole process, so that a second app counts afresh.
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        runs = Counter(
            "code_runner_runs",
            "Runs that have ended, by the reason in their answer.",
            ["reason"],
            registry=registry,
        )
        # Looked up once: all of them show from the beginning, and a run pays for counting alone.
        self._runs = {reason: runs.labels(reason) for reason in REASONS}
        self._refusals = Counter(
            "code_runner_refusals",
            "Requests that were refused, by the HTTP status of the answer.",
            ["status"],
            registry=registry,
        )
        self._duration = Histogram(
            "code_runner_run_duration_seconds",
            "Wall time of runs, without waiting for a slot.",
            buckets=RUN_BUCKETS,
            registry=registry,
        )
        self._wait = Histogram(
            "code_runner_queue_wait_seconds",
            "Time for which runs that got a slot had waited for it.",
            buckets=WAIT_BUCKETS,
            registry=registry,
        )
        self._gauges = {
            name: Gauge(f"code_runner_{name}", text, registry=registry)
            for name, text in {
                "slots": "Slots of this pod.",
                "slots_alive": "Slots that are there and in order, busy or not.",
                "slots_busy": "Slots with a run, or getting ready for the next.",
                "queue_length": "Runs that wait for a slot.",
                "queue_limit": "Runs that may wait for a slot.",
            }.items()
        }
        self._walls = Gauge(
            "code_runner_wall_standing",
            "1 where the wall stands in every slot that is alive, 0 where it does not.",
            ["wall"],
            registry=registry,
        )
        build = Gauge("code_runner_build_info", "Always 1.", ["version"], registry=registry)
        build.labels(__version__).set(1)

    def run_ended(self, outcome: Outcome) -> None:
        """Count a run."""
        self._runs[outcome.reason].inc()
        if outcome.duration_ms:  # 0 where nothing has been measured
            self._duration.observe(outcome.duration_ms / 1000)

    def refused(self, status: int) -> None:
        """Count a request that was refused with this HTTP status."""
        self._refusals.labels(status).inc()

    def waited(self, seconds: float) -> None:
        """Count a run that has got its slot after so many seconds."""
        self._wait.observe(seconds)

    def text(self, state: dict[str, Any]) -> bytes:
        """All of it in the text format 0.0.4; `state` is that of the slots."""
        self._gauges["slots"].set(state["slots"]["total"])
        self._gauges["slots_alive"].set(state["slots"]["alive"])
        self._gauges["slots_busy"].set(state["slots"]["busy"])
        self._gauges["queue_length"].set(state["queue"]["length"])
        self._gauges["queue_limit"].set(state["queue"]["limit"])
        for name in WALL_NAMES:
            self._walls.labels(name).set(name in state["standing"])
        return generate_latest(self._registry)


METRICS = web.AppKey("metrics", Metrics)
