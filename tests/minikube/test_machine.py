"""What a cell does to the machine that it runs on: nothing outside our cache."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

LAB = Path(__file__).resolve().parent
# pytest's importlib mode leaves a test's own folder out of the search path.
sys.path.insert(0, str(LAB))

from machine import below, describe  # noqa: E402 (it is found by the line above)

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "code-runner"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the test cluster needs root")


def lab(program: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [str(LAB / program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stdout}"
    return done.stdout


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a cell that is taken away again, with all that it keeps."""
    chosen = f"test-{uuid.uuid4().hex[:8]}"
    yield chosen
    lab("cell", "remove", chosen)


def test_cells_do_not_see_each_other(name: str) -> None:
    other = f"{name}-other"
    busy = "sleep 1000 >/dev/null 2>&1 & echo mine >/etc/cell; ip link add x type veth"
    count = ("pgrep", "--count", "--full", "sleep 1000")
    try:
        for cell in (name, other):
            lab("cell", "up", cell)
            lab("cell", "run", cell, "sh", "-c", busy)
        for cell in (name, other):
            assert lab("cell", "run", cell, *count) == "1\n"
        lab("cell", "run", name, "rm", "/etc/cell")
        assert lab("cell", "run", other, "cat", "/etc/cell") == "mine\n"
        lab("cell", "down", name)
        assert lab("cell", "run", other, *count) == "1\n"
    finally:
        lab("cell", "remove", other)
    assert not Path("/etc/cell").exists()


def test_a_shared_home_keeps_its_own_cluster(name: str, tmp_path: Path) -> None:
    config = tmp_path / ".kube" / "config"
    config.parent.mkdir()
    config.write_text("theirs")
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(CACHE.parent), "CELL_BINDS": str(tmp_path)}
    lab("cell", "up", name, **home)
    assert lab("cell", "run", name, "ls", "-A", str(config.parent)) == ""
    lab("cell", "run", name, "sh", "-c", f"echo ours >{config}; echo ours >{tmp_path}/shared")
    lab("cell", "down", name)
    assert config.read_text() == "theirs"
    assert (tmp_path / "shared").read_text() == "ours\n"


def test_down_clears_up_after_a_crash(name: str) -> None:
    before = describe()
    lab("cell", "up", name)
    lab("cell", "run", name, "sh", "-c", "sleep 1000 >/dev/null 2>&1 &")
    groups = [
        path for path in below(Path("/sys/fs/cgroup"), 3) if path.name == f"code-runner-cell-{name}"
    ]
    assert groups
    # Whatever holds the cell goes at once; what it leaves behind are its cgroups.
    for pid in (groups[0] / "init" / "cgroup.procs").read_text().split():
        # The end of one may be that of another.
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), 9)
    lab("cell", "down", name)
    assert describe() ^ before == set()
    lab("cell", "up", name)
    assert lab("cell", "run", name, "hostname") == "minikube\n"
