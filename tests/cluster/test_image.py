"""The image in minikube: loaded once, proved by its id, with the one before it and no older one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from clusters import ClusterInstance
from instances import copy_tree


def in_minikube(instance: ClusterInstance) -> dict[str, str]:
    """Return the names of the instance's images in minikube, and their ids."""
    listed = subprocess.run(
        ["minikube", "image", "ls", "--format=json"], capture_output=True, text=True, check=True
    )
    return {
        name: image["id"].removeprefix("sha256:")
        for image in json.loads(listed.stdout)
        for name in image["repoTags"]
        if f"/{instance.image_name}:" in name
    }


def test_image_is_loaded_once_and_older_ones_are_removed(
    make_instance: Callable[..., ClusterInstance], shared: ClusterInstance, tmp_path: Path
) -> None:
    tree = copy_tree(tmp_path)
    settings = tree / "service/code_runner/settings.py"
    instance = make_instance(tree=tree, image_name=f"{shared.image_name}-aging")
    brought = []
    for change in ("first", "second", "third"):
        settings.write_text(f"{settings.read_text()}\n# {change}\n")
        instance.deploy("--tags", "prerequisites,image")
        names = in_minikube(instance)
        latest = f"localhost/{instance.image_name}:latest"
        (tag,) = (n for n in names if names[n] == names[latest] and n != latest)
        assert names[tag] == instance.podman("image", "inspect", "--format={{.Id}}", tag)
        brought.append(tag)

    assert set(names) == {*brought[1:], latest}
    assert instance.deploy("--tags", "prerequisites,image").changed == 0

    instance.teardown()
    assert in_minikube(instance) == {}


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
