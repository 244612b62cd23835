"""Frames survive the crossing; what is no frame ends the conversation."""

import asyncio

import pytest

from code_runner.protocol import (
    HEADER,
    Frame,
    Job,
    Kind,
    Outcome,
    ProtocolError,
    output_bytes,
    read_frame,
)


def _read(data: bytes, max_body: int = 1000) -> Frame | None:
    async def read() -> Frame | None:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await read_frame(reader, max_body)

    return asyncio.run(read())


def test_a_job_crosses_unchanged() -> None:
    job = Job("abc", b"print('\xf0\x9f\x8c\x8d\0')", 2.5)
    frame = _read(job.frame().encode())
    assert frame
    assert Job.from_frame(frame) == job


def test_an_outcome_crosses_unchanged() -> None:
    outcome = Outcome("signal", -9, 1.5, 0.5, 4096, b"out\xff", b"err\0")
    frame = _read(outcome.frame("abc").encode())
    assert frame
    assert frame.meta["run_id"] == "abc"
    assert Outcome.from_frame(frame) == outcome


def test_the_end_between_two_frames_is_no_error() -> None:
    assert _read(b"") is None


@pytest.mark.parametrize(
    "data",
    [
        Frame(Kind.READY).encode()[:-1],
        Frame(Kind.READY).encode()[:3],
        HEADER.pack(99, 2, 0) + b"{}",
        HEADER.pack(Kind.READY, 2, 0) + b"[]",
        HEADER.pack(Kind.READY, 3, 0) + b"{x}",
        HEADER.pack(Kind.READY, 2, 1001) + b"{}" + bytes(1001),
        HEADER.pack(Kind.READY, 2**31, 0),
        HEADER.pack(Kind.READY, 60000, 0) + b"[" * 60000,
    ],
)
def test_what_is_no_frame(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        _read(data)


@pytest.mark.parametrize("meta", [{}, {"run_id": "x"}, {"run_id": "x", "timeout": "soon"}])
def test_a_job_with_something_missing(meta: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        Job.from_frame(Frame(Kind.RUN, meta))


def test_an_outcome_with_something_missing() -> None:
    with pytest.raises(ProtocolError):
        Outcome.from_frame(Frame(Kind.RESULT, {"reason": "exited"}))


def test_kept_bytes_always_suffice_for_the_characters() -> None:
    for character in "xß世\U0001f30d":
        kept = (character * 20).encode()[: output_bytes(10)]
        assert len(kept.decode(errors="replace")) > 10
