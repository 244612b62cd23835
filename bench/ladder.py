"""Where the time of a run goes: what each step costs more than the one before.

The first steps are built of the service's parts in one container, without asyncio and HTTP (see
`bench.rungs`); the last two are the service itself, as it is deployed.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from bench import processes
from bench.figures import number, of_sample
from bench.load import drive
from bench.scale import GATEWAY
from bench.services import Ours
from bench.workloads import HELLO

ROUNDS = 5
SECONDS = 2.0
CLIENTS = 8
PROGRAM = Path(__file__).with_name("rungs.py")
RUNGS = {
    "fork": "a warm Python forks, and the child ends at once",
    "program": 'the child executes print("hello") and ends as Python does; its output is read',
    "walls": "channel, descriptors, session, Landlock, a folder with the code, the sweep",
    "agent": "another process orders, limits, watches, counts, cleans and proves",
    "runner": "that one as a service: asyncio, frames, a timer for each limit",
    "gateway": "HTTP, the queue, the checks of the request, the log and the metrics",
}
HEADER = ("step", "what it adds", "CPU ms/run", "more", "in the kernel", "page faults")
Round = dict[str, dict[str, float]]


def climb(pod: Ours, rounds: int, seconds: float) -> list[Round]:
    """Every rung in turn, `rounds` times: for each the milliseconds and page faults of a run."""
    found = []
    for turn in range(rounds):
        print(f"round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
        found.append(_bare(pod, seconds) | _service(pod, seconds))
    return found


def _bare(pod: Ours, seconds: float) -> Round:
    rungs = {}
    for name in list(RUNGS)[:4]:
        used = json.loads(pod.execute(PROGRAM, name, str(seconds)))
        kernel = used["system_seconds"]
        rungs[name] = {
            "cpu_ms": 1000 * (used["user_seconds"] + kernel) / used["runs"],
            "kernel_ms": 1000 * kernel / used["runs"],
            "page_faults": used["page_faults"] / used["runs"],
        }
    return rungs


def _service(pod: Ours, seconds: float) -> Round:
    containers = pod.containers()
    whole = processes.Meter(list(containers.values()))
    gateway = processes.Meter([containers[GATEWAY]])
    sample = drive(pod.request(HELLO), CLIENTS, seconds)
    of_all = of_sample(sample, whole.service())["cpu_ms"] or 0.0
    of_gateway = of_sample(sample, gateway.service())["cpu_ms"] or 0.0
    return {"runner": {"cpu_ms": of_all - of_gateway}, "gateway": {"cpu_ms": of_all}}


def rows(found: list[Round]) -> list[tuple[str, ...]]:
    """A row for each step; what it adds is the median of what it added in each round."""
    lines = []
    for name, before in zip(RUNGS, [None, *RUNGS], strict=False):
        more = [turn[name]["cpu_ms"] - (turn[before]["cpu_ms"] if before else 0) for turn in found]
        middle = [_median(found, name, what) for what in ("cpu_ms", "kernel_ms", "page_faults")]
        lines.append((name, RUNGS[name], middle[0], number(statistics.median(more)), *middle[1:]))
    return lines


def _median(found: list[Round], name: str, what: str) -> str:
    values = [turn[name][what] for turn in found if what in turn[name]]
    return number(statistics.median(values) if values else None)


def document(found: list[Round]) -> dict[str, Any]:
    """For JSON."""
    return {"clients": CLIENTS, "steps": RUNGS, "rounds": found}
