"""Puts the code and the data of this interpreter on huge pages, which make its forks cheaper.

A fork copies an entry for each small page of its data, and the end of the child takes each one
back; for a huge page that is one entry, or, where parts of it lie at several addresses, many in one
go. Code is not copied but mapped anew by each child, page by page, where it is not on huge pages.
What a child writes to becomes small pages of its own, as ever.

Files of an image have no huge pages, and memory that grew little by little has none either: so all
is copied to new memory, and the copy put in its place.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

HUGE_PAGE_SIZE = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"
SMAPS = "/proc/self/smaps"
PAGE = os.sysconf("SC_PAGE_SIZE")
# From <sys/mman.h>.
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_PRIVATE, MAP_ANONYMOUS = 0x02, 0x20
MADV_HUGEPAGE = 14
MREMAP_MAYMOVE, MREMAP_FIXED = 1, 2
IN_PLACE = MREMAP_MAYMOVE | MREMAP_FIXED
FAILED = ctypes.c_void_p(-1).value

# The flags of memory that is nothing but memory, of those in smaps: see proc_pid_smaps(5).
ORDINARY = frozenset(["rd", "wr", "mr", "mw", "me", "ac", "sd", "hg"])
# Each piece stays a mapping of its own, which costs a fork as much as so many pages.
LEAST_PIECE = 16 * PAGE
# What has never been used is not worth a place, a smaller gap not a piece more.
LEAST_GAP = 8 * PAGE
# The C library may give the end of its heap back at any moment.
LOOSE_END = 64 * PAGE
# So much at a time, for as long as it is there twice.
PORTION = 16 * 2**20
# Of <ucontext.h> on x86_64: its size rounded up, and where its fields are.
CONTEXT, LINK, STACK_POINTER, STACK_SIZE = 1024, 8, 16, 32
STACK = 4096

_libc = ctypes.CDLL(None, use_errno=True)
_ADDRESS, _SIZE, _INT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
for _name, _arguments in {
    "mmap": (_ADDRESS, _SIZE, _INT, _INT, _INT, ctypes.c_long),
    "munmap": (_ADDRESS, _SIZE),
    "madvise": (_ADDRESS, _SIZE, _INT),
    "mincore": (_ADDRESS, _SIZE, _ADDRESS),
    "mprotect": (_ADDRESS, _SIZE, _INT),
    "mremap": (_ADDRESS, _SIZE, _SIZE, _INT, _ADDRESS),
}.items():
    getattr(_libc, _name).argtypes = _arguments
_libc.mmap.restype = _libc.mremap.restype = ctypes.c_void_p


class _Mapping(NamedTuple):
    """A mapping of this process: its addresses, rights, what is mapped, and its flags."""

    start: int
    end: int
    rights: str
    name: str
    flags: frozenset[str]
    huge_bytes: int


class _Piece(NamedTuple):
    """What is moved at once."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.end - self.start


def adopt_code() -> bool:
    """Move the interpreter's own code; returns whether it was possible, else all is as before.

    It is not where the kernel has no huge pages to give, or forbids to make memory executable; and
    only what fills huge pages is moved. For a process with one thread.
    """
    page = _huge_page()
    start, end = _whole_pages(page) if page else (0, 0)
    if start >= end:
        return False
    size = end - start
    room = _room(size, page)
    if room is None:
        return False
    ctypes.memmove(room, start, size)
    if (
        _libc.mprotect(room, size, PROT_READ | PROT_EXEC)
        or _libc.mremap(room, size, size, IN_PLACE, start) == FAILED
    ):
        _libc.munmap(room, size)
        return False
    return True


def adopt_data() -> bool:
    """Move what this process has in memory; returns whether all of it was possible.

    For a process with one thread, and when the garbage collector is disabled: nothing may be given
    back while it is being moved.
    """
    page = _huge_page()
    if not page:
        return False
    # Kept to the end: what is given back now could be the last thing in memory that is to be moved.
    mappings = list(_mappings())
    pieces = [part for piece in _data(mappings) for part in _cut(piece, page)]
    # They are placed one after the other, and what fills a huge page has to begin with one.
    pieces.sort(key=lambda piece: piece.size != page or piece.start % page != 0)
    return all(_move(portion, page) for portion in _portions(pieces))


def _huge_page() -> int:
    """The size of a huge page in bytes; 0 where there are none, or where this was never tried."""
    if os.uname().machine != "x86_64":
        return 0  # elsewhere, a copy of code would have to be made known to the processor
    if not hasattr(_libc, "makecontext") or not os.access(SMAPS, os.R_OK):
        return 0
    try:
        with open(HUGE_PAGE_SIZE) as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def _room(size: int, page: int) -> int | None:
    """New memory on huge pages; None where the kernel gives none."""
    start = _new(size + page)
    if start is None:
        return None
    room = _up(start, page)
    if room > start:
        _libc.munmap(start, room - start)
    _libc.munmap(room + size, start + page - room)
    _libc.madvise(room, size, MADV_HUGEPAGE)
    ctypes.memset(room, 0, size)
    if _mapping_of(room).huge_bytes < size // page * page:
        _libc.munmap(room, size)
        return None
    return room


def _new(size: int) -> int | None:
    """New memory; None where the kernel gives none."""
    rights, kind = PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS
    start: int = _libc.mmap(None, size, rights, kind, -1, 0)
    return None if start == FAILED else start


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


def _data(mappings: list[_Mapping]) -> Iterator[_Piece]:
    """What is in use of all that this process has of its own, but its stack."""
    for mapping in mappings:
        start, end = mapping.start, mapping.end
        if mapping.name == "[heap]":
            end = max(start, end - LOOSE_END)
        if (
            mapping.rights == "rw-p"
            and mapping.flags <= ORDINARY
            and mapping.name != "[stack]"
            and end - start >= LEAST_PIECE
        ):
            yield from (piece for piece in _used(start, end) if piece.size >= LEAST_PIECE)


def _used(start: int, end: int) -> Iterator[_Piece]:
    """The parts of a mapping that are in use."""
    is_there = ctypes.create_string_buffer((end - start) // PAGE)
    if _libc.mincore(start, end - start, is_there):
        return
    first = last = end
    for address, there in zip(range(start, end, PAGE), is_there.raw, strict=True):
        if there & 1:
            if address - last > LEAST_GAP:
                yield _Piece(first, last)
                first = address
            first, last = min(first, address), address + PAGE
    if first < end:
        yield _Piece(first, last)


def _cut(piece: _Piece, page: int) -> Iterator[_Piece]:
    """The whole huge pages in a piece one by one, and what is left of it."""
    first, last = _up(piece.start, page), piece.end // page * page
    if first >= last:
        yield piece
        return
    edges = [piece.start, *range(first, last + 1, page), piece.end]
    yield from (_Piece(start, end) for start, end in pairwise(edges) if start < end)


def _portions(pieces: list[_Piece]) -> Iterator[list[_Piece]]:
    portion: list[_Piece] = []
    for piece in pieces:
        portion.append(piece)
        if sum(piece.size for piece in portion) >= PORTION:
            yield portion
            portion = []
    if portion:
        yield portion


def _move(pieces: list[_Piece], page: int) -> bool:
    """Move these pieces; returns whether there were huge pages for them."""
    used = sum(piece.size for piece in pieces)
    # A huge page is worth it where at least half of it is used; the end of a room has small ones.
    size = _up(used, page) if used % page >= page // 2 else used
    room = _room(size, page)
    if room is None:
        return False
    calls = []
    place = room
    for piece in pieces:
        calls += [
            (_libc.memcpy, (place, piece.start, piece.size)),
            (_libc.mremap, (place, piece.size, piece.size, IN_PLACE, piece.start)),
        ]
        place += piece.size
    _call_in_a_row(calls)
    if size > used:
        _libc.munmap(place, size - used)
    return True


def _call_in_a_row(calls: list[tuple[Any, tuple[int, ...]]]) -> None:
    """Call functions of the C library one after the other, and nothing of Python in between.

    What Python would write between copying its memory and putting the copy in place would be lost.
    So each call is a context that is followed by the next one: see makecontext(3).
    """
    size = (len(calls) + 1) * (CONTEXT + STACK)
    contexts = _new(size)
    if contexts is None:
        raise MemoryError
    here, *places = range(contexts, contexts + size, CONTEXT + STACK)
    for place, following, (function, arguments) in zip(
        places, [*places[1:], here], calls, strict=True
    ):
        _libc.getcontext(_ADDRESS(place))
        _ADDRESS.from_address(place + LINK).value = following
        _ADDRESS.from_address(place + STACK_POINTER).value = place + CONTEXT
        _SIZE.from_address(place + STACK_SIZE).value = STACK
        _libc.makecontext(
            _ADDRESS(place),
            ctypes.cast(function, _ADDRESS),
            len(arguments),
            *(_SIZE(argument) for argument in arguments),
        )
    _libc.swapcontext(_ADDRESS(here), _ADDRESS(places[0]))
    _libc.munmap(contexts, size)


def _mapping_of(address: int) -> _Mapping:
    return next(mapping for mapping in _mappings() if mapping.start <= address < mapping.end)


def _mappings() -> Iterator[_Mapping]:
    with open(SMAPS) as file:
        for line in file:
            first, *rest = line.split()
            if not first.endswith(":"):
                start, end = (int(address, 16) for address in first.split("-"))
                rights, name = rest[0], " ".join(rest[4:])
            elif first == "AnonHugePages:":
                huge_bytes = int(rest[0]) * 1024
            elif first == "VmFlags:":  # the last one
                yield _Mapping(start, end, rights, name, frozenset(rest), huge_bytes)


def _up(address: int, page: int) -> int:
    return (address + page - 1) // page * page
