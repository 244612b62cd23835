"""The pinned versions: complete, hashed for every platform, the same wherever they are named."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import ansible_collections.kubernetes.core as kubernetes_core
import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]


def pins(path: str) -> dict[str, str]:
    return dict(
        re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", (REPOSITORY / path).read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_wheels_with_known_hashes_exist(machine: str, python: str, tmp_path: Path) -> None:
    platforms = [
        f"--platform={tag}_{machine}"
        for tag in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
    ]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
            *(
                "--only-binary=:all:",
                f"--dest={tmp_path}",
                f"--python-version={python}",
                *platforms,
            ),
            *("--requirement", str(REPOSITORY / "service/requirements.txt")),
        ],
        check=True,
    )

    assert len(list(tmp_path.glob("*.whl"))) == len(pins("service/requirements.txt"))


def test_every_line_is_pinned() -> None:
    for path in ("requirements.txt", "requirements-dev.txt", "service/requirements.in"):
        lines = [line.strip() for line in (REPOSITORY / path).read_text().splitlines()]
        named = [line for line in lines if line and not line.startswith(("#", "-r"))]
        assert all("==" in line for line in named), path


def test_tests_run_with_the_libraries_of_the_image() -> None:
    wanted = pins("service/requirements.in").items()
    assert wanted <= pins("requirements-dev.txt").items()
    assert wanted <= pins("service/requirements.txt").items()


def test_collection_versions_agree() -> None:
    manifest = Path(next(iter(kubernetes_core.__path__))) / "MANIFEST.json"
    bundled = json.loads(manifest.read_text())["collection_info"]["version"]
    wanted = yaml.safe_load((REPOSITORY / "requirements.yml").read_text())["collections"]
    galaxy = yaml.safe_load((REPOSITORY / "galaxy.yml").read_text())["dependencies"]

    assert {entry["name"]: entry["version"] for entry in wanted} == {"kubernetes.core": bundled}
    assert set(galaxy) == {"kubernetes.core"}
    least = re.fullmatch(r">=(\d+)\.(\d+)\.(\d+)(,<.*)?", galaxy["kubernetes.core"])
    assert least
    assert tuple(map(int, least.groups()[:3])) <= tuple(map(int, bundled.split(".")))


def test_dockerfile_takes_the_base_that_the_role_takes() -> None:
    dockerfile = (REPOSITORY / "service/Dockerfile").read_text()
    defaults = yaml.safe_load((REPOSITORY / "roles/common/defaults/main.yml").read_text())

    assert f"ARG BASE={defaults['code_runner_base_image']}\n" in dockerfile
