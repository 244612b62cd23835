"""Puts the gateway together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from code_runner.gateway.errors import errors_as_json
from code_runner.gateway.routes import LARGE_BODIES, MAX_LARGE_BODIES, SETTINGS, SLOTS, routes
from code_runner.gateway.slots import Slots
from code_runner.settings import Settings


def create_app(settings: Settings) -> web.Application:
    """The application; it listens for its runners from start to cleanup."""
    app = web.Application(middlewares=[errors_as_json], client_max_size=settings.max_body_bytes)
    app[SETTINGS] = settings
    app[SLOTS] = Slots(settings)
    app[LARGE_BODIES] = asyncio.Semaphore(MAX_LARGE_BODIES)
    app.add_routes(routes)
    app.cleanup_ctx.append(_serve_runners)
    return app


async def _serve_runners(app: web.Application) -> AsyncIterator[None]:
    await app[SLOTS].open()
    yield
    await app[SLOTS].close()
