"""Puts the machine code of this interpreter on huge pages, which a fork hands over whole.

A child maps what it executes anew, page by page: fifty faults, and as many tables that are taken
down at its end. A huge page is one entry in one table. Files of an image have none, anonymous
memory does: so the code is copied, and the copy put in its place. Children never write to it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from typing import NamedTuple

HUGE_PAGE_SIZE = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"
# From <sys/mman.h>.
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_PRIVATE, MAP_ANONYMOUS = 0x02, 0x20
MADV_HUGEPAGE = 14
MREMAP_MAYMOVE, MREMAP_FIXED = 1, 2
FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_ADDRESS, _SIZE, _INT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
for _name, _arguments in {
    "mmap": (_ADDRESS, _SIZE, _INT, _INT, _INT, ctypes.c_long),
    "munmap": (_ADDRESS, _SIZE),
    "madvise": (_ADDRESS, _SIZE, _INT),
    "mprotect": (_ADDRESS, _SIZE, _INT),
    "mremap": (_ADDRESS, _SIZE, _SIZE, _INT, _ADDRESS),
}.items():
    getattr(_libc, _name).argtypes = _arguments
_libc.mmap.restype = _libc.mremap.restype = ctypes.c_void_p


class _Mapping(NamedTuple):
    """One line of /proc/self/maps: addresses, rights, and what is mapped."""

    start: int
    end: int
    rights: str
    name: str


def adopt() -> bool:
    """Move the code; returns whether it was possible, else everything is as it was before.

    It is not where the kernel has no huge pages to give, or forbids to make memory executable; and
    of a program or library, only what fills huge pages is moved. For a process with one thread.
    """
    if os.uname().machine != "x86_64":
        return False  # elsewhere, a copy of code would have to be made known to the processor
    try:
        with open(HUGE_PAGE_SIZE) as file:
            page = int(file.read())
    except (OSError, ValueError):
        return False
    start, end = _whole_pages(page)
    if start >= end:
        return False
    size = end - start
    room: int = _libc.mmap(
        None, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0
    )
    if room == FAILED:
        return False
    copy = _up(room, page)
    # What is not moved goes: the rest around it, or all of it.
    if _fill(copy, start, size) and _libc.mremap(
        copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, start
    ) not in (FAILED, None):
        _libc.munmap(room, copy - room)
        _libc.munmap(copy + size, room + page - copy)
        return True
    _libc.munmap(room, size + page)
    return False


def _fill(copy: int, start: int, size: int) -> bool:
    """Copy the code to huge pages at `copy`; returns whether they are huge, and executable now."""
    if _libc.madvise(copy, size, MADV_HUGEPAGE):
        return False
    ctypes.memmove(copy, start, size)
    return _huge_bytes(copy) >= size and not _libc.mprotect(copy, size, PROT_READ | PROT_EXEC)


def _whole_pages(page: int) -> tuple[int, int]:
    """The beginning and end of what is mapped for reading around this interpreter's code."""
    inside = ctypes.cast(ctypes.pythonapi.Py_Initialize, ctypes.c_void_p).value or 0
    start = end = 0
    name = ""
    for mapping in _mappings():
        is_writable = "w" in mapping.rights
        if is_writable or (mapping.start, mapping.name) != (end, name):
            if start <= inside < end:
                break
            start = mapping.end if is_writable else mapping.start
            name = mapping.name
        end = mapping.end
    return _up(start, page), end // page * page


def _mappings() -> Iterator[_Mapping]:
    with open("/proc/self/maps") as file:
        for line in file:
            addresses, rights, _, _, _, *name = line.split()
            start, end = (int(address, 16) for address in addresses.split("-"))
            yield _Mapping(start, end, rights, " ".join(name))


def _huge_bytes(start: int) -> int:
    """How much of the mapping that holds this address lies on huge pages."""
    is_there = False
    with open("/proc/self/smaps") as file:
        for line in file:
            first, *rest = line.split()
            if not first.endswith(":"):
                lower, _, upper = first.partition("-")
                is_there = int(lower, 16) <= start < int(upper, 16)
            elif is_there and first == "AnonHugePages:":
                return int(rest[0]) * 1024
    return 0


def _up(address: int, page: int) -> int:
    return (address + page - 1) // page * page
