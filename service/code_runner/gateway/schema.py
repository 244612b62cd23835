"""What a request to `/run` may say, and what its answer says."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from code_runner.gateway.errors import Refused
from code_runner.protocol import Job, Outcome
from code_runner.settings import Settings

TRUNCATION_MARKER = "\n... (output truncated)"
FIELDS = ("code", "timeout")
RESERVED_FIELDS = ("stdin", "args", "files")
MIN_TIMEOUT = 1


@dataclass(frozen=True)
class RunRequest:
    """A valid request: `code` as UTF-8, `timeout` in seconds, above 0 and at most the maximum."""

    code: bytes
    timeout: float


def parse_run_request(body: bytes, settings: Settings) -> RunRequest:
    """Read the body of `POST /run`; raises `Refused` with 400 or 422, naming the field."""
    fields = _parse_json(body)
    if not isinstance(fields, dict):
        raise Refused(422, f"body: must be a JSON object, not {_json_type(fields)}")
    for name in fields:
        if name in RESERVED_FIELDS:
            raise Refused(422, f"{name}: reserved for a later version")
        if name not in FIELDS:
            raise Refused(422, f"{_shown(name)}: unknown field; there are {', '.join(FIELDS)}")
    return RunRequest(_code(fields), _timeout(fields.get("timeout"), settings))


def _parse_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode())
    except UnicodeDecodeError:
        raise Refused(400, "body: must be encoded as UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refused(400, f"body: malformed JSON: {error.msg} ({where})") from None
    except ValueError:
        raise Refused(400, "body: malformed JSON: a number is too long") from None
    except RecursionError:
        raise Refused(400, "body: malformed JSON: nested too deeply") from None


def _code(fields: dict[str, Any]) -> bytes:
    if "code" not in fields:
        raise Refused(422, "code: is missing")
    code = fields["code"]
    if not isinstance(code, str):
        raise Refused(422, f"code: must be a string, not {_json_type(code)}")
    if not code.strip():
        raise Refused(400, "Code cannot be empty")
    try:
        return code.encode()
    except UnicodeEncodeError:
        raise Refused(422, "code: must not contain lone surrogates") from None


def _timeout(value: Any, settings: Settings) -> float:
    if value is None:
        return settings.default_timeout
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(422, f"timeout: must be a number of seconds, not {_json_type(value)}")
    if not isinstance(value, int) and not math.isfinite(value):
        raise Refused(422, "timeout: must be a finite number of seconds")
    if value <= 0:
        return MIN_TIMEOUT
    return min(value, settings.max_timeout)


def _json_type(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def _shown(name: str) -> str:
    """A name that a client made up: short, and with nothing in it that a terminal would obey."""
    return ascii(name[:50])[1:-1]


def run_response(job: Job, outcome: Outcome, settings: Settings) -> dict[str, Any]:
    """The answer to a run, in the order of the contract."""
    stdout, stdout_truncated = _cut(outcome.stdout, settings.max_output_size)
    stderr, stderr_truncated = _cut(outcome.stderr, settings.max_output_size)
    if last_line := _last_line(outcome.reason, job.timeout, settings):
        separator = "\n" if stderr and not stderr.endswith("\n") else ""
        stderr += separator + last_line
    return {
        "stdout": stdout,
        "stderr": stderr,
        "exit_code": outcome.exit_code,
        "timed_out": outcome.reason == "timeout",
        "reason": outcome.reason,
        "duration_ms": round(outcome.duration_ms, 1),
        "cpu_ms": round(outcome.cpu_ms, 1),
        "peak_memory_bytes": outcome.peak_memory_bytes,
        "stdout_truncated": stdout_truncated,
        "stderr_truncated": stderr_truncated,
        "run_id": job.run_id,
    }


def _cut(output: bytes, characters: int) -> tuple[str, bool]:
    text = output.decode(errors="replace")
    if len(text) <= characters:
        return text, False
    return text[:characters] + TRUNCATION_MARKER, True


def _last_line(reason: str, timeout: float, settings: Settings) -> str | None:
    """What the last line of stderr says where the service ended the run."""
    match reason:
        case "timeout":
            return f"Execution timed out after {timeout:g} seconds"
        case "memory":
            return f"Execution ended: over {settings.run_memory // 2**20} MiB of memory"
        case "processes":
            return f"Execution ended: over {settings.run_processes} processes and threads"
        case "output":
            return "Execution ended: far too much output"
        case "cpu":
            return "Execution ended: out of CPU time"
        case "runner_lost":
            return "Execution ended: the runner was lost; the code may be run again"
    return None
