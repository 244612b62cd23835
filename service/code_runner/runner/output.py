"""Bounded reading of one output stream: the beginning is kept, the rest is drained."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from code_runner.protocol import output_bytes

# What a pipe of the default size holds: one read empties it.
CHUNK = 65536


class BoundedOutput:
    """Reads a pipe that never blocks; keeps enough to show `characters` of what comes.

    `flood` is called once when more than `drain_limit` bytes have come. The descriptor stays its
    owner's.
    """

    def __init__(
        self, descriptor: int, characters: int, drain_limit: int, flood: Callable[[], None]
    ) -> None:
        self._room = output_bytes(characters)
        self._kept: list[bytes] = []
        self._left = drain_limit
        self._flood = flood
        self._descriptor = descriptor
        self._is_watched = False
        self._loop = asyncio.get_running_loop()

    def watch(self) -> None:
        """Read from now on whenever data arrives: a full pipe would hold its writer up."""
        self._loop.add_reader(self._descriptor, self.take)
        self._is_watched = True

    def ignore(self) -> None:
        """Do not `watch` it any longer."""
        if self._is_watched:
            self._loop.remove_reader(self._descriptor)
            self._is_watched = False

    def take(self) -> bool:
        """Take what is there; returns whether the stream may have more right now."""
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self.ignore()
            return False
        if self._room > 0:
            self._kept.append(data[: self._room])
            self._room -= len(data)
        if 0 <= self._left < len(data):
            self._flood()
        self._left -= len(data)
        return True

    def finish(self) -> bytes:
        """Read the rest that lies in the pipe and return what was kept.

        To be called when every process of the run has ended, so that no more can come.
        """
        while self.take():
            pass
        return b"".join(self._kept)
