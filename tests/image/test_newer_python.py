"""The image on a base with a newer Python than the default one has: that of a later Debian."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from building import Tree, podman, python_in

LATER = "trixie"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def mirror() -> str:
    """Where Debian's packages come from on this machine."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format=$(REPO_URI)", "Label: Debian", "Component: main"],
        capture_output=True,
        text=True,
        check=False,
    )
    listed = done.stdout.split()
    if not listed:
        pytest.skip("needs a mirror of Debian among apt's sources")
    return listed[0]


@pytest.fixture(scope="module")
def newer(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Python of a later Debian and none of our labels, as a registry would have it."""
    tree.build(code_runner_base="debian")  # brings mmdebstrap along, and apt's lists
    source = f"deb [signed-by={KEYS}] {mirror()} {LATER} main"
    folder = tmp_path_factory.mktemp("newer")
    hook = shutil.copy(tree.root / "roles/image/files/debian_base_hook.sh", folder)
    Path(hook).chmod(0o755)
    packages = yaml.safe_load((tree.root / "roles/image/vars/main.yml").read_text())
    made = subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--variant=extract", f'--extract-hook={hook} "$1"'),
            f"--include={','.join(packages['code_runner_debian_packages'])}",
            *(LATER, str(folder / "base.tar"), source),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    name = f"localhost/{tree.name}-newer:base"
    podman("import", "--quiet", str(folder / "base.tar"), name)
    yield name
    podman("rmi", name)


def test_image_is_built_on_a_newer_python(tree_apart: Tree, newer: str) -> None:
    built = tree_apart.build(code_runner_base="registry", code_runner_base_image=newer)
    code = "import sys, aiohttp, code_runner; print(sys.version_info >= (3, 13))"
    assert python_in(built.ref, code) == "True"
