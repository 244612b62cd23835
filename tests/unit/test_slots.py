"""Waiting for a slot: what holds where two things happen in the same moment."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from code_runner import settings
from code_runner.gateway import slots as module
from code_runner.gateway.errors import Refused
from code_runner.gateway.slots import Alarm, Slots
from code_runner.protocol import Frame, Frames, Job, Kind, Outcome


def test_whose_time_is_over_when_its_turn_comes_is_told_that_all_are_busy() -> None:
    async def scene() -> None:
        environ = {"CODE_RUNNER_RUNNER_UIDS": "64000", "CODE_RUNNER_QUEUE_WAIT": "0.01"}
        slots = Slots(settings.load(environ), lambda _: None)
        run = asyncio.ensure_future(slots.run(Job("id", b"pass", 1), "client"))
        await asyncio.sleep(0)  # it has begun to wait
        asyncio.get_running_loop().call_later(0.005, time.sleep, 0.02)  # both are due after it
        asyncio.get_running_loop().call_later(0.012, slots.offer, None)
        async with asyncio.timeout(5):
            await run

    with pytest.raises(Refused, match=r"Busy: no slot in 0\.01 seconds") as refused:
        asyncio.run(scene())
    assert refused.value.status == 429


def test_each_waits_for_as_long_as_it_may_since_its_own_coming() -> None:
    async def scene() -> list[float]:
        environ = {"CODE_RUNNER_RUNNER_UIDS": "64000", "CODE_RUNNER_QUEUE_WAIT": "0.2"}
        slots = Slots(settings.load(environ), lambda _: None)

        async def wait(delay: float) -> float:
            await asyncio.sleep(delay)
            came = time.monotonic()
            with pytest.raises(Refused):
                await slots.run(Job("id", b"pass", 1), "client")
            return time.monotonic() - came

        async with asyncio.timeout(5):
            return await asyncio.gather(wait(0), wait(0.05), wait(0.15), wait(0.3))

    assert all(seconds >= 0.2 for seconds in asyncio.run(scene()))


def test_an_alarm_rings_once_after_the_time_it_was_set_to_last() -> None:
    async def scene() -> list[float]:
        loop = asyncio.get_running_loop()
        rung: list[float] = []
        began = loop.time()
        alarm = Alarm(lambda: rung.append(loop.time() - began))
        alarm.set(0.2)
        await asyncio.sleep(0.1)
        alarm.set(0.5)  # put off
        await asyncio.sleep(0.2)
        assert not rung
        await asyncio.sleep(0.5)
        alarm.set(5)
        alarm.set(0.02)  # brought forward
        await asyncio.sleep(0.1)
        alarm.set(0.02)
        alarm.stop()
        await asyncio.sleep(0.05)
        return rung

    rung = asyncio.run(scene())
    assert len(rung) == 2
    assert rung[0] >= 0.6
    assert rung[1] < 5


class Runners:
    """The other side of all slots: notes which job came when, and answers when told to."""

    def __init__(self) -> None:
        self.jobs: list[tuple[float, Job]] = []
        self._came = asyncio.Event()
        self._slot_of: dict[str, asyncio.StreamWriter] = {}

    async def attend(self, path: Path) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(Frame.telling(Kind.READY, walls=[], memory_counter="none").encode())
        frames = Frames(2**20)
        while data := await reader.read(65536):
            for frame in frames.cut(data):
                if frame.kind == Kind.RUN:
                    job, _ = Job.from_frame(frame)
                    self.jobs.append((time.monotonic(), job))
                    self._slot_of[job.run_id] = writer
                    self._came.set()

    async def have(self, number: int) -> None:
        async with asyncio.timeout(5):
            while len(self.jobs) < number:
                self._came.clear()
                await self._came.wait()

    def end(self, job: Job, ready_soon: bool) -> None:
        self._slot_of[job.run_id].write(Outcome("exited", 0).frame(job.run_id, ready_soon).encode())


@asynccontextmanager
async def three_slots(folder: Path) -> AsyncIterator[tuple[Slots, Runners]]:
    """Slots that are ready, and no queue to wait in for another."""
    environ = {
        "CODE_RUNNER_RUNNER_UIDS": ",".join([str(os.getuid())] * 3),
        "CODE_RUNNER_SOCKET_DIR": str(folder),
        "CODE_RUNNER_QUEUE_SIZE": "0",
    }
    wanted = settings.load(environ)
    slots, runners = Slots(wanted, lambda _: None), Runners()
    await slots.open()
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(runners.attend(wanted.socket_path(number)))
        async with asyncio.timeout(5):
            while slots.state()["slots"]["alive"] < 3:  # noqa: ASYNC110 (they tell nobody)
                await asyncio.sleep(0.01)
        yield slots, runners
        await slots.close()


def test_no_more_runs_begin_in_a_moment_than_there_are_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> list[float]:
        async with three_slots(tmp_path) as (slots, runners):
            began = time.monotonic()
            runs = [asyncio.create_task(slots.run(Job(n, b"", 1), "client")) for n in "abc"]
            await runners.have(3)
            for _, job in runners.jobs:
                runners.end(job, ready_soon=True)
            await asyncio.gather(*runs)
            return [came - began for came, _ in runners.jobs]

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    came = asyncio.run(scene())
    assert came[1] >= module.FRESH_SECONDS
    assert came[2] >= 2 * module.FRESH_SECONDS


@pytest.mark.parametrize("ready_soon", [True, False])
def test_the_end_of_a_run_makes_room_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ready_soon: bool
) -> None:
    async def scene() -> None:
        async with three_slots(tmp_path) as (slots, runners):
            runs = [asyncio.create_task(slots.run(Job(n, b"", 1), "client")) for n in "abc"]
            for number in (1, 2, 3):
                await runners.have(number)
                await asyncio.sleep(0.05)
                assert len(runners.jobs) == number
                runners.end(runners.jobs[-1][1], ready_soon)
            await asyncio.gather(*runs)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(module, "FRESH_SECONDS", 60.0)
    asyncio.run(scene())
