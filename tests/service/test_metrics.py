"""What Prometheus reads: every line well-formed, every count right, nothing of a client's in it."""

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from code_runner import __version__
from code_runner.protocol import REASONS
from code_runner.sandbox.walls import WALL_NAMES
from processes import Service, eventually, free_port, start_service


class Measured:
    """A service with a port for metrics."""

    def __init__(self, service: Service, port: int) -> None:
        self.service = service
        self.client = service.client
        self.url = f"http://127.0.0.1:{port}/metrics"

    def text(self) -> str:
        """What a scrape gets."""
        with urllib.request.urlopen(self.url, timeout=5) as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            text: str = answer.read().decode()
            return text

    def value(self, name: str, **labels: str) -> float:
        """One sample."""
        for family in text_string_to_metric_families(self.text()):
            for sample in family.samples:
                if (sample.name, sample.labels) == (name, labels):
                    return sample.value
        raise AssertionError(f"there is no {name} {labels}")


@pytest.fixture
def measured(tmp_path: Path) -> Iterator[Measured]:
    """A service with one slot, which has counted nothing yet."""
    port = free_port()
    settings = {"CODE_RUNNER_RUNNER_UIDS": str(os.getuid()), "CODE_RUNNER_QUEUE_SIZE": "7"}
    with start_service(tmp_path, CODE_RUNNER_METRICS_PORT=str(port), **settings) as service:
        yield Measured(service, port)


def test_before_the_first_run_everything_is_there(measured: Measured) -> None:
    for reason in REASONS:
        assert measured.value("code_runner_runs_total", reason=reason) == 0
    standing = measured.client.get("/ready").body["walls"]["standing"]
    for wall in WALL_NAMES:
        assert measured.value("code_runner_wall_standing", wall=wall) == (wall in standing)
    assert measured.value("code_runner_slots") == 1
    assert measured.value("code_runner_slots_alive") == 1
    assert measured.value("code_runner_slots_busy") == 0
    assert measured.value("code_runner_queue_length") == 0
    assert measured.value("code_runner_queue_limit") == 7
    assert measured.value("code_runner_build_info", version=__version__) == 1
    assert measured.value("process_resident_memory_bytes") > 2**20
    assert measured.value("process_cpu_seconds_total") > 0


def test_runs_and_refusals_are_counted(measured: Measured) -> None:
    client = measured.client
    client.run("print(1)")
    client.run("import time; time.sleep(9)", timeout=0.3)
    client.run("import os; os.abort()")
    client.submit(code=" ")
    client.submit(cod="1")
    client.get("/nowhere")
    assert measured.value("code_runner_runs_total", reason="exited") == 1
    assert measured.value("code_runner_runs_total", reason="timeout") == 1
    assert measured.value("code_runner_runs_total", reason="signal") == 1
    for status in ("400", "422", "404"):
        assert measured.value("code_runner_refusals_total", status=status) == 1
    assert measured.value("code_runner_run_duration_seconds_count") == 3
    assert 0.3 < measured.value("code_runner_run_duration_seconds_sum") < 3
    assert measured.value("code_runner_queue_wait_seconds_count") == 3


def test_the_queue_shows_while_it_is_there_and_its_time_afterwards(measured: Measured) -> None:
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(measured.client.run, "import time; time.sleep(1)") for _ in range(2)]
        eventually(lambda: measured.value("code_runner_queue_length") == 1, 2)
        assert measured.value("code_runner_slots_busy") == 1
        assert all(run.result()["reason"] == "exited" for run in runs)
    assert measured.value("code_runner_queue_length") == 0
    assert 0.5 < measured.value("code_runner_queue_wait_seconds_sum") < 3


def test_nothing_that_a_client_sends_shows(measured: Measured) -> None:
    client = measured.client
    lines = measured.text().count("\n")
    client.request("GET", "/mark", headers={"X-API-Key": "mark", "User-Agent": "mark"})
    client.request("PUT", "/run?mark")
    client.post(b'{"mark": 1}')
    client.run("print('mark'); raise SystemExit('mark\\n# HELP mark')")
    for status in (404, 405, 422):
        assert measured.value("code_runner_refusals_total", status=str(status)) == 1
    assert "mark" not in measured.text().lower()
    assert measured.text().count("\n") == lines + 3


def test_metrics_have_their_port_to_themselves(measured: Measured) -> None:
    assert measured.client.get("/metrics").status == 404
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(measured.url.replace("/metrics", "/run"), timeout=5)
