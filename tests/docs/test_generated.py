"""What is generated is up to date, and nothing that can be set is left out."""

from __future__ import annotations

import re

import generate_variables
import yaml
from documents import ROOT

README = (ROOT / "README.md").read_text()


def test_the_table_of_variables_is_up_to_date() -> None:
    assert generate_variables.with_table(README) == README, "run `make docs`"


def test_every_ansible_variable_that_can_be_set_is_documented() -> None:
    for defaults in ROOT.glob("roles/*/defaults/main.yml"):
        for name in yaml.safe_load(defaults.read_text()) or {}:
            assert f"`{name}`" in README, name


def test_every_variable_that_a_playbook_reads_is_documented() -> None:
    for playbook in [ROOT / "deploy.yml", *ROOT.glob("playbooks/*.yml")]:
        for name in re.findall(r"\bcode_runner_\w+", playbook.read_text()):
            assert f"`{name}`" in README, name
