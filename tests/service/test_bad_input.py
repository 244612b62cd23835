"""Whatever a client sends: the status of the contract, a `detail`, and the next run works."""

import gzip
import json
import socket

import pytest

from client import Client
from processes import Service


@pytest.fixture(autouse=True)
def _next_run_works(client: Client):
    yield
    assert client.run("print('still here')")["stdout"] == "still here\n"


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [("-1", 1), ("0", 1), ("1", 1), ("2.5", 2.5), ("10", 10), ("11", 10), ("1e308", 10)],
)
def test_timeouts_in_and_out_of_range(client: Client, timeout: str, seconds: float) -> None:
    answer = client.post(b'{"code": "print(1)", "timeout": %s}' % timeout.encode())
    assert (answer.status, answer.body["stdout"]) == (200, "1\n")
    if seconds <= 2.5:
        body = json.dumps({"code": "while True: pass"})[:-1] + f', "timeout": {timeout}}}'
        stderr = client.post(body.encode()).body["stderr"]
        assert stderr == f"Execution timed out after {seconds:g} seconds"


def test_null_timeout_is_the_default(client: Client) -> None:
    assert client.submit(code="print(1)", timeout=None).status == 200


@pytest.mark.parametrize("timeout", ['"5"', "true", "NaN", "Infinity", "-Infinity", "[]", "{}"])
def test_a_timeout_that_is_no_number(client: Client, timeout: str) -> None:
    answer = client.post(b'{"code": "print(1)", "timeout": %s}' % timeout.encode())
    assert answer.status == 422
    assert answer.body["detail"].startswith("timeout: must be a")


def test_the_smallest_number_beyond_zero_is_a_timeout_too(client: Client) -> None:
    body = b'{"code": "while True: pass", "timeout": 1e-9}'
    assert client.post(body).body["reason"] == "timeout"


@pytest.mark.parametrize("code", ["", " ", "\n\t  \r\n"])
def test_blank_code(client: Client, code: str) -> None:
    answer = client.submit(code=code)
    assert (answer.status, answer.body) == (400, {"detail": "Code cannot be empty"})


@pytest.mark.parametrize("code", [None, 1, True, ["print(1)"], {"print": 1}])
def test_code_that_is_no_string(client: Client, code: object) -> None:
    answer = client.submit(code=code)
    assert answer.status == 422
    assert answer.body["detail"].startswith("code: must be a string, not ")


def test_300_kb_of_code_run(client: Client) -> None:
    outcome = client.run("x = 1\n" * 50_000 + "print('end')")
    assert (outcome["stdout"], outcome["exit_code"]) == ("end\n", 0)


def test_nul_bytes_in_code_are_the_programs_error(client: Client) -> None:
    outcome = client.run("print(1)\0")
    assert outcome["exit_code"] == 1
    assert "null bytes" in outcome["stderr"]


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b'{"code": "\\ud800"}', 422, "code: must not contain lone surrogates"),
        (b'{"code": "print(1)\xff"}', 400, "body: must be encoded as UTF-8"),
        (b"", 400, "body: malformed JSON: "),
        (b'{"code": "print(1)"', 400, "body: malformed JSON: "),
        (b"not json", 400, "body: malformed JSON: "),
        (b"[" * 10_000 + b"]" * 10_000, 400, "body: malformed JSON: nested too deeply"),
        (b'{"code": ' + b"[" * 100_000, 400, "body: malformed JSON: nested too deeply"),
        (b'{"code": "x", "timeout": ' + b"9" * 5000 + b"}", 400, "body: malformed JSON: a number"),
        (b'["print(1)"]', 422, "body: must be a JSON object, not an array"),
        (b'"print(1)"', 422, "body: must be a JSON object, not a string"),
        (b"null", 422, "body: must be a JSON object, not null"),
        (b"{}", 422, "code: is missing"),
        (b'{"code": "x", "time_out": 1}', 422, "time_out: unknown field"),
        (b'{"code": "x", "\\ud800\\n": 1}', 422, "\\ud800\\n: unknown field"),
        (b'{"code": "x", "stdin": ""}', 422, "stdin: reserved for a later version"),
        (b'{"code": "x", "args": []}', 422, "args: reserved for a later version"),
        (b'{"code": "x", "files": {}}', 422, "files: reserved for a later version"),
    ],
)
def test_bodies_that_are_no_request(client: Client, body: bytes, status: int, detail: str) -> None:
    answer = client.post(body)
    assert answer.status == status
    assert answer.body["detail"].startswith(detail)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_content_type_that_is_not_json(client: Client, content_type: str | None) -> None:
    assert client.post(b'{"code": "print(1)"}', content_type).status == 415


def test_a_content_type_with_a_charset(client: Client) -> None:
    assert client.post(b'{"code": "print(1)"}', "application/json; charset=utf-8").status == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x"])
def test_a_compressed_body(client: Client, encoding: str) -> None:
    body = gzip.compress(b'{"code": "print(1)"}')
    answer = client.request(
        "POST",
        "/run",
        body,
        {"Content-Type": "application/json", "Content-Encoding": encoding},
    )
    assert answer.status == 415
    assert answer.body["detail"].startswith("Content-Encoding is not supported")


def test_what_is_no_http_leaves_one_line_in_the_log(service: Service) -> None:
    client = service.client
    with socket.create_connection((client.host, client.port), timeout=20) as connection:
        connection.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.0 400 ")
    assert "Traceback" not in service.log.read_text()


def test_stalled_small_bodies_keep_nobody_waiting(client: Client) -> None:
    request = (
        b"POST /run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{"
    )
    connections = []
    try:
        for _ in range(200):
            connections.append(socket.create_connection((client.host, client.port)))
            connections[-1].sendall(request)
        assert client.run("print('served')", timeout=2)["stdout"] == "served\n"
    finally:
        for connection in connections:
            connection.close()


def test_a_body_that_never_comes(client: Client) -> None:
    with socket.create_connection((client.host, client.port), timeout=20) as connection:
        connection.sendall(
            b"POST /run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_body_of_two_megabytes(client: Client) -> None:
    answer = client.post(json.dumps({"code": "#" * 2_000_000}).encode())
    assert answer.status == 413
    assert "1048576 bytes" in answer.body["detail"]
