"""Frames survive the crossing; what is no frame ends the conversation."""

import pytest

from code_runner.protocol import (
    HEADER,
    REASONS,
    RESULT_HEAD,
    RUN_HEAD,
    Frame,
    Frames,
    Job,
    Kind,
    Outcome,
    ProtocolError,
    output_bytes,
)


def _read(data: bytes, max_body: int = 1000) -> Frame | None:
    """The one frame in `data`, if there is one."""
    frames = list(Frames(max_body).cut(data))
    assert len(frames) <= 1
    return frames[0] if frames else None


@pytest.mark.parametrize("others_wait", [True, False])
def test_a_job_crosses_unchanged(others_wait: bool) -> None:
    job = Job("abc", b"print('\xf0\x9f\x8c\x8d\0')", 2.5)
    frame = _read(job.frame(others_wait).encode())
    assert frame
    assert Job.from_frame(frame) == (job, others_wait)


@pytest.mark.parametrize("ready_soon", [True, False])
@pytest.mark.parametrize("reason", REASONS)
def test_an_outcome_crosses_unchanged(reason: str, ready_soon: bool) -> None:
    outcome = Outcome(reason, -9, 1.5, 0.5, 2**40, b"out\xff", b"err\0")
    frame = _read(outcome.frame("abc", ready_soon).encode())
    assert frame
    assert Outcome.from_frame(frame) == (outcome, "abc", ready_soon)


def test_the_head_of_other_frames_tells_facts() -> None:
    frame = _read(Frame.telling(Kind.CANCEL, run_id="\xe4\n").encode())
    assert frame
    assert frame.facts == {"run_id": "\xe4\n"}
    assert Frame(Kind.READY).facts == {}


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_frames_arrive_whole_in_whatever_pieces_they_come(size: int) -> None:
    sent = [Frame(Kind.READY), Frame(Kind.RUN, b"head", b"print(1)"), Frame(Kind.SHUTDOWN)]
    data = b"".join(frame.encode() for frame in sent)
    frames = Frames(1000)
    received = [f for at in range(0, len(data), size) for f in frames.cut(data[at : at + size])]
    assert received == sent


@pytest.mark.parametrize("data", [b"", Frame(Kind.READY).encode()[:-1], b"\1\0\0"])
def test_of_a_frame_that_is_not_complete_nothing_is_seen(data: bytes) -> None:
    assert _read(data) is None


@pytest.mark.parametrize(
    "data",
    [
        HEADER.pack(99, 2, 0) + b"{}",
        HEADER.pack(Kind.READY, 2, 1001) + b"{}" + bytes(1001),
        HEADER.pack(Kind.READY, 2**31, 0),
    ],
)
def test_what_is_no_frame(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        _read(data)


@pytest.mark.parametrize("head", [b"[]", b"{x}", b"\xff", b"[" * 60000])
def test_a_head_that_tells_nothing(head: bytes) -> None:
    frame = _read(Frame(Kind.READY, head).encode())
    assert frame
    with pytest.raises(ProtocolError):
        print(frame.facts)


@pytest.mark.parametrize(
    "head", [b"", RUN_HEAD.pack(1, True)[:-1], RUN_HEAD.pack(1, True) + b"\xff"]
)
def test_what_is_no_job(head: bytes) -> None:
    with pytest.raises(ProtocolError):
        Job.from_frame(Frame(Kind.RUN, head))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b'{"reason": "exited"}',
        RESULT_HEAD.pack(len(REASONS), True, 0, 0, 0, 0, 0),
        RESULT_HEAD.pack(0, True, 0, 0, 0, 0, 0) + b"\xff",
    ],
)
def test_what_is_no_outcome(head: bytes) -> None:
    with pytest.raises(ProtocolError):
        Outcome.from_frame(Frame(Kind.RESULT, head))


def test_kept_bytes_always_suffice_for_the_characters() -> None:
    for character in "xß世\U0001f30d":
        kept = (character * 20).encode()[: output_bytes(10)]
        assert len(kept.decode(errors="replace")) > 10
