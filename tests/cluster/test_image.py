"""The image in minikube: loaded once, proved by its id, with the one before it and no older one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from clusters import ClusterInstance


@pytest.mark.never_runs
def test_image_is_loaded_once_and_older_ones_are_removed(builder: ClusterInstance) -> None:
    settings = builder.tree / "service/code_runner/settings.py"
    brought = []
    for change in ("first", "second", "third"):
        settings.write_text(f"{settings.read_text()}\n# {change}\n")
        builder.deploy("--tags", "prerequisites,image")
        names = builder.in_minikube()
        latest = f"localhost/{builder.image_name}:latest"
        (tag,) = (n for n in names if names[n] == names[latest] and n != latest)
        assert names[tag] == builder.podman("image", "inspect", "--format={{.Id}}", tag)
        brought.append(tag)

    assert set(names) == {*brought[1:], latest}
    assert builder.deploy("--tags", "prerequisites,image").changed == 0

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
        played = instance.play(
            "deploy.yml", "--tags", "prerequisites,image", code_runner_image=name
        )
    finally:
        instance.podman("rmi", name)

    assert played.returncode != 0
    assert f"{name} is for linux/s390x, and the nodes are linux/" in played.output
    assert "it was not brought to the cluster" in played.output
