"""The queue of runs: a line for each client, served in turns, so that no flood locks others out."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import Generic, TypeVar

T = TypeVar("T")


class QueueFull(Exception):
    """There is no room, and the client that asks for it has its fair share."""


class FairQueue(Generic[T]):
    """At most `size` items; each client's leave in the order of their coming, the clients in turns.

    Every operation takes constant time, however many items and clients wait. (That is why the dicts
    are ordered ones: the first key of a dict takes long to find when many before it were deleted.)
    """

    def __init__(self, size: int) -> None:
        self._size = size
        # What waits, the oldest first, and whose it is.
        self._client_of: OrderedDict[T, str] = OrderedDict()
        # Who waits, and with what; the client whose turn is next stands first.
        self._lines: OrderedDict[str, OrderedDict[T, None]] = OrderedDict()
        # The same clients by the length of their lines, and how long the longest is.
        self._clients: defaultdict[int, OrderedDict[str, None]] = defaultdict(OrderedDict)
        self._longest = 0

    def __len__(self) -> int:
        return len(self._client_of)

    @property
    def oldest(self) -> T | None:
        """The item that has waited longest; None where nothing waits."""
        return next(iter(self._client_of), None)

    def add(self, client: str, item: T, extra: int = 0) -> T | None:
        """Put an item at the end of its client's line; returns the one that had to leave for it.

        One has to where the queue is full, with so many items more than its size as are `extra`:
        the newest of the longest line. If that line is not longer than this one would become, there
        is nothing to share out: raises `QueueFull`.
        """
        line = self._lines.get(client) or OrderedDict()
        outcast = None
        if len(self._client_of) >= self._size + extra:
            if self._longest <= len(line) + 1:
                raise QueueFull
            outcast = self._drop_newest(next(iter(self._clients[self._longest])))
        line[item] = None
        self._client_of[item] = client
        self._lines[client] = line
        self._has_changed(client, line, 1)
        return outcast

    def take(self) -> T | None:
        """The item whose turn it is, no longer in the queue; None where nothing waits."""
        if not self._lines:
            return None
        client, line = next(iter(self._lines.items()))
        self._lines.move_to_end(client)
        item = next(iter(line))
        self.remove(item)
        return item

    def remove(self, item: T) -> bool:
        """Take an item out of its turn; returns whether it was still there."""
        client = self._client_of.pop(item, None)
        if client is None:
            return False
        line = self._lines[client]
        del line[item]
        self._has_changed(client, line, -1)
        return True

    def _drop_newest(self, client: str) -> T:
        item = next(reversed(self._lines[client]))
        self.remove(item)
        return item

    def _has_changed(self, client: str, line: OrderedDict[T, None], by: int) -> None:
        """Keep the books after a line has become longer (1) or shorter (-1) by one."""
        length = len(line)
        if length != by:  # it was there before
            del self._clients[length - by][client]
        if line:
            self._clients[length][client] = None
        else:
            del self._lines[client]
        if length > self._longest or not self._clients[self._longest]:
            self._longest = length
