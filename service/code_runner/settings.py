"""Every setting of the service, read once from the environment and validated at start.

The gateway and the runners are given the same block of variables, so that one value cannot mean two
things in one pod; only what the gateway alone has, the path of the API keys and the port of the
metrics, it alone is told. A wrong value stops the start with a `SettingsError` that names the
variable.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from code_runner.sandbox.walls import REQUIRED_WALLS, WALL_NAMES

LOG_LEVELS = ("debug", "info", "warning", "error")
MAX_SLOTS = 64

T = TypeVar("T")


class SettingsError(ValueError):
    """A variable of the environment is missing or wrong; the text says which and why."""


@dataclass(frozen=True)
class Settings:
    """What both halves of the service know.

    Times are in seconds, sizes in bytes except `max_output_size`, which counts characters.
    """

    log_level: str
    host: str
    port: int
    metrics_port: int
    """0: none."""
    max_timeout: float
    default_timeout: float
    max_output_size: int
    max_body_bytes: int
    queue_size: int
    queue_wait: float
    run_memory: int
    run_processes: int
    warm_runs: int
    preload: tuple[str, ...]
    required_walls: frozenset[str]
    runner_uids: tuple[int, ...]
    socket_dir: Path
    api_keys_file: Path | None

    @property
    def slots(self) -> int:
        """The number of runs that one pod executes at a time: one for each runner's uid."""
        return len(self.runner_uids)

    def socket_path(self, slot: int) -> Path:
        """Where the gateway listens for the runner of `slot`, seen alike from both containers."""
        return self.socket_dir / f"slot-{slot}" / "runner.sock"


def load(env: Mapping[str, str] = os.environ) -> Settings:
    """Read and validate the settings; raises `SettingsError`."""
    settings = Settings(
        log_level=_read(env, "LOG_LEVEL", "info", _log_level),
        host=_read(env, "CODE_RUNNER_HOST", "0.0.0.0", str),
        port=_read(env, "CODE_RUNNER_PORT", "8000", _whole(0, 65535)),
        metrics_port=_read(env, "CODE_RUNNER_METRICS_PORT", "0", _whole(0, 65535)),
        max_timeout=_read(env, "CODE_RUNNER_MAX_TIMEOUT", "10", _seconds(1, 3600)),
        default_timeout=_read(env, "CODE_RUNNER_DEFAULT_TIMEOUT", "5", _seconds(0.001, 3600)),
        max_output_size=_read(env, "CODE_RUNNER_MAX_OUTPUT_SIZE", "10000", _whole(1, 10_000_000)),
        max_body_bytes=_read(env, "CODE_RUNNER_MAX_BODY_BYTES", "1048576", _whole(1024, 2**30)),
        queue_size=_read(env, "CODE_RUNNER_QUEUE_SIZE", "64", _whole(0, 100_000)),
        queue_wait=_read(env, "CODE_RUNNER_QUEUE_WAIT", "30", _seconds(0.001, 3600)),
        run_memory=_read(env, "CODE_RUNNER_RUN_MEMORY", "268435456", _whole(32 * 2**20, 2**40)),
        run_processes=_read(env, "CODE_RUNNER_RUN_PROCESSES", "128", _whole(1, 100_000)),
        warm_runs=_read(env, "CODE_RUNNER_WARM_RUNS", "1000", _whole(1, 10**9)),
        preload=_read(env, "CODE_RUNNER_PRELOAD", "", _modules),
        required_walls=_read(env, "CODE_RUNNER_REQUIRED_WALLS", ",".join(REQUIRED_WALLS), _walls),
        runner_uids=_read(env, "CODE_RUNNER_RUNNER_UIDS", None, _uids),
        socket_dir=_read(env, "CODE_RUNNER_SOCKET_DIR", "/run/code-runner", _absolute_path),
        api_keys_file=_read(env, "CODE_RUNNER_API_KEYS_FILE", "", _absolute_path_or_none),
    )
    if settings.default_timeout > settings.max_timeout:
        raise SettingsError(
            f"CODE_RUNNER_DEFAULT_TIMEOUT ({settings.default_timeout:g}) must not be above "
            f"CODE_RUNNER_MAX_TIMEOUT ({settings.max_timeout:g})"
        )
    return settings


def load_slot(settings: Settings, env: Mapping[str, str] = os.environ) -> int:
    """The slot that this runner serves, 0 to `settings.slots - 1`; raises `SettingsError`."""
    return _read(env, "CODE_RUNNER_SLOT", None, _whole(0, settings.slots - 1))


def _read(env: Mapping[str, str], name: str, default: str | None, convert: Callable[[str], T]) -> T:
    text = env.get(name, default)
    if text is None:
        raise SettingsError(f"{name} is not set, and it has no default")
    try:
        return convert(text)
    except ValueError as error:
        raise SettingsError(f"{name}={text!r} is wrong: {error}") from None


def _whole(low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ValueError(f"it must be a whole number from {low} to {high}")
        return int(text)

    return convert


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ValueError(f"it must be a number of seconds from {low:g} to {high:g}")
        return value

    return convert


def _log_level(text: str) -> str:
    if text.lower() not in LOG_LEVELS:
        raise ValueError(f"it must be one of {', '.join(LOG_LEVELS)}")
    return text.lower()


def _modules(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            raise ValueError(f"{name!r} is no name of a module, such as numpy or numpy.linalg")
    return names


def _walls(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if unknown := sorted(names - set(WALL_NAMES)):
        raise ValueError(f"there is no wall {unknown[0]!r}; there are {', '.join(WALL_NAMES)}")
    return names


def _uids(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not 1 <= len(parts) <= MAX_SLOTS or not all(p.isascii() and p.isdigit() for p in parts):
        raise ValueError(f"it must be 1 to {MAX_SLOTS} user ids with commas between them")
    return tuple(int(part) for part in parts)


def _absolute_path(text: str) -> Path:
    if not text.startswith("/"):
        raise ValueError("it must be an absolute path")
    return Path(text)


def _absolute_path_or_none(text: str) -> Path | None:
    return _absolute_path(text) if text else None
