"""Instances of Code Runner that the playbooks deploy, each with a name and port of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
# Lists images, also while other tests remove theirs.
IMAGES = REPOSITORY / "roles/image/files/images.sh"
COPIED = ("changelogs", "docs", "meta", "playbooks", "roles", "service")


def copy_tree(root: Path) -> Path:
    """Copy what the collection is made of into a folder, and return it."""
    ignore = shutil.ignore_patterns("__pycache__", ".*cache")
    for folder in COPIED:
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=ignore)
    for file in REPOSITORY.iterdir():
        if file.is_file() and file.name != ".git":
            shutil.copy2(file, root / file.name)
    return root


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Played:
    """What one run of a playbook said and did."""

    output: str
    returncode: int

    @property
    def changed(self) -> int:
        """The number of changed tasks in the recap; -1 when there is no recap."""
        found = re.search(r"changed=(\d+)", self.output)
        return int(found[1]) if found else -1


@dataclass
class Instance:
    """One namespace, port and set of settings, deployed from the collection in `tree`."""

    tree: Path
    state_dir: Path
    image_name: str
    namespace: str
    port: int = field(default_factory=free_port)

    @property
    def pod(self) -> str:
        return f"{self.namespace}-code-runner-service"

    def settings(self, **more: object) -> list[str]:
        """Return the command-line arguments that make a playbook act on this instance alone."""
        values = {
            "code_runner_provider": "podman",
            "code_runner_namespace": self.namespace,
            "code_runner_port": self.port,
            "code_runner_slots": 1,
            "code_runner_image_name": self.image_name,
            "code_runner_state_dir": str(self.state_dir),
            "code_runner_wait_timeout": 60,
            **more,
        }
        return ["--extra-vars", json.dumps(values)]

    def play(
        self, playbook: str, *arguments: str, cwd: Path | None = None, **more: object
    ) -> Played:
        """Run a playbook of the tree, or one of an installed collection when it has no suffix."""
        done = subprocess.run(
            [str(BIN / "ansible-playbook"), playbook, *arguments, *self.settings(**more)],
            cwd=cwd or self.tree,
            env={**os.environ, "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Played(done.stdout, done.returncode)

    def deploy(self, *arguments: str, **more: object) -> Played:
        played = self.play("deploy.yml", *arguments, **more)
        assert played.returncode == 0, played.output
        return played

    def teardown(self, *arguments: str) -> Played:
        played = self.play("playbooks/teardown.yml", *arguments)
        assert played.returncode == 0, played.output
        return played

    def podman(self, *arguments: str, check: bool = True) -> str:
        """Return what podman printed; with `check` a failure fails the test and shows why."""
        return self._printed("podman", *arguments, check=check)

    def _printed(self, *command: str, check: bool = True) -> str:
        conf = self.state_dir / "containers.conf"
        own = {"CONTAINERS_CONF": str(conf)} if conf.exists() else {}
        done = subprocess.run(
            command,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout.strip()

    def pod_id(self) -> str:
        return self.podman("pod", "inspect", "--format", "{{.ID}}", self.pod)

    def remains(self) -> dict[str, str]:
        """Return what podman still has of this instance, by kind; all empty after a teardown."""
        return {
            "pods": self.podman("pod", "ps", "--quiet", "--filter", f"name={self.pod}"),
            "containers": self.podman("ps", "--all", "--quiet", "--filter", f"name={self.pod}"),
            "volumes": self.podman(
                "volume", "ls", "--quiet", "--filter", f"label=code-runner.instance={self.pod}"
            ),
            "networks": self.podman("network", "ls", "--quiet", "--filter", f"name={self.pod}"),
        }

    def images(self) -> list[str]:
        listed = self._printed("sh", str(IMAGES), "podman", "list").splitlines()
        return [line.split()[0] for line in listed if f"/{self.image_name}" in line]

    def get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return dict(json.load(answer))

    def run(self, code: str) -> dict[str, Any]:
        """POST the code to /run and return the answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/run",
            data=json.dumps({"code": code}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return dict(json.load(answer))
