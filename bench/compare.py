"""Two results beside each other: what a commit has made of the figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bench.figures import number, times
from bench.goals import OURS

HEADER = (
    "workload",
    "clients",
    "service",
    "figure",
    "old",
    "new",
    "new : old",
    "reference new : old",
)
FIGURES = {"p50_ms": "p50 ms", "p99_ms": "p99 ms", "per_second": "runs/s", "cpu_ms": "CPU ms/run"}

Figures = dict[str, float | None]


def compare(old: dict[str, Any], new: dict[str, Any]) -> list[Sequence[str]]:
    """A row for each figure of ours that both results have, with the ratio of the medians.

    The last column is how the reference service has changed, which has no part in the commit: by
    so much the machine was another one.
    """
    before, after = _medians(old), _medians(new)
    rows: list[Sequence[str]] = []
    for (workload, clients, service), found in after.items():
        earlier = before.get((workload, clients, service))
        if service not in OURS or not earlier:
            continue
        others = [medians.get((workload, clients, "reference"), {}) for medians in (before, after)]
        for name, title in FIGURES.items():
            rows.append(
                (
                    workload,
                    str(clients),
                    service,
                    title,
                    number(earlier[name]),
                    number(found[name]),
                    times(quotient(found, earlier, name)),
                    times(quotient(others[1], others[0], name)),
                )
            )
    return rows


def report(
    old: dict[str, Any], new: dict[str, Any], *, table: Callable[[Sequence[str], Any], str]
) -> str:
    """Both commits and the table."""
    commits = " to ".join(f"{r['machine']['commit']} ({r['machine']['date']})" for r in (old, new))
    note = ""
    if old["machine"]["cpu"] != new["machine"]["cpu"]:
        note = f"ANOTHER MACHINE: {old['machine']['cpu']}, then {new['machine']['cpu']}\n"
    return f"From {commits}\n{note}\n{table(HEADER, compare(old, new))}"


def quotient(new: Figures, old: Figures, name: str) -> float | None:
    """One figure divided by another, where both are there."""
    numerator, denominator = new.get(name), old.get(name)
    return None if numerator is None or not denominator else numerator / denominator


def _medians(results: dict[str, Any]) -> dict[tuple[str, int, str], Figures]:
    return {
        (cell["workload"], cell["clients"], cell["service"]): cell["medians"]
        for cell in results["cells"]
    }
