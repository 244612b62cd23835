"""The bench: what it makes of its samples, and that it sees what really happens."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import compare, figures, plot, processes, soak, table
from bench.goals import GOALS, judge
from bench.load import Sample, drive, request
from bench.measurement import Measurement, Plan
from bench.services import Rival, requirements
from bench.workloads import WORKLOADS

HELLO = WORKLOADS[0]


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [
        (1, 50, 1),
        (4, 50, 2),
        (100, 99, 99),
        (100, 99.9, 100),
        (1000, 99.9, 999),
        (1001, 99.9, 1000),
    ],
)
def test_a_percentile_is_a_value_that_occurred(count: int, percent: float, expected: int) -> None:
    assert figures.percentile(range(1, count + 1), percent) == expected


def test_figures_are_of_the_executed_runs() -> None:
    sample = Sample([0.004, 0.001, 0.003, 0.002], refused=6, seconds=2.0, client_cpu=0.1)
    found = figures.of_sample(sample, cpu_seconds=0.4, busy_seconds=1.5)
    assert found["per_second"] == 2
    assert found["p50_ms"] == pytest.approx(2)
    assert found["cpu_ms"] == pytest.approx(100)
    assert found["refused"] == 6
    assert found["others_cores"] == pytest.approx(0.5)


def test_without_an_answer_there_is_no_latency() -> None:
    found = figures.of_sample(Sample(unanswered=3, seconds=1.0), cpu_seconds=0.4)
    assert found["p50_ms"] is None and found["cpu_ms"] is None
    assert found["per_second"] == 0


def test_a_ratio_is_the_median_of_those_within_a_round() -> None:
    """A slow minute makes both slow: it must not show in the ratio."""
    ours = [{"p50_ms": value} for value in (1.0, 10.0, 2.0)]
    theirs = [{"p50_ms": value} for value in (5.0, 50.0, 5.0)]
    assert figures.ratios(ours, theirs, ["p50_ms"]) == {"p50_ms": pytest.approx(1 / 5)}


def test_what_is_counted_is_added_up_over_the_rounds() -> None:
    rounds = [{"answered": 5.0, "p50_ms": 1.0}, {"answered": 7.0, "p50_ms": None}]
    assert figures.medians(rounds) == {"answered": 12, "p50_ms": 1}


@pytest.mark.parametrize(
    ("ratio", "text"), [(8.04, "8.04"), (0.2, "1/5"), (1 / 81, "1/81"), (1.0, "1"), (None, "-")]
)
def test_a_ratio_below_one_is_a_fraction(ratio: float | None, text: str) -> None:
    assert figures.times(ratio) == text


def test_answers_are_told_apart() -> None:
    answers = {0: (200, b"hello"), 1: (429, b"busy"), 2: (200, b"something else"), 3: (503, b"")}
    with serving(lambda number: answers[number % 4]) as url:
        sample = drive(request(url, "/run", b"{}", re.compile(b"hello")), clients=1, seconds=1)
    assert len(sample.latencies) >= 1
    assert sample.refused >= 1
    assert {what[:3] for what in sample.wrong} == {"200", "503"}
    assert sample.unanswered == 0


def test_a_load_ends_in_time_with_all_its_answers() -> None:
    asked: Counter[str] = Counter()

    def answer(number: int) -> tuple[int, bytes]:
        asked["run"] += 1
        return 200, b"hello"

    with serving(answer) as url:
        sample = drive(request(url, "/run", b"{}", re.compile(b"hello")), clients=8, seconds=0.5)
    assert 0.5 <= sample.seconds < 5
    assert len(sample.latencies) == asked["run"]


def test_cpu_time_of_ended_children_is_counted() -> None:
    spin = "import time\nwhile time.process_time() < 0.35: pass"
    run = f"subprocess.run([sys.executable, '-c', {spin!r}])"
    parent = f"import subprocess, sys\n{run}\nprint('ended', flush=True)\ninput()"
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        meter = processes.Meter([process.pid])
        assert process.stdout and process.stdout.readline() == b"ended\n"
        spent = meter.service()
        process.communicate(b"\n")
    assert spent and 0.3 <= spent < 0.8
    assert meter.machine() >= spent - 0.05


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    """A real measurement of the two services that need nothing but aiohttp."""
    python = Path(sys.executable)
    plan = Plan([HELLO], clients=[1, 2], rounds=2, seconds=0.2)
    with Rival("plain", "aiohttp", python) as plain, Rival("empty", "nothing", python) as empty:
        measurement = Measurement(plan, [plain, empty])
        measurement.run(python)
    machine = {"commit": "abc1234", "date": "today", "cpu": "some", "cores": 2, "memory_gib": 1}
    return {
        "machine": {**machine, "kernel": "6", "load_before": 0.0},
        "walls": {"standing": ["seccomp"], "missing": []},
        **measurement.document(),
    }


def test_results_survive_json(results: dict[str, Any]) -> None:
    assert json.loads(json.dumps(results)) == results


def test_every_load_was_carried_out_in_every_round(results: dict[str, Any]) -> None:
    assert results["complaints"] == []
    found = {(c["workload"], c["clients"], c["service"]): c for c in results["cells"]}
    assert set(found) == {("hello", n, s) for n in (1, 2) for s in ("plain", "empty")}
    for cell in found.values():
        assert len(cell["rounds"]) == 2
        assert cell["medians"]["p50_ms"] > 0
    # An interpreter takes more than a handler that does nothing.
    assert found["hello", 1, "empty"]["ratios"]["plain"]["p50_ms"] < 0.5
    assert found["hello", 1, "plain"]["medians"]["cpu_ms"] > 3
    assert results["services"]["plain"]["memory_mib"]["rest"]["rss"] > 5


def test_the_report_shows_every_cell(results: dict[str, Any]) -> None:
    for draw in (table.text, table.markdown):
        shown = table.report(results, draw)
        assert len(re.findall(r"^\W*hello\W", shown, re.MULTILINE)) == len(results["cells"])
        assert "abc1234" in shown and "seccomp" in shown


def test_the_picture_is_drawn_of_every_service(results: dict[str, Any]) -> None:
    drawn = ElementTree.fromstring(plot.draw(results))
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("plain") == 1
    bars = [e for e in drawn.iter("{http://www.w3.org/2000/svg}rect") if e.get("x")]
    assert len(bars) == len(plot.COLOURS) + 2 + 4  # the legend, p50 of one client, hello


def test_goals_are_judged_by_their_own_cell() -> None:
    cells = [cell("ours", 1, p50_ms=1.9), cell("reference", 1, p50_ms=11.0)]
    cells[0]["ratios"] = {"reference": {"p50_ms": 1 / 4}}
    judged = dict(zip(GOALS, judge({"cells": cells}), strict=True))
    reached = {goal[:4]: found["reached"] for goal, found in judged.items()}
    assert reached["hello", 1, "p50_ms", ""] is True
    assert reached["hello", 1, "p50_ms", "reference"] is False
    assert reached["hello", 8, "per_second", "reference"] is None


def test_two_results_are_compared_cell_by_cell() -> None:
    old = {"cells": [cell("ours", 1, p50_ms=4.0), cell("reference", 1, p50_ms=10.0)]}
    new = {"cells": [cell("ours", 1, p50_ms=2.0), cell("reference", 1, p50_ms=20.0)]}
    rows = [row for row in compare.compare(old, new) if row[3] == "p50 ms"]
    assert rows == [("hello", "1", "ours", "p50 ms", "4", "2", "1/2", "2")]


def test_libraries_of_the_image_are_those_of_the_rivals() -> None:
    numpy, pandas = requirements("numpy", "pandas")
    assert re.fullmatch(r"numpy==[\d.]+", numpy) and re.fullmatch(r"pandas==[\d.]+", pandas)


def test_every_verdict_of_the_endurance_has_its_figures() -> None:
    found = figures.of_sample(Sample([0.1] * 9, refused=5, seconds=1.0), None)
    verdicts = dict.fromkeys(("no error but 429", "p99 within the bound", "memory flat"), True)
    result = {
        "found": found,
        "verdicts": {**verdicts, "memory flat": None},
        "p99_without_queue_ms": 4.0,
        "p99_bound_ms": 1280.0,
        "memory_before_mib": None,
        "memory_after_mib": None,
    }
    rows = {name: (kept, said) for name, kept, said in soak.rows(result)}
    assert rows["no error but 429"] == (
        "yes",
        "9 runs at 9/s, 5 times 429, 0 errors, 0 unanswered",
    )
    assert rows["memory flat"][0] == "not known"


def cell(service: str, clients: int, **medians: float) -> dict[str, Any]:
    """A cell of results, of hello."""
    every = dict.fromkeys(("p50_ms", "p99_ms", "per_second", "cpu_ms"))
    return {
        "workload": "hello",
        "clients": clients,
        "service": service,
        "medians": {**every, **medians},
        "ratios": {},
    }


@contextmanager
def serving(answer: Callable[[int], tuple[int, bytes]]) -> Iterator[str]:
    """An HTTP service that gives its n-th request the status and body of `answer(n)`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        asked = 0

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body = answer(Handler.asked)
            Handler.asked += 1
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
