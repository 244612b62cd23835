"""Tables, for a terminal and as Markdown, and what stands in them."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from bench.figures import crowd, number, times
from bench.goals import judge

Row = Sequence[str]
HEADER = (
    "workload",
    "clients",
    "service",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "runs/s",
    "CPU ms/run",
    "429",
    "p50 : reference",
    "runs/s : reference",
    "CPU : reference",
    "runs/s : plain",
)
FIGURE = re.compile(r"(1/)?[\d.]+")
TITLES = {
    "p50_ms": "p50 in ms",
    "p99_to_p50": "p99 : p50",
    "per_second": "runs/s",
    "cpu_ms": "CPU ms per run",
    "start": "python3 -c pass",
    "fork": "fork of a warm Python",
}


def text(header: Row, rows: Sequence[Row]) -> str:
    """Columns as wide as they have to be; figures to the right, words to the left."""
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    lines = []
    for row in table:
        cells = [
            cell.rjust(width) if _is_figure(column, rows) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def markdown(header: Row, rows: Sequence[Row]) -> str:
    """The same for a document."""
    rules = ["--:" if _is_figure(column, rows) else "---" for column in range(len(header))]
    return "".join(f"| {' | '.join(row)} |\n" for row in [header, rules, *rows])


def report(results: dict[str, Any], table: Callable[[Row, Sequence[Row]], str] = text) -> str:
    """All that was found, with `table` as one of the two above."""
    parts = [
        head(results),
        table(("what", "found", "wanted", "reached"), _goal_rows(results)),
        table(HEADER, [*_floor_rows(results), *_cell_rows(results)]),
        table(("service", "at rest: PSS MiB", "RSS", "after: PSS", "RSS"), _memory_rows(results)),
        "".join(
            f"Left out: {o['workload']} on {o['service']}: {o['reason']}\n"
            for o in results["left_out"]
        ),
        "".join(f"NOT TO BE BELIEVED: {complaint}\n" for complaint in results["complaints"]),
    ]
    return "\n".join(part for part in parts if part)


def head(results: dict[str, Any]) -> str:
    """Where, when and how; each a line of its own."""
    machine = results["machine"]
    lines = [
        f"Commit {machine['commit']}, {machine['date']}",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"Linux {machine['kernel']}, load {machine['load_before']} before",
        "Client and services share these cores, in alternation",
        f"{results['rounds']} rounds of {results['seconds']:g} s for each load; the figures are "
        "medians over the rounds, the ratios medians of the ratios within a round",
    ]
    if others := [o for c in results["cells"] if (o := c["medians"]["others_cores"]) is not None]:
        lines.append(f"Other programs used {statistics.median(others):.2f} cores meanwhile")
    for name, service in results["services"].items():
        python = f", Python {service['python']}" if service["python"] else ""
        lines.append(f"{name}: {service['title']}{python}")
    if walls := results["walls"]:
        missing = ", ".join(walls["missing"]) or "none"
        lines.append(f"Walls: {', '.join(walls['standing'])}; missing: {missing}")
    return "".join(f"- {line}\n" for line in lines)


def _goal_rows(results: dict[str, Any]) -> list[Row]:
    rows: list[Row] = []
    for goal in judge(results):
        if goal["found"] is None:
            continue
        show = times if goal["rival"] else number
        beside = f" : {goal['rival']}" if goal["rival"] else ""
        bounds = (("at most", goal["at_most"]), ("at least", goal["at_least"]))
        wanted = " ".join(f"{word} {show(bound)}" for word, bound in bounds if bound is not None)
        rows.append(
            (
                f"{goal['workload']}, {crowd(goal['clients'])}, {TITLES[goal['figure']]}{beside}",
                show(goal["found"]),
                wanted,
                ("yes" if goal["reached"] else "no") if wanted else "",
            )
        )
    return rows


def _cell_rows(results: dict[str, Any]) -> list[Row]:
    rows: list[Row] = []
    for cell in results["cells"]:
        found, ratios = cell["medians"], cell["ratios"]
        reference, plain = ratios.get("reference", {}), ratios.get("plain", {})
        rows.append(
            (
                cell["workload"],
                str(cell["clients"]),
                cell["service"],
                *_figures(found),
                number(found["refused"]) if found["refused"] else "",
                times(reference.get("p50_ms")),
                times(reference.get("per_second")),
                times(reference.get("cpu_ms")),
                times(plain.get("per_second")),
            )
        )
    return rows


def _floor_rows(results: dict[str, Any]) -> list[Row]:
    return [
        (TITLES[name], "1", "no service", *_figures(floor["medians"]), *[""] * 5)
        for name, floor in results["floors"].items()
    ]


def _figures(found: dict[str, float | None]) -> list[str]:
    return [number(found[n]) for n in ("p50_ms", "p99_ms", "p999_ms", "per_second", "cpu_ms")]


def _memory_rows(results: dict[str, Any]) -> list[Row]:
    rows: list[Row] = []
    for name, service in results["services"].items():
        weighed = [service["memory_mib"].get(when, {}) for when in ("rest", "after")]
        if any(weighed):
            rows.append((name, *(number(w.get(kind)) for w in weighed for kind in ("pss", "rss"))))
    return rows


def _is_figure(column: int, rows: Sequence[Row]) -> bool:
    """Whether a column holds figures: then they stand one below the other."""
    return any(FIGURE.fullmatch(row[column]) for row in rows)
