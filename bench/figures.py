"""From samples to figures, from the figures of several rounds to one, and what they are beside
those of another service.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from bench.load import Sample

Figures = dict[str, float | None]
"""One round of one service: times in milliseconds; None where it could not be had."""
NOTHING = "-"
RATIOS = ("p50_ms", "p99_ms", "per_second", "cpu_ms")


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of the sorted values that is not below so many percent of them."""
    rank = math.ceil(round(len(values) * percent / 100, 6))
    return values[max(rank, 1) - 1]


def of_sample(
    sample: Sample, cpu_seconds: float | None, busy_seconds: float | None = None
) -> Figures:
    """The figures of a load.

    `cpu_seconds` is what the service took for all of it, `busy_seconds` what the whole machine did.
    """
    latencies = sorted(sample.latencies)
    answered = len(latencies)
    figures: Figures = {
        "answered": answered,
        "refused": sample.refused,
        "wrong": sample.wrong.total(),
        "unanswered": sample.unanswered,
        "per_second": answered / sample.seconds,
    }
    for name, percent in (("p50_ms", 50), ("p99_ms", 99), ("p999_ms", 99.9)):
        figures[name] = percentile(latencies, percent) * 1000 if answered else None
    p50, p99 = figures["p50_ms"], figures["p99_ms"]
    figures["p99_to_p50"] = p99 / p50 if p50 and p99 else None
    for name, spent in (("cpu_ms", cpu_seconds), ("client_cpu_ms", sample.client_cpu)):
        figures[name] = spent / answered * 1000 if answered and spent is not None else None
    figures["others_cores"] = None
    if cpu_seconds is not None and busy_seconds is not None:
        others = busy_seconds - cpu_seconds - sample.client_cpu
        figures["others_cores"] = max(0.0, others) / sample.seconds
    return figures


def medians(rounds: Sequence[Figures]) -> Figures:
    """Of each figure the median over the rounds that have it; what is counted is added up."""
    found: Figures = {}
    for name in rounds[0]:
        values = [value for figures in rounds if (value := figures[name]) is not None]
        counted = name in ("answered", "refused", "wrong", "unanswered")
        found[name] = (sum(values) if counted else statistics.median(values)) if values else None
    return found


def ratios(
    ours: Sequence[Figures], others: Sequence[Figures], names: Sequence[str] = RATIOS
) -> Figures:
    """The median, over the rounds, of ours divided by the other's of the same round."""
    found: Figures = {}
    for name in names:
        quotients = [
            mine / theirs
            for a, b in zip(ours, others, strict=True)
            if (mine := a[name]) is not None and (theirs := b[name])
        ]
        found[name] = statistics.median(quotients) if quotients else None
    return found


def number(value: float | None) -> str:
    """Three digits, or as many as stand before the point."""
    if value is None:
        return NOTHING
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def times(ratio: float | None) -> str:
    """How many times as much; below 1 as a fraction, where one sees better how small it is."""
    if ratio is None:
        return NOTHING
    return f"1/{number(1 / ratio)}" if 0 < ratio < 0.95 else number(ratio)


def crowd(clients: int) -> str:
    """So many clients, as one says it."""
    return "1 client" if clients == 1 else f"{clients} clients"
