"""Log lines: one JSON object each, so that nothing a client sends can break or forge a line."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

audit = logging.getLogger("audit")
"""One line for every run and refusal, whatever the log level; fields by `extra={"fields": …}`."""


class _JsonFormatter(logging.Formatter):
    def __init__(self, component: str) -> None:
        super().__init__()
        self._component = component

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "component": self._component,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure(level: str, component: str) -> None:
    """Write to standard output from `level` (debug, info, warning, error) upwards."""
    # What no line shows need not be found out for each: see "Optimization" in Python's HOWTO.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonFormatter(component))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    audit.setLevel(logging.INFO)
