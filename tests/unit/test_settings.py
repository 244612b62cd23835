"""A wrong setting stops the start, with a message that names the variable."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from code_runner import settings
from code_runner.settings import SettingsError

SERVICE = Path(__file__).parents[2] / "service"
GOOD = {"CODE_RUNNER_RUNNER_UIDS": "64100,64101"}


def test_defaults_are_those_of_the_contract() -> None:
    config = settings.load(GOOD)
    assert (config.port, config.max_timeout, config.default_timeout) == (8000, 10, 5)
    assert (config.max_output_size, config.max_body_bytes) == (10_000, 2**20)
    assert (config.slots, config.runner_uids) == (2, (64100, 64101))
    assert str(config.socket_path(1)) == "/run/code-runner/slot-1/runner.sock"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_LEVEL", "loud"),
        ("CODE_RUNNER_PORT", "65536"),
        ("CODE_RUNNER_PORT", "-1"),
        ("CODE_RUNNER_PORT", "\uff18\uff10"),
        ("CODE_RUNNER_METRICS_PORT", "off"),
        ("CODE_RUNNER_MAX_TIMEOUT", "0"),
        ("CODE_RUNNER_MAX_TIMEOUT", "nan"),
        ("CODE_RUNNER_MAX_TIMEOUT", "ten"),
        ("CODE_RUNNER_DEFAULT_TIMEOUT", "11"),
        ("CODE_RUNNER_MAX_OUTPUT_SIZE", "0"),
        ("CODE_RUNNER_MAX_BODY_BYTES", "1 MiB"),
        ("CODE_RUNNER_QUEUE_SIZE", "-1"),
        ("CODE_RUNNER_QUEUE_WAIT", ""),
        ("CODE_RUNNER_RUN_MEMORY", "256Mi"),
        ("CODE_RUNNER_RUN_PROCESSES", "0"),
        ("CODE_RUNNER_WARM_RUNS", "1.5"),
        ("CODE_RUNNER_PRELOAD", "numpy;pandas"),
        ("CODE_RUNNER_PRELOAD", "numpy,.random"),
        ("CODE_RUNNER_PRELOAD", "--version"),
        ("CODE_RUNNER_REQUIRED_WALLS", "rlimits,moat"),
        ("CODE_RUNNER_RUNNER_UIDS", ""),
        ("CODE_RUNNER_RUNNER_UIDS", "1,two"),
        ("CODE_RUNNER_RUNNER_UIDS", ",".join(["1"] * 65)),
        ("CODE_RUNNER_SOCKET_DIR", "sockets"),
        ("CODE_RUNNER_API_KEYS_FILE", "api-keys"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        settings.load({**GOOD, name: value})


def test_the_modules_to_preload_are_a_list_of_dotted_names() -> None:
    config = settings.load({**GOOD, "CODE_RUNNER_PRELOAD": "numpy, numpy.random,pandas,"})
    assert config.preload == ("numpy", "numpy.random", "pandas")
    assert settings.load(GOOD).preload == ()


def test_a_variable_without_a_default_has_to_be_set() -> None:
    with pytest.raises(SettingsError, match="CODE_RUNNER_RUNNER_UIDS is not set"):
        settings.load({})


@pytest.mark.parametrize("slot", ["2", "-1", "x"])
def test_a_slot_that_is_none_of_the_slots(slot: str) -> None:
    with pytest.raises(SettingsError, match="CODE_RUNNER_SLOT"):
        settings.load_slot(settings.load(GOOD), {"CODE_RUNNER_SLOT": slot})


def _start(module: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module],
        env={**os.environ, "PYTHONPATH": str(SERVICE), **env},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_a_wrong_value_stops_the_gateway_without_a_traceback() -> None:
    ended = _start("code_runner.gateway", **GOOD, CODE_RUNNER_PORT="http")
    assert ended.returncode == 78
    assert ended.stderr == (
        "code-runner: CODE_RUNNER_PORT='http' is wrong: it must be a whole number from 0 to 65535\n"
    )


def test_api_keys_that_are_not_there_stop_the_gateway_without_a_traceback(tmp_path: Path) -> None:
    ended = _start(
        "code_runner.gateway",
        **GOOD,
        CODE_RUNNER_API_KEYS_FILE=str(tmp_path / "keys"),
        CODE_RUNNER_SOCKET_DIR=str(tmp_path),
    )
    assert ended.returncode == 78
    assert ended.stderr == (
        "code-runner: CODE_RUNNER_API_KEYS_FILE: "
        f"cannot read {tmp_path}/keys: No such file or directory\n"
    )


def test_a_runner_outside_a_pid_namespace_of_its_own_refuses_to_start() -> None:
    ended = _start("code_runner.runner", **GOOD, CODE_RUNNER_SLOT="0")
    assert ended.returncode == 78
    assert ended.stderr.startswith("code-runner: the runner must be PID 1")


def test_a_port_that_is_taken_is_said_without_a_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = _start(
            "code_runner.gateway",
            **GOOD,
            CODE_RUNNER_HOST="127.0.0.1",
            CODE_RUNNER_PORT=str(taken.getsockname()[1]),
            CODE_RUNNER_SOCKET_DIR=str(tmp_path),
        )
    assert ended.returncode == 69
    assert ended.stderr.startswith("code-runner: cannot listen: ")
    assert "Traceback" not in ended.stderr
