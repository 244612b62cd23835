"""Links inside the repository lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import documents
import pytest

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.mark.parametrize("document", documents.documents(), ids=lambda path: path.name)
def test_links_resolve(document: Path) -> None:
    text = documents.FENCE.sub("", document.read_text())
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue  # somewhere else
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.is_relative_to(documents.ROOT) and target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(document: Path) -> set[str]:
    """What the headings of a document can be reached by, as GitHub makes it of them."""
    text = documents.FENCE.sub("", document.read_text())
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(text)
    }
