"""Every attack comes to nothing, and nobody else is harmed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from campaign import Verdict
from pods import Pod
from table import ENDINGS, Attack, all_attacks

ATTACKS = all_attacks()


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.id for attack in ATTACKS])
def test_attack_is_contained(verdicts: dict[str, Verdict], attack: Attack) -> None:
    assert verdicts[attack.id].contained, str(verdicts[attack.id])


def test_each_attack_says_what_it_is() -> None:
    for attack in ATTACKS:
        assert attack.title.endswith("."), attack.path
        assert attack.tries, attack.path
        assert attack.expected, attack.path
        assert attack.expected <= ENDINGS, attack.path
    assert len(ATTACKS) >= 90


def test_the_log_holds_no_word_of_an_attack(verdicts: dict[str, Verdict], pod: Pod) -> None:
    assert verdicts
    for line in pod.log():
        assert isinstance(json.loads(line), dict), line
        assert "BREACH" not in line, line
        assert "ATTACK-TOKEN" not in line, line


def test_the_pod_is_what_it_was(verdicts: dict[str, Verdict], pod: Pod, state_before: Any) -> None:
    assert verdicts
    pod.assert_state(state_before)
