"""The table that the verification prints."""

from __future__ import annotations

import re

VERIFY = "playbooks/verify.yml"
ROW = re.compile(r"^ +(ok|FAIL|note) +(.+?) {2,}(.*)$", re.MULTILINE)


def rows(output: str) -> dict[str, tuple[str, str]]:
    """Verdict, and expected and found, of each check of the table."""
    table = output.partition("Show the table")[2].partition("TASK [")[0]
    return {check: (verdict, rest) for verdict, check, rest in ROW.findall(table)}
