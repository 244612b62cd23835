"""Steps are taken in their order, and the first that does not return its result is the last."""

from __future__ import annotations

from functools import partial

import pytest

from code_runner.sandbox import kernel
from code_runner.sandbox.steps import Step, once, take

CLOSE = 436  # close_range, which has the same number everywhere


def test_all_are_taken_in_their_order() -> None:
    taken: list[int] = []
    take(once([Step(partial(taken.append, number)) for number in range(3)]))
    assert taken == [0, 1, 2]


def test_nothing_comes_after_a_result_that_is_not_wanted() -> None:
    taken: list[int] = []
    steps = [Step(partial(max, 1, 2), 1), Step(partial(taken.append, 1))]
    with pytest.raises(OSError, match=r"function max.*returned 2, not 1"):
        take(steps)
    assert not taken


def test_a_system_call_that_fails_says_why() -> None:
    first_after_last = kernel.prepared_syscall(CLOSE, 2, 1)
    with pytest.raises(OSError, match=r"returned -1, not 0: Invalid argument"):
        take([Step(first_after_last, 0)])
