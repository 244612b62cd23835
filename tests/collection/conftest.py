"""A copy of the tree, one image for all instances, and instances that are taken away again."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# pytest's importlib mode leaves a test's own folder out of the search path.
sys.path.insert(0, str(Path(__file__).parent))

from instances import Instance, copy_tree


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what the collection is made of: all tests see one state of it."""
    return copy_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="session")
def shared(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Hold the image that all instances run: built once, removed at the end."""
    name = f"code-runner-test-{uuid.uuid4().hex[:8]}"
    holder = Instance(tree, tmp_path_factory.mktemp("state") / "code-runner", name, name)
    holder.deploy("--tags", "prerequisites,image")
    yield holder
    holder.teardown()
    assert holder.images() == []


@pytest.fixture(scope="session")
def image_ref(shared: Instance) -> str:
    """The image's name with the tag of the tree, as a ready image that no teardown removes."""
    tagged = [image for image in shared.images() if "-base" not in image and ":latest" not in image]
    assert len(tagged) == 1, tagged
    return tagged[0]


@pytest.fixture(scope="module")
def make_instance(shared: Instance) -> Iterator[Callable[[], Instance]]:
    """Make instances on the shared image; each is taken away at the end, also after a failure."""
    made: list[Instance] = []

    def make() -> Instance:
        namespace = f"test-{uuid.uuid4().hex[:8]}"
        made.append(Instance(shared.tree, shared.state_dir, shared.image_name, namespace))
        return made[-1]

    yield make
    for instance in made:
        # Not by the playbook: it may be what failed, and it would take the shared image along.
        instance.podman("pod", "rm", "--force", "--time", "0", instance.pod, check=False)
        for volume in instance.remains()["volumes"].split():
            instance.podman("volume", "rm", "--force", volume, check=False)
        instance.podman("network", "rm", "--force", instance.pod, check=False)
        assert not any(instance.remains().values()), instance.remains()
