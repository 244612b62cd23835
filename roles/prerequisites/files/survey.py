"""Print, as JSON, what a machine offers to rootful and rootless containers.

Runs on the machine that runs the containers and needs the standard library only. Changes nothing.
Usage: survey.py CONTAINERS_CONF PORT..., the path of our own containers.conf, which need not be
there, and ports of 127.0.0.1 that should be free.
"""

import ctypes
import json
import os
import platform
import pwd
import resource
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

# Podman keeps its helpers outside PATH.
HELPER_FOLDERS = ["/usr/lib/podman", "/usr/libexec/podman", "/usr/local/libexec/podman"]
SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"]
TOOLS = [
    "aardvark-dns",
    "apt-get",
    "catatonit",
    "crun",
    "curl",
    "docker",
    "iptables",
    "mmdebstrap",
    "netavark",
    "newuidmap",
    "pasta",
    "podman",
    "runc",
    "slirp4netns",
]
CAP_SYS_RESOURCE = 24
# The same number on every architecture since Linux 5.13.
SYS_LANDLOCK_CREATE_RULESET = 444
LANDLOCK_CREATE_RULESET_VERSION = 1


def landlock_abi() -> int:
    """Return the Landlock ABI of the kernel, 0 without Landlock."""
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(
        SYS_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_CREATE_RULESET_VERSION
    )
    return max(abi, 0)


def effective_capabilities() -> int:
    try:
        with Path("/proc/self/status").open(encoding="ascii") as status:
            return next(int(line.split()[1], 16) for line in status if line.startswith("CapEff:"))
    except (OSError, StopIteration):
        return 0


def hard_limit(kind: int) -> int:
    limit = resource.getrlimit(kind)[1]
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


def subordinate_ids(path: Path) -> int:
    """Return how many subordinate ids the user has in /etc/subuid or /etc/subgid."""
    user = pwd.getpwuid(os.getuid()).pw_name
    total = 0
    try:
        with path.open(encoding="utf-8") as table:
            for line in table:
                owner, _, rest = line.strip().partition(":")
                if owner in (user, str(os.getuid())):
                    total += int(rest.split(":")[1])
    except (OSError, IndexError, ValueError):
        pass
    return total


def is_taken(port: int) -> bool:
    """Tell whether anything listens on that port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def podman_info(podman: str, configuration: str) -> dict[str, Any]:
    """Return what podman says of itself, or {"error": its last words}."""
    environment = {**os.environ, **({"CONTAINERS_CONF": configuration} if configuration else {})}
    if os.geteuid() == 0:
        # Podman asks the package manager that it finds which packages its helpers are of, which
        # takes three times as long as all the rest. The helpers themselves it finds without PATH.
        answer = asked(podman, {**environment, "PATH": os.pathsep.join(HELPER_FOLDERS)}, 20)
        if "error" not in answer:
            return answer
    return asked(podman, environment, 60)


def asked(podman: str, environment: dict[str, str], seconds: int) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [podman, "info", "--format", "json"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
    except subprocess.CalledProcessError as failure:
        return {"error": (failure.stderr.strip() or "no reason given").splitlines()[-1]}
    except (OSError, ValueError, subprocess.TimeoutExpired) as failure:
        return {"error": str(failure)}


def chosen_network(info: dict[str, Any]) -> str:
    """Return "netavark" or "cni", as podman noted at its first start, "" without a note."""
    note = Path(info.get("store", {}).get("graphRoot", "")) / "defaultNetworkBackend"
    try:
        return note.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def main() -> None:
    conf = Path(sys.argv[1])
    written = conf.read_text(encoding="utf-8") if conf.is_file() else ""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS, *HELPER_FOLDERS])
    found = {tool: shutil.which(tool, path=path) or "" for tool in TOOLS}
    podman = podman_info(found["podman"], str(conf) if written else "") if found["podman"] else {}
    print(
        json.dumps(
            {
                "tools": found,
                "containers_conf": written,
                "podman": podman,
                "chosen_network": chosen_network(podman),
                "kernel": platform.release(),
                "landlock_abi": landlock_abi(),
                "cgroup": 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1,
                "hugetlb": Path("/sys/fs/cgroup/hugetlb").is_dir(),
                "may_raise_limits": bool(effective_capabilities() >> CAP_SYS_RESOURCE & 1),
                "nofile": hard_limit(resource.RLIMIT_NOFILE),
                "nproc": hard_limit(resource.RLIMIT_NPROC),
                "may_tunnel": os.access("/dev/net/tun", os.R_OK | os.W_OK),
                "taken_ports": [port for port in map(int, sys.argv[2:]) if is_taken(port)],
                "user": pwd.getpwuid(os.getuid()).pw_name,
                "subuids": subordinate_ids(Path("/etc/subuid")),
                "subgids": subordinate_ids(Path("/etc/subgid")),
            }
        )
    )


main()
