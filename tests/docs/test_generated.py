"""What is generated is up to date, and nothing that can be set is left out."""

from __future__ import annotations

import re

import draw_terminal
import generate_variables
import pytest
import yaml
from documents import ROOT

README = (ROOT / "README.md").read_text()


def test_the_table_of_variables_is_up_to_date() -> None:
    assert generate_variables.with_table(README) == README, "run `make docs`"


def test_the_picture_is_drawn_from_the_recording() -> None:
    assert draw_terminal.PICTURE.read_text() == draw_terminal.picture(), "run `make docs`"


def test_the_recording_tells_nothing_of_the_machine_it_was_made_on() -> None:
    recording = draw_terminal.RECORDING.read_text()
    assert not re.search(r"/(root|home|Users|tmp|work)/", recording)
    assert "failed=0" in recording


@pytest.mark.parametrize(
    "colour",
    [draw_terminal.FOREGROUND, draw_terminal.DIM, *draw_terminal.COLOURS.values()],
)
def test_every_colour_of_the_picture_can_be_read(colour: str) -> None:
    lighter, darker = luminance(colour), luminance(draw_terminal.BACKGROUND)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """The relative luminance of `#rrggbb`, by WCAG 2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_ansible_variable_that_can_be_set_is_documented() -> None:
    for defaults in ROOT.glob("roles/*/defaults/main.yml"):
        for name in yaml.safe_load(defaults.read_text()) or {}:
            assert f"`{name}`" in README, name


def test_every_variable_that_a_playbook_reads_is_documented() -> None:
    for playbook in [ROOT / "deploy.yml", *ROOT.glob("playbooks/*.yml")]:
        for name in re.findall(r"\bcode_runner_\w+", playbook.read_text()):
            assert f"`{name}`" in README, name
