"""The warm interpreter: one thread, started once, from which the child of every run is forked.

It is a program of its own that the agent starts by path; its standard input is one end of a
SOCK_SEQPACKET pair. For each order that the agent sends, with `DESCRIPTORS` attached, it forks a
child, waits for its end, ends everything that the run has left behind and answers with one
`ENDING`. No byte of a client's code, input or output passes through here, for what has passed
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
import struct
from ctypes import get_errno
from errno import ECHILD

from code_runner.runner import child, huge_pages
from code_runner.runner.preload import PreloadFailed, preload
from code_runner.sandbox import kernel, walls
from code_runner.sandbox.limits import Limits
from code_runner.sandbox.walls import Plan

BIND_NOW = "LD_BIND_NOW"
"""Lets the dynamic linker look up every function at the start: see ld.so(8)."""

WAIT, RUN = b"wait", b"run"
"""The orders: a child that has to wait for its job, and one whose job is there already."""

DESCRIPTORS = struct.Struct("3i")
"""What comes with an order: the child's job socket, its standard output and standard error."""

# How Python's allocator deals out memory: <internal/pycore_obmalloc.h>.
POOL_BYTES, POOL_HEADER_BYTES = 2**14, 48
BLOCK_BYTES = range(48, 513, 16)
# For each size, where it should be another allocator after all.
MOST_GAPS = 1000

ENDING = struct.Struct("!iqq")
"""Wait status of the child; CPU time (microseconds) and largest resident set (bytes) of the run."""

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
    while True:
        order, descriptors = _wait_for_order(control)
        if not order:
            return
        control.send(ENDING.pack(*_run(plan, order == RUN, descriptors)))


def _wait_for_order(control: socket.socket) -> tuple[bytes, tuple[int, ...]]:
    """The next order and its `DESCRIPTORS`; nothing when the agent has closed its end."""
    order, ancillary, _, _ = control.recvmsg(16, socket.CMSG_SPACE(DESCRIPTORS.size))
    return order, DESCRIPTORS.unpack(ancillary[0][2]) if ancillary else ()


def _refuse(control: socket.socket, reason: str) -> None:
    """Tell the one who waits for the first child why there will be none."""
    _, descriptors = _wait_for_order(control)
    if descriptors:
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
    _fill_gaps()
    gc.freeze()
    # Not frozen: a program's own objects have to be found by the collection at its end.
    child.set_the_stage()
    return plan


_filling: list[object] = []


def _fill_gaps() -> None:
    """Let a child find new memory side by side, instead of in the gaps that imports have left.

    Each page it writes to is one to copy. A pool holds blocks of one size, of which the first is
    taken only when all gaps in the others are filled.
    """
    for size in BLOCK_BYTES:
        for _ in range(MOST_GAPS):
            block = bytes(size - sys.getsizeof(b""))
            _filling.append(block)
            if id(block) % POOL_BYTES == POOL_HEADER_BYTES:
                break


def _run(plan: Plan, has_job: bool, descriptors: tuple[int, ...]) -> tuple[int, int, int]:
    """Fork one child, wait for its end, and end every process that it has left behind.

    Orphans are taken in on the way, so that no dead process stays. As all are descendants of this
    sub-reaper, that it has no child any more proves that none is left; most runs leave none, and
    then nothing has to be ended. Returns the values of `ENDING`.
    """
    walls.prepare_child(plan)
    main = os.fork()
    if main == 0:
        child.main(plan, has_job, *descriptors)
    # All in one function, for what this process writes to between two forks has to be copied.
    for descriptor in descriptors:
        os.close(descriptor)
    status = cpu_us = peak = 0
    wait = kernel.wait_for_child
    while (pid := wait()) >= 0:
        if not pid:
            _end_all_others()
            wait = kernel.wait_for_child
            continue
        its_status, user, user_us, system, system_us, kib = kernel.last_ended()
        cpu_us += (user + system) * 1_000_000 + user_us + system_us
        peak = max(peak, kib * 1024)
        if pid == main:
            status, main = its_status, 0
        if not main:
            wait = kernel.look_for_child
    if get_errno() != ECHILD:
        raise kernel.failure("wait4")
    return status, cpu_us, peak


def _end_all_others() -> None:
    if os.getppid() != 1:
        # Outside a PID namespace of our own, the next line would end every process of this user.
        os._exit(70)
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    main()
