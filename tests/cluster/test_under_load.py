"""A new version replaces the old one under load, and no request is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from clusters import ClusterInstance
from instances import copy_tree
from loading import load

NAME = "code-runner-service"
RATE = 20
# From 0 to 8 seconds, 1 on average: some 20 at a time on 24 slots, and the queue takes the rest.
# They sleep, for two cores have to carry all.
SLOW = "import time; time.sleep(8 * {share} ** 7); print({number})"
SLOTS = 12


def _running(instance: ClusterInstance) -> tuple[set[str], set[str]]:
    """The pods of an instance, and the images that they run."""
    pods = instance.pods()
    return (
        {pod["metadata"]["name"] for pod in pods},
        {container["image"] for pod in pods for container in pod["spec"]["containers"]},
    )


def test_a_changed_tree_is_rolled_out_under_load_without_a_failed_request(
    make_instance: Callable[..., ClusterInstance], tmp_path: Path
) -> None:
    tree = copy_tree(tmp_path / "tree")
    instance = make_instance(tree=tree)
    settings = {
        "code_runner_slots": SLOTS,
        "code_runner_replicas": 2,
        # While it starts pods, a small machine is slow: then more runs wait, and none is lost.
        "code_runner_queue_size": 500,
        "code_runner_wait_timeout": 300,
    }
    instance.deploy("--tags", "prerequisites,image,deployment", **settings)
    before, (image,) = _running(instance)
    with (tree / "service" / "code_runner" / "__init__.py").open("a") as module:
        module.write("# another version\n")
    with load(instance, RATE, SLOW) as running:
        instance.deploy("--tags", "prerequisites,image,deployment", **settings)
        time.sleep(3)  # a request or two more on the new pods alone
        after, (new_image,) = _running(instance)
    assert new_image != image
    assert len(after) == 2
    assert not after & before
    assert running.all_answered, running.outcomes
    assert running.outcomes["answered"] > 10 * RATE
    # Not even refused and sent again: pods go on accepting until nobody is sent to them any more.
    assert running.refused == 0
