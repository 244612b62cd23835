"""Looks which walls the container around this runner gives; nothing here is taken on trust."""

from __future__ import annotations

import os

from code_runner.runner.cleaning import CleanFolder
from code_runner.runner.policing import Counter, memory_limit

GATEWAY_UID = 1000


def standing_walls(folders: list[CleanFolder], counter: Counter) -> list[str]:
    """The names of the walls of `code_runner.sandbox.walls` that stand around this process."""
    checks = {
        "pid_namespace": os.getpid() == 1,
        "own_uid": os.getuid() not in (0, GATEWAY_UID),
        "read_only_root": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
        "sized_tmpfs": all(folder.is_own_file_system for folder in folders),
        "memory_cgroup": memory_limit() is not None,
        "memory_counter": _counts(counter),
    }
    return [name for name, stands in checks.items() if stands]


def _counts(counter: Counter) -> bool:
    try:
        return counter.memory() > 0 and counter.tasks() > 0
    except (OSError, ValueError):
        return False
