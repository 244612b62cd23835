"""What a process does after a fork, made up before it.

Each function, name and module of Python that a child touches is another page of memory to copy. So
what it does before it comes to its program is a list of calls, each with what it has to return.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from code_runner.sandbox import kernel


class Step(NamedTuple):
    """A call that is complete, as functools.partial makes it, and the result that is wanted."""

    call: Callable[[], object]
    wanted: object = None


def once(steps: Iterable[Step]) -> Iterator[tuple[Callable[[], object], object]]:
    """The same, to be taken once in each child; a `Step` for each would be more to touch."""
    calls, wanted = zip(*steps, strict=True)
    return zip(calls, wanted, strict=True)


def take(steps: Iterable[tuple[Callable[[], object], object]]) -> None:
    """Make the calls; raises `OSError` at the first that does not return its result."""
    for call, wanted in steps:
        if (found := call()) != wanted:
            failure = f"{call} returned {found}, not {wanted}"
            raise kernel.failure(failure) if found == -1 else OSError(failure)
