"""What a program prints: cut exactly at the limit, never buffered beyond it."""

import time

import pytest

from client import Client
from processes import Service, resident_bytes

MARKER = "\n... (output truncated)"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("character", ["x", "ß", "世", "\U0001f30d"])
@pytest.mark.parametrize("count", [9_999, 10_000, 10_001, 30_000])
def test_the_limit_counts_characters(
    client: Client, stream: str, character: str, count: int
) -> None:
    outcome = client.run(f"import sys; sys.{stream}.write({character!r} * {count})")
    over = count > 10_000
    assert outcome[stream] == character * min(count, 10_000) + (MARKER if over else "")
    assert outcome[f"{stream}_truncated"] is over
    assert outcome["exit_code"] == 0


@pytest.mark.parametrize("before", [9_998, 9_999, 10_000])
def test_a_character_across_the_limit_is_whole_or_absent(client: Client, before: int) -> None:
    outcome = client.run(f"print('a' * {before} + '\U0001f30d' * 2, end='')")
    assert outcome["stdout"].startswith("a" * before + "\U0001f30d" * (10_000 - before))
    assert "\ufffd" not in outcome["stdout"]
    assert outcome["stdout_truncated"] is (before > 9_998)


def test_bytes_that_are_not_utf8_are_replaced(client: Client) -> None:
    outcome = client.run("import os; os.write(1, b'a\\xff\\xfeb\\xf0\\x9f')")
    assert outcome["stdout"] == "a\ufffd\ufffdb\ufffd"


def test_nul_and_control_characters_arrive(client: Client) -> None:
    assert client.run("print('\\0\\x1b[31m\\r')")["stdout"] == "\0\x1b[31m\r\n"


def test_timeout_text_comes_after_the_marker_and_is_not_cut(client: Client) -> None:
    code = "import sys, time\nsys.stderr.write('e' * 20000)\nsys.stderr.flush()\ntime.sleep(9)"
    stderr = client.run(code, timeout=1)["stderr"]
    assert stderr == "e" * 10_000 + MARKER + "\nExecution timed out after 1 seconds"


def test_a_megabyte_is_drained_and_the_program_ends_well(client: Client) -> None:
    outcome = client.run("import sys; sys.stdout.write('x' * 1_000_000); sys.exit(4)")
    assert (outcome["exit_code"], outcome["stdout_truncated"]) == (4, True)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_for_the_whole_timeout_costs_no_memory(service: Service, stream: str) -> None:
    service.client.run("print('warm up')")
    watched = [service.gateway(), *service.runners()]
    before = {pid: resident_bytes(pid) for pid in watched}
    began = time.monotonic()
    # In short lines, or a fast Python is ended for a gigabyte of output before its time is over.
    code = f"import sys\nwhile True: print('flood ' * 5, file=sys.{stream})"
    outcome = service.client.run(code, timeout=3)
    assert time.monotonic() - began < 3.5
    assert outcome["timed_out"] is True
    assert outcome[stream].startswith("flood flood")
    for pid in watched:
        assert resident_bytes(pid) - before[pid] < 10 * 2**20


def test_a_flood_without_end_is_ended(client: Client) -> None:
    code = "import os\nblock = b'x' * 2**20\nwhile True: os.write(1, block)"
    outcome = client.run(code, timeout=10)
    assert outcome["reason"] in ("output", "timeout")
    assert outcome["exit_code"] == -1
