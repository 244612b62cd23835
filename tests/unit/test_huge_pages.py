"""Code and data of the interpreter move to huge pages where there are any, and go on working."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from code_runner.runner import huge_pages

SERVICE = Path(huge_pages.__file__).parents[2]
# Moves itself, works, and has a child work; tells what became of it.
PROGRAM = """
import ctypes, gc, json, mmap, os, sys
from code_runner.runner import huge_pages
from code_runner.sandbox import kernel
if "small pages" in sys.argv:
    kernel.fill_memory_in_small_pages()
inside = ctypes.cast(ctypes.pythonapi.Py_Initialize, ctypes.c_void_p).value
# Small objects, a size that the C library keeps in its heap, and a mapping of its own, which has
# room for three whole huge pages wherever it begins.
numbers = [float(number) for number in range(250_000)]
heap = [bytes([number % 256]) * 2000 for number in range(1000)]
block = bytearray(range(256)) * (8 * 4096)
secret = mmap.mmap(-1, 64 * 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
secret.madvise(18)  # MADV_WIPEONFORK
secret[:] = b"x" * len(secret)
secret_address = ctypes.addressof(ctypes.c_char.from_buffer(secret))
shared = mmap.mmap(-1, 64 * 4096)
shared[:] = b"y" * len(shared)
gc.collect()
gc.disable()
moved_code = huge_pages.adopt_code()
moved_data = huge_pages.adopt_data()
gc.enable()
mappings = list(huge_pages._mappings())
import decimal, email.message
numbers[7] = 7.5
block[0] = 1
heap[7] = b"new"
def is_right():
    return (
        sum(numbers) == 250_000 * 249_999 // 2 + 0.5
        and all(block == bytes([number % 256]) * 2000 for number, block in enumerate(heap[8:], 8))
        and block == b"\\1" + (bytearray(range(256)) * (8 * 4096))[1:]
        and decimal.Decimal("1.1") * 2 == decimal.Decimal("2.2")
    )
child = os.fork()
if not child:
    shared[0] = 0x7A
    numbers[8] = 0.0
    os._exit(7 if secret[0] == 0 and not is_right() else 1)
status = os.waitpid(child, 0)[1]
print(json.dumps({
    "moved": [moved_code, moved_data],
    "right": is_right(),
    "child": os.waitstatus_to_exitcode(status),
    "shared": shared[:2].decode(),
    "secret": secret[:2].decode(),
    "wiped": "wf" in huge_pages._mapping_of(secret_address).flags,
    "rights": huge_pages._mapping_of(inside).rights,
    "huge": {
        "code": huge_pages._mapping_of(inside).huge_bytes,
        "data": sum(m.huge_bytes for m in mappings if m.rights == "rw-p"),
    },
    "rights_of_data": sorted({m.rights for m in mappings if "w" in m.rights}),
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


def needs_huge_pages() -> None:
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    has_them = setting.exists() and "[never]" not in setting.read_text()
    if os.uname().machine != "x86_64" or not has_them:
        pytest.skip("needs x86_64 and a kernel with transparent huge pages")


def test_code_and_data_move_and_work_also_in_children() -> None:
    needs_huge_pages()
    found = told()
    assert found["moved"] == [True, True]
    assert found["right"]
    assert found["child"] == 7
    assert found["huge"]["code"] >= 2**21
    assert found["huge"]["data"] >= 3 * 2**21


def test_rights_and_what_is_not_ordinary_memory_stay_as_they_were() -> None:
    needs_huge_pages()
    found = told()
    assert found["rights"] == "r-xp"
    assert found["rights_of_data"] == ["rw-p", "rw-s"]
    # Written by the child, and wiped in it, as before.
    assert found["shared"] == "zy"
    assert (found["secret"], found["wiped"]) == ("xx", True)


def test_without_huge_pages_all_stays_as_it_was() -> None:
    found = told("small pages")
    assert found["moved"] == [False, False]
    assert found["right"]
    assert found["child"] == 7
    assert found["rights"] == "r-xp"
    assert found["huge"] == {"code": 0, "data": 0}


def test_calls_follow_each_other_with_their_arguments() -> None:
    needs_huge_pages()
    program = """
import ctypes
from code_runner.runner import huge_pages
text = ctypes.create_string_buffer(b"abcdefgh")
copies = [ctypes.create_string_buffer(9) for _ in range(200)]
places = [ctypes.addressof(place) for place in (text, *copies)]
memcpy = huge_pages._libc.memcpy
huge_pages._call_in_a_row([(memcpy, (to, source, 9)) for source, to in zip(places, places[1:])])
print(copies[-1].value.decode())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SERVICE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "abcdefgh\n"
