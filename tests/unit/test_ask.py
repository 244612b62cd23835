"""What the verification asks, and what it takes for an answer."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / "roles/verification/files/ask.py"
BODIES = {
    "/object": b'{"status": "ready"}',
    "/words": b"<html>\n<body>another program</body>\n</html>\n",
    "/broken": b'{"status": ',
    "/list": b"[1, 2]",
    "/latin": b"{\xe9}",
}


class _Somebody(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(BODIES[self.path])

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(json.dumps({"sent": sent, "key": self.headers["Authorization"]}).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def url() -> Iterator[str]:
    """Where somebody answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Somebody)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def asked(url: str, *requests: dict[str, Any], **env: str) -> subprocess.CompletedProcess[str]:
    question = {"requests": requests, "seconds": 5.0, "url": url, "kubectl": [], "secret": ""}
    return subprocess.run(
        [sys.executable, str(PROGRAM), json.dumps(question)],
        env=env or None,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_only_a_json_object_is_taken_for_an_answer(url: str) -> None:
    requests = [{"name": path.removeprefix("/"), "path": path} for path in BODIES]
    said = json.loads(asked(url, *requests).stdout)
    assert said["answers"].pop("object") == {"status": "ready"}
    assert said["replies"].pop("object") == "200 with JSON"
    assert len(said["answers"]) == len(BODIES) - 1
    assert not any(said["answers"].values())
    assert set(said["replies"].values()) == set(said["statuses"].values()) == {"200"}


def test_code_arrives_as_it_is_written(url: str) -> None:
    code = 'print("a \\"b\\" \\\\ \'c\'\\t\u00e9\u4e2d\U0001f600")\nprint("$HOME %{http_code}")\n'
    said = json.loads(asked(url, {"name": "run", "code": code, "timeout": 2.5}).stdout)
    assert said["answers"]["run"] == {"sent": {"code": code, "timeout": 2.5}, "key": None}


def test_where_nobody_listens_each_request_is_without_an_answer() -> None:
    requests = ({"name": "ready", "path": "/ready"}, {"name": "run", "code": "print(1)"})
    said = json.loads(asked("http://127.0.0.1:1", *requests).stdout)
    assert said["statuses"] == {"ready": "000", "run": "000"}
    assert said["answers"] == {"ready": {}, "run": {}}


def test_a_missing_curl_is_named_with_what_installs_it(url: str, tmp_path: Path) -> None:
    done = asked(url, {"name": "ready", "path": "/object"}, PATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == "curl not found: apt-get install --no-install-recommends curl\n"
