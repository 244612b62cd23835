"""Bounded reading of one output stream: the beginning is kept, the rest is drained."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from code_runner.protocol import output_bytes

# What a pipe of the default size holds: one read empties it.
CHUNK = 65536
# Most runs have ended by then, with less printed than a pipe holds: one read at the end does.
FIRST_LOOK_SECONDS = 0.002


class BoundedOutput:
    """Reads a pipe as its data arrives; keeps enough to show `characters` of them.

    `flood` is called once when more than `drain_limit` bytes have come.
    """

    def __init__(self, characters: int, drain_limit: int, flood: Callable[[], None]) -> None:
        self._room = output_bytes(characters)
        self._kept: list[bytes] = []
        self._left = drain_limit
        self._flood = flood
        self._loop = asyncio.get_running_loop()
        self._reader, self.write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)
        self._first_look = self._loop.call_later(
            FIRST_LOOK_SECONDS, self._loop.add_reader, self._reader, self._read
        )

    def _read(self) -> bool:
        """Take what is there; returns whether the stream may have more right now."""
        try:
            data = os.read(self._reader, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._reader)
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
        while self._read():
            pass
        return b"".join(self._kept)

    def close(self) -> None:
        """Give the descriptor back."""
        self._first_look.cancel()
        self._loop.remove_reader(self._reader)
        os.close(self._reader)
