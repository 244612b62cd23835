"""The image that is made of the host's own packages: what is in it, and when it is built."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from building import IMAGES, Build, Tree, inspect, podman, python_in


@pytest.fixture(scope="module")
def built(tree: Tree) -> Build:
    return tree.build(code_runner_base="debian")


def test_a_virgin_machine_says_what_it_would_build(tree: Tree) -> None:
    name = f"{tree.name}-virgin"
    done = tree.build("--check", code_runner_base="debian", code_runner_image_name=name)

    assert f"Would build {name}" in done.output
    assert not any(name in image for image in tree.images())


@pytest.mark.parametrize("question", [("list",), ("inspect", "some")], ids=" ".join)
@pytest.mark.parametrize(("failures", "status"), [(2, 0), (9, 125)])
def test_an_engine_is_asked_again_where_another_program_removes_an_image_meanwhile(
    tmp_path: Path, question: tuple[str, ...], failures: int, status: int
) -> None:
    engine = fails_at_first(tmp_path, failures, exists=True)
    done = subprocess.run(["sh", IMAGES, engine, *question], capture_output=True, text=True)
    assert done.returncode == status
    assert done.stdout == ("" if status else "told\n")


def test_an_image_that_is_not_there_is_not_waited_for(tmp_path: Path) -> None:
    engine = fails_at_first(tmp_path, 2, exists=False)
    done = subprocess.run(["sh", IMAGES, engine, "inspect", "some"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (125, "image not known\n")


def fails_at_first(folder: Path, failures: int, *, exists: bool) -> Path:
    """Make an engine that answers only after so many failures; one question it answers at once."""
    engine = folder / "engine"
    engine.write_text(
        f"#!/bin/sh\ncd {folder}\n"
        f'[ "$1 $2" != "image exists" ] || exit {0 if exists else 1}\n'
        "echo >> calls\n"
        f'[ "$(wc -l < calls)" -le {failures} ] || exec echo told\n'
        "echo image not known >&2\nexit 125\n"
    )
    engine.chmod(0o755)
    return engine


def test_runs_as_an_ordinary_user(built: Build) -> None:
    config = json.loads(inspect(built.ref))[0]["Config"]

    assert config["User"] == "1000:1000"
    assert config["Cmd"] == ["python3", "-m", "code_runner.gateway"]
    assert "8000/tcp" in config["ExposedPorts"]
    assert python_in(built.ref, "import os; print(os.getuid(), os.getgid())") == "1000 1000"


def test_carries_labels_that_tell_what_it_was_made_of(built: Build) -> None:
    labels = json.loads(inspect(built.ref))[0]["Labels"]

    assert labels["org.opencontainers.image.title"] == "Code Runner"
    assert len(labels["org.opencontainers.image.revision"]) == 64
    assert labels["org.opencontainers.image.base.name"].count(":") == 1
    assert labels["org.opencontainers.image.base.digest"].startswith("sha256:")


def test_holds_no_installer_and_no_compiler(built: Build) -> None:
    found = python_in(
        built.ref,
        "import importlib.util, shutil; print("
        "[t for t in ('pip', 'pip3', 'gcc', 'cc', 'g++', 'clang', 'ld', 'make') if shutil.which(t)]"
        "+ [m for m in ('pip', 'ensurepip', 'setuptools') if importlib.util.find_spec(m)])",
    )

    assert found == "[]"


def test_holds_no_set_id_files(built: Build) -> None:
    assert (
        podman(
            "run",
            "--rm",
            "--user=0",
            built.ref,
            "find",
            "/",
            "-xdev",
            "-type",
            "f",
            "-perm",
            "/6000",
        )
        == ""
    )


def test_lets_everybody_write_where_volumes_go_and_nobody_elsewhere(built: Build) -> None:
    modes = podman(
        *("run", "--rm", built.ref, "stat", "--format=%a %U %n"),
        *("/run/code-runner", "/tmp", "/opt/code-runner", "/opt/code-runner/code_runner"),
    )

    assert modes.splitlines() == [
        "1777 root /run/code-runner",
        "1777 root /tmp",
        "755 root /opt/code-runner",
        "755 root /opt/code-runner/code_runner",
    ]
    unwanted = podman(
        *("run", "--rm", "--user=0", built.ref, "sh", "-c"),
        "find / -xdev -perm -0002 ! -type l"
        " ! -path /tmp ! -path /run/code-runner ! -path '/dev/*' ! -path '/var/*'",
    )
    assert unwanted == ""


def test_serves_the_dependencies_beside_the_clients_packages(built: Build) -> None:
    paths = python_in(
        built.ref, "import aiohttp, code_runner; print(aiohttp.__file__, code_runner.__file__)"
    )

    assert (
        paths == "/opt/code-runner/lib/aiohttp/__init__.py /opt/code-runner/code_runner/__init__.py"
    )


def test_has_what_programs_expect_of_a_python(built: Build) -> None:
    modules = "ssl, sqlite3, ctypes, lzma, bz2, zlib, decimal, multiprocessing, curses, readline"
    answer = python_in(
        built.ref,
        f"import {modules}, zoneinfo, socket, sys\n"
        "assert sys.version_info >= (3, 11)\n"
        "assert ssl.create_default_context().cert_store_stats()['x509_ca'] > 50\n"
        "assert zoneinfo.ZoneInfo('Europe/Rome') and socket.getservbyname('http') == 80\n"
        "print(sys.stdout.encoding)",
    )

    assert answer == "utf-8"


def test_keeps_the_standard_library_compiled(built: Build) -> None:
    answer = python_in(built.ref, "import asyncio, os; print(os.path.exists(asyncio.__cached__))")

    assert answer == "True"


def test_service_refuses_to_start_without_its_settings(built: Build) -> None:
    done = podman(
        "run", "--rm", built.ref, "sh", "-c", "python3 -m code_runner.gateway 2>&1", check=False
    )

    assert "CODE_RUNNER_RUNNER_UIDS" in done
    assert "Traceback" not in done


def test_an_unchanged_tree_builds_nothing_and_asks_no_network(tree: Tree, built: Build) -> None:
    again = tree.build(code_runner_base="debian", network=False)

    assert again.changed == 0
    assert (again.ref, again.id) == (built.ref, built.id)


def test_a_refresh_that_brings_nothing_new_changes_nothing(tree: Tree, built: Build) -> None:
    again = tree.build(code_runner_base="debian", code_runner_image_refresh=True)

    assert again.changed == 0, again.output
    assert again.id == built.id


def test_changes_give_new_tags_and_only_the_previous_image_is_kept(
    tree: Tree, built: Build
) -> None:
    settings = tree.root / "service/code_runner/settings.py"
    text = settings.read_text()
    tags = [built.ref]
    for number in (1, 2):
        settings.write_text(f"{text}\n# change {number}\n")
        tags.append(tree.build(code_runner_base="debian").ref)
    settings.write_text(text)

    assert len(set(tags)) == 3
    kept = {image for image in tree.images() if image.startswith(f"localhost/{tree.name}:")}
    assert kept == {tags[1], tags[2], f"localhost/{tree.name}:latest"}
    newest, latest = (
        inspect(image, "--format={{.Id}}") for image in (tags[2], f"localhost/{tree.name}:latest")
    )
    assert latest == newest
