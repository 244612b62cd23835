"""The image in minikube: loaded once, proved by its id, with the one before it and no older one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from clusters import ClusterInstance

BRING = ("--tags", "prerequisites,image")


@pytest.fixture
def without_loading(tmp_path: Path) -> str:
    """A PATH with a minikube that loads nothing: it says then that it has, and exits 0."""
    folder = tmp_path / "bin"
    folder.mkdir()
    shim = folder / "minikube"
    shim.write_text(
        f'#!/bin/sh\ncase "$*" in *"image load"*) exit 0 ;; esac\n'
        f'exec {shutil.which("minikube")} "$@"\n'
    )
    shim.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.never_runs
def test_image_is_proved_to_arrive_loaded_once_and_older_ones_are_removed(
    builder: ClusterInstance, without_loading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("PATH", without_loading)
        played = builder.play("deploy.yml", *BRING)
    assert played.returncode != 0
    assert "took localhost/" in played.output
    assert "is not in its list" in played.output
    assert "Traceback" not in played.output

    settings = builder.tree / "service/code_runner/settings.py"
    brought = []
    for change in ("", "second", "third"):
        if change:
            settings.write_text(f"{settings.read_text()}\n# {change}\n")
        played = builder.deploy(*BRING)
        if not change:
            assert played.changed == 1  # it was built before
        names = builder.in_minikube()
        latest = f"localhost/{builder.image_name}:latest"
        (tag,) = (n for n in names if names[n] == names[latest] and n != latest)
        assert names[tag] == builder.podman("image", "inspect", "--format={{.Id}}", tag)
        brought.append(tag)

    assert set(names) == {*brought[1:], latest}
    assert builder.deploy(*BRING).changed == 0

    builder.teardown()
    assert builder.in_minikube() == {}


def test_image_that_no_node_can_run_is_not_brought_to_the_cluster(
    make_instance: Callable[..., ClusterInstance], tmp_path: Path
) -> None:
    instance = make_instance()
    (tmp_path / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /\n")
    name = f"localhost/{instance.namespace}:foreign"
    instance.podman("build", "--quiet", "--platform=linux/s390x", f"--tag={name}", str(tmp_path))
    try:
        played = instance.play("deploy.yml", *BRING, code_runner_image=name)
    finally:
        instance.podman("rmi", name)

    assert played.returncode != 0
    assert f"{name} is for linux/s390x, and the nodes are linux/" in played.output
    assert "it was not brought to the cluster" in played.output
