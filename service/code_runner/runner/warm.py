"""The warm interpreter: one thread, started once, from which the child of every run is forked.

It is a program of its own that the agent starts by path; its standard input is one end of a
SOCK_SEQPACKET pair. For each order that the agent sends, with `forks.DESCRIPTORS` attached, it
forks a child, waits for its end, ends everything that the run has left behind and answers with one
`forks.ENDING`. No byte of a client's code, input or output passes through here, for what has passed
through it, the next run could read in its own copy of this memory.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # Started by path, so that a client's code finds neither flags nor variables left over from the
    # service: the folder of this file stands first on the path, and has no business there.
    sys.path[0] = __file__.rsplit("/", 3)[0]

import gc
import os
import signal
import socket
from functools import partial

from code_runner.runner import child, forks, gaps, huge_pages
from code_runner.runner.preload import PreloadFailed, preload
from code_runner.sandbox import kernel, walls
from code_runner.sandbox.limits import Limits
from code_runner.sandbox.walls import Plan

BIND_NOW = "LD_BIND_NOW"
"""Lets the dynamic linker look up every function at the start: see ld.so(8)."""

REFUSED = b"refused "
"""Begins the answer to the first fork where there can be none, before its reason."""


def main() -> None:
    """Serve until the agent closes its end.

    Arguments: memory in bytes, number of processes, and the modules to import before any run.
    """
    bounds = Limits(memory=int(sys.argv[1]), processes=int(sys.argv[2]))
    control = socket.socket(fileno=os.dup(0))
    _prepare_process()
    try:
        preload(sys.argv[3:])
    except PreloadFailed as error:
        _refuse(control, str(error))
        return
    plan = _settle(bounds)
    forks.serve(control, partial(child.prepare, plan), plan.renew)


def _refuse(control: socket.socket, reason: str) -> None:
    """Tell the one who waits for the first child why there will be none."""
    order, descriptors, _, _ = socket.recv_fds(control, 16, 3)
    if order:
        os.write(descriptors[0], REFUSED + reason.encode()[:2000])


def _prepare_process() -> None:
    """Become the parent that children are forked from: what it sets, they inherit."""
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    # The agent may ignore signals; a child that inherited that could not be ended by terminate().
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    del os.environ[BIND_NOW]
    _prefer_as_victim()
    kernel.adopt_orphans()
    sys.path.pop(0)


def _prefer_as_victim() -> None:
    """Let the kernel's out-of-memory killer take a run before the agent; children inherit it.

    Only before turning non-dumpable: afterwards the file belongs to root.
    """
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _settle(bounds: Limits) -> Plan:
    """Do all that children then need not do, when everything has been imported."""
    gc.collect()
    gc.disable()  # until a child begins: see `child._collect_garbage`
    huge_pages.adopt_code()
    huge_pages.adopt_data()
    # Twice as much memory could be filled between two looks of the agent otherwise.
    kernel.fill_memory_in_small_pages()
    plan = walls.prepare(bounds)
    gaps.fill()
    gc.freeze()
    # Not frozen: a program's own objects have to be found by the collection at its end.
    child.set_the_stage()
    return plan


if __name__ == "__main__":
    main()
