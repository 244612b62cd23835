"""A service whose interpreter has numpy, pandas and matplotlib, or the one at CODE_RUNNER_TEST_URL.

The libraries go to a virtual environment of the service's own, in the user's cache, and stay there.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from client import Client
from processes import SERVICE, start_service

REQUIREMENTS = (SERVICE / "requirements.txt", Path(__file__).parent / "requirements.txt")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "code-runner"


@pytest.fixture(scope="session")
def python() -> Path:
    """An interpreter with the libraries of the service and of the programs."""
    content = sys.version.encode() + b"".join(file.read_bytes() for file in REQUIREMENTS)
    venv = CACHE / f"programs-{hashlib.sha256(content).hexdigest()[:12]}"
    done = venv / "complete"
    if not done.exists():
        # A copy, for the service looks for libraries beside the program that a link leads to.
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--copies", venv], check=True)
        for file in REQUIREMENTS:
            subprocess.run([venv / "bin" / "pip", "install", "--quiet", "-r", file], check=True)
        done.touch()
    return venv / "bin" / "python"


@pytest.fixture(scope="session")
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """Speaks to the service under test."""
    if url := os.environ.get("CODE_RUNNER_TEST_URL"):
        yield Client(url, os.environ.get("CODE_RUNNER_TEST_KEY", ""))
        return
    python = request.getfixturevalue("python")
    with start_service(tmp_path_factory.mktemp("service"), python=python) as service:
        yield service.client
