"""A real service over real HTTP: started without containers, or the one at CODE_RUNNER_TEST_URL.

CODE_RUNNER_TEST_KEY is the API key of that one, where it asks for keys.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from client import Client
from processes import Service, start_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of our own with four slots; what it wrote is shown when it does not start."""
    with start_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def fresh_service(tmp_path: Path) -> Iterator[Service]:
    """A service that this test alone uses, with one slot, and may damage."""
    with start_service(tmp_path, CODE_RUNNER_RUNNER_UIDS=str(os.getuid())) as running:
        yield running


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest) -> Client:
    """Speaks to the service under test."""
    url = os.environ.get("CODE_RUNNER_TEST_URL")
    key = os.environ.get("CODE_RUNNER_TEST_KEY", "")
    return Client(url, key) if url else request.getfixturevalue("service").client
