"""The four endpoints."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from typing import Any

from aiohttp import web

from code_runner import __version__
from code_runner.gateway.access import ApiKeys
from code_runner.gateway.backlog import Backlog
from code_runner.gateway.connections import Connections
from code_runner.gateway.errors import Refused
from code_runner.gateway.metrics import Metrics
from code_runner.gateway.schema import parse_run_request, run_response
from code_runner.gateway.slots import Slots
from code_runner.logs import audit
from code_runner.protocol import Job, Outcome
from code_runner.sandbox.walls import WALL_NAMES
from code_runner.settings import Settings

MAX_LARGE_BODIES = 64
SMALL_BODY = 2**16
BODY_SECONDS = 10


class Routes:
    """The endpoints, and what they need."""

    def __init__(
        self,
        settings: Settings,
        slots: Slots,
        connections: Connections,
        metrics: Metrics,
        backlog: Backlog,
        api_keys: ApiKeys | None,
    ) -> None:
        """`api_keys` None: whoever reaches the port may run code."""
        self._settings = settings
        self._slots = slots
        self._connections = connections
        self._metrics = metrics
        self._backlog = backlog
        self._api_keys = api_keys
        # Held while a large body is received, which may take memory for all of `BODY_SECONDS`.
        self._large_bodies = asyncio.Semaphore(MAX_LARGE_BODIES)

    def table(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.get("/", self.about),
            web.get("/health", self.health),
            web.get("/ready", self.ready),
            web.post("/run", self.run),
        ]

    async def about(self, request: web.Request) -> web.Response:
        """What this is and how much it takes."""
        body: dict[str, Any] = {
            "service": "Code Runner Service",
            "version": __version__,
            "description": "Execute Python code with timeout controls",
            "endpoints": {"health": "/health", "ready": "/ready", "run": "/run (POST)"},
            "limits": {
                "max_timeout": _number(self._settings.max_timeout),
                "max_output_size": self._settings.max_output_size,
            },
        }
        if self._api_keys:
            body["authentication"] = "api_key"
        return web.json_response(body)

    async def health(self, _: web.Request) -> web.Response:
        """Whether the gateway answers; says nothing of the runners."""
        return web.json_response(
            {"status": "healthy", "service": "code-runner-service", "version": __version__}
        )

    async def ready(self, request: web.Request) -> web.Response:
        """Whether a run would be executed: at least one slot is alive; never a question of load."""
        state = self._slots.state()
        leaving = self._connections.leaving
        standing = state["standing"]
        is_ready = state["slots"]["alive"] > 0 and not leaving
        body = {
            "status": "ready" if is_ready else "not_ready",
            "python_available": state["slots"]["alive"] > 0,
            "max_timeout": _number(self._settings.max_timeout),
            "slots": state["slots"],
            "walls": {
                "standing": [name for name in WALL_NAMES if name in standing],
                "missing": [name for name in WALL_NAMES if name not in standing],
                "memory_counters": state["memory_counters"],
            },
            "reasons": state["reasons"] + (["shutting down"] if leaving else []),
        }
        return web.json_response(body, status=200 if is_ready else 503)

    async def run(self, request: web.Request) -> web.Response:
        """Execute the code of the body and answer with what it printed."""
        client = self._api_keys.admit(request) if self._api_keys else str(request.remote)
        wanted = parse_run_request(await self._body(request), self._settings)
        job = Job(os.urandom(16).hex(), wanted.code, wanted.timeout)
        try:
            outcome = await self._slots.run(job, client)
        except asyncio.CancelledError:
            self._put_on_record(request, job, Outcome("cancelled"))
            raise
        self._put_on_record(request, job, outcome)
        return web.json_response(run_response(job, outcome, self._settings))

    async def _body(self, request: web.Request) -> bytes:
        """The body, once its headers are right; bounded in size, time and number."""
        if not _is_json(request.content_type):
            raise Refused(415, "Content-Type must be application/json")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise Refused(415, "Content-Encoding is not supported; send the body as it is")
        if request.content.is_eof():
            return await request.read()  # as a rule it came together with the headers
        is_small = request.content_length is not None and request.content_length <= SMALL_BODY
        try:
            async with asyncio.timeout(BODY_SECONDS):
                if is_small:
                    return await request.read()
                async with self._large_bodies:
                    return await request.read()
        except TimeoutError:
            raise Refused(408, f"The body did not arrive in {BODY_SECONDS} seconds") from None

    def _put_on_record(self, request: web.Request, job: Job, outcome: Outcome) -> None:
        self._backlog.add(self._metrics.run_ended, outcome)
        self._backlog.add(_write_down, time.time(), request.remote, job, outcome)


def _write_down(seconds: float, client: str | None, job: Job, outcome: Outcome) -> None:
    fields: dict[str, Any] = {
        "run_id": job.run_id,
        "client": client,
        "code_sha256": hashlib.sha256(job.code).hexdigest(),
        "code_bytes": len(job.code),
        "timeout": job.timeout,
        "reason": outcome.reason,
        "exit_code": outcome.exit_code,
        "duration_ms": round(outcome.duration_ms, 1),
        "cpu_ms": round(outcome.cpu_ms, 1),
        "peak_memory_bytes": outcome.peak_memory_bytes,
    }
    audit("gateway", seconds, "run", fields)


def _is_json(content_type: str) -> bool:
    return content_type == "application/json" or (
        content_type.startswith("application/") and content_type.endswith("+json")
    )


def _number(seconds: float) -> float | int:
    """10.0 as 10, the way a person would write it."""
    return int(seconds) if seconds == int(seconds) else seconds
