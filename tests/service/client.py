"""The little of HTTP that the tests need; a connection of its own for each request."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """Status, headers and the JSON body."""

    status: int
    headers: dict[str, str]
    body: Any


class Client:
    """Speaks to one service, with an API key where it has one, from an address of this machine."""

    def __init__(self, url: str, key: str = "", source: str = "") -> None:
        self.url = url
        # Without one nothing is bound: a bound port may by chance be the one that is dialled.
        self._source = (source, 0) if source else None
        self._key = {"Authorization": f"Bearer {key}"} if key else {}
        parts = urllib.parse.urlsplit(url)
        self.host = parts.hostname or ""
        self.port = parts.port or 80

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; the answer has to be JSON."""
        connection = http.client.HTTPConnection(
            self.host, self.port, timeout=90, source_address=self._source
        )
        try:
            connection.request(method, path, body, {**self._key, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), json.load(response))
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """GET."""
        return self.request("GET", path)

    def post(self, body: bytes, content_type: str | None = "application/json") -> Answer:
        """POST to /run, the body as it is."""
        return self.request(
            "POST", "/run", body, {"Content-Type": content_type} if content_type else None
        )

    def submit(self, **fields: Any) -> Answer:
        """POST these fields to /run."""
        return self.post(json.dumps(fields).encode())

    def run(self, code: str, timeout: float | None = None) -> dict[str, Any]:
        """Run a program that has to be accepted; returns the outcome."""
        fields = {"code": code} if timeout is None else {"code": code, "timeout": timeout}
        answer = self.submit(**fields)
        assert answer.status == 200, answer
        outcome: dict[str, Any] = answer.body
        return outcome
