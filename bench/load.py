"""A load of N clients, each with one connection and one request under way, sent again at once.

A client of our own rather than wrk: it looks at every answer, keeps those that were refused apart
from those that were executed, and needs nothing installed. docs/benchmark.md tells what it costs
beside wrk; each sample tells it too.
"""

from __future__ import annotations

import gc
import re
import select
import socket
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

# A client that was refused comes back after this time. `Retry-After` is longer, as it counts on
# runs that take all the time they may.
PAUSE_SECONDS = 0.1
# How long to wait for the last answers when no new request is sent any more.
PATIENCE_SECONDS = 20.0
CONNECT_SECONDS = 10.0
# Above 128 KiB, the C library would map the buffer of each answer anew, and unmap it.
CHUNK = 2**16
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """What to send, byte for byte, and what has to stand in the body of the answer."""

    host: str
    port: int
    message: bytes
    expected: re.Pattern[bytes]


@dataclass
class Sample:
    """What came of a load. Times are in seconds."""

    latencies: list[float] = field(default_factory=list)
    """Of the requests that were executed, from sending to the last byte of the answer."""
    refused: int = 0
    """How many were answered 429."""
    wrong: Counter[str] = field(default_factory=Counter)
    """Every other answer, by what was wrong with it."""
    unanswered: int = 0
    """How many were still under way when patience ended."""
    seconds: float = 0.0
    """From the first request to the last answer."""
    client_cpu: float = 0.0
    """CPU time that sending and receiving took on this side."""


class WrongAnswer(Exception):
    """What came instead of an answer."""


class Connection:
    """One client's connection; a new one whenever the service has closed it."""

    def __init__(self, request: Request, poll: select.epoll) -> None:
        self._request = request
        self._poll = poll
        self._socket: socket.socket | None = None
        self._received = b""
        self.sent_at = 0.0

    def connect(self) -> int:
        """Connect, unless it is; returns the descriptor. Raises `OSError`."""
        if not self._socket:
            address = (self._request.host, self._request.port)
            self._socket = socket.create_connection(address, CONNECT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.settimeout(None)  # or each call would be preceded by a poll of its own
            self._poll.register(self._socket, select.EPOLLIN)
        return self._socket.fileno()

    def send(self, now: float) -> None:
        """Send the request; raises `OSError`."""
        assert self._socket
        self.sent_at = now
        self._socket.sendall(self._request.message)

    def receive(self) -> tuple[int, bytes] | None:
        """Read what is there; returns status and body once the answer is whole, and None before.

        Raises `WrongAnswer`, and `OSError` where the connection is lost.
        """
        assert self._socket
        data = self._socket.recv(CHUNK)
        if not data:
            raise WrongAnswer("closed before the answer")
        if self._received:
            data = self._received + data
        head, end, body = data.partition(b"\r\n\r\n")
        if end:
            status, length = _status_and_length(head)
            if len(body) >= length:
                self._received = b""
                return status, body
        self._received = data
        return None

    def close(self) -> None:
        """Hang up."""
        self._received = b""
        if self._socket:
            self._socket.close()
            self._socket = None


@lru_cache
def _status_and_length(head: bytes) -> tuple[int, int]:
    """Those of an answer with this head, as many have; raises `WrongAnswer`."""
    length = LENGTH.search(head)
    if not length:
        raise WrongAnswer(f"no Content-Length: {head[:100]!r}")
    return int(head[9:12]), int(length[1])


class Drive:
    """One load on its way: every connection has a request under way, or pauses, or is done."""

    def __init__(self, request: Request, clients: int, seconds: float) -> None:
        self._expected = request.expected
        self._poll = select.epoll()
        self._connections = [Connection(request, self._poll) for _ in range(clients)]
        self._under_way: dict[int, Connection] = {}
        self._pausing: deque[tuple[float, Connection]] = deque()
        self._seconds = seconds
        self._sample = Sample()
        self._bodies: list[bytes] = []  # of the answers whose latencies are in the sample

    def run(self) -> Sample:
        """Connect, send, and wait for the last answers; raises `OSError` where nobody listens."""
        for connection in self._connections:
            connection.connect()
        cpu, began = time.process_time(), time.perf_counter()
        self._end = began + self._seconds
        for connection in self._connections:
            self._begin(connection)
        while self._under_way or self._pausing:
            now = time.perf_counter()
            if now > self._end + PATIENCE_SECONDS:
                break
            self._receive(self._poll.poll(self._until_next(now)))
        self._sample.unanswered = len(self._under_way)
        self._sample.seconds = time.perf_counter() - began
        self._sample.client_cpu = time.process_time() - cpu
        for connection in self._connections:
            connection.close()
        self._poll.close()
        self._look_at_bodies()
        return self._sample

    def _until_next(self, now: float) -> float:
        """Seconds until a pause ends; sends for those whose pause has ended."""
        while self._pausing and self._pausing[0][0] <= now:
            self._begin(self._pausing.popleft()[1])
        return max(0.0, self._pausing[0][0] - now) if self._pausing else 1.0

    def _begin(self, connection: Connection) -> None:
        """Send, and be ready to receive."""
        if time.perf_counter() >= self._end:
            connection.close()
            return
        try:
            descriptor = connection.connect()
            connection.send(time.perf_counter())
        except OSError as error:
            self._fail(connection, f"not sent: {error}")
        else:
            self._under_way[descriptor] = connection

    def _receive(self, events: list[tuple[int, int]]) -> None:
        for descriptor, _ in events:
            connection = self._under_way.get(descriptor)
            if not connection:
                continue
            try:
                if answer := connection.receive():
                    self._take_in(descriptor, connection, *answer)
            except (WrongAnswer, OSError) as error:
                del self._under_way[descriptor]
                self._fail(connection, str(error))

    def _take_in(self, descriptor: int, connection: Connection, status: int, body: bytes) -> None:
        if status == 200:
            now = time.perf_counter()
            self._sample.latencies.append(now - connection.sent_at)
            self._bodies.append(body)
            if now < self._end:
                connection.send(now)
                return
            connection.close()
        elif status == 429:
            self._sample.refused += 1
            self._pause(connection)
        else:
            raise WrongAnswer(f"{status}: {body[:300]!r}")
        del self._under_way[descriptor]

    def _fail(self, connection: Connection, what: str) -> None:
        self._sample.wrong[what] += 1
        connection.close()
        self._pause(connection)

    def _pause(self, connection: Connection) -> None:
        self._pausing.append((time.perf_counter() + PAUSE_SECONDS, connection))

    def _look_at_bodies(self) -> None:
        """What takes time comes when the load is over: is each answer the one that is due?"""
        latencies = []
        for latency, body in zip(self._sample.latencies, self._bodies, strict=True):
            if self._expected.search(body):
                latencies.append(latency)
            else:
                self._sample.wrong[f"200: {body[:300]!r}"] += 1
        self._sample.latencies = latencies


def request(
    url: str, path: str, body: bytes, expected: re.Pattern[bytes], key: str = ""
) -> Request:
    """A POST of JSON to the service at `url`, with an API key if there is one."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *([f"Authorization: Bearer {key}"] if key else []),
    ]
    return Request(host, port, "\r\n".join([*head, "", ""]).encode() + body, expected)


def drive(wanted: Request, clients: int, seconds: float) -> Sample:
    """Send for so many seconds with so many clients; a collection would show as a slow answer."""
    gc.collect()
    gc.disable()
    try:
        return Drive(wanted, clients, seconds).run()
    finally:
        gc.enable()
