"""Attacks for as long as one likes, and the service is at the end what it was at the beginning.

How long: CODE_RUNNER_TEST_ATTEMPTS (20 attempts to end a container) and CODE_RUNNER_TEST_SECONDS
(20 seconds of attacks chosen at random, with honest runs among them).
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from campaign import TOKEN
from pods import Pod
from table import Attack, all_attacks

from client import Client

ATTEMPTS = int(os.environ.get("CODE_RUNNER_TEST_ATTEMPTS", "20"))
SECONDS = float(os.environ.get("CODE_RUNNER_TEST_SECONDS", "20"))
LONGEST = 0.5
AT_ONCE = 6

# What might end a container: by its memory, by its agent, or by what the agent has to clean up.
FATAL = [
    attack
    for attack in all_attacks()
    if attack.family == "memory"
    or attack.id.startswith(("processes/kill", "processes/stop", "files/fill", "files/million"))
    or attack.id in ("processes/disguise", "processes/fork_bomb", "time/limits_of_others")
]

HONEST = """
import hashlib, os
with open('/tmp/mine', 'w') as file: file.write('{number}')
print(hashlib.sha256(open('/tmp/mine', 'rb').read()).hexdigest()[:8], sorted(os.listdir('/tmp')))
print({number} * 2)
"""

# Says how many milliseconds after its start each step was done; the last is before the limit.
GROW = """
import os, time
began = time.monotonic()
for _ in range({processes} - 1):
    if os.fork() == 0: break
kept = []
while True:
    kept.append(bytearray(os.urandom(1024) * 1024))
    os.write(1, b'%d\\n' % ((time.monotonic() - began) * 1000))
"""


@contextmanager
def always_ready(client: Client) -> Iterator[None]:
    """Ask for readiness all the while; it must never be refused."""
    stop = threading.Event()
    seen: Counter[int] = Counter()

    def ask() -> None:
        while not stop.wait(0.2):
            seen[client.get("/ready").status] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        stop.set()
        asking.join()
    assert set(seen) == {200}, seen


def carry_out(client: Client, attack: Attack, timeout: float) -> str:
    """Returns the reason with which it ended."""
    token = f"{TOKEN}{random.randrange(16**16):016x}"
    answer = client.submit(code=attack.program(token), timeout=timeout)
    assert answer.status == 200, answer
    assert "BREACH: " not in answer.body["stdout"], answer
    reason: str = answer.body["reason"]
    return reason


def test_nothing_ends_a_runner_container(pod: Pod, state_before: object) -> None:
    client = pod.client
    chosen = [random.choice(FATAL) for _ in range(ATTEMPTS)]
    with always_ready(client), ThreadPoolExecutor(AT_ONCE) as pool:
        reasons = Counter(pool.map(lambda attack: carry_out(client, attack, 5), chosen))
    print(f"{ATTEMPTS} attempts: {dict(reasons)}")
    assert "runner_lost" not in reasons
    pod.assert_state(state_before)


@pytest.mark.parametrize("processes", [1, 16])
def test_a_run_without_memory_is_told_within_a_second(pod: Pod, processes: int) -> None:
    for _ in range(5):
        outcome = pod.client.run(GROW.format(processes=processes), timeout=10)
        if processes == 1 and "MemoryError" in outcome["stderr"]:
            assert outcome["reason"] == "exited"
        else:
            assert outcome["reason"] == "memory", outcome
        last_step = max(
            int(line) for line in outcome["stdout"].splitlines()[-16:] if line.isdigit()
        )
        assert outcome["duration_ms"] - last_step < 1000


def test_honest_runs_among_hostile_ones_are_correct(pod: Pod, state_before: object) -> None:
    client = pod.client
    attacks = all_attacks()
    end = time.monotonic() + SECONDS
    done: Counter[str] = Counter()

    def work(worker: int) -> None:
        generator = random.Random(worker)
        while time.monotonic() < end:
            if generator.random() < 0.5:
                attack = generator.choice(attacks)
                reason = carry_out(client, attack, min(attack.timeout, LONGEST))
                assert reason != "runner_lost", attack.id
                done["hostile"] += 1
            else:
                number = generator.randrange(10**9)
                outcome = client.run(HONEST.format(number=number), timeout=10)
                assert outcome["stdout"].endswith(f" ['mine', 'run']\n{number * 2}\n"), outcome
                done["honest"] += 1

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(work, range(AT_ONCE)))
    print(f"{dict(done)} in {SECONDS:g} s")
    assert done["hostile"] and done["honest"]
    pod.assert_state(state_before)
