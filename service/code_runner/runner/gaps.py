"""Fills the gaps that imports have left in memory, so that what comes next lies side by side.

A child copies each page that it writes to. So what it makes should not be strewn over all of them,
nor what is made for it: Python counts references in the objects, and so writes to all it touches.
"""

from __future__ import annotations

import ctypes
import sys

# How Python's allocator deals out memory: <internal/pycore_obmalloc.h>.
POOL_BYTES, POOL_HEADER_BYTES = 2**14, 48
POOL_BLOCKS = range(48, 513, 16)
# What the C library keeps lists of: all sizes of its tcache, see mallopt(3) and <malloc.c>.
HEAP_BLOCKS = range(24, 1033, 16)
# Without a gap of this size, it lies where the used part of the heap ends.
HEAP_END = 100_000
# For each size, where it should be another allocator after all.
MOST_GAPS = 1000

_libc = ctypes.CDLL(None)
_libc.malloc.argtypes = [ctypes.c_size_t]
_libc.malloc.restype = ctypes.c_void_p
_libc.free.argtypes = [ctypes.c_void_p]

_filling: list[bytes] = []


def fill() -> None:
    """Fill them, for as long as this process lives."""
    for size in POOL_BLOCKS:
        _fill_pools(size)
    end = _libc.malloc(HEAP_END)
    for size in HEAP_BLOCKS:
        _fill_heap(size, end)


def _fill_pools(size: int) -> None:
    """A pool holds blocks of one size; a new one is begun when all gaps in others are filled.

    It deals out its blocks one after the other; in an old one, the first may be a gap like others.
    """
    for _ in range(MOST_GAPS):
        _filling.append(bytes(size - sys.getsizeof(b"")))
        places = [id(block) for block in _filling[-3:]]
        first = places[0] // POOL_BYTES * POOL_BYTES + POOL_HEADER_BYTES
        if places == [first, first + size, first + 2 * size]:
            return


def _fill_heap(size: int, end: int) -> None:
    blocks = []
    for _ in range(MOST_GAPS):
        blocks.append(_libc.malloc(size))
        if blocks[-1] > end:
            return
    for block in blocks:
        _libc.free(block)
