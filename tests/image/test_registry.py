"""The image on a base from a registry. The registry is Debian's, on a port of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from building import Tree, inspect, podman, python_in

CONFIG = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@dataclass
class Registry:
    """A registry on loopback that can be switched off and on."""

    program: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def image(self) -> str:
        return f"127.0.0.1:{self.port}/library/python:3.11-slim"

    def start(self) -> None:
        config = self.folder / "config.yml"
        config.write_text(CONFIG.format(folder=self.folder, port=self.port))
        self.process = subprocess.Popen(
            [self.program, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("the registry did not start within 10 s")

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("registry")
    # Unpacked, not installed: installing it would start a registry of the machine's own.
    subprocess.run(
        ["apt-get", "download", "docker-registry"], cwd=folder, check=True, capture_output=True
    )
    (package,) = folder.glob("docker-registry_*.deb")
    subprocess.run(["dpkg-deb", "--extract", package, folder / "root"], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = Registry(folder / "root/usr/bin/docker-registry", folder, port)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def official(tree: Tree, registry: Registry) -> str:
    """Push something like the official image: Python, but none of our labels."""
    base = tree.build(code_runner_base="debian").base
    podman("tag", base, f"localhost/{tree.name}:seed")
    containerfile = registry.folder / "Containerfile"
    containerfile.write_text(
        f"FROM localhost/{tree.name}:seed\nLABEL io.code-runner.python='' io.code-runner.image=''\n"
    )
    podman(
        "build", "--quiet", "--layers=false", "--tag", registry.image, "--file", str(containerfile)
    )
    podman("push", "--quiet", "--tls-verify=false", registry.image)
    podman("rmi", registry.image, f"localhost/{tree.name}:seed")
    return registry.image


def test_registry_is_preferred_kept_and_asked_only_to_build(
    tree: Tree, registry: Registry, official: str
) -> None:
    built = tree.build(code_runner_base_image=official)
    labels = json.loads(inspect(built.ref))[0]["Labels"]
    assert labels["org.opencontainers.image.base.name"] == official
    assert python_in(built.ref, "import aiohttp, code_runner; print('ok')") == "ok"
    # What was pulled goes by our name only, so the teardown finds it.
    assert not podman("images", "--quiet", official)

    assert tree.build(code_runner_base_image=official, code_runner_image_refresh=True).changed == 0

    registry.stop()
    assert tree.build(code_runner_base_image=official).changed == 0
    settings = tree.root / "service/code_runner/settings.py"
    settings.write_text(settings.read_text() + "\n# changed\n")
    changed = tree.build(code_runner_base_image=official)
    assert changed.ref != built.ref
    assert changed.base == built.base

    refreshed = tree.play(
        "build.yml", code_runner_base_image=official, code_runner_image_refresh=True
    )
    assert refreshed.returncode != 0
    assert "could not be pulled" in refreshed.output
    registry.start()


def test_registry_that_does_not_answer_gives_a_clear_message(tree: Tree) -> None:
    done = tree.play(
        "build.yml",
        code_runner_base="registry",
        code_runner_base_image="127.0.0.1:9/library/python:3.11-slim",
    )

    assert done.returncode != 0
    assert "code_runner_base=debian" in done.output
