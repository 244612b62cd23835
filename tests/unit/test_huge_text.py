"""The interpreter's code moves to huge pages where there are any, and goes on working."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from code_runner.runner import huge_text

SERVICE = Path(huge_text.__file__).parents[2]
# Moves its code, works, and has a child work; tells what became of the code.
PROGRAM = """
import ctypes, json, os, sys
from code_runner.runner import huge_text
from code_runner.sandbox import kernel
if sys.argv[1:]:
    kernel.fill_memory_in_small_pages()
inside = ctypes.cast(ctypes.pythonapi.Py_Initialize, ctypes.c_void_p).value
moved = huge_text.adopt()
import decimal, email.message
child = os.fork()
if not child:
    os._exit(7 if decimal.Decimal("1.1") * 2 == decimal.Decimal("2.2") else 1)
rights = {m.rights for m in huge_text._mappings() if m.start <= inside < m.end}
print(json.dumps({
    "moved": moved,
    "child": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]),
    "rights": sorted(rights),
    "huge": huge_text._huge_bytes(inside),
}))
"""


def told(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, "PYTHONPATH": str(SERVICE)},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def has_huge_pages() -> bool:
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return setting.exists() and "[never]" not in setting.read_text()


def test_the_code_moves_and_works_also_in_children() -> None:
    if os.uname().machine != "x86_64" or not has_huge_pages():
        pytest.skip("needs x86_64 and a kernel with transparent huge pages")
    found = told()
    assert found["moved"]
    assert found["child"] == 7
    assert found["rights"] == ["r-xp"]
    assert found["huge"] >= 2**21


def test_without_huge_pages_all_stays_as_it_was() -> None:
    assert told("small pages only") == {"moved": False, "child": 7, "rights": ["r-xp"], "huge": 0}
