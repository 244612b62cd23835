"""What the machine takes for a process, without any service.

    python3 floors.py start|fork SECONDS

Run as a program of its own, since what a process has in memory makes its forks slower. Prints JSON:
the seconds that each one took, and the CPU time of all of them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable


def start() -> None:
    """Start an interpreter that does nothing, and wait for its end."""
    arguments = [sys.executable, "-c", "pass"]
    os.waitpid(os.posix_spawn(sys.executable, arguments, os.environ), 0)


def fork() -> None:
    """Fork this interpreter; the child ends at once."""
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


FLOORS: dict[str, Callable[[], None]] = {"start": start, "fork": fork}


def repeat(floor: Callable[[], None], seconds: float) -> dict[str, object]:
    """Do it one after the other, for so many seconds."""
    latencies = []
    cpu, end = _cpu_seconds(), time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        floor()
        latencies.append(time.perf_counter() - began)
    return {"latencies": latencies, "cpu_seconds": _cpu_seconds() - cpu}


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    print(json.dumps(repeat(FLOORS[sys.argv[1]], float(sys.argv[2]))))
