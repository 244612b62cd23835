"""What a machine looks like, to see that a test cluster has left it as it was.

`machine.py describe > FILE` writes it down; `machine.py compare FILE [TEXT]` exits with 1 and the
differences where there are any, but for what has the text in it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

# What minikube and the kubelet would set for the whole kernel
SETTINGS = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "fs/protected_regular")


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


def describe() -> set[str]:
    """Describe whatever a cluster could change, in lines."""
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
        *(f"{name} = {Path('/proc/sys', name).read_text().strip()}" for name in SETTINGS),
    }


def compare(before: set[str], but: str = "") -> int:
    """Print what is different now, but for what has that text in it; returns the exit status."""
    now = describe()
    gone, new = (
        sorted(line for line in lines if not but or but not in line)
        for lines in (before - now, now - before)
    )
    if not gone and not new:
        print("this machine is as it was without the cluster")
        return 0
    print(*(f"- {line}" for line in gone), *(f"+ {line}" for line in new), sep="\n")
    print("this machine is not as it was without the cluster; something else may be why")
    return 1


if __name__ == "__main__":
    if sys.argv[1:] == ["describe"]:
        print("\n".join(sorted(describe())))
    elif len(sys.argv) in (3, 4) and sys.argv[1] == "compare":
        sys.exit(compare(set(Path(sys.argv[2]).read_text().splitlines()), *sys.argv[3:]))
    else:
        sys.exit(__doc__)
