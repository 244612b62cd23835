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
from collections.abc import Callable, Iterable
from functools import partial
from importlib.machinery import SourceFileLoader
from typing import Any, NoReturn

from code_runner.runner import preload
from code_runner.sandbox.limits import bound_cpu_time
from code_runner.sandbox.steps import Step, once, take
from code_runner.sandbox.walls import Plan

GREETING = struct.Struct("!i?")
"""The child's process id, and whether it has BEGUN already; the names of the walls that stand
follow, separated by commas."""

JOB = struct.Struct("!QI")
"""Size of the code (bytes), which is in the file `SOURCE` by then; its CPU time (seconds)."""
JOB_BYTES = JOB.size

BEGUN = b"begun"
"""Says that from here on, the run may have had effects, and must not be tried again."""

FOLDER = "/tmp/run"
SOURCE = FOLDER + "/main.py"

Life = Callable[[bool], NoReturn]
"""All that a child does; it is told whether its job has been sent before the fork."""

# What a child calls, made here to lie side by side in memory: a function of Python's own lies among
# all others of its module, and what the name of a module or an attribute leads by lies anywhere.
# So also a program that has put something else in their place does not change them.
_read, _write, _close = partial(os.read), partial(os.write), partial(os.close)
_own_number = partial(os.getpid)
_open_code = partial(os.open, SOURCE.encode(), os.O_RDONLY)
_import_from_folder = partial(sys.path.insert, 0, FOLDER)
_pack_greeting, _unpack_job = GREETING.pack, JOB.unpack
_exit = partial(os._exit)
_collect = partial(gc.collect)
_collections_so_far = partial(gc.get_stats)
_threading = partial(sys.modules.get, "threading")
_output = partial(vars(sys).get)

_steps: list[Step] = []
"""Of the next children: none gives one back when it has taken it."""
_collections: list[dict[str, int]] = []
"""Those of garbage before any program, as gc.get_stats tells."""
_namespaces: list[dict[str, Any]] = []
"""That of `__main__`, until a child takes it."""
_take_namespace = _namespaces.pop


def set_the_stage() -> None:
    """Make this process look like `python3 main.py`; for the one that forks the children.

    What is done here once, no child has to do; and a page of memory that a child does not write to
    need not be copied for it. No garbage may be collected between this and the start of a child.
    """
    # Python remembers what it has looked up, so that children find it and have nothing to write.
    _rehearse()
    _flush_outputs()
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
    _namespaces[:] = [program.__dict__]
    _collections[:] = gc.get_stats()


def prepare(plan: Plan, channel: int, stdout: int, stderr: int) -> Life:
    """What children with these descriptors do, of a process that has them and will have no others.

    `channel` is a child's own connection to the agent. It keeps messages apart, so that one read or
    write is one message.
    """
    _steps[:] = (
        Step(partial(gc.enable)),
        Step(partial(os.dup2, stdout, 1), 1),
        Step(partial(os.dup2, stderr, 2), 2),
        *plan.steps(),
        # Its own: locks and flags of an open file belong to all who have inherited it.
        Step(partial(os.close, 0)),
        Step(partial(os.open, b"/dev/null", os.O_RDONLY), 0),
        Step(partial(os.closerange, 3, channel)),
        Step(partial(os.closerange, channel + 1, 1024)),
        Step(partial(os.chdir, FOLDER.encode())),
        *map(Step, preload.seeders()),
    )
    return partial(_live, once(_steps), plan.standing, channel)


def _live(
    steps: Iterable[tuple[Callable[[], object], object]],
    standing: bytes,
    channel: int,
    has_job: bool,
) -> NoReturn:
    """Live the whole life of one run."""
    try:
        take(steps)
        greeting = _pack_greeting(_own_number(), has_job) + standing
        if not has_job:
            _write(channel, greeting)
            _rehearse()
        job = _read(channel, JOB_BYTES)
        if not job:
            _exit(0)
        size, cpu_seconds = _unpack_job(job)
        bound_cpu_time((cpu_seconds, cpu_seconds + 1))
        code = _open_code()
        source = _read(code, size)
        _close(code)
        # Not before the fork: nothing may ever be imported from there but by the program.
        _import_from_folder()
        _write(channel, greeting if has_job else BEGUN)
        _close(channel)
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
    touches dozens: better now than when a client waits.
    """
    exec(compile("print(end='')", SOURCE, "exec", dont_inherit=True), {"__builtins__": builtins})


def _execute_as_main(source: bytes) -> int:
    """Returns the exit status, and keeps no reference to what the program has made."""
    try:
        exec(compile(source, SOURCE, "exec", dont_inherit=True), _take_namespace())
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
    _flush(_output("stdout"))
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
    _flush(_output("stdout"))
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
    if not _flush_outputs():
        status = status or 120
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
    _collect(0 if _collections_so_far() == _collections else 2)


def _join_threads() -> None:
    # Not imported here: what it does after each fork would cost a third of a child's page faults.
    if threading := _threading():
        threading._shutdown()


# Without its module, what the program has made is garbage, so that the collection calls __del__.
_last_steps: tuple[Callable[[], object], ...] = (
    _join_threads,
    partial(atexit._run_exitfuncs),
    partial(sys.modules.pop, "__main__", None),
    _collect_garbage,
    partial(sys.settrace, None),
    partial(sys.setprofile, None),
)


def _flush_outputs() -> bool:
    """Returns whether what was written to standard output has gone there."""
    stdout = _output("stdout")
    is_written = _flush(stdout)
    # A program may have put something else in the place of its outputs.
    for name in ("stderr", "__stdout__", "__stderr__"):
        if (stream := _output(name)) is not stdout:
            _flush(stream)
    return is_written


def _flush(stream: Any) -> bool:
    try:
        if stream is not None and not getattr(stream, "closed", False):
            stream.flush()
    except BaseException:
        return False
    return True
