"""The queue: clients take turns, and who fills it makes room for those who ask for less."""

import time
from random import Random

import pytest

from code_runner.gateway.queue import FairQueue, QueueFull


def _filled(size: int, *names: str) -> FairQueue[str]:
    """A queue with these items; the letter of each is its client."""
    queue: FairQueue[str] = FairQueue(size)
    for name in names:
        assert queue.add(name[0], name) is None
    return queue


def _drained(queue: FairQueue[str]) -> list[str]:
    items = []
    while item := queue.take():
        items.append(item)
    assert len(queue) == 0
    return items


def test_one_client_is_served_in_the_order_of_its_coming() -> None:
    assert _drained(_filled(9, "a1", "a2", "a3")) == ["a1", "a2", "a3"]


def test_clients_take_turns_however_many_each_has_waiting() -> None:
    queue = _filled(9, "a1", "a2", "a3", "a4", "b1", "b2", "c1")
    assert _drained(queue) == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_who_has_been_served_waits_for_the_others_though_its_line_was_empty() -> None:
    queue = _filled(9, "a1", "b1", "b2")
    assert queue.take() == "a1"
    queue.add("a", "a2")
    assert _drained(queue) == ["b1", "a2", "b2"]


def test_a_full_queue_takes_no_more_of_a_single_client() -> None:
    queue = _filled(2, "a1", "a2")
    with pytest.raises(QueueFull):
        queue.add("a", "a3")
    assert _drained(queue) == ["a1", "a2"]


def test_a_queue_of_no_size_takes_nothing() -> None:
    with pytest.raises(QueueFull):
        _filled(0, "a1")


def test_when_full_the_newest_of_who_has_most_leaves_for_who_has_fewer() -> None:
    queue = _filled(5, "b1", "a1", "a2", "a3", "a4")
    assert queue.add("b", "b2") == "a4"
    with pytest.raises(QueueFull):  # three and two: it would only turn the tables
        queue.add("b", "b3")
    assert queue.add("c", "c1") == "a3"
    with pytest.raises(QueueFull):
        queue.add("a", "a5")
    assert _drained(queue) == ["b1", "a1", "c1", "b2", "a2"]


def test_when_full_of_clients_with_one_each_nobody_leaves() -> None:
    queue = _filled(3, "a1", "b1", "c1")
    with pytest.raises(QueueFull):
        queue.add("d", "d1")


def test_what_is_removed_loses_its_turn_and_makes_room() -> None:
    queue = _filled(3, "a1", "a2", "b1")
    assert queue.remove("a1")
    assert not queue.remove("a1")
    assert not queue.remove("c1")
    assert queue.add("b", "b2") is None
    assert queue.remove("a2")
    assert _drained(queue) == ["b1", "b2"]


def test_whatever_happens_the_books_agree_with_a_simple_queue() -> None:
    random = Random(1)
    queue: FairQueue[int] = FairQueue(8)
    lines: dict[str, list[int]] = {}  # in the order of their turns
    for number in range(20_000):
        client = random.choice("abcdef"[: 1 + number // 1000 % 6])
        action = random.random()
        if action < 0.6:
            longest = max((len(line) for line in lines.values()), default=0)
            is_full = sum(map(len, lines.values())) == 8
            if is_full and longest <= len(lines.get(client, [])) + 1:
                with pytest.raises(QueueFull):
                    queue.add(client, number)
                continue
            outcast = queue.add(client, number)
            assert (outcast is not None) == is_full
            if is_full:
                (loser,) = (line for line in lines.values() if line[-1] == outcast)
                assert len(loser) == longest
                loser.pop()
            lines.setdefault(client, []).append(number)
        elif action < 0.9:
            if lines:
                client = next(iter(lines))
                lines[client] = lines.pop(client)
                assert queue.take() == lines[client].pop(0)
            else:
                assert queue.take() is None
        elif client in lines:
            item = random.choice(lines[client])
            lines[client].remove(item)
            assert queue.remove(item)
        lines = {name: line for name, line in lines.items() if line}
        assert len(queue) == sum(map(len, lines.values()))
        # Each has a larger number than those before it.
        assert queue.oldest == min((line[0] for line in lines.values()), default=None)


def test_a_hundred_thousand_that_wait_cost_no_more_each_than_a_few() -> None:
    def seconds_each(size: int) -> float:
        queue: FairQueue[int] = FairQueue(size)
        began = time.perf_counter()
        for number in range(size):
            queue.add(f"two of {number // 2}", number)
        for number in range(size // 2):
            assert queue.add(f"one of {number}", size + number) is not None
        for number in range(0, size // 2, 2):
            assert queue.remove(size + number)
        while queue.take() is not None:
            pass
        return (time.perf_counter() - began) / size

    assert seconds_each(100_000) < 10 * min(seconds_each(1000) for _ in range(5))
