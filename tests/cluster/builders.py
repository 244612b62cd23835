"""Instances with a tree and images of their own, without the minutes that those would take."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from clusters import ClusterInstance
from instances import copy_tree

# An image of this is built within seconds, since its last layer is all that there is to build.
ONE_LAYER = """\
ARG BASE
FROM ${BASE}
COPY code_runner /opt/code-runner/copied
"""
# And this one is also loaded and pushed at once; nothing in it can be run.
NOTHING_ELSE = """\
ARG BASE
FROM scratch
COPY code_runner /opt/code-runner/copied
"""


def fresh_state(shared: ClusterInstance, folder: Path) -> Path:
    """Make a folder for what an instance remembers, with podman's settings in it already.

    To find out that they are missing, write them and ask podman again would take seconds each time.
    """
    folder.mkdir()
    settings = shared.state_dir / "containers.conf"
    if settings.exists():
        shutil.copy2(settings, folder)
    return folder


def quick_builder(
    shared: ClusterInstance, image_ref: str, folder: Path, dockerfile: str
) -> ClusterInstance:
    """Make an instance with a tree and images of its own, which are built within seconds."""
    tree = copy_tree(folder / "tree")
    (tree / "service/Dockerfile").write_text(dockerfile)
    if dockerfile == NOTHING_ELSE:
        for wheels in ("requirements.txt", "build-requirements.txt"):
            (tree / "service" / wheels).write_text("")
    return ClusterInstance(
        tree=tree,
        state_dir=fresh_state(shared, folder / "state"),
        image_name=f"code-runner-test-{uuid.uuid4().hex[:8]}",
        namespace=f"test-{uuid.uuid4().hex[:8]}",
        cluster=shared.cluster,
        base_image=image_ref,
    )
