"""The documented variables are the variables that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from instances import REPOSITORY

ROLES = sorted(path.parent.name for path in REPOSITORY.glob("roles/*/meta"))


def read(path: Path) -> dict[str, object]:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


@pytest.mark.parametrize("role", ROLES)
def test_argument_specs_and_defaults_agree(role: str) -> None:
    folder = REPOSITORY / "roles" / role
    options = read(folder / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]  # type: ignore[index]
    assert {name: option["default"] for name, option in options.items()} == read(
        folder / "defaults/main.yml"
    )
    assert all(option["description"] for option in options.values())


def test_a_variable_has_its_default_in_one_role_only() -> None:
    owners: dict[str, list[str]] = {}
    for role in ROLES:
        for name in read(REPOSITORY / "roles" / role / "defaults/main.yml"):
            owners.setdefault(name, []).append(role)
    assert {name: roles for name, roles in owners.items() if len(roles) > 1} == {}


def test_every_variable_carries_the_prefix() -> None:
    for role in ROLES:
        for name in read(REPOSITORY / "roles" / role / "defaults/main.yml"):
            assert name.startswith("code_runner_"), f"{role}: {name}"


def test_every_noqa_says_why() -> None:
    for path in [*REPOSITORY.glob("roles/**/*.yml"), *REPOSITORY.glob("playbooks/*.yml")]:
        for line in path.read_text().splitlines():
            assert not re.search(r"# noqa[^#]*$", line) or "because" in line, f"{path}: {line}"
