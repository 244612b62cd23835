"""The clients' connections: who is on the line, and how to leave without losing a request."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiohttp import web

from code_runner.gateway.errors import Handler
from code_runner.waiting import is_readable

# How long after SIGTERM we go on as before, only that each answer says `Connection: close`. A
# client in the habit of reusing its connection is told so by its next answer; one that has been
# silent for longer will hardly send in the very moment in which we hang up.
FAREWELL_SECONDS = 2.0
# From the arrival of a request to the beginning of its handling, with some to spare.
ARRIVAL_SECONDS = 0.1

logger = logging.getLogger(__name__)


class Connection(web.RequestHandler):
    """One client's connection, which knows whether something came that was not answered yet."""

    __slots__ = ("asking",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.asking = False

    def data_received(self, data: bytes) -> None:
        """Take note, and go on as aiohttp does."""
        self.asking = True
        super().data_received(data)

    def is_silent(self) -> bool:
        """Whether nothing has come that was not answered, not even unread: a busy loop is late."""
        if self.asking or self.transport is None:
            return not self.asking
        return not is_readable(self.transport.get_extra_info("socket"), 0)


class Connections:
    """All connections of the gateway, from the first to the last."""

    def __init__(self) -> None:
        self.leaving = False
        self._in_progress = 0
        self._all_answered = asyncio.Event()

    async def accept(self, clients: web.Server, host: str, port: int) -> asyncio.Server:
        """Accept connections for `clients`; raises `OSError` where the port cannot be had."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: Connection(
                clients,
                loop=loop,
                access_log=None,
                auto_decompress=False,  # a small body could become a large one
            ),
            host,
            port,
            backlog=128,
        )

    @web.middleware
    async def attend(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Have a request handled; once we are leaving, its answer says so."""
        self._in_progress += 1
        connection = request.protocol
        assert isinstance(connection, Connection)
        connection.asking = True  # it may have come together with the request before it
        try:
            response = await handler(request)
        finally:
            self._in_progress -= 1
            if self.leaving and not self._in_progress:
                self._all_answered.set()
            connection.asking = False
        if self.leaving:
            response.force_close()
        return response

    async def part(self, clients: web.Server, server: asyncio.Server) -> None:
        """Answer every request whose headers arrive before the farewell is over, and no others.

        The order is what loses fewest requests: the clients are told; then nobody new is accepted,
        for a refused connection is the one failure after which a client, or the proxy before us,
        may try elsewhere without a doubt; then we hang up on the silent, and the others are
        answered.
        """
        self.leaving = True
        logger.info("leaving: %d connections, %d requests", *self._count(clients))
        if clients.connections:
            await asyncio.sleep(FAREWELL_SECONDS)
        for _ in range(2):  # rounds of the loop, in which it accepts those who stand at the door
            await asyncio.sleep(0)
        server.close()
        await asyncio.sleep(ARRIVAL_SECONDS)
        for connection in clients.connections:
            if isinstance(connection, Connection) and connection.is_silent():
                # Not close(), which stops listening and leaves the client to send into the void;
                # an answer that is still on its way out goes out first.
                connection.force_close()
        await asyncio.sleep(ARRIVAL_SECONDS)
        logger.info("no longer accepting: %d connections, %d requests", *self._count(clients))
        while self._in_progress:
            self._all_answered.clear()
            await self._all_answered.wait()

    def _count(self, clients: web.Server) -> tuple[int, int]:
        return len(clients.connections), self._in_progress


CONNECTIONS = web.AppKey("connections", Connections)
