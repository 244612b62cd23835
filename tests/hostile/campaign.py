"""Runs attacks against a service, a few at a time, and looks at what they did to everybody else.

A wave is one attack for every slot but one; in the last slot an honest neighbour works all the
while. After each wave a probe goes into every slot and looks for anything that the wave has left:
files, descriptors, or a trace of the attack in the memory that the next run gets.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from table import Attack

from client import Client
from processes import eventually

TOKEN = "ATTACK-TOKEN-"
# A run is answered this many seconds after its timeout at the latest; then the gateway gives it up.
ANSWER_SECONDS = 5.0
RECOVERY_SECONDS = 5.0
PAUSE = 0.1

NEIGHBOUR = """
import hashlib, os, time
end, own, rounds = time.monotonic() + {seconds}, '{secret}', 0
for folder in ('/tmp', '/dev/shm', '.'):
    with open(folder + '/own', 'w') as file: file.write(own)
while time.monotonic() < end:
    for folder, other in (('/tmp', ['run']), ('/dev/shm', []), ('.', ['main.py'])):
        assert sorted(os.listdir(folder)) == sorted([*other, 'own']), os.listdir(folder)
        with open(folder + '/own') as file: assert file.read() == own
    assert hashlib.sha256(b'x' * 10**6).hexdigest()[:8] == '{digest}'
    rounds += 1
    time.sleep(0.02)
print(own, rounds > 0)
"""
NEIGHBOUR_DIGEST = hashlib.sha256(b"x" * 10**6).hexdigest()[:8]

# The pattern does not match itself. The pause keeps the slot until the other probes have theirs.
PROBE = f"""
import ctypes, os, re, time
found = []
for top in ('/tmp', '/dev/shm'):
    for path, folders, files in os.walk(os.fsencode(top)):
        found += [path + b'/' + name for name in files + folders]
found = [path for path in found if path not in (b'/tmp/run', b'/tmp/run/main.py')]
found += [fd for fd in range(3, 1024) if os.path.exists(f'/proc/self/fd/{{fd}}')]
token = re.compile(b'[{TOKEN[0]}]{TOKEN[1:]}')
searched = 0
with open('/proc/self/maps') as maps:
    regions = [line.split() for line in maps]
for limits, modes, *_, name in regions:
    if modes.startswith('rw'):
        low, high = (int(x, 16) for x in limits.split('-'))
        searched += high - low
        if token.search(ctypes.string_at(low, high - low)): found.append(name)
time.sleep({PAUSE})
print(searched > 2**20, found)
"""
UNTOUCHED = "True []\n"


@dataclass
class Verdict:
    """What came of one attack; contained where there is no complaint."""

    attack: Attack
    outcome: dict[str, Any] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    @property
    def contained(self) -> bool:
        return not self.complaints

    def __str__(self) -> str:
        stdout, stderr = (self.outcome.get(name, "")[-600:] for name in ("stdout", "stderr"))
        return (
            f"{self.attack.id}: {self.attack.title}\n  tries: {self.attack.tries}\n"
            + "".join(f"  - {complaint}\n" for complaint in self.complaints)
            + f"  reason {self.outcome.get('reason')}, exit code {self.outcome.get('exit_code')}, "
            f"after {self.outcome.get('duration_ms')} ms\n  stdout: {stdout}\n  stderr: {stderr}"
        )


class Campaign:
    """Attacks one service, which nobody else uses meanwhile.

    `heal` is called when slots do not come back by themselves; without it the campaign ends there.
    """

    def __init__(self, client: Client, heal: Callable[[], object] | None = None) -> None:
        self._client = client
        self._heal = heal
        self.slots: int = client.get("/ready").body["slots"]["total"]

    def run(self, attacks: Iterable[Attack]) -> Iterator[Verdict]:
        """Carry the attacks out, wave by wave."""
        # Those that take equally long share a wave.
        ordered = iter(sorted(attacks, key=lambda a: (a.expected != {"contained"}, a.timeout)))
        while wave := list(islice(ordered, max(1, self.slots - 1))):
            verdicts, harm = self._wave(wave)
            if harm and len(wave) > 1 and self._recovered():
                # One of them did it, or all together: see what each does alone.
                alone = [self._wave([attack]) for attack in wave if self._recovered()]
                if any(harm_of_one for _, harm_of_one in alone) and len(alone) == len(wave):
                    verdicts = [verdict for (verdict,), _ in alone]
                    for verdict, (_, harm_of_one) in zip(verdicts, alone, strict=True):
                        verdict.complaints += harm_of_one
                    harm = []
            for verdict in verdicts:
                verdict.complaints += harm
            yield from verdicts
            if not self._recovered():
                for attack in ordered:
                    yield Verdict(attack, complaints=["not tried: the service had not recovered"])

    def _recovered(self) -> bool:
        """Whether all slots are alive again, if need be after healing."""
        if self._all_alive_soon():
            return True
        if self._heal:
            self._heal()
            return self._all_alive_soon()
        return False

    def _wave(self, wave: list[Attack]) -> tuple[list[Verdict], list[str]]:
        """What came of each attack, and what the service and others suffered."""
        verdicts = [Verdict(attack) for attack in wave]
        quick = all(attack.expected == {"contained"} for attack in wave)
        longest = max(attack.timeout for attack in wave)
        # Its own is a thing of the neighbour's that an attack would love to find.
        secret = secrets.token_hex(8)
        honest = NEIGHBOUR.format(
            seconds=0.2 if quick else min(3, longest + 0.3),
            secret=secret,
            digest=NEIGHBOUR_DIGEST,
        )
        harm = []
        with ThreadPoolExecutor(self.slots) as pool:
            neighbour = pool.submit(self._client.run, honest, 10) if self.slots > 1 else None
            list(pool.map(self._attack, verdicts))
        if neighbour:
            harm += _said("the neighbour", neighbour.result, f"{secret} True\n")
        return verdicts, harm + self._probe()

    def _attack(self, verdict: Verdict) -> None:
        attack = verdict.attack
        program = attack.program(TOKEN + secrets.token_hex(8))
        try:
            answer = self._client.submit(code=program, timeout=attack.timeout)
        except (OSError, ValueError) as error:
            verdict.complaints.append(f"not answered: {error!r}")
            return
        if answer.status != 200:
            verdict.complaints.append(f"answered {answer.status}: {answer.body}")
            return
        verdict.outcome = answer.body
        verdict.complaints += _judge(attack, answer.body)

    def _probe(self) -> list[str]:
        complaints = []
        if not self._all_alive_soon():
            return [f"afterwards not all slots are alive: {self._client.get('/ready').body}"]
        with ThreadPoolExecutor(self.slots) as pool:
            probes = [pool.submit(self._client.run, PROBE, 10) for _ in range(self.slots)]
        for probe in probes:
            complaints += _said("the next run", probe.result, UNTOUCHED)
        return complaints

    def _all_alive_soon(self) -> bool:
        try:
            eventually(lambda: all_alive(self._client), RECOVERY_SECONDS)
        except AssertionError:
            return False
        return True


def all_alive(client: Client) -> bool:
    """Whether the service answers and every slot of it is alive."""
    try:
        answer = client.get("/ready")
    except OSError:
        return False
    slots = answer.body["slots"]
    return answer.status == 200 and bool(slots["alive"] == slots["total"])


def _judge(attack: Attack, outcome: dict[str, Any]) -> list[str]:
    """What is wrong with the answer to an attack."""
    text = outcome["stdout"] + "\n" + outcome["stderr"]
    complaints = re.findall(r"^BREACH: .*", text, re.MULTILINE)
    reason = outcome["reason"]
    if reason == "exited":
        reason = "contained" if outcome["exit_code"] == 0 else "failure"
        if not complaints and "CONTAINED: " not in text:
            complaints.append("it does not say what came of it")
    if reason not in attack.expected and not complaints:
        complaints.append(f"ended as {reason}, expected {' or '.join(sorted(attack.expected))}")
    if outcome["duration_ms"] > 1000 * (attack.timeout + ANSWER_SECONDS):
        complaints.append(f"took {outcome['duration_ms']} ms of {attack.timeout} s")
    return complaints


def _said(who: str, run: Callable[[], dict[str, Any]], expected: str) -> list[str]:
    """What is wrong with the outcome of an honest program that prints `expected`."""
    try:
        outcome = run()
    except (AssertionError, OSError) as error:
        return [f"{who} was not run: {error}"]
    if outcome["stdout"] == expected and outcome["exit_code"] == 0:
        return []
    return [f"{who} was harmed: {outcome}"]
