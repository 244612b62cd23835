"""Say what the roles need to know of this host and this user, and print it as JSON.

Ansible's own module for that packs and runs a hundred files, which takes longer than any other
question of a deploy.

Usage: host.py

The answer: {"uid": int, "home": str, "system": str, "machine": str, "python": str,
"distribution": {"id": str, "family": [str], "version": str, "codename": str, "name": str},
"misleading": [str]}.
`system` and `machine` are those of uname; `distribution` is what os-release says, "" where it says
nothing, and its family begins with itself. `python` is the one that runs this. `misleading` has the
names of variables that would lead the modules for Kubernetes to another cluster than the named one.
"""

import json
import os
import platform
import pwd
import re
import shlex
import sys
from pathlib import Path

OS_RELEASE = (Path("/etc/os-release"), Path("/usr/lib/os-release"))
# kubernetes.core would follow them, kubectl would not.
MISLEADING = re.compile(
    "K8S_AUTH_(HOST|API_KEY|USERNAME|PASSWORD|CLIENT_|CERT_|KEY_|IMPERSONATE_|PROXY)"
)


def os_release() -> dict[str, str]:
    """Return the fields of os-release; none on a system that has no such file."""
    for path in OS_RELEASE:
        try:
            words = shlex.split(path.read_text(encoding="utf-8"), comments=True)
        except FileNotFoundError:
            continue
        return dict(word.split("=", 1) for word in words if "=" in word)
    return {}


def distribution() -> dict[str, object]:
    fields = os_release()
    own = fields.get("ID", "")
    return {
        "id": own,
        "family": [own, *fields.get("ID_LIKE", "").split()],
        "version": fields.get("VERSION_ID", ""),
        "codename": fields.get("VERSION_CODENAME", ""),
        "name": fields.get("PRETTY_NAME") or f"{platform.system()} {platform.release()}",
    }


def main() -> None:
    host = {
        "uid": os.getuid(),
        "home": os.environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir,
        "system": platform.system(),
        "machine": platform.machine(),
        "python": sys.executable,
        "distribution": distribution(),
        "misleading": sorted(filter(MISLEADING.match, os.environ)),
    }
    print(json.dumps(host))


if __name__ == "__main__":
    main()
