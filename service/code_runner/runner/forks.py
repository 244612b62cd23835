"""Forks one child after the other, waits for its end, and ends all that it has left behind.

That is what the warm interpreter does from its first child on. All that it writes to between two
forks has to be copied, page by page: so little of Python is touched here.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from collections.abc import Callable
from ctypes import get_errno
from errno import ECHILD
from functools import partial

from code_runner.runner.child import Life
from code_runner.sandbox.kernel import failure, last_ended, look_for_child, wait_for_child
from code_runner.sandbox.landlock import CHILDREN

WAIT, RUN = b"wait", b"run"
"""The orders: a child that has to wait for its job, and one whose job is there already."""

DESCRIPTORS = struct.Struct("3i")
"""What comes with an order: the child's job socket, its standard output and standard error."""

ENDING = struct.Struct("!iqq")
"""Wait status of the child; CPU time (microseconds) and largest resident set (bytes) of the run."""

_fork, _close, _error = partial(os.fork), partial(os.close), partial(get_errno)


def serve(
    control: socket.socket, prepare: Callable[[int, int, int], Life], renew: Callable[[], None]
) -> None:
    """Take orders until the agent closes its end, and answer each with one `ENDING`.

    `prepare` makes up what children with these descriptors do; `renew` is called after every
    `CHILDREN` of them.
    """
    receive = partial(control.recvmsg, 16, socket.CMSG_SPACE(DESCRIPTORS.size))
    unpack, pack, report = DESCRIPTORS.unpack, ENDING.pack, partial(control.send)
    prepared_for: tuple[int, ...] = ()
    children = 0
    while True:
        order, ancillary, _, _ = receive()
        if not order:
            return
        descriptors = unpack(ancillary[0][2])
        if descriptors != prepared_for:  # which is rare: the same numbers are free each time
            live, prepared_for = prepare(*descriptors), descriptors
        if children == CHILDREN:
            renew()
            children = 0
        children += 1
        report(pack(*run(live, order == RUN, descriptors)))


def run(live: Life, has_job: bool, descriptors: tuple[int, ...]) -> tuple[int, int, int]:
    """Fork one child, wait for its end, and end every process that it has left behind.

    Orphans are taken in on the way, so that no dead process stays. As all are descendants of this
    sub-reaper, that it has no child any more proves that none is left; most runs leave none, and
    then nothing has to be ended. Returns the values of `ENDING`.
    """
    main = _fork()
    if not main:
        live(has_job)
    for descriptor in descriptors:
        _close(descriptor)
    status = cpu_us = peak_kib = 0
    wait = wait_for_child
    while (pid := wait()) >= 0:
        if not pid:
            _end_all_others()
            wait = wait_for_child
            continue
        its_status, user, user_us, system, system_us, kib = last_ended()
        cpu_us += (user + system) * 1_000_000 + user_us + system_us
        if kib > peak_kib:
            peak_kib = kib
        if pid == main:
            status, main = its_status, 0
        if not main:
            wait = look_for_child
    if _error() != ECHILD:
        raise failure("wait4")
    return status, cpu_us, peak_kib * 1024


def _end_all_others() -> None:
    if os.getppid() != 1:
        # Outside a PID namespace of our own, the next line would end every process of this user.
        os._exit(70)
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass
