"""With API keys, only who sends one may run code; what shows of the keys is nothing."""

import hashlib
import http.client
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from processes import Service, descendants, start_service

KEYS = ["first-key-0123456789", "second-key-0123456789"]
BODY = b'{"code": "print(6 * 7)"}'
OPEN = ("/", "/health", "/ready")


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two keys."""
    folder = tmp_path_factory.mktemp("keyed")
    path = folder / "keys"
    path.write_text("\n".join(KEYS))
    settings = {"CODE_RUNNER_RUNNER_UIDS": str(os.getuid())}
    with start_service(folder, CODE_RUNNER_API_KEYS_FILE=str(path), **settings) as service:
        yield service


def _ask(service: Service, *headers: tuple[str, bytes]) -> tuple[int, dict[str, str], bytes]:
    """POST a run with these headers, which may repeat, and be anything but a line end."""
    connection = http.client.HTTPConnection(service.client.host, service.client.port, timeout=20)
    try:
        connection.putrequest("POST", "/run")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(BODY)))
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(BODY)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", b"Bearer first-key-0123456789")],
        [("authorization", b"bearer  second-key-0123456789 ")],
        [("X-API-Key", b"first-key-0123456789")],
        [("X-API-KEY", KEYS[1].encode()), ("Authorization", b"Bearer " + KEYS[1].encode())],
    ],
)
def test_a_key_opens(keyed: Service, headers: list[tuple[str, bytes]]) -> None:
    status, _, body = _ask(keyed, *headers)
    assert status == 200, body
    assert b'"stdout": "42\\n"' in body


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ([], b"An API key is needed"),
        ([("X-API-Key", b"")], b"The API key is wrong"),
        ([("Authorization", b"")], b"must be of the scheme Bearer"),
        ([("Authorization", b"Bearer")], b"The API key is wrong"),
        ([("Authorization", b"Bearer ")], b"The API key is wrong"),
        ([("Authorization", b"first-key-0123456789")], b"must be of the scheme Bearer"),
        ([("Authorization", b"Basic first-key-0123456789")], b"must be of the scheme Bearer"),
        ([("X-API-Key", b"Bearer first-key-0123456789")], b"The API key is wrong"),
        ([("X-API-Key", b"first-key-012345678")], b"The API key is wrong"),
        ([("X-API-Key", b"FIRST-KEY-0123456789")], b"The API key is wrong"),
        ([("X-API-Key", b"first-key-0123456789, first-key-0123456789")], b"The API key is wrong"),
        ([("X-API-Key", b"\xff\xfe" * 10)], b"The API key is wrong"),
        ([("X-API-Key", "schlüssel-0123456789".encode())], b"The API key is wrong"),
        ([("X-API-Key", KEYS[0].encode())] * 2, b"X-API-Key was sent 2 times"),
        ([("Authorization", b"Bearer " + KEYS[0].encode())] * 2, b"was sent 2 times"),
        (
            [("X-API-Key", KEYS[0].encode()), ("Authorization", b"Bearer wrong-key-0123456789")],
            b"The API key is wrong",
        ),
        (
            [("X-API-Key", KEYS[0].encode()), ("Authorization", b"Basic dTpw")],
            b"must be of the scheme Bearer",
        ),
    ],
)
def test_what_is_no_key_does_not(
    keyed: Service, headers: list[tuple[str, bytes]], detail: bytes
) -> None:
    status, answered, body = _ask(keyed, *headers)
    assert status == 401
    assert answered["WWW-Authenticate"] == "Bearer"
    assert body.startswith(b'{"detail": "')
    assert detail in body


def test_who_has_no_key_is_refused_before_the_body_is_read(keyed: Service) -> None:
    address = (keyed.client.host, keyed.client.port)
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"POST /run HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("path", OPEN)
def test_the_state_of_the_service_is_open_to_all(keyed: Service, path: str) -> None:
    assert keyed.client.get(path).status == 200


def test_root_says_that_a_key_is_needed(keyed: Service) -> None:
    assert keyed.client.get("/").body["authentication"] == "api_key"


def test_a_key_shows_nowhere(keyed: Service) -> None:
    wrong = b"another-key-0123456789"
    assert _ask(keyed, ("X-API-Key", KEYS[0].encode()))[0] == 200
    assert b"0123456789" not in _ask(keyed, ("X-API-Key", wrong))[2]
    shown = keyed.log.read_bytes()
    assert b'"message": "unauthorized"' in shown
    for pid in descendants(keyed.process.pid):
        shown += Path(f"/proc/{pid}/cmdline").read_bytes()
        shown += Path(f"/proc/{pid}/environ").read_bytes()
    for key in [*KEYS, wrong.decode()]:
        assert key.encode() not in shown
        assert hashlib.sha256(key.encode()).hexdigest().encode() not in shown


def test_keys_change_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(KEYS[0])
    settings = {"CODE_RUNNER_RUNNER_UIDS": str(os.getuid())}
    with start_service(tmp_path, CODE_RUNNER_API_KEYS_FILE=str(path), **settings) as service:
        assert _ask(service, ("X-API-Key", KEYS[0].encode()))[0] == 200
        path.write_text(KEYS[1])
        assert _ask(service, ("X-API-Key", KEYS[0].encode()))[0] == 401
        assert _ask(service, ("X-API-Key", KEYS[1].encode()))[0] == 200
        path.unlink()
        assert _ask(service, ("X-API-Key", KEYS[1].encode()))[0] == 200
        assert service.log.read_text().count("the API keys read before stay valid") == 1
