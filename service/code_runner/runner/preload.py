"""Imports an operator's choice of modules into the warm interpreter, for every run to have at once.

Each run is a fork, so it finds them imported, and what it changes in them ends with it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable

# A thread that has been joined may be seen for a moment after it has returned.
SETTLE_SECONDS = 1.0
SLOTS_FOLDERS = ("/tmp/", "/dev/shm/")
# Standard input, output and error are the runner's own.
STANDARD = ("0", "1", "2")


class PreloadFailed(Exception):
    """A module cannot be preloaded; the text names it and says why."""


def preload(modules: Iterable[str]) -> None:
    """Import each module; raises `PreloadFailed`."""
    for name in modules:
        try:
            __import__(name)
        except BaseException as error:  # it may do anything, also exit
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise PreloadFailed(f"{name} cannot be imported: {reason}") from None
        if rest := _left_behind():
            raise PreloadFailed(f"{name} leaves {rest} behind")
    # What an import has printed would otherwise be printed by every run.
    sys.stdout.flush()


def seeders() -> list[Callable[[], object]]:
    """What seeds NumPy's global generator afresh; `random` sees to itself after a fork."""
    numpy_random = sys.modules.get("numpy.random")
    return [numpy_random.seed] if numpy_random else []


def _left_behind() -> str:
    """What an import has started and not ended; "" when nothing."""
    give_up = time.monotonic() + SETTLE_SECONDS
    while (rest := _running()) and time.monotonic() < give_up:
        time.sleep(0.01)
    return rest


def _running() -> str:
    if (threads := len(os.listdir("/proc/self/task")) - 1) > 0:
        return f"{threads} thread{'s' * (threads > 1)}"
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return "a file in /tmp or /dev/shm" if _holds_files() else ""
    return "a process"


def _holds_files() -> bool:
    """Whether something in the folders of a run is kept open or mapped: they would never be empty.

    A lock of multiprocessing is such a file, although it has no name any more.
    """
    with os.scandir("/proc/self/fd") as descriptors:
        kept = [os.readlink(entry.path) for entry in descriptors if entry.name not in STANDARD]
    with open("/proc/self/maps") as maps:
        kept += [line.split(maxsplit=5)[-1] for line in maps]
    return any(name.startswith(SLOTS_FOLDERS) for name in kept)
