"""What has to be done for a request, but not while its client waits: records and metrics."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import web

from code_runner import logs

# So late a record may come, and so much of it is lost if this process is killed.
LATE_SECONDS = 0.02

logger = logging.getLogger(__name__)


class Backlog:
    """Calls functions a little later, all that have come together.

    In a row they take a fraction of what each takes between two runs, when the processor's caches
    hold what others need; and whoever collects our log is woken once for many lines.
    """

    def __init__(self) -> None:
        self._calls: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()

    def add(self, function: Callable[..., None], *arguments: Any) -> None:
        """Have it called within `LATE_SECONDS`, in the order of coming."""
        if not self._calls:
            asyncio.get_running_loop().call_later(LATE_SECONDS, self.work_off)
        self._calls.append((function, arguments))

    def work_off(self) -> None:
        """Call at once what has not been called yet."""
        while self._calls:
            function, arguments = self._calls.popleft()
            try:
                function(*arguments)
            except Exception:
                logger.exception("a fault of ours")
        logs.flush()


BACKLOG = web.AppKey("backlog", Backlog)
