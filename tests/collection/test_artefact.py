"""What is published is what users need, and it deploys without being written to."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from instances import BIN, Instance

ENTRIES = {
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "SECURITY.md",
    "ansible.cfg",
    "changelogs",
    "deploy.yml",
    "docs",
    "inventory.yml",
    "meta",
    "playbooks",
    "requirements.txt",
    "requirements.yml",
    "roles",
    "service",
}


@pytest.fixture(scope="module")
def artefact(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Left behind by tools that work in a clone; none of it may get in.
    for litter in (
        ".venv/x.py",
        ".venv-bench/x.py",
        "tests/x.py",
        "molecule/x.yml",
        ".ci/run",
        "bench/x.py",
        ".cache/x",
        "code-runner-code-runner-service.yaml",
        "theirs-code-runner-service.yaml",
    ):
        (tree / litter).parent.mkdir(exist_ok=True)
        (tree / litter).touch()
    output = tmp_path_factory.mktemp("artefact")
    galaxy = [
        str(BIN / "ansible-galaxy"),
        "collection",
        "build",
        "--output-path",
        str(output),
        str(tree),
    ]
    subprocess.run(galaxy, check=True, capture_output=True)
    return next(output.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def installed(artefact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a collections folder that nobody can write to."""
    folder = tmp_path_factory.mktemp("collections")
    galaxy = [str(BIN / "ansible-galaxy"), "collection", "install", "--offline", "--no-deps"]
    subprocess.run([*galaxy, "-p", str(folder), str(artefact)], check=True, capture_output=True)
    subprocess.run(["chmod", "-R", "a-w", str(folder)], check=True)
    # Modes do not stop root; a read-only mount does.
    if os.geteuid() == 0:
        subprocess.run(["mount", "--bind", "-o", "ro", str(folder), str(folder)], check=True)
    yield folder
    if os.geteuid() == 0:
        subprocess.run(["umount", str(folder)], check=True)
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)


def test_entries_are_those_that_users_need(artefact: Path) -> None:
    with tarfile.open(artefact) as archive:
        names = archive.getnames()
    assert {name.split("/")[0] for name in names} == ENTRIES
    assert [name for name in names if "cache" in name or name.endswith((".pyc", ".log"))] == []


def test_artefact_is_smaller_than_a_megabyte(artefact: Path) -> None:
    assert artefact.stat().st_size < 1_000_000


def test_installed_read_only_it_deploys_from_an_empty_folder(
    installed: Path,
    make_instance: Callable[[], Instance],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(installed))
    instance = make_instance()
    played = instance.play("code_runner.kubernetes.deploy", cwd=tmp_path)
    assert played.returncode == 0, played.output
    assert instance.run("print(6 * 7)")["stdout"] == "42\n"
    assert list(tmp_path.iterdir()) == []

    again = instance.play("code_runner.kubernetes.deploy", cwd=tmp_path)
    assert again.changed == 0, again.output


def test_a_role_can_be_used_from_a_foreign_playbook(
    installed: Path,
    make_instance: Callable[[], Instance],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(installed))
    (tmp_path / "site.yml").write_text(
        "- hosts: localhost\n  roles: [code_runner.kubernetes.deployment]\n"
    )
    instance = make_instance()
    played = instance.play("site.yml", cwd=tmp_path)
    assert played.returncode == 0, played.output
    assert instance.get("/ready")["status"] == "ready"
