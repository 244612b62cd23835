"""Many clients: every answer is the right one, the queue is bounded and fair, who leaves goes."""

import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pytest

from client import Answer, Client
from processes import Service, eventually, start_service


def raw_request(code: str) -> bytes:
    """What a client sends that does not stay for the answer."""
    body = json.dumps({"code": code, "timeout": 10}).encode()
    return (
        b"POST /run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )


def test_forty_runs_on_four_slots_are_all_answered_and_none_mixed_up(client: Client) -> None:
    def square(n: int) -> str:
        code = f"import time; time.sleep(0.2); print({n} ** 2)"
        return str(client.run(code)["stdout"])

    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(square, range(40))) == [f"{n * n}\n" for n in range(40)]


def test_beyond_the_queue_a_client_is_told_when_to_come_back(tmp_path: Path) -> None:
    two_slots = f"{os.getuid()},{os.getuid()}"
    settings = {"CODE_RUNNER_RUNNER_UIDS": two_slots, "CODE_RUNNER_QUEUE_SIZE": "3"}
    with start_service(tmp_path, **settings) as service, ThreadPoolExecutor(9) as pool:
        fields = {"code": "import time; time.sleep(1)"}
        answers = list(pool.map(lambda _: service.client.submit(**fields), range(9)))
        assert sorted(answer.status for answer in answers) == [200] * 5 + [429] * 4
        for answer in answers:
            if answer.status == 429:
                assert int(answer.headers["Retry-After"]) >= 1
                assert answer.body["detail"].startswith("Busy: 3 runs are waiting")
        assert service.client.run("print('free again')")["stdout"] == "free again\n"


def test_a_run_that_waits_too_long_is_told_so(tmp_path: Path) -> None:
    settings = {"CODE_RUNNER_RUNNER_UIDS": str(os.getuid()), "CODE_RUNNER_QUEUE_WAIT": "0.3"}
    with start_service(tmp_path, **settings) as service, ThreadPoolExecutor(2) as pool:
        fields = {"code": "import time; time.sleep(1)"}
        answers = list(pool.map(lambda _: service.client.submit(**fields), range(2)))
        assert sorted(answer.status for answer in answers) == [200, 429]


def test_the_slot_that_was_used_last_is_used_again(client: Client) -> None:
    def none_is_busy() -> bool:
        return bool(client.get("/ready").body["slots"]["busy"] == 0)

    folders = set()
    for _ in range(5):
        eventually(none_is_busy, 5)
        folders.add(client.run("import os; print(os.stat('/tmp').st_dev)")["stdout"])
    assert len(folders) == 1


KEYS = ("key-of-the-flood-0123", "key-of-the-other-0123")


@pytest.mark.parametrize("known_by", ["address", "key"])
def test_a_flood_that_fills_the_queue_delays_another_client_by_a_round_at_most(
    tmp_path: Path, known_by: str
) -> None:
    settings = {"CODE_RUNNER_RUNNER_UIDS": str(os.getuid())}
    if known_by == "key":
        (tmp_path / "keys").write_text("\n".join(KEYS))
        settings["CODE_RUNNER_API_KEYS_FILE"] = str(tmp_path / "keys")
    with start_service(tmp_path, **settings) as service, ThreadPoolExecutor(67) as pool:
        url = service.client.url
        if known_by == "key":
            flood, other = (Client(url, key) for key in KEYS)
        else:
            flood, other = (Client(url, source=f"127.0.0.{n}") for n in (2, 3))
        ahead = [pool.submit(flood.submit, code="import time; time.sleep(3)")]
        eventually(lambda: service.client.get("/ready").body["slots"]["busy"] == 1, 2)
        code = "import time; time.sleep(0.05)"
        ahead += [pool.submit(flood.submit, code=code) for _ in range(65)]
        eventually(lambda: any(run.done() for run in ahead), 3)  # refused: the queue is full
        late = pool.submit(other.submit, code=code)
        order: list[Answer] = []
        executed_before = 0
        for run in as_completed([*ahead, late]):
            if run is late:
                executed_before = sum(answer.status == 200 for answer in order)
            order.append(run.result())
        assert late.result().status == 200
        # The long one and one of the round; one more may be answered before we have looked.
        assert executed_before <= 3
        refused = [answer.body["detail"] for answer in order if answer.status == 429]
        assert sorted(refused) == [
            "Busy: 64 runs are waiting already",
            "Busy: 64 runs are waiting; yours gave way to another client's",
        ]


def test_a_client_that_leaves_frees_the_slot(fresh_service: Service) -> None:
    client = fresh_service.client
    with socket.create_connection((client.host, client.port)) as connection:
        connection.sendall(raw_request("import time; time.sleep(9)"))
        eventually(lambda: client.get("/ready").body["slots"]["busy"] == 1, 2)
    began = time.monotonic()
    assert client.run("print('mine')")["stdout"] == "mine\n"
    assert time.monotonic() - began < 1


def test_clients_that_leave_at_once_block_no_slot(fresh_service: Service) -> None:
    client = fresh_service.client
    request = raw_request("import time; time.sleep(9)")
    for number in range(30):
        with socket.create_connection((client.host, client.port)) as connection:
            connection.sendall(request)
            time.sleep(number % 6 * 0.0005)
        began = time.monotonic()
        assert client.run("print('mine')")["stdout"] == "mine\n"
        assert time.monotonic() - began < 1


def test_a_client_that_leaves_while_it_waits_is_forgotten(fresh_service: Service) -> None:
    client = fresh_service.client
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.run, "import time; time.sleep(1); print('first')")
        eventually(lambda: client.get("/ready").body["slots"]["busy"] == 1, 2)
        with socket.create_connection((client.host, client.port)) as connection:
            connection.sendall(raw_request("import time; time.sleep(5)"))
            time.sleep(0.2)
        assert running.result()["stdout"] == "first\n"
    began = time.monotonic()
    assert client.run("print('second')")["stdout"] == "second\n"
    assert time.monotonic() - began < 1


def test_ready_does_not_depend_on_load(fresh_service: Service) -> None:
    client = fresh_service.client
    with ThreadPoolExecutor(5) as pool:
        runs = [pool.submit(client.run, "while True: pass", 1) for _ in range(5)]
        time.sleep(0.3)
        assert client.get("/ready").status == 200
        assert client.get("/health").status == 200
        assert all(run.result()["timed_out"] for run in runs)
