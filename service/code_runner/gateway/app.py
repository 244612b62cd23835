"""Puts the gateway together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from code_runner.gateway.access import ApiKeys
from code_runner.gateway.backlog import BACKLOG, Backlog
from code_runner.gateway.connections import CONNECTIONS, Connections
from code_runner.gateway.errors import errors_as_json
from code_runner.gateway.metrics import METRICS, Metrics
from code_runner.gateway.routes import Routes
from code_runner.gateway.slots import SLOTS, Slots
from code_runner.settings import Settings


def create_app(settings: Settings) -> web.Application:
    """The application; it listens for its runners from start to cleanup.

    Raises `SettingsError` where API keys are wanted and cannot be had.
    """
    backlog, connections, metrics = Backlog(), Connections(), Metrics()
    slots = Slots(settings, partial(backlog.add, metrics.waited))
    api_keys = ApiKeys(settings.api_keys_file) if settings.api_keys_file else None
    app = web.Application(
        middlewares=[connections.attend, errors_as_json], client_max_size=settings.max_body_bytes
    )
    app[BACKLOG], app[CONNECTIONS] = backlog, connections
    app[METRICS], app[SLOTS] = metrics, slots
    app.add_routes(Routes(settings, slots, connections, metrics, backlog, api_keys).table())
    app.cleanup_ctx.append(_serve_runners)
    return app


def create_metrics_app(app: web.Application) -> web.Application:
    """`/metrics` of `app`, for a port of its own, since it is open to whoever reaches it."""

    async def metrics(_: web.Request) -> web.Response:
        app[BACKLOG].work_off()
        text = app[METRICS].text(app[SLOTS].state())
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    own = web.Application()
    own.router.add_get("/metrics", metrics)
    return own


async def _serve_runners(app: web.Application) -> AsyncIterator[None]:
    await app[SLOTS].open()
    yield
    await app[SLOTS].close()
    app[BACKLOG].work_off()
