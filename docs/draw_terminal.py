"""Draw docs/deploy.svg from docs/deploy.ansi, a recording of `make deploy` made with script(1).

    python docs/draw_terminal.py

Shows the tasks whose output people read, and says how many lines of the others it leaves out.
Nothing that it shows is written here: it all comes from the recording.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).parent
RECORDING = FOLDER / "deploy.ansi"
PICTURE = FOLDER / "deploy.svg"

SHOWN_TASKS = (
    "prerequisites : Report what was found",
    "verification : Show the table",
    "verification : Sum up",
)
LONGEST_BLOCK = 18  # lines; of a longer one the middle is left out
COLUMNS = 132
CELL_WIDTH, LINE_HEIGHT, MARGIN = 7.25, 17, 14
# On a background of its own, so that it reads alike on a dark page and on a light one; each has a
# contrast of at least 4.5 to 1.
BACKGROUND, FOREGROUND, DIM = "#1b1f24", "#e6e6e6", "#9aa4ae"
COLOURS = {31: "#ff8a80", 32: "#7bd88f", 33: "#e8c46a", 34: "#8ab8ff", 35: "#d7a0f5", 36: "#71d0dc"}

COMMAND = re.compile(r'COMMAND="(.*)" <')
CONTROL = re.compile(r"\x1b\[([0-9;]*)m")


@dataclass(frozen=True)
class Piece:
    """Some text of one colour."""

    text: str
    colour: str = FOREGROUND


Line = list[Piece]


def read(recording: str) -> list[Line]:
    """The lines of a recording; of what script(1) puts around them, the command only."""
    lines: list[Line] = []
    colour = FOREGROUND
    for raw in recording.replace("\r\n", "\n").split("\n"):
        if raw.startswith(("Script started", "Script done")):
            lines += [[Piece(f"$ {command}")] for command in COMMAND.findall(raw)]
            continue
        line: Line = []
        # Text and control sequences take turns.
        for index, part in enumerate(CONTROL.split(raw)):
            if index % 2 == 0:
                line.append(Piece(part, colour))
            else:
                codes = [int(code or 0) for code in part.split(";")]
                colour = next((COLOURS[c] for c in codes if c in COLOURS), FOREGROUND)
        lines.append([piece for piece in line if piece.text])
    return lines


def text_of(line: Line) -> str:
    """A line without its colours."""
    return "".join(piece.text for piece in line)


def select(lines: list[Line]) -> list[Line]:
    """The lines to show, with a note wherever some are left out."""
    selected: list[Line] = []
    left_out = 0
    for block in _blocks(lines):
        if not _is_shown(text_of(block[0])):
            left_out += len(block)
            continue
        if left_out:
            selected += [_note(left_out), []]
            left_out = 0
        selected += _shorten(block)
    while not selected[-1]:
        selected.pop()
    return selected


def _blocks(lines: list[Line]) -> list[list[Line]]:
    """Split at the headings of Ansible; what comes before the first is a block too."""
    blocks: list[list[Line]] = [[]]
    for line in lines:
        if text_of(line).startswith(("TASK [", "PLAY ")) and blocks[-1]:
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def _is_shown(heading: str) -> bool:
    if heading.startswith("TASK ["):
        return heading.startswith(tuple(f"TASK [{name}]" for name in SHOWN_TASKS))
    return not heading.startswith("PLAY [")


def _shorten(block: list[Line]) -> list[Line]:
    extra = len(block) - LONGEST_BLOCK
    if extra <= 0:
        return block
    head = LONGEST_BLOCK // 2
    return [*block[:head], _note(extra), *block[head + extra :]]


def _note(count: int) -> Line:
    return [Piece(f"… {count} lines …", DIM)]


def cut(line: Line) -> Line:
    """At most `COLUMNS` characters of a line; a cut shows as an ellipsis."""
    room = COLUMNS
    short: Line = []
    for piece in line:
        if len(piece.text) > room:
            return [*short, Piece(piece.text[: max(room - 1, 0)] + "…", piece.colour)]
        short.append(piece)
        room -= len(piece.text)
    return short


def draw(lines: list[Line]) -> str:
    """The lines as SVG."""
    width = round(COLUMNS * CELL_WIDTH + 2 * MARGIN)
    height = len(lines) * LINE_HEIGHT + 2 * MARGIN
    rows = []
    for number, line in enumerate(lines):
        spans = "".join(
            f'<tspan fill="{piece.colour}">{escape(piece.text)}</tspan>' for piece in cut(line)
        )
        y = MARGIN + number * LINE_HEIGHT + 12
        rows.append(f'<text x="{MARGIN}" y="{y}" xml:space="preserve">{spans}</text>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-label="Output of make deploy">',
            f'<rect width="100%" height="100%" rx="6" fill="{BACKGROUND}"/>',
            '<g font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" '
            'font-size="12">',
            *rows,
            "</g>",
            "</svg>",
            "",
        ]
    )


def picture() -> str:
    """What docs/deploy.svg has to be."""
    return draw(select(read(RECORDING.read_text())))


def main() -> int:
    """Draw; returns the exit status."""
    PICTURE.write_text(picture())
    return 0


if __name__ == "__main__":
    sys.exit(main())
