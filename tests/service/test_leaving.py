"""After SIGTERM nobody goes unanswered, and clients learn in time to go elsewhere."""

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from client import Client
from processes import Service, eventually, start_service
from test_queue import raw_request

HEADERS = {"Content-Type": "application/json"}


def _leave(service: Service) -> None:
    """What the kubelet sends first."""
    os.kill(service.gateway(), signal.SIGTERM)


def _refused(client: Client) -> bool:
    try:
        socket.create_connection((client.host, client.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def _body(code: str) -> bytes:
    return json.dumps({"code": code}).encode()


def _on_record(service: Service) -> list[str]:
    """The ids of the runs that the log tells of."""
    lines = service.log.read_text().splitlines()
    records = [json.loads(line) for line in lines if '"message": "run"' in line]
    return [record["run_id"] for record in records]


def test_runs_that_run_and_runs_that_wait_are_answered_and_recorded(fresh_service: Service) -> None:
    client = fresh_service.client
    with ThreadPoolExecutor(4) as pool:
        code = "import time; time.sleep(1); print('finished')"
        runs = [pool.submit(client.submit, code=code) for _ in range(4)]
        eventually(lambda: client.get("/ready").body["slots"]["busy"] == 1, 2)
        time.sleep(0.2)
        _leave(fresh_service)
        answers = [run.result() for run in runs]
    assert [answer.body["stdout"] for answer in answers] == ["finished\n"] * 4
    assert {answer.headers.get("Connection") for answer in answers} == {"close"}
    assert fresh_service.process.wait(5) == 0
    assert sorted(_on_record(fresh_service)) == sorted(answer.body["run_id"] for answer in answers)
    assert "Traceback" not in fresh_service.log.read_text()


def test_without_connections_it_ends_at_once(fresh_service: Service) -> None:
    eventually(lambda: fresh_service.connections() == 0, 5)
    _leave(fresh_service)
    assert fresh_service.process.wait(10) == 0
    told, closed = (
        datetime.fromisoformat(json.loads(line)["time"])
        for line in fresh_service.log.read_text().splitlines()
        if '"leaving: ' in line or '"no longer accepting: ' in line
    )
    assert (closed - told).total_seconds() < 1.5


def test_for_a_while_new_requests_are_served_then_connections_refused(
    fresh_service: Service,
) -> None:
    client = fresh_service.client
    with socket.create_connection((client.host, client.port)) as silent:
        _leave(fresh_service)
        time.sleep(0.3)
        ready = client.get("/ready")
        assert (ready.status, ready.body["reasons"]) == (503, ["shutting down"])
        answer = client.submit(code="print('late')")
        assert (answer.status, answer.body["stdout"]) == (200, "late\n")
        assert answer.headers["Connection"] == "close"
        eventually(lambda: _refused(client), 5)
        silent.settimeout(2)
        assert silent.recv(1) == b"", "a silent connection is closed, not reset"
    assert fresh_service.process.wait(5) == 0


def test_a_silent_connection_is_closed_while_others_are_still_answered(
    fresh_service: Service,
) -> None:
    client = fresh_service.client
    with (
        ThreadPoolExecutor(1) as pool,
        socket.create_connection((client.host, client.port), timeout=8) as silent,
    ):
        silent.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert silent.recv(1000).startswith(b"HTTP/1.1 200 ")
        run = pool.submit(client.run, "import time; time.sleep(9); print('answered')", 10)
        eventually(lambda: client.get("/ready").body["slots"]["busy"] == 1, 2)
        _leave(fresh_service)
        assert silent.recv(1000) == b""
        assert not run.done()
        assert run.result()["stdout"] == "answered\n"


def test_a_connection_kept_alive_is_told(fresh_service: Service) -> None:
    client = fresh_service.client
    connection = http.client.HTTPConnection(client.host, client.port, timeout=20)
    connection.request("POST", "/run", _body("print(1)"), HEADERS)
    first = connection.getresponse()
    first.read()
    _leave(fresh_service)
    time.sleep(0.5)
    connection.request("POST", "/run", _body("print(2)"), HEADERS)
    second = connection.getresponse()
    assert (first.getheader("Connection"), second.getheader("Connection")) == (None, "close")
    assert json.load(second)["stdout"] == "2\n"
    connection.close()


def test_a_request_that_came_together_with_another_is_answered(fresh_service: Service) -> None:
    client = fresh_service.client
    with socket.create_connection((client.host, client.port), timeout=20) as connection:
        quick, slow = "print('first')", "import time; time.sleep(5); print('second')"
        connection.sendall(raw_request(quick) + raw_request(slow))
        assert b"first" in connection.recv(10_000)
        eventually(lambda: client.get("/ready").body["slots"]["busy"] == 1, 2)
        _leave(fresh_service)
        assert b"second" in connection.recv(10_000)


def test_a_body_on_its_way_is_waited_for(fresh_service: Service) -> None:
    client = fresh_service.client
    request = raw_request("print('whole')")
    with socket.create_connection((client.host, client.port), timeout=20) as connection:
        connection.sendall(request[:-5])
        time.sleep(0.2)
        _leave(fresh_service)
        eventually(lambda: _refused(client), 5)
        time.sleep(0.5)
        connection.sendall(request[-5:])
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, json.load(answer)["stdout"]) == (200, "whole\n")
    assert fresh_service.process.wait(5) == 0


def test_who_does_not_finish_a_request_does_not_keep_it_from_ending(
    fresh_service: Service,
) -> None:
    client = fresh_service.client
    with socket.create_connection((client.host, client.port)) as connection:
        connection.sendall(b"POST /run HTTP/1.1\r\nHost: ")
        time.sleep(0.2)
        _leave(fresh_service)
        assert fresh_service.process.wait(10) == 0


class _Persistent(threading.Thread):
    """A client that keeps its connection as long as it may, and begins anew only where nothing
    was sent: its connection was closed while it was silent, or is refused. Pauses between."""

    def __init__(self, client: Client, code: str, pause: float, outcomes: Counter[str]) -> None:
        super().__init__()
        self._address = (client.host, client.port)
        self._code, self._pause, self._outcomes = code, pause, outcomes

    def run(self) -> None:
        """Until the connection is refused."""
        while True:
            connection = http.client.HTTPConnection(*self._address, timeout=20)
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
            self._use(connection)
            connection.close()

    def _use(self, connection: http.client.HTTPConnection) -> None:
        while not self._closed_by_the_other_side(connection):
            try:
                connection.request("POST", "/run", _body(self._code), HEADERS)
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._outcomes[f"lost: {type(error).__name__}"] += 1
                return
            self._outcomes[
                "answered" if answer.status == 200 else f"{answer.status}: {text!r}"
            ] += 1
            if answer.getheader("Connection") == "close":
                return
            time.sleep(self._pause)

    def _closed_by_the_other_side(self, connection: http.client.HTTPConnection) -> bool:
        connection.sock.setblocking(False)
        try:
            return connection.sock.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        finally:
            connection.sock.settimeout(20)


def test_clients_that_keep_their_connections_lose_nothing(tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    with start_service(tmp_path) as service:
        clients = [
            _Persistent(service.client, f"import time; time.sleep({seconds})", pause, outcomes)
            for seconds in (0, 0.1, 0.3)
            for pause in (0, 0.01, 0.1, 0.5)
        ]
        for client in clients:
            client.start()
        time.sleep(1.5)
        _leave(service)
        for client in clients:
            client.join()
        assert service.process.wait(10) == 0
        assert "Traceback" not in service.log.read_text()
    assert set(outcomes) == {"answered"}, outcomes
    assert outcomes["answered"] > 30
