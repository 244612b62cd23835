"""The picture: how long one client waits, and how much many get, both on a scale of powers of ten.

Drawn line by line as SVG, as `docs/draw_terminal.py` does: the bench needs no library for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from bench.figures import crowd, number

# On a background of its own, so that it reads alike on a dark page and on a light one.
BACKGROUND, FOREGROUND, DIM = "#1b1f24", "#e6e6e6", "#9aa4ae"
COLOURS = {
    "ours": "#7bd88f",
    "with numpy": "#71d0dc",
    "with pandas": "#4fa3b8",
    "reference": "#ff8a80",
    "plain": "#e8c46a",
    "empty": "#8ab8ff",
}
WIDTH, LABEL, BAR, GAP, MARGIN = 860, 150, 14, 12, 20
SCALE = WIDTH - LABEL - 2 * MARGIN - 60  # the longest bar; its figure stands behind it

Group = tuple[str, Sequence[tuple[str, float]]]
"""What stands before some bars, and the service and the figure of each."""


def draw(results: dict[str, Any]) -> str:
    """The results as SVG."""
    panels = (
        (
            "p50 with one client, in ms, logarithmic (shorter is better)",
            _groups(results, "p50_ms", _alone),
        ),
        (
            "hello: runs per second, logarithmic (longer is better)",
            _groups(results, "per_second", _hello),
        ),
    )
    lines: list[str] = []
    y = MARGIN
    for service, colour in COLOURS.items():
        x = LABEL + MARGIN + list(COLOURS).index(service) * 110
        lines += [_rectangle(x, y, BAR, colour), _text(x + BAR + 6, y + 11, service, FOREGROUND)]
    y += 2 * BAR
    for title, groups in panels:
        if groups:
            y = _panel(lines, y, title, groups)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" '
            f'height="{y}" role="img" aria-label="Speed of Code Runner beside other services">',
            f'<rect width="100%" height="100%" rx="6" fill="{BACKGROUND}"/>',
            '<g font-family="system-ui, DejaVu Sans, sans-serif" font-size="12">',
            *lines,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _panel(lines: list[str], y: int, title: str, groups: Sequence[Group]) -> int:
    """Draw groups of bars below each other; returns where the next panel begins."""
    lines.append(_text(MARGIN, y + 12, title, FOREGROUND))
    y += 2 * BAR
    values = [value for _, bars in groups for _, value in bars]
    low, high = math.log10(min(values)) - 0.2, math.log10(max(values))
    for label, bars in groups:
        lines.append(_text(MARGIN, y + 11, label, FOREGROUND))
        for service, value in bars:
            width = SCALE * (math.log10(value) - low) / (high - low)
            x = MARGIN + LABEL
            lines.append(_rectangle(x, y, width, COLOURS[service]))
            lines.append(_text(x + width + 6, y + 11, number(value), DIM))
            y += BAR
        y += GAP
    return y + GAP


def _groups(
    results: dict[str, Any], figure: str, label: Callable[[dict[str, Any]], str]
) -> list[Group]:
    """The bars of all cells that have a label, in their order, by label."""
    groups: dict[str, list[tuple[str, float]]] = {}
    for cell in results["cells"]:
        value = cell["medians"][figure]
        if value and (name := label(cell)):
            groups.setdefault(name, []).append((cell["service"], value))
    return list(groups.items())


def _alone(cell: dict[str, Any]) -> str:
    return str(cell["workload"]) if cell["clients"] == 1 else ""


def _hello(cell: dict[str, Any]) -> str:
    return crowd(cell["clients"]) if cell["workload"] == "hello" else ""


def _rectangle(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{BAR - 2}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" fill="{colour}">{escape(text)}</text>'
