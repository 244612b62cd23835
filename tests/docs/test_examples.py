"""What the documents show of the API is what a service answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import documents
import pytest
from documents import Block

from client import Client

ENDINGS = documents.rows("docs/api.md", "| `reason` | `exit_code`")
REFUSALS = documents.rows("docs/api.md", "| body | status")
# Differ from run to run; the type is compared all the same.
# A slot is busy until it has been cleaned, which the example before may have left to do.
VOLATILE = {"busy", "duration_ms", "cpu_ms", "peak_memory_bytes", "run_id"}


@pytest.mark.parametrize(
    ("example", "shown"), documents.examples("sh", "json"), ids=lambda block: str(block)
)
def test_curl_examples_answer_as_shown(example: Block, shown: Block, url: str) -> None:
    command = example.text.replace(documents.DOCUMENTED_URL, url)
    assert command.startswith("curl "), command
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert comparable(json.loads(done.stdout)) == comparable(json.loads(shown.text))


@pytest.mark.parametrize(
    ("example", "shown"), documents.examples("python", "text"), ids=lambda block: str(block)
)
def test_python_examples_print_what_is_shown(example: Block, shown: Block, url: str) -> None:
    program = example.text.replace(documents.DOCUMENTED_URL, url)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == (shown.text, "")


@pytest.mark.parametrize("row", ENDINGS, ids=lambda row: row[0])
def test_runs_end_as_the_table_says(row: list[str], url: str) -> None:
    reason, exit_code, last_line, body = row
    answer = Client(url).post(documents.code_span(body).encode())
    assert answer.status == 200
    assert answer.body["reason"] == documents.code_span(reason)
    assert answer.body["exit_code"] == int(exit_code)
    assert answer.body["stderr"].split("\n")[-1] == last_line.strip("`")


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row[0])
def test_bodies_are_refused_as_the_table_says(row: list[str], url: str) -> None:
    body, status, detail = row
    answer = Client(url).post(documents.code_span(body).encode())
    assert (answer.status, answer.body) == (int(status), {"detail": documents.code_span(detail)})


def test_there_are_examples_of_every_kind() -> None:
    assert documents.examples("sh", "json")
    assert documents.examples("python", "text")


def comparable(value: Any) -> Any:
    """An answer without what differs from run to run, and from one place to another."""
    if isinstance(value, dict):
        if {"standing", "missing"} <= set(value):
            # Which walls stand depends on where the service runs; there are the same everywhere.
            return sorted(value["standing"] + value["missing"])
        return {
            name: type(part).__name__ if name in VOLATILE else comparable(part)
            for name, part in value.items()
        }
    if isinstance(value, str):
        return without_carets(value)
    return value


def without_carets(text: str) -> str:
    """A traceback without the markers below its lines, which differ between versions of Python."""
    return re.sub(r"^ *[~^]+\n", "", text, flags=re.MULTILINE)
