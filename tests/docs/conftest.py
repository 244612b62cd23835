"""Documents are tried on a real service: one of our own, or the one at CODE_RUNNER_TEST_URL."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Test modules of this folder share `documents.py`, and check what the scripts in `docs/` make.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "docs")]

from processes import start_service  # noqa: E402


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the service under test listens."""
    deployed = os.environ.get("CODE_RUNNER_TEST_URL")
    if deployed:
        yield deployed
        return
    with start_service(tmp_path_factory.mktemp("service")) as running:
        yield running.client.url
