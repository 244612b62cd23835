"""What a test cluster does to the machine that it runs on: nothing outside our cache."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

LAB = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "code-runner"
# What minikube and the kubelet would set for the whole kernel
SETTINGS = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "fs/protected_regular")

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


def below(folder: Path, depth: int) -> Iterator[Path]:
    """Yield everything below the folder, down to `depth` levels, without following links."""
    if depth and folder.is_dir() and not folder.is_symlink():
        for path in folder.iterdir():
            yield path
            yield from below(path, depth - 1)


def files(folder: Path, depth: int, *, times: bool) -> set[str]:
    """Describe what is below a folder: owner and mode, and with `times` size and last change."""
    described = set()
    for path in below(folder, depth):
        try:
            stat = path.lstat()
        except FileNotFoundError:
            continue
        what = f"{path} {stat.st_mode:o} {stat.st_uid}:{stat.st_gid}"
        dated = times and not path.is_dir()
        described.add(f"{what} {stat.st_size} {stat.st_mtime_ns}" if dated else what)
    return described


def mounts() -> set[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    # Without the identifiers of mounts and parents
    return {f"mount {line.split(' ', 3)[3]}" for line in lines}


def machine() -> set[str]:
    """Describe whatever a cluster could change."""
    cgroups = Path("/sys/fs/cgroup")
    return {
        *files(Path("/etc"), 8, times=True),
        *files(Path("/usr/local"), 3, times=True),
        *files(Path("/opt"), 2, times=False),
        # What lives here changes its files by itself.
        *files(Path("/var/lib"), 2, times=False),
        *files(Path.home() / ".kube", 2, times=True),
        *files(Path.home() / ".minikube", 2, times=False),
        *mounts(),
        *(f"cgroup {path}" for path in below(cgroups, 2) if "code-runner" in path.name),
        *(f"cgroup {path}" for path in below(cgroups, 2) if path.name.startswith("kube")),
        *(f"interface {path.name}" for path in Path("/sys/class/net").iterdir()),
        *(f"{name} = {Path('/proc/sys', name).read_text()}" for name in SETTINGS),
    }


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a cell that is taken away again, with all that it keeps."""
    chosen = f"test-{uuid.uuid4().hex[:8]}"
    yield chosen
    lab("cell", "remove", chosen)


def test_a_cluster_leaves_the_machine_as_it_was(name: str) -> None:
    if not (CACHE / "images").is_dir() or not shutil.which("apt-get"):
        pytest.skip("the cluster is not built yet: make cluster-up")
    before = machine()
    lab("up", "--bare", name)
    assert "minikube" in lab("cell", "run", name, "kubectl", "get", "nodes")
    assert name in lab("cell", "list").split()
    assert machine() - before == {
        description for description in machine() if f"code-runner-cell-{name}" in description
    }
    lab("cell", "down", name)
    assert machine() ^ before == set()


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
    before = machine()
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
    assert machine() ^ before == set()
    lab("cell", "up", name)
    assert lab("cell", "run", name, "hostname") == "minikube\n"
