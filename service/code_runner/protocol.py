"""What crosses the unix socket between the gateway and a runner.

A frame is a kind, a small head and a body of bytes, both with their length in front. The heads of
RUN and RESULT, which every run has, are packed: JSON would take several times as long. Those of the
others are JSON objects. The runner dials in and speaks first:

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
from typing import Any, NamedTuple

HEADER = struct.Struct("!BII")
MAX_HEAD = 2**16
# The heads of RUN and RESULT, up to the id of the run, which follows.
RUN_HEAD = struct.Struct("!d?")
RESULT_HEAD = struct.Struct("!B?iddQI")

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


KINDS = {kind.value: kind for kind in Kind}


class Frame(NamedTuple):
    """One message."""

    kind: Kind
    head: bytes = b""
    body: bytes = b""

    @classmethod
    def telling(cls, kind: Kind, **facts: Any) -> Frame:
        """One whose head is a JSON object."""
        return cls(kind, json.dumps(facts).encode())

    @property
    def facts(self) -> dict[str, Any]:
        """What the head of such a one tells, and nothing where it is empty.

        Raises `ProtocolError`.
        """
        if not self.head:
            return {}
        try:
            facts = json.loads(self.head.decode())
        except (ValueError, RecursionError) as error:
            raise ProtocolError(f"not a frame: {error}") from None
        if not isinstance(facts, dict):
            raise ProtocolError("a frame whose head is no object")
        return facts

    def encode(self) -> bytes:
        """The bytes that cross the socket."""
        return HEADER.pack(self.kind, len(self.head), len(self.body)) + self.head + self.body


class Job(NamedTuple):
    """What to run: source code as UTF-8, and its wall time in seconds."""

    run_id: str
    code: bytes
    timeout: float

    def frame(self, others_wait: bool) -> Frame:
        """The job as it crosses the socket, and whether there are others in the queue."""
        head = RUN_HEAD.pack(self.timeout, others_wait) + self.run_id.encode()
        return Frame(Kind.RUN, head, self.code)

    @classmethod
    def from_frame(cls, frame: Frame) -> tuple[Job, bool]:
        """Read what `frame` made; raises `ProtocolError`."""
        try:
            timeout, others_wait = RUN_HEAD.unpack_from(frame.head)
            return cls(frame.head[RUN_HEAD.size :].decode(), frame.body, timeout), others_wait
        except (struct.error, UnicodeDecodeError) as error:
            raise ProtocolError(f"not a job: {error}") from None


REASONS = (
    *("exited", "signal"),  # by itself
    *("timeout", "memory", "processes", "output", "cpu"),  # by a limit
    "runner_lost",  # by a fault
    "cancelled",  # because the client has gone
)
"""How a run can end."""
_NUMBERS = {reason: number for number, reason in enumerate(REASONS)}


class Outcome(NamedTuple):
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
        head = RESULT_HEAD.pack(
            _NUMBERS[self.reason],
            ready_soon,
            self.exit_code,
            self.duration_ms,
            self.cpu_ms,
            self.peak_memory_bytes,
            len(self.stdout),
        )
        return Frame(Kind.RESULT, head + run_id.encode(), self.stdout + self.stderr)

    @classmethod
    def from_frame(cls, frame: Frame) -> tuple[Outcome, str, bool]:
        """Read what `frame` made; raises `ProtocolError`."""
        try:
            number, ready_soon, exit_code, duration_ms, cpu_ms, peak, size = (
                RESULT_HEAD.unpack_from(frame.head)
            )
            output = frame.body[:size], frame.body[size:]
            outcome = cls(REASONS[number], exit_code, duration_ms, cpu_ms, peak, *output)
            return outcome, frame.head[RESULT_HEAD.size :].decode(), ready_soon
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise ProtocolError(f"not an outcome: {error}") from None


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
            kind, head_size, body_size = HEADER.unpack_from(self._rest)
            if kind not in KINDS:
                raise ProtocolError(f"not a frame: there is no kind {kind}")
            if head_size > MAX_HEAD or body_size > self._max_body:
                raise ProtocolError(f"a frame of {head_size} + {body_size} bytes is too large")
            end_of_head = HEADER.size + head_size
            end = end_of_head + body_size
            if len(self._rest) < end:
                return
            head = bytes(self._rest[HEADER.size : end_of_head])
            body = bytes(self._rest[end_of_head:end])
            del self._rest[:end]
            yield Frame(KINDS[kind], head, body)
