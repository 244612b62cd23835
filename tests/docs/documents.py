"""The documents of this repository, and the parts of them that can be tried."""

from __future__ import annotations

import itertools
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Where the documents say that the service listens.
DOCUMENTED_URL = "http://127.0.0.1:8000"
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the document and line where it begins."""

    language: str
    text: str
    document: str
    line: int

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def documents() -> list[Path]:
    """Every Markdown file of ours."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def blocks(document: Path) -> list[Block]:
    """The fenced blocks of a document, from top to bottom."""
    text = document.read_text()
    name = document.relative_to(ROOT).as_posix()
    return [
        Block(match[1], match[2], name, text.count("\n", 0, match.start()) + 1)
        for match in FENCE.finditer(text)
    ]


def examples(language: str, shown_as: str) -> list[tuple[Block, Block]]:
    """Blocks of a language that talk to the service, each with what it is said to print."""
    found = []
    for document in documents():
        following = blocks(document)
        for block, shown in itertools.pairwise(following):
            if (block.language, shown.language) == (
                language,
                shown_as,
            ) and DOCUMENTED_URL in block.text:
                found.append((block, shown))
    return found


def commands() -> list[tuple[str, Block]]:
    """Every command of every shell block, continuation lines joined, comments left out."""
    found = []
    for document in documents():
        for block in blocks(document):
            if block.language == "sh":
                for line in block.text.replace("\\\n", " ").splitlines():
                    if words := shlex.split(line, comments=True):
                        found.append((shlex.join(words), block))
    return found


def rows(document: str, header: str) -> list[list[str]]:
    """The cells of the table in `document` whose header line begins with `header`."""
    lines = iter((ROOT / document).read_text().splitlines())
    for line in lines:
        if line.startswith(header):
            break
    next(lines)
    table = []
    for line in lines:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def code_span(cell: str) -> str:
    """What a table cell shows as code; fails where there is none."""
    match = CODE_SPAN.search(cell)
    assert match, f"no code in {cell!r}"
    return match[1]
