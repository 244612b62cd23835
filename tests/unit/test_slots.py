"""Waiting for a slot: what holds where two things happen in the same moment."""

import asyncio
import time

import pytest

from code_runner import settings
from code_runner.gateway.errors import Refused
from code_runner.gateway.metrics import Metrics
from code_runner.gateway.slots import Alarm, Slots
from code_runner.protocol import Job


def test_whose_time_is_over_when_its_turn_comes_is_told_that_all_are_busy() -> None:
    async def scene() -> None:
        environ = {"CODE_RUNNER_RUNNER_UIDS": "64000", "CODE_RUNNER_QUEUE_WAIT": "0.01"}
        slots = Slots(settings.load(environ), Metrics())
        run = asyncio.ensure_future(slots.run(Job("id", b"pass", 1), "client"))
        asyncio.get_running_loop().call_later(0.005, time.sleep, 0.02)  # both are due after it
        asyncio.get_running_loop().call_later(0.012, slots.hand_on, None)
        await run

    with pytest.raises(Refused, match=r"Busy: no slot in 0\.01 seconds") as refused:
        asyncio.run(scene())
    assert refused.value.status == 429


def test_an_alarm_rings_once_after_the_time_it_was_set_to_last() -> None:
    async def scene() -> list[float]:
        loop = asyncio.get_running_loop()
        rung: list[float] = []
        began = loop.time()
        alarm = Alarm(lambda: rung.append(loop.time() - began))
        alarm.set(0.02)
        await asyncio.sleep(0.01)
        alarm.set(0.05)  # put off
        await asyncio.sleep(0.02)
        assert not rung
        await asyncio.sleep(0.1)
        alarm.set(5)
        alarm.set(0.02)  # brought forward
        await asyncio.sleep(0.1)
        alarm.set(0.02)
        alarm.stop()
        await asyncio.sleep(0.05)
        return rung

    rung = asyncio.run(scene())
    assert len(rung) == 2
    assert rung[0] >= 0.06
    assert rung[1] < 5
