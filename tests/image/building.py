"""Builds images with the role `image`, from copies of the tree and under names of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# Looks at images, also while other tests remove theirs.
IMAGES = REPOSITORY / "roles/image/files/images.sh"
# A state folder of the tests' own: a teardown of the real deployment removes the usual one.
STATE = Path(tempfile.mkdtemp(prefix="code-runner-test-state-"))
# Nobody listens on port 9: whatever asks a network through this proxy fails at once.
NO_NETWORK = dict.fromkeys(
    ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"
)


def environment() -> dict[str, str]:
    written = STATE / "containers.conf"
    conf = {"CONTAINERS_CONF": str(written)} if written.exists() else {}
    return {**os.environ, "LC_ALL": "C.UTF-8", **conf}


def podman(*arguments: str, check: bool = True) -> str:
    """Return what podman printed; with `check` a failure fails the test and shows its stderr."""
    return _printed("podman", *arguments, check=check)


def inspect(image: str, *options: str) -> str:
    """Return what podman prints of an image, also while other tests remove theirs."""
    return _printed("sh", str(IMAGES), "podman", "inspect", image, *options)


def _printed(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


def python_in(image: str, code: str) -> str:
    """Run Python code in a container as it would run when deployed, and return what it printed."""
    return podman("run", "--rm", "--read-only", "--network=none", image, "python3", "-c", code)


@dataclass
class Build:
    """What one run of the playbook did."""

    output: str
    returncode: int
    changed: int
    ref: str = ""
    id: str = ""
    base: str = ""


@dataclass
class Tree:
    """A copy of roles and service that a test may change, and the images made of it."""

    root: Path
    name: str = field(default_factory=lambda: f"code-runner-test-{uuid.uuid4().hex[:8]}")

    def play(self, playbook: str, *arguments: str, **variables: object) -> Build:
        result = self.root / "result.json"
        result.unlink(missing_ok=True)
        given = {
            "code_runner_provider": "podman",
            "code_runner_namespace": self.name,
            "code_runner_image_name": self.name,
            "code_runner_state_dir": str(STATE),
            # Only asked for, never used.
            "code_runner_port": 18080,
            "result_file": str(result),
            **variables,
        }
        network = variables.pop("network", True)
        given.pop("network", None)
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "ansible-playbook"),
                str(REPOSITORY / "tests/image" / playbook),
                *arguments,
                "-e",
                json.dumps(given),
            ],
            env={
                **environment(),
                "ANSIBLE_ROLES_PATH": str(self.root / "roles"),
                **({} if network else NO_NETWORK),
            },
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        changed = re.search(r"changed=(\d+)", done.stdout)
        facts = json.loads(result.read_text()) if result.exists() else {}
        return Build(
            done.stdout + done.stderr,
            done.returncode,
            int(changed[1]) if changed else -1,
            **facts,
        )

    def build(self, *arguments: str, **variables: object) -> Build:
        done = self.play("build.yml", *arguments, **variables)
        assert done.returncode == 0, done.output
        return done

    def images(self) -> list[str]:
        listed = _printed("sh", str(IMAGES), "podman", "list").splitlines()
        return [line.split()[0] for line in listed if f"/{self.name}" in line]
