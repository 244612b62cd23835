"""A dry run works, and changes nothing, on a machine that has nothing yet."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from instances import BIN, Instance

VIRGIN = Path(__file__).with_name("virgin.sh")


@pytest.mark.skipif(os.geteuid() != 0, reason="an overlay of / needs root")
@pytest.mark.parametrize("playbook", ["deploy.yml", "playbooks/teardown.yml"])
def test_check_mode_without_podman_and_python_apt(
    tree: Path, tmp_path: Path, playbook: str
) -> None:
    instance = Instance(tree, tmp_path / "state", "code-runner-virgin", "virgin")
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    command = [str(BIN / "ansible-playbook"), str(tree / playbook), "--check"]
    settings = instance.settings(code_runner_install_missing=True)
    done = subprocess.run(
        [str(VIRGIN), str(overlay), str(tree), sys.prefix, "--", *command, *settings],
        env={**os.environ, "ANSIBLE_CONFIG": str(tree / "ansible.cfg"), "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^CHANGED: $", done.stdout, re.MULTILINE), done.stdout
    assert "podman absent" in done.stdout
    assert "failed=0" in done.stdout
