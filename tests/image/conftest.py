"""A copy of the tree, removed with all images made of it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# pytest's importlib mode leaves a test's own folder out of the search path.
sys.path.insert(0, str(Path(__file__).parent))

from building import REPOSITORY, STATE, Tree


@pytest.fixture(scope="session", autouse=True)
def state() -> Iterator[None]:
    yield
    shutil.rmtree(STATE)


@contextmanager
def copy_of_the_tree(root: Path) -> Iterator[Tree]:
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("roles", "service"):
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=ignore)
    made = Tree(root)
    yield made
    done = made.play("remove.yml")
    assert done.returncode == 0, done.output
    assert made.images() == []


# One for all modules: making a base takes longer than most tests.
@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with copy_of_the_tree(tmp_path_factory.mktemp("tree")) as made:
        yield made


# For images that would else push those of other modules out: of one name, a build keeps two.
@pytest.fixture(scope="module")
def tree_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with copy_of_the_tree(tmp_path_factory.mktemp("tree")) as made:
        yield made
