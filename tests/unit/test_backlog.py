"""What is done when no client waits any more: in order, soon, and all of it."""

import asyncio
import logging
import time

import pytest

from code_runner.gateway import backlog as module
from code_runner.gateway.backlog import Backlog


def test_what_comes_together_is_done_together_a_little_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LATE_SECONDS", 0.2)

    async def scene() -> list[tuple[str, float]]:
        done: list[tuple[str, float]] = []
        backlog = Backlog()
        began = time.monotonic()
        for name in "abc":
            backlog.add(lambda name: done.append((name, time.monotonic() - began)), name)
            await asyncio.sleep(0)
        assert not done
        await asyncio.sleep(0.5)
        return done

    done = asyncio.run(scene())
    assert [name for name, _ in done] == ["a", "b", "c"]
    assert all(seconds >= 0.2 for _, seconds in done)


def test_a_fault_keeps_nothing_else_from_being_done(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> list[int]:
        done: list[int] = []
        backlog = Backlog()
        for number in (1, 0, 2):
            backlog.add(lambda number: done.append(2 // number), number)
        backlog.work_off()
        backlog.add(done.append, 3)  # which needs a timer of its own
        await asyncio.sleep(5 * module.LATE_SECONDS)
        return done

    with caplog.at_level(logging.ERROR):
        assert asyncio.run(scene()) == [2, 1, 3]
    assert "ZeroDivisionError" in caplog.text
