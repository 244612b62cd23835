"""The one place where a refusal becomes JSON: every error answer is `{"detail": "..."}`."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from code_runner.gateway.backlog import BACKLOG
from code_runner.gateway.metrics import METRICS
from code_runner.logs import audit

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refused(Exception):
    """A request that is not carried out: HTTP status, what is wrong, headers of the answer."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


class WithoutTraceback(logging.Filter):
    """For aiohttp's own logger: a client that sends what is no HTTP is not a fault of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the record of a malformed request to one line; keeps every record."""
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
            record.msg, record.args = "malformed HTTP: %s", (record.exc_info[1].message,)
            record.levelno, record.levelname = logging.INFO, "INFO"
            record.exc_info = None
        return True


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer refusals, aiohttp's own errors and our faults in one form, and put them on record."""
    try:
        return await handler(request)
    except Refused as refusal:
        return _answer(request, refusal.status, refusal.detail, refusal.headers)
    except web.HTTPRequestEntityTooLarge:
        return _answer(request, 413, f"The body is larger than {request.client_max_size} bytes")
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        detail = f"{request.method} is not allowed here; allowed: {allowed}"
        return _answer(request, 405, detail, {"Allow": allowed})
    except web.HTTPException as error:
        return _answer(request, error.status, error.reason)
    except Exception:
        logger.exception("a fault of ours")
        return _answer(request, 500, "Internal error")


def _answer(
    request: web.Request, status: int, detail: str, headers: dict[str, str] | None = None
) -> web.Response:
    fields = {
        "client": request.remote,
        "method": request.method,
        "path": request.path[:200],
        "status": status,
        "detail": detail,
    }
    backlog = request.app[BACKLOG]
    backlog.add(request.app[METRICS].refused, status)
    message = "unauthorized" if status == 401 else "refused"
    backlog.add(audit, "gateway", time.time(), message, fields)
    return web.json_response({"detail": detail}, status=status, headers=headers)
