"""The commands that the documents tell people to type are those that there are."""

from __future__ import annotations

import functools
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import documents
import generate_variables
import pytest
import yaml
from documents import ROOT, Block

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
DEFAULTS = yaml.safe_load((ROOT / "roles/common/defaults/main.yml").read_text())
INSTANCE = f"{DEFAULTS['code_runner_namespace']}-{DEFAULTS['code_runner_name']}"
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())
COLLECTION = f"{GALAXY['namespace']}.{GALAXY['name']}."
# `code_runner_hosts` is read by the playbooks, before any role is there to specify it.
VARIABLES = {*generate_variables.variables(), "code_runner_hosts"}
ENVIRONMENT = re.compile(r"[A-Z_]+=\S*")
# Commands of other programs, where all that we can get wrong is a name of ours.
FOREIGN = (
    "brew install ",
    "podman machine ",
    "wsl --install ",
    f"podman logs {INSTANCE}-code-runner",
    "minikube ",
    "ansible-galaxy collection install --offline --no-deps "
    f"dist/{GALAXY['namespace']}-{GALAXY['name']}-{GALAXY['version']}.tar.gz",
    "script -qec 'make deploy' docs/deploy.ansi",
    "sed -i 's|$PWD|.|g; s|$HOME|~|g' docs/deploy.ansi",
)
# Whatever a kubectl command calls code-runner-something is one of these.
ROLES = list(yaml.safe_load_all((ROOT / "docs/minimal-role.yaml").read_text()))
NAMES = {
    "code-runner",  # the gateway's container
    DEFAULTS["code_runner_namespace"],
    DEFAULTS["code_runner_name"],
    f"{DEFAULTS['code_runner_name']}-api-keys",
    *(role["metadata"]["name"] for role in ROLES),
}
# The plain way of `make deploy`; test_plain_commands_are_those_of_make compares the two.
PLAIN = (
    "python3 -m venv .venv",
    ". .venv/bin/activate",
    "pip install --no-compile -r requirements.txt",
    "ansible-playbook deploy.yml -e code_runner_install_missing=true",
)


@pytest.mark.parametrize(("command", "block"), documents.commands(), ids=str)
def test_commands_exist(command: str, block: Block) -> None:
    words = [word for word in shlex.split(command) if not ENVIRONMENT.fullmatch(word)]
    match words:
        case ["make", target, *rest]:
            assert target in TARGETS
            check_variables(shlex.join(rest))
        case ["ansible-playbook", playbook, *rest] if playbook.startswith(COLLECTION):
            check_playbook(f"playbooks/{playbook.removeprefix(COLLECTION)}.yml")
            check_variables(shlex.join(rest))
        case ["ansible-playbook", playbook, *rest]:
            check_playbook(playbook)
            check_variables(shlex.join(rest))
        case [".venv/bin/pytest", *paths]:
            assert all((ROOT / path).exists() for path in paths)
        case ["kubectl", *rest]:
            check_kubectl(rest)
        case ["curl", *_]:
            assert block in [example for example, _ in documents.examples("sh", "json")]
        case _:
            assert command in PLAIN or command.startswith(FOREIGN), "nobody checks this command"


@pytest.mark.parametrize("document", documents.documents(), ids=lambda path: path.name)
def test_commands_in_the_text_exist(document: Path) -> None:
    for span in inline_code(document):
        if span.startswith("make "):
            rest = [word for word in shlex.split(span)[1:] if "=" not in word]
            assert set(rest) <= TARGETS, span
            check_variables(span)
        elif span.startswith("ansible-playbook "):
            check_playbook(shlex.split(span)[1])
            check_variables(span)
        elif span.startswith(".venv/bin/pytest "):
            assert all((ROOT / path).exists() for path in shlex.split(span)[1:]), span


def test_plain_commands_are_those_of_make() -> None:
    """Not word for word: make names the programs by path, and adds options that only save time."""
    done = subprocess.run(
        ["make", "-n", "-B", "deploy", "VENV=.venv", "ARGS="],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for pattern in (
        r"-m venv .*\.venv",
        r"-m pip install .*--no-compile -r requirements\.txt",
        r"\.venv/bin/ansible-playbook deploy\.yml -e code_runner_install_missing=true\s*$",
    ):
        assert re.search(pattern, done.stdout, re.MULTILINE), pattern
    shown = [command for command, _ in documents.commands()]
    assert set(PLAIN) <= set(shown)


@pytest.mark.parametrize("document", ["README.md", "docs/kubernetes.md"])
def test_messages_in_the_troubleshooting_table_are_ours(document: str) -> None:
    """What the table quotes stands in the roles, the Makefile or the service."""
    texts = [ROOT / "Makefile", *ROOT.glob("roles/*/files/*.py"), *ROOT.glob("roles/**/*.yml")]
    sources = " ".join(" ".join(path.read_text().split()) for path in texts)
    for what, *_ in documents.rows(document, "| what you see |"):
        message = documents.code_span(what) if "`" in what else ""
        if " " not in message:
            continue  # a status or a field of the API
        for part in message.split(" ... "):
            # Numbers and names are filled in at run time.
            words = re.split(r"\b8000\b", part)
            assert all(piece.strip() in sources for piece in words), part


@functools.cache
def check_playbook(name: str) -> None:
    """The playbook is there and Ansible can read it."""
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [program, "--syntax-check", name], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def check_kubectl(words: list[str]) -> None:
    """What a kubectl command names is there: objects of ours, ports, files."""
    for word in words:
        assert set(re.findall(r"code-runner[\w-]*", word)) <= NAMES, word
        if re.fullmatch(r"\d+:\d+", word):
            assert word == f"{DEFAULTS['code_runner_port']}:80"
        if word.startswith("docs/"):
            assert (ROOT / word).exists(), word


def check_variables(text: str) -> None:
    """Every variable of ours in a command line is one that a role reads."""
    unknown = set(re.findall(r"\bcode_runner_\w+", text)) - VARIABLES
    assert not unknown


def inline_code(document: Path) -> Iterator[str]:
    """The code spans of a document outside its fenced blocks."""
    text = documents.FENCE.sub("", document.read_text())
    yield from documents.CODE_SPAN.findall(text)
