"""One run built up step by step, out of the service's own parts, in a container like a runner's.

    python3 rungs.py RUNG SECONDS

Everything happens one after the other and without asyncio, so each rung is the least that a run
costs which does so much; what it costs more than the rung before is the price of that step. Prints
JSON: how many runs, and what all of them took of the processor, in user and kernel, and in page
faults.

The first rungs fork this process, and each module in it would make that dearer: it imports what the
warm interpreter does, and hardly more.
"""

from __future__ import annotations

import itertools
import os
import socket
import sys
import time
from collections.abc import Callable

from code_runner.runner import child, forks, warm
from code_runner.runner.preload import preload
from code_runner.sandbox import limits
from code_runner.sandbox.landlock import CHILDREN
from code_runner.sandbox.limits import Limits
from code_runner.sandbox.walls import Plan

HELLO = b'print("hello")'
BOUNDS = Limits(memory=256 * limits.MIB, processes=128)
CPU_SECONDS = 6
Run = Callable[[], None]


class Pipes:
    """The channel and the outputs of a child, and its ends of them."""

    def __init__(self, kind: socket.SocketKind) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, kind)
        self._stdout, its_stdout = os.pipe2(os.O_CLOEXEC)
        self._stderr, its_stderr = os.pipe2(os.O_CLOEXEC)
        self.its = (theirs.detach(), its_stdout, its_stderr)

    def finish(self) -> bytes:
        """The output, when the child has ended; closes what is left."""
        self.channel.close()
        output = b""
        for descriptor in (self._stdout, self._stderr):
            output += os.read(descriptor, 65536)
            os.close(descriptor)
        return output


def fork() -> Run:
    """A child that ends at once."""
    _become_warm()

    def run() -> None:
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)

    return run


def program() -> Run:
    """A child that executes the program and ends as Python does; its output is read."""
    _become_warm()

    def run() -> None:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
        if not pid:
            os.dup2(writer, 1)
            child._finish(child._execute_as_main(HELLO))
        os.close(writer)
        os.waitpid(pid, 0)
        _expect(os.read(reader, 65536))
        os.close(reader)

    return run


def walled() -> Run:
    """A child as in the service, with its job, its walls and its folder, and a sweep after it."""
    plan = _become_warm()
    children = itertools.count(1)
    lives: dict[tuple[int, ...], child.Life] = {}

    def run() -> None:
        pipes = Pipes(socket.SOCK_STREAM)  # the kind that the service uses is behind the walls now
        if pipes.its not in lives:
            lives[pipes.its] = child.prepare(plan, *pipes.its)
        os.mkdir(child.FOLDER)
        _store(HELLO)
        pipes.channel.send(child.JOB.pack(len(HELLO), CPU_SECONDS))
        forks.run(lives[pipes.its], True, pipes.its)
        if next(children) % CHILDREN == 0:
            plan.renew()
        _expect(pipes.finish())
        os.unlink(child.SOURCE)
        os.rmdir(child.FOLDER)

    return run


def served() -> Run:
    """The same ordered by another process, which limits, counts, watches, cleans and proves."""
    import subprocess

    from code_runner.protocol import Job, Outcome
    from code_runner.runner.cleaning import CleanFolder
    from code_runner.runner.interpreter import ENVIRONMENT
    from code_runner.runner.policing import find_counter
    from code_runner.runner.slot import WRITABLE_FOLDERS

    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, warm.__file__, str(BOUNDS.memory), str(BOUNDS.processes)],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            env={**ENVIRONMENT, warm.BIND_NOW: "1"},
            cwd="/",
        )
    counter = find_counter()
    folders = [CleanFolder(path) for path in WRITABLE_FOLDERS]

    def run() -> None:
        pipes = Pipes(socket.SOCK_SEQPACKET)
        os.mkdir(child.FOLDER)
        rights = forks.DESCRIPTORS.pack(*pipes.its)
        control.sendmsg([forks.WAIT], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        for descriptor in pipes.its:
            os.close(descriptor)
        pid, _ = child.GREETING.unpack_from(pipes.channel.recv(4096))
        pidfd = os.pidfd_open(pid)
        job = Job("id", HELLO, 5.0)
        for count in (counter.begin, counter.tasks, counter.cpu_seconds, counter.oom_kills):
            count()
        _store(job.code)
        pipes.channel.send(child.JOB.pack(len(HELLO), CPU_SECONDS))
        status, _, peak = forks.ENDING.unpack(control.recv(64))
        os.close(pidfd)
        output = pipes.finish()
        _expect(Outcome("exited", status, peak_memory_bytes=peak, stdout=output).stdout)
        for folder in folders:
            folder.clean()

    return run


RUNGS = {"fork": fork, "program": program, "walls": walled, "agent": served}


def _become_warm() -> Plan:
    """What `warm.main` does before its first fork."""
    warm._prepare_process()
    preload([])
    return warm._settle(BOUNDS)


def _store(code: bytes) -> None:
    file = os.open(child.SOURCE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    os.write(file, code)
    os.close(file)


def _expect(output: bytes) -> None:
    if output != b"hello\n":
        raise SystemExit(f"the run printed {output!r}")


def measure(run: Run, seconds: float) -> dict[str, float]:
    """Do it one after the other for so long, after a first one that does not count."""
    run()
    runs, before, end = 0, _used(), time.monotonic() + seconds
    while time.monotonic() < end:
        run()
        runs += 1
    return {"runs": runs, **{name: used - before[name] for name, used in _used().items()}}


def _used() -> dict[str, float]:
    """Of all processes of this container, and of those that they have waited for."""
    found = {"user_seconds": 0.0, "system_seconds": 0.0, "page_faults": 0.0}
    ticks = os.sysconf("SC_CLK_TCK")
    for name in filter(str.isdigit, os.listdir("/proc")):
        with open(f"/proc/{name}/stat") as file:
            # The name in parentheses may hold anything.
            fields = [int(field) for field in file.read().rpartition(")")[2].split()[1:15]]
        found["page_faults"] += fields[6] + fields[7]
        found["user_seconds"] += (fields[10] + fields[12]) / ticks
        found["system_seconds"] += (fields[11] + fields[13]) / ticks
    return found


if __name__ == "__main__":
    rung, duration = sys.argv[1:]
    found = measure(RUNGS[rung](), float(duration))
    import json

    print(json.dumps(found))
