"""What is made after the gaps have been filled lies side by side."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from pathlib import Path

from code_runner.runner import gaps

SERVICE = Path(gaps.__file__).parents[2]
# Leaves gaps everywhere, as imports do, and tells on how many pages new objects come to lie: small
# ones, and some of a size that the C library keeps.
PROGRAM = """
import ctypes, json, sys
from code_runner.runner import gaps
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
objects = [bytes(64) for _ in range(5000)]
heap = [bytearray(500) for _ in range(2000)]
del objects[::7], heap[::7]
if "fill" in sys.argv:
    gaps.fill()
small = [bytes(64) for _ in range(70)]
kept = [libc.malloc(500) for _ in range(14)]
print(json.dumps([len({place // 4096 for place in places}) for places in (map(id, small), kept)]))
"""


def _pages(*arguments: str) -> list[int]:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={"PYTHONPATH": str(SERVICE)},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return list(json.loads(ended.stdout))


def test_new_objects_lie_side_by_side() -> None:
    # Two pages would do; some may have become free meanwhile.
    assert all(pages <= 4 for pages in _pages("fill"))


def test_without_it_they_do_not() -> None:
    assert all(pages > 4 for pages in _pages())


class _Used(ctypes.Structure):
    """struct mallinfo2 of <malloc.h>: ten numbers, of which the eighth are the bytes in use."""

    _fields_ = [
        ("before", ctypes.c_size_t * 7),
        ("bytes", ctypes.c_size_t),
        ("after", ctypes.c_size_t * 2),
    ]


def test_where_nothing_lies_behind_the_end_it_gives_all_back() -> None:
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = _Used
    before = libc.mallinfo2().bytes
    gaps._fill_heap(500, end=2**64 - 1)
    # The C library keeps the last few for whoever wants them next.
    assert libc.mallinfo2().bytes - before < 500 * gaps.MOST_GAPS / 10
