"""Waiting without the event loop, for what is there within moments as a rule, or at once.

The loop costs more than such a wait, and in the agent it has little else to look after: one slot
does one thing at a time. The gateway never waits so, it only looks.
"""

from __future__ import annotations

import select
from typing import Protocol


class _HasDescriptor(Protocol):
    def fileno(self) -> int: ...


def is_readable(connection: _HasDescriptor, seconds: float) -> bool:
    """Wait for data on `connection`, or its end, for at most so many seconds."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
