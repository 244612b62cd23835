"""Puts the gateway together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from code_runner.gateway.access import ApiKeys
from code_runner.gateway.connections import Connections
from code_runner.gateway.errors import Handler, errors_as_json
from code_runner.gateway.metrics import METRICS, Metrics
from code_runner.gateway.routes import (
    API_KEYS,
    CONNECTIONS,
    LARGE_BODIES,
    MAX_LARGE_BODIES,
    SETTINGS,
    SLOTS,
    routes,
)
from code_runner.gateway.slots import Slots
from code_runner.settings import Settings


def create_app(settings: Settings) -> web.Application:
    """The application; it listens for its runners from start to cleanup.

    Raises `SettingsError` where API keys are wanted and cannot be had.
    """
    app = web.Application(
        middlewares=[_attend, errors_as_json], client_max_size=settings.max_body_bytes
    )
    app[SETTINGS] = settings
    app[API_KEYS] = ApiKeys(settings.api_keys_file) if settings.api_keys_file else None
    app[CONNECTIONS] = Connections()
    app[METRICS] = Metrics()
    app[SLOTS] = Slots(settings, app[METRICS])
    app[LARGE_BODIES] = asyncio.Semaphore(MAX_LARGE_BODIES)
    app.add_routes(routes)
    app.cleanup_ctx.append(_serve_runners)
    return app


def create_metrics_app(app: web.Application) -> web.Application:
    """`/metrics` of `app`, for a port of its own, since it is open to whoever reaches it."""

    async def metrics(_: web.Request) -> web.Response:
        text = app[METRICS].text(app[SLOTS].state())
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    own = web.Application()
    own.router.add_get("/metrics", metrics)
    return own


@web.middleware
async def _attend(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await request.app[CONNECTIONS].attend(request, handler)


async def _serve_runners(app: web.Application) -> AsyncIterator[None]:
    await app[SLOTS].open()
    yield
    await app[SLOTS].close()
