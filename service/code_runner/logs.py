"""Log lines: one JSON object each, so that nothing a client sends can break or forge a line."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

# A log that takes no more.
_NO_CLIENTS_TROUBLE = contextlib.suppress(OSError)


def audit(component: str, seconds: float, message: str, fields: dict[str, Any]) -> None:
    """Have one line for a run or a refusal, of this time since the epoch, in the next `flush`.

    Whatever the log level; and not by way of `logging`, which takes as long for a line as HTTP does
    for an answer.
    """
    with _NO_CLIENTS_TROUBLE:
        print(_line(seconds, "info", component, message, fields))


def flush() -> None:
    """Write what there is of these lines."""
    with _NO_CLIENTS_TROUBLE:
        sys.stdout.flush()


def _line(seconds: float, level: str, component: str, message: str, fields: dict[str, Any]) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return json.dumps(
        {
            "time": moment.removesuffix("+00:00") + "Z",
            "level": level,
            "component": component,
            "message": message,
            **fields,
        }
    )


class _JsonFormatter(logging.Formatter):
    def __init__(self, component: str) -> None:
        super().__init__()
        self._component = component

    def format(self, record: logging.LogRecord) -> str:
        fields = {}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        level = record.levelname.lower()
        return _line(record.created, level, self._component, record.getMessage(), fields)


def configure(level: str, component: str) -> None:
    """Write to standard output from `level` (debug, info, warning, error) upwards."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonFormatter(component))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
