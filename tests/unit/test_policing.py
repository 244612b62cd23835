"""A run is ended for the limit that it exceeds; the numbers come from files like the kernel's."""

from __future__ import annotations

import asyncio
import os
import time
from functools import partial
from pathlib import Path

import pytest

from code_runner.runner.policing import CgroupCounter, CgroupFiles, NamespaceCounter, Police
from code_runner.sandbox.limits import Limits

MIB = 2**20


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """The files of a cgroup v2 with 50 MiB, 10 of them cache, 4 tasks and 7 s of CPU time."""
    for name, content in {
        "memory.current": f"{50 * MIB}\n",
        "memory.stat": f"anon 1\ninactive_file {10 * MIB}\n",
        "pids.current": "4\n",
        "cpu.stat": "usage_usec 7000000\nuser_usec 5000000\n",
        "memory.events": "oom 3\noom_kill 2\noom_group_kill 0\n",
    }.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def counter_of(group: Path, kind: type[CgroupCounter] = CgroupCounter) -> CgroupCounter:
    return kind(
        CgroupFiles(
            "test",
            group / "memory.current",
            group / "memory.stat",
            "inactive_file",
            group / "pids.current",
            group / "cpu.stat",
            1_000_000,
            group / "memory.events",
        )
    )


def test_a_cgroup_is_read_without_cache(group: Path) -> None:
    counter = counter_of(group)
    assert counter.memory() == 40 * MIB
    assert counter.tasks() == 4
    assert counter.cpu_seconds() == 7.0


@pytest.mark.parametrize(
    ("file", "below", "above", "reason"),
    [
        ("memory.current", f"{149 * MIB}", f"{151 * MIB}", "memory"),
        ("pids.current", "14", "15", "processes"),
        ("cpu.stat", "usage_usec 9000000", "usage_usec 9100000", "cpu"),
    ],
)
def test_a_run_is_ended_for_what_it_exceeds(
    group: Path, file: str, below: str, above: str, reason: str
) -> None:
    async def police() -> list[str]:
        ended: list[str] = []
        limits = Limits(memory=100 * MIB, processes=10)
        watcher = Police(counter_of(group), limits, 2, ended.append, print, bool)
        watcher.watch()
        (group / file).write_text(below + "\n")
        await asyncio.sleep(0.3)
        assert ended == []
        (group / file).write_text(above + "\n")
        await asyncio.sleep(0.3)
        watcher.dismiss()
        return ended

    assert set(asyncio.run(police())) == {reason}


@pytest.mark.parametrize(
    ("file", "below", "above"),
    [
        ("memory.current", f"{74 * MIB}", f"{76 * MIB}"),
        ("pids.current", "5", "6"),
    ],
)
def test_a_run_that_spreads_is_gathered_until_that_is_done(
    group: Path, file: str, below: str, above: str
) -> None:
    async def police() -> list[str]:
        told: list[str] = []

        def gather() -> bool:
            told.append("gather")
            return len(told) == 2

        limits = Limits(memory=100 * MIB, processes=10)
        lower = partial(told.append, "lower")
        watcher = Police(counter_of(group), limits, 2, told.append, lower, gather)
        watcher.watch()
        (group / file).write_text(below + "\n")
        await asyncio.sleep(0.1)
        assert not told
        assert not watcher.has_moved
        (group / file).write_text(above + "\n")
        await asyncio.sleep(0.1)
        watcher.dismiss()
        assert watcher.has_moved
        return told

    assert asyncio.run(police()) == ["gather", "gather"]


def test_a_run_of_many_is_lowered_whenever_it_has_grown(group: Path) -> None:
    async def police() -> list[str]:
        told: list[str] = []
        limits = Limits(memory=100 * MIB, processes=20)
        lower = partial(told.append, "lower")
        watcher = Police(counter_of(group), limits, 2, told.append, lower, lambda: True)
        for more, wanted in ((8, 0), (9, 1), (9, 1), (12, 2), (10, 2)):
            (group / "pids.current").write_text(f"{4 + more}\n")
            watcher.look()
            assert told == ["lower"] * wanted
        return told

    asyncio.run(police())


def test_what_a_former_run_has_left_is_hardly_added_to_what_the_next_may_use(group: Path) -> None:
    counter = counter_of(group)
    assert counter.begin() == 40 * MIB
    (group / "memory.current").write_text(f"{60 * MIB}\n")
    assert counter.begin() == 50 * MIB
    (group / "memory.current").write_text(f"{250 * MIB}\n")
    assert counter.begin() == 72 * MIB
    (group / "memory.current").write_text(f"{30 * MIB}\n")
    assert counter.begin() == 20 * MIB


def test_a_run_that_the_kernel_was_faster_to_end_is_known(group: Path) -> None:
    async def police() -> list[bool]:
        watcher = Police(counter_of(group), Limits(memory=MIB, processes=10), 1, print, print, bool)
        watcher.watch()
        before = watcher.came_too_late()
        (group / "memory.events").write_text("oom 4\noom_kill 3\noom_group_kill 0\n")
        watcher.dismiss()
        return [before, watcher.came_too_late()]

    assert asyncio.run(police()) == [False, True]


def test_the_time_that_policing_itself_takes_is_not_charged_to_the_run(group: Path) -> None:
    class OfThisProcess(CgroupCounter):
        def cpu_seconds(self) -> float:
            return time.process_time()

    async def police() -> list[str]:
        ended: list[str] = []
        began = time.process_time()
        counter = counter_of(group, OfThisProcess)
        watcher = Police(
            counter, Limits(memory=100 * MIB, processes=10), 1, ended.append, print, bool
        )
        watcher.watch()
        for spent in range(1, 13):
            while time.process_time() - began < spent / 10:
                pass
            await asyncio.sleep(0)
        watcher.dismiss()
        return ended

    assert asyncio.run(police()) == []


def test_the_sum_over_a_namespace_counts_this_process() -> None:
    counter = NamespaceCounter()
    counter.begin()
    before = counter.cpu_seconds()
    own = os.times()
    assert before >= own.user + own.system - 0.02
    assert counter.memory() > 0
    assert counter.tasks() >= 1
