"""What crosses the unix socket between the gateway and a runner.

A frame is a kind, a small JSON object and a body of bytes, each with its length in front. The
runner dials in and speaks first:

    runner                      gateway
    READY {walls, memory_counter} -->       the slot is clean and a child waits
                           <--  RUN {run_id, timeout, others_wait} + code
                           <--  CANCEL {run_id}       the client has gone (at any time)
    RESULT {run_id, ready_soon, ...} -->    body: stdout, then stderr
                           <--  RUN                   where others wait and it is ready soon
    READY {}               -->              else the same again, with nothing new to tell of it
    OUT_OF_SERVICE {reason} -->             or why it cannot be had
                           <--  SHUTDOWN              after a drain

Either side treats a frame that it cannot read as the end of the connection.
"""

from __future__ import annotations

import enum
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

HEADER = struct.Struct("!BII")
MAX_META = 2**16

# A character of UTF-8 has at most four bytes. Four bytes for each character that may be shown, and
# four more, are enough to show those and to know whether there were others.
BYTES_PER_CHARACTER = 4


def output_bytes(characters: int) -> int:
    """How many bytes of an output have to be kept so that `characters` of it can be shown."""
    return BYTES_PER_CHARACTER * (characters + 1)


class ProtocolError(Exception):
    """The other side sent what is not a frame."""


class Kind(enum.IntEnum):
    """What a frame is about."""

    READY = 1
    OUT_OF_SERVICE = 2
    RUN = 3
    CANCEL = 4
    RESULT = 5
    SHUTDOWN = 6


@dataclass(frozen=True)
class Frame:
    """One message: `meta` is a JSON object, `body` opaque bytes."""

    kind: Kind
    meta: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""

    def encode(self) -> bytes:
        """The bytes that cross the socket."""
        meta = json.dumps(self.meta).encode()
        return HEADER.pack(self.kind, len(meta), len(self.body)) + meta + self.body


@dataclass(frozen=True)
class Job:
    """What to run: source code as UTF-8, and its wall time in seconds."""

    run_id: str
    code: bytes
    timeout: float

    def frame(self, others_wait: bool) -> Frame:
        """The job as it crosses the socket, and whether there are others in the queue."""
        meta = {"run_id": self.run_id, "timeout": self.timeout, "others_wait": others_wait}
        return Frame(Kind.RUN, meta, self.code)

    @classmethod
    def from_frame(cls, frame: Frame) -> Job:
        """Read what `frame` made; raises `ProtocolError`."""
        try:
            return cls(str(frame.meta["run_id"]), frame.body, float(frame.meta["timeout"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"not a job: {error!r}") from None


REASONS = (
    *("exited", "signal"),  # by itself
    *("timeout", "memory", "processes", "output", "cpu"),  # by a limit
    "runner_lost",  # by a fault
    "cancelled",  # because the client has gone
)
"""How a run can end."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    `reason` is one of `REASONS`.
    `exit_code` is the program's, minus the number of the signal that ended it, or -1 where the
    service did. Times are in milliseconds; `stdout` and `stderr` hold up to `output_bytes` bytes.
    """

    reason: str
    exit_code: int = -1
    duration_ms: float = 0.0
    cpu_ms: float = 0.0
    peak_memory_bytes: int = 0
    stdout: bytes = b""
    stderr: bytes = b""

    def frame(self, run_id: str, ready_soon: bool) -> Frame:
        """The outcome of that run as it crosses the socket, and whether another may follow now."""
        meta = {
            "run_id": run_id,
            "ready_soon": ready_soon,
            "reason": self.reason,
            "exit_code": self.exit_code,
            "duration_ms": self.duration_ms,
            "cpu_ms": self.cpu_ms,
            "peak_memory_bytes": self.peak_memory_bytes,
            "stdout_bytes": len(self.stdout),
        }
        return Frame(Kind.RESULT, meta, self.stdout + self.stderr)

    @classmethod
    def from_frame(cls, frame: Frame) -> Outcome:
        """Read what `frame` made; raises `ProtocolError`."""
        meta = frame.meta
        if meta.get("reason") not in REASONS:
            raise ProtocolError(f"not an outcome: reason {meta.get('reason')!r}")
        try:
            size = int(meta["stdout_bytes"])
            return cls(
                reason=meta["reason"],
                exit_code=int(meta["exit_code"]),
                duration_ms=float(meta["duration_ms"]),
                cpu_ms=float(meta["cpu_ms"]),
                peak_memory_bytes=int(meta["peak_memory_bytes"]),
                stdout=frame.body[:size],
                stderr=frame.body[size:],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"not an outcome: {error!r}") from None


class Frames:
    """Cuts the bytes that arrive into frames."""

    def __init__(self, max_body: int) -> None:
        """`max_body` is how many bytes the body of a frame may have."""
        self._max_body = max_body
        self._rest = bytearray()

    def cut(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes; raises `ProtocolError` where it is none."""
        self._rest += data
        while len(self._rest) >= HEADER.size:
            kind, meta_size, body_size = HEADER.unpack_from(self._rest)
            if meta_size > MAX_META or body_size > self._max_body:
                raise ProtocolError(f"a frame of {meta_size} + {body_size} bytes is too large")
            end_of_meta = HEADER.size + meta_size
            end = end_of_meta + body_size
            if len(self._rest) < end:
                return
            meta = _parse_meta(self._rest[HEADER.size : end_of_meta])
            body = bytes(self._rest[end_of_meta:end])
            del self._rest[:end]
            yield Frame(_kind(kind), meta, body)


def _parse_meta(text: bytes | bytearray) -> dict[str, Any]:
    try:
        meta = json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not a frame: {error}") from None
    if not isinstance(meta, dict):
        raise ProtocolError("a frame whose meta part is no object")
    return meta


def _kind(number: int) -> Kind:
    try:
        return Kind(number)
    except ValueError as error:
        raise ProtocolError(f"not a frame: {error}") from None
