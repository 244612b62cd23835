"""One stream: the beginning is kept, the rest drained, and a flood is noticed once."""

import asyncio
import os

from code_runner.protocol import output_bytes
from code_runner.runner.output import BoundedOutput


def _collect(data: bytes, characters: int, drain_limit: int) -> tuple[bytes, int]:
    async def collect() -> tuple[bytes, int]:
        floods = []
        reader, writer = os.pipe2(os.O_NONBLOCK)
        output = BoundedOutput(reader, characters, drain_limit, lambda: floods.append(1))
        output.watch()
        for start in range(0, len(data), 30_000):
            os.write(writer, data[start : start + 30_000])
            await asyncio.sleep(0.01)
        os.close(writer)
        kept = output.finish()
        output.ignore()
        os.close(reader)
        return kept, len(floods)

    return asyncio.run(collect())


def test_what_fits_is_kept() -> None:
    assert _collect(b"hello", 10, 1000) == (b"hello", 0)


def test_no_more_is_kept_than_can_be_shown() -> None:
    data = bytes(range(256)) * 1000
    assert _collect(data, 100, 10**6) == (data[: output_bytes(100)], 0)


def test_a_flood_is_reported_once() -> None:
    assert _collect(b"x" * 200_000, 10, 100_000)[1] == 1
    assert _collect(b"x" * 100_000, 10, 100_000)[1] == 0
