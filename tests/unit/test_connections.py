"""Leaving: what a client has sent is answered, also where the loop had no time to read it."""

import asyncio
import socket
import time

import pytest
from aiohttp import web

from code_runner.gateway import connections as module
from code_runner.gateway.connections import Connections

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_who_sends_in_the_moment_of_the_hanging_up_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FAREWELL_SECONDS", 0.0)

    async def scene() -> tuple[bytes, bytes]:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            async def handle(_: web.Request) -> web.StreamResponse:
                return web.Response(text="answered")

            return await connections.attend(request, handle)  # type: ignore[arg-type]

        connections, clients = Connections(), web.Server(answer)
        server = await connections.accept(clients, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        with socket.create_connection(address) as late, socket.create_connection(address) as silent:
            while len(clients.connections) < 2:  # noqa: ASYNC110 (they tell nobody)
                await asyncio.sleep(0.01)
            loop = asyncio.get_running_loop()
            # Both are due when the loop has slept, and it reads only after them.
            loop.call_later(module.ARRIVAL_SECONDS / 2, time.sleep, module.ARRIVAL_SECONDS)
            loop.call_later(module.ARRIVAL_SECONDS * 0.9, late.sendall, REQUEST)
            await connections.part(clients, server)
            await asyncio.sleep(0.1)
            late.settimeout(5)
            silent.settimeout(5)
            return late.recv(4096), silent.recv(4096)

    answered, hung_up = asyncio.run(scene())
    assert answered.endswith(b"answered")
    assert b"Connection: close" in answered
    assert hung_up == b""
