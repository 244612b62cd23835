"""The forked child: puts up its walls, takes its job and executes a client's code as `__main__`.

Everything in here runs once in a process that ends with the run. Before the job has arrived nothing
of a client is in this process; after `execute` has begun, nothing in it can be trusted any more.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import os
import signal
import struct
import sys
import types
from collections.abc import Callable
from functools import partial
from importlib.machinery import SourceFileLoader
from os import _exit  # bound here, for a program may put something else in its place
from typing import NoReturn

from code_runner.runner import preload
from code_runner.sandbox import limits, walls
from code_runner.sandbox.walls import Plan

GREETING = struct.Struct("!i?")
"""The child's process id, and whether it has BEGUN already; the names of the walls that stand
follow, separated by commas."""

JOB = struct.Struct("!QI")
"""Size of the code (bytes), which is in the file `SOURCE` by then; its CPU time (seconds)."""

BEGUN = b"begun"
"""Says that from here on, the run may have had effects, and must not be tried again."""

FOLDER = "/tmp/run"
SOURCE = FOLDER + "/main.py"

_collections: list[dict[str, int]] = []
"""Those of garbage before any program, as gc.get_stats tells."""
_seeders: list[Callable[[], object]] = []
"""What to call so that no two runs have the same random numbers."""


def set_the_stage() -> None:
    """Make this process look like `python3 main.py`; for the one that forks the children.

    What is done here once, no child has to do; and a page of memory that a child does not write to
    need not be copied for it. No garbage may be collected between this and the start of a child.
    """
    program = types.ModuleType("__main__")
    program.__dict__.update(
        __annotations__={},
        __builtins__=builtins,
        __cached__=None,
        __file__=SOURCE,
        __loader__=SourceFileLoader("__main__", SOURCE),
    )
    sys.modules["__main__"] = program
    sys.argv[:] = [SOURCE]
    _seeders[:] = preload.seeders()
    _collections[:] = gc.get_stats()


def main(plan: Plan, has_job: bool, channel: int, stdout: int, stderr: int) -> NoReturn:
    """Live the whole life of one run; `channel` is this child's own connection to the agent.

    The connection keeps messages apart, so that one read or write is one message. `has_job` tells
    whether the job has been sent there before the fork.
    """
    try:
        gc.enable()
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        walls.raise_walls(plan)
        # Its own: locks and flags of an open file belong to all who have inherited it.
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.closerange(3, channel)
        os.closerange(channel + 1, 1024)
        os.chdir(FOLDER)
        for seed in _seeders:
            seed()
        greeting = GREETING.pack(os.getpid(), has_job) + plan.standing
        if not has_job:
            os.write(channel, greeting)
            _rehearse()
        source = _take_job(channel)
        # Not before the fork: nothing may ever be imported from there but by the program.
        sys.path.insert(0, FOLDER)
        os.write(channel, greeting if has_job else BEGUN)
        os.close(channel)
    except BaseException as error:
        # Whatever it is, this copy of the warm interpreter must not live on.
        try:
            os.write(2, f"code-runner: the child could not start: {error!r}\n".encode())
        finally:
            _exit(70)
    _finish(_execute_as_main(source))


def _rehearse() -> None:
    """Compile and execute something while there is time.

    The first use of each page of memory after a fork costs a microsecond or two, and compiling
    touches eighty: better now than when a client waits.
    """
    exec(compile("print(end='')", SOURCE, "exec", dont_inherit=True), {"__builtins__": builtins})


def _take_job(channel: int) -> bytes:
    """Wait for the job and bind this process to its time; returns the client's code."""
    message = os.read(channel, JOB.size)
    if not message:
        _exit(0)
    size, cpu_seconds = JOB.unpack(message)
    limits.apply_cpu_time(cpu_seconds)
    code = os.open(SOURCE, os.O_RDONLY)
    source = os.read(code, size)
    os.close(code)
    return source


def _execute_as_main(source: bytes) -> int:
    """Returns the exit status, and keeps no reference to what the program has made."""
    program = sys.modules["__main__"]
    try:
        exec(compile(source, SOURCE, "exec", dont_inherit=True), program.__dict__)
    except SystemExit as error:
        return _exit_status(error)
    except BaseException as error:
        return _report(error)
    return 0


def _report(error: BaseException) -> int:
    """Show an exception that the program did not catch as Python does; returns the exit status."""
    trace = error.__traceback__
    # The first entry is the line above that called exec; it is not the client's.
    error.__traceback__ = trace.tb_next if trace else None
    _flush("stdout")
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as other:
        return _exit_status(other)
    except BaseException as other:
        _print("Error in sys.excepthook:")
        sys.__excepthook__(type(other), other, other.__traceback__)
        _print("\nOriginal exception was:")
        sys.__excepthook__(type(error), error, error.__traceback__)
    return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1


def _exit_status(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        # What does not fit into a C long is -1 for Python.
        return error.code & 0xFF if -(2**63) <= error.code < 2**63 else 0xFF
    _flush("stdout")
    _print(error.code)
    return 1


def _print(what: object) -> None:
    try:
        print(what, file=getattr(sys, "stderr", None) or sys.__stderr__)
    except BaseException:
        pass  # a program's own __str__ or stream: Python says nothing either


def _finish(status: int) -> NoReturn:
    """What the interpreter does at its end, without taking itself apart piece by piece."""
    for step in _last_steps:
        try:
            step()
        except BaseException as error:
            sys.__excepthook__(type(error), error, error.__traceback__)
    sys.settrace(None)
    sys.setprofile(None)
    if not _flush("stdout"):
        status = status or 120
    # A program may have put something else in the place of its outputs.
    for name in ("stderr", "__stdout__", "__stderr__"):
        _flush(name)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    _exit(status)


def _collect_garbage() -> None:
    """Have __del__ called of what the program has left, while it still has its globals.

    Where no collection has been since the stage was set, all that matters is in the youngest
    generation, and looking into the others as well would double what the end of a small run costs.
    (Only a program that moves its objects by gc.freeze and gc.unfreeze hides them from that.)
    """
    gc.collect(0 if gc.get_stats() == _collections else 2)


def _join_threads() -> None:
    # Not imported here: what it does after each fork would cost a third of a child's page faults.
    if threading := sys.modules.get("threading"):
        threading._shutdown()


# Without its module, what the program has made is garbage, so that the collection calls __del__.
_last_steps: tuple[Callable[[], object], ...] = (
    _join_threads,
    atexit._run_exitfuncs,
    partial(sys.modules.pop, "__main__", None),
    _collect_garbage,
)


def _flush(name: str) -> bool:
    stream = getattr(sys, name, None)
    try:
        if stream is not None and not getattr(stream, "closed", False):
            stream.flush()
    except BaseException:
        return False
    return True
