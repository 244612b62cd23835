"""`python3 -m code_runner.gateway`: serves HTTP until SIGTERM, then answers what was asked."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from aiohttp import web

from code_runner import logs, settings
from code_runner.gateway.app import create_app, create_metrics_app
from code_runner.gateway.connections import CONNECTIONS
from code_runner.gateway.errors import WithoutTraceback
from code_runner.settings import Settings

EX_CONFIG = 78
EX_UNAVAILABLE = 69
# When we have parted, only a client that does not read its answer, or that stopped in the middle of
# its request, is left.
LAST_ANSWERS_SECONDS = 2.0

logger = logging.getLogger(__name__)


def main() -> int:
    """Serve until told to stop; returns the exit status."""
    try:
        config = settings.load()
    except settings.SettingsError as error:
        print(f"code-runner: {error}", file=sys.stderr)
        return EX_CONFIG
    logs.configure(config.log_level, "gateway")
    logging.getLogger("aiohttp.server").addFilter(WithoutTraceback())
    try:
        asyncio.run(_serve(config))
    except settings.SettingsError as error:
        print(f"code-runner: {error}", file=sys.stderr)
        return EX_CONFIG
    except OSError as error:
        print(f"code-runner: cannot listen: {error}", file=sys.stderr)
        return EX_UNAVAILABLE
    return 0


async def _serve(config: Settings) -> None:
    app = create_app(config)
    connections = app[CONNECTIONS]
    runner = web.AppRunner(
        app,
        handler_cancellation=True,  # else a run would go on for a client that has gone
        shutdown_timeout=LAST_ANSWERS_SECONDS,
    )
    await runner.setup()
    metrics = web.AppRunner(create_metrics_app(app), access_log=None, shutdown_timeout=0)
    await metrics.setup()
    clients = runner.server
    assert clients
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        server = await connections.accept(clients, config.host, config.port)
        if config.metrics_port:
            await web.TCPSite(metrics, config.host, config.metrics_port).start()
        logger.info("listening on %s:%d for %d slots", config.host, config.port, config.slots)
        await stop.wait()
        await connections.part(clients, server)
    finally:
        # Hangs up on who is left, and dismisses the runners.
        await runner.cleanup()
        await metrics.cleanup()


if __name__ == "__main__":
    sys.exit(main())
