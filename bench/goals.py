"""How fast it is meant to be, and how fast it was found to be.

A ratio is that of ours to the `reference` service, or to the `plain` one, in the same minutes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

OURS = ("ours", "with numpy", "with pandas")


class Goal(NamedTuple):
    """A figure of one workload and number of clients, and the bound that it has to keep."""

    workload: str
    clients: int
    figure: str
    rival: str
    """Whose ratio is meant; "" for the figure itself."""
    at_most: float | None = None
    at_least: float | None = None

    def found(self, results: dict[str, Any]) -> float | None:
        """What the results say of it; None where it was not measured."""
        for cell in results["cells"]:
            if (cell["workload"], cell["clients"]) == self[:2] and cell["service"] in OURS:
                figures = cell["ratios"].get(self.rival, {}) if self.rival else cell["medians"]
                value: float | None = figures.get(self.figure)
                return value
        return None

    def is_reached(self, found: float) -> bool:
        """Whether it keeps the bound."""
        return (self.at_most is None or found <= self.at_most) and (
            self.at_least is None or found >= self.at_least
        )


GOALS = (
    Goal("hello", 1, "p50_ms", "", at_most=2.0),
    Goal("hello", 1, "p50_ms", "reference", at_most=1 / 5),
    Goal("hello", 1, "p99_to_p50", "", at_most=3.0),
    Goal("hello", 8, "per_second", "reference", at_least=8.0),
    Goal("hello", 8, "per_second", "plain", at_least=5.0),
    Goal("hello", 8, "cpu_ms", "", at_most=2.5),
    Goal("hello", 8, "cpu_ms", "reference", at_most=1 / 5),
    Goal("numpy", 1, "p50_ms", "", at_most=4.0),
    Goal("numpy", 1, "p50_ms", "reference", at_most=1 / 25),
    Goal("pandas", 1, "p50_ms", "", at_most=None),
    Goal("pandas", 1, "p50_ms", "reference", at_most=1 / 80),
)


def judge(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Each goal, with what was found and whether that is enough."""
    judged = []
    for goal in GOALS:
        found = goal.found(results)
        reached = None if found is None else goal.is_reached(found)
        judged.append({**goal._asdict(), "found": found, "reached": reached})
    return judged
