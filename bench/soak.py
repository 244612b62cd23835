"""Endurance: many more clients than slots, for a minute."""

from __future__ import annotations

import time
from typing import Any

from bench import processes
from bench.figures import Figures, of_sample
from bench.load import Sample, drive
from bench.measurement import REST_SECONDS
from bench.services import Service
from bench.workloads import HELLO

CLIENTS = 200
SECONDS = 60.0
# As many clients as slots leave the queue empty and all slots busy.
SATURATION_SECONDS = 10.0
# The default of code_runner_queue_size.
QUEUE = 64
FACTOR = 5
# What may be found at the end beside what there was after a first load.
GROWTH = 1.05
HEADER = ("verdict", "kept", "figures")


def soak(service: Service, clients: int = CLIENTS, seconds: float = SECONDS) -> dict[str, Any]:
    """Load a service; returns what was found and whether it is as it should be.

    Waiting makes an answer late, but not later than the queue is long: p99 of the accepted runs is
    at most `FACTOR` times that without a queue, for each place in the queue.
    """
    slots = int(service.ready()["slots"]["total"])
    free = _figures(drive(service.request(HELLO), slots, min(SATURATION_SECONDS, seconds)))
    drive(service.request(HELLO), clients, min(SATURATION_SECONDS, seconds))
    before = _memory(service)
    sample = drive(service.request(HELLO), clients, seconds)
    found = _figures(sample)
    after = _memory(service)
    bound = FACTOR * (free["p99_ms"] or 0) * QUEUE
    grown = None if before is None or after is None else after / before
    verdicts = {
        "no error but 429": not sample.wrong and not sample.unanswered,
        "p99 within the bound": (found["p99_ms"] or bound + 1) <= bound,
        "memory flat": None if grown is None else grown <= GROWTH,
    }
    return {
        "clients": clients,
        "seconds": seconds,
        "slots": slots,
        "found": found,
        "p99_without_queue_ms": free["p99_ms"],
        "p99_bound_ms": bound,
        "memory_before_mib": before,
        "memory_after_mib": after,
        "errors": dict(sample.wrong),
        "verdicts": verdicts,
    }


def rows(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Each verdict with its figures."""
    found, verdicts = result["found"], result["verdicts"]
    said = {True: "yes", False: "NO", None: "not known"}
    memory = [result[f"memory_{when}_mib"] for when in ("before", "after")]
    figures = {
        "no error but 429": f"{found['answered']:.0f} runs at {found['per_second']:.0f}/s, "
        f"{found['refused']:.0f} times 429, {found['wrong']:.0f} errors, "
        f"{found['unanswered']:.0f} unanswered",
        "p99 within the bound": f"{found['p99_ms'] or 0:.0f} ms, bound {result['p99_bound_ms']:.0f}"
        f" = {FACTOR} x {result['p99_without_queue_ms'] or 0:.1f} ms x {QUEUE}",
        "memory flat": " to ".join("-" if size is None else f"{size:.1f} MiB" for size in memory),
    }
    return [(name, said[verdicts[name]], figures[name]) for name in verdicts]


def _figures(sample: Sample) -> Figures:
    return of_sample(sample, None)


def _memory(service: Service) -> float | None:
    time.sleep(REST_SECONDS)
    pids = service.pids()
    if not pids:
        return None
    weighed = processes.memory(pids)
    return weighed.rss if weighed.pss is None else weighed.pss
