"""What docs/operations.md says of logs, settings and walls is so."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import documents
import pytest
import yaml

from code_runner import settings
from code_runner.gateway.metrics import Metrics
from code_runner.sandbox.walls import WALL_NAMES
from processes import eventually, start_service

OPERATIONS = documents.ROOT / "docs" / "operations.md"
VOLATILE = ("time", "run_id", "duration_ms", "cpu_ms", "peak_memory_bytes")


def test_audit_lines_are_those_shown(tmp_path: Path) -> None:
    shown = [json.loads(b.text) for b in documents.blocks(OPERATIONS) if b.language == "json"]
    with start_service(tmp_path, CODE_RUNNER_RUNNER_UIDS=str(os.getuid())) as service:
        service.client.submit(code="print(1)")
        service.client.submit(code="")
        eventually(lambda: len(audit_lines(service.log)) == 2, 5)
        written = audit_lines(service.log)
    assert [without_volatile(line) for line in written] == [without_volatile(s) for s in shown]


def test_every_environment_variable_is_listed_with_its_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = {}
    required = {"CODE_RUNNER_RUNNER_UIDS": "1", "CODE_RUNNER_SLOT": "0"}

    def record(env: Any, name: str, default: str | None, convert: Any) -> Any:
        read[name] = default
        return really_read(required, name, default, convert)

    really_read = settings._read
    monkeypatch.setattr(settings, "_read", record)
    settings.load_slot(settings.load({}), {})
    listed = {
        documents.code_span(name): default.strip("`")
        for name, default, _ in documents.rows("docs/operations.md", "| environment |")
    }
    assert set(listed) == set(read)
    for name, default in read.items():
        if default is None:
            assert listed[name].startswith("required"), name
        else:
            assert listed[name] == (default or "empty"), name


def test_every_environment_variable_names_its_ansible_variable() -> None:
    defaults = yaml.safe_load((documents.ROOT / "roles/common/defaults/main.yml").read_text())
    for name, default, variable in documents.rows("docs/operations.md", "| environment |"):
        if not variable.startswith("`"):
            continue
        value = defaults[documents.code_span(variable)]
        if variable.endswith("in MiB"):
            value *= 2**20
        elif isinstance(value, list):
            value = ",".join(value)
        assert (str(value) or "empty") == default.strip("`"), name


def test_every_wall_is_listed_with_its_purpose() -> None:
    listed = {
        documents.code_span(name): purpose
        for name, purpose in documents.rows("docs/operations.md", "| wall |")
    }
    assert listed == WALL_NAMES


def audit_lines(log: Path) -> list[dict[str, Any]]:
    """The audit lines that a service has written so far."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["message"] in ("run", "refused")]


def without_volatile(line: dict[str, Any]) -> dict[str, Any]:
    """A line without the values that differ from run to run; their names stay."""
    return {name: None if name in VOLATILE else value for name, value in line.items()}


def test_every_metric_is_listed() -> None:
    state = {"slots": dict.fromkeys(("total", "alive", "busy"), 0), "standing": set()}
    text = Metrics().text(state | {"queue": {"length": 0, "limit": 0}}).decode()
    told = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE code_runner_")}
    listed = documents.rows("docs/operations.md", "| metric |")
    assert told == set(re.findall(r"code_runner_\w+", " ".join(names for names, _, _ in listed)))
