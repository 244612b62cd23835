"""The four endpoints."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from typing import Any

from aiohttp import web

from code_runner import __version__
from code_runner.gateway.access import ApiKeys
from code_runner.gateway.connections import Connections
from code_runner.gateway.errors import Refused
from code_runner.gateway.metrics import METRICS
from code_runner.gateway.schema import parse_run_request, run_response
from code_runner.gateway.slots import Slots
from code_runner.logs import audit
from code_runner.protocol import Job, Outcome
from code_runner.sandbox.walls import WALL_NAMES
from code_runner.settings import Settings

SETTINGS = web.AppKey("settings", Settings)
SLOTS = web.AppKey("slots", Slots)
CONNECTIONS = web.AppKey("connections", Connections)
API_KEYS: web.AppKey[ApiKeys | None] = web.AppKey("api_keys")
"""None: whoever reaches the port may run code."""
LARGE_BODIES = web.AppKey("large_bodies", asyncio.Semaphore)
"""Held while a large body is received, which may take memory for all of `BODY_SECONDS`."""
MAX_LARGE_BODIES = 64
SMALL_BODY = 2**16
BODY_SECONDS = 10
routes = web.RouteTableDef()


@routes.get("/")
async def about(request: web.Request) -> web.Response:
    """What this is and how much it takes."""
    settings = request.app[SETTINGS]
    body: dict[str, Any] = {
        "service": "Code Runner Service",
        "version": __version__,
        "description": "Execute Python code with timeout controls",
        "endpoints": {"health": "/health", "ready": "/ready", "run": "/run (POST)"},
        "limits": {
            "max_timeout": _number(settings.max_timeout),
            "max_output_size": settings.max_output_size,
        },
    }
    if request.app[API_KEYS]:
        body["authentication"] = "api_key"
    return web.json_response(body)


@routes.get("/health")
async def health(_: web.Request) -> web.Response:
    """Whether the gateway answers; says nothing of the runners."""
    return web.json_response(
        {"status": "healthy", "service": "code-runner-service", "version": __version__}
    )


@routes.get("/ready")
async def ready(request: web.Request) -> web.Response:
    """Whether a run would be executed: at least one slot is alive; never a question of load."""
    state = request.app[SLOTS].state()
    leaving = request.app[CONNECTIONS].leaving
    standing = state["standing"]
    is_ready = state["slots"]["alive"] > 0 and not leaving
    body = {
        "status": "ready" if is_ready else "not_ready",
        "python_available": state["slots"]["alive"] > 0,
        "max_timeout": _number(request.app[SETTINGS].max_timeout),
        "slots": state["slots"],
        "walls": {
            "standing": [name for name in WALL_NAMES if name in standing],
            "missing": [name for name in WALL_NAMES if name not in standing],
            "memory_counters": state["memory_counters"],
        },
        "reasons": state["reasons"] + (["shutting down"] if leaving else []),
    }
    return web.json_response(body, status=200 if is_ready else 503)


@routes.post("/run")
async def run(request: web.Request) -> web.Response:
    """Execute the code of the body and answer with what it printed."""
    settings = request.app[SETTINGS]
    api_keys = request.app[API_KEYS]
    client = api_keys.admit(request) if api_keys else str(request.remote)
    wanted = parse_run_request(await _body(request), settings)
    job = Job(uuid.uuid4().hex, wanted.code, wanted.timeout)
    try:
        outcome = await request.app[SLOTS].run(job, client)
    except asyncio.CancelledError:
        _put_on_record(request, job, Outcome("cancelled"))
        raise
    # The client waits for the answer, and nobody for the record.
    asyncio.get_running_loop().call_soon(_put_on_record, request, job, outcome)
    return web.json_response(run_response(job, outcome, settings))


async def _body(request: web.Request) -> bytes:
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
            async with request.app[LARGE_BODIES]:
                return await request.read()
    except TimeoutError:
        raise Refused(408, f"The body did not arrive in {BODY_SECONDS} seconds") from None


def _is_json(content_type: str) -> bool:
    return content_type == "application/json" or (
        content_type.startswith("application/") and content_type.endswith("+json")
    )


def _number(seconds: float) -> float | int:
    """10.0 as 10, the way a person would write it."""
    return int(seconds) if seconds == int(seconds) else seconds


def _put_on_record(request: web.Request, job: Job, outcome: Outcome) -> None:
    fields: dict[str, Any] = {
        "run_id": job.run_id,
        "client": request.remote,
        "code_sha256": hashlib.sha256(job.code).hexdigest(),
        "code_bytes": len(job.code),
        "timeout": job.timeout,
        "reason": outcome.reason,
        "exit_code": outcome.exit_code,
        "duration_ms": round(outcome.duration_ms, 1),
        "cpu_ms": round(outcome.cpu_ms, 1),
        "peak_memory_bytes": outcome.peak_memory_bytes,
    }
    request.app[METRICS].run_ended(outcome)
    audit("gateway", "run", fields)
