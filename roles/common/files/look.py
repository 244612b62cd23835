"""Look where an instance is, and print it as JSON.

One process that asks everything: each task of a playbook costs half a second,
and this runs in front of every deploy, verification and teardown.

Usage: look.py QUESTION, a JSON object with
    provider   "auto", "podman", "minikube" or "kubernetes"
    namespace, name, pod   what the instance is called
    profile    the minikube profile
    containers_conf   path of a podman configuration of our own

The answer: {"containers_conf": bool, "podman": bool, "controllers": [str],
"rootless_network": str, "pod": {...}, "minikube": bool, "on_minikube": bool}.
Tools that are missing or fail are answers too, not errors.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path


def output(*argv: str) -> str:
    """Return what the command prints, or "" when it fails, is missing or takes 20 seconds."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def controllers() -> list[str]:
    """Return the cgroup controllers that may limit a container of this user.

    Root has them all; other users have what was delegated to them, on cgroup v1 nothing.
    """
    if os.geteuid() == 0:
        return ["cpu", "memory"]
    listed = output("podman", "info", "--format", "{{json .Host.CgroupControllers}}")
    return json.loads(listed or "[]") or []


def look(question: dict[str, str]) -> dict[str, object]:
    """Ask podman, and with provider "auto" also minikube, for the instance."""
    provider = question["provider"]
    has_conf = Path(question["containers_conf"]).exists()
    if has_conf:
        os.environ["CONTAINERS_CONF"] = question["containers_conf"]
    pod = ""
    if provider in ("auto", "podman"):
        pod = output("podman", "pod", "inspect", question["pod"])
    minikube = deployment = ""
    if provider == "auto":
        minikube = output("minikube", "-p", question["profile"], "status", "--output", "json")
    if minikube:
        deployment = output(
            "kubectl",
            f"--context={question['profile']}",
            f"--namespace={question['namespace']}",
            "--request-timeout=10s",
            "get",
            "deployment",
            question["name"],
            "--output=name",
        )
    found = json.loads(pod or "{}")
    return {
        "containers_conf": has_conf,
        "podman": shutil.which("podman") is not None,
        "controllers": controllers(),
        "rootless_network": "slirp4netns" if shutil.which("slirp4netns") else "pasta",
        # podman 4 prints one object, podman 5 a list of one.
        "pod": found[0] if isinstance(found, list) else found,
        "minikube": bool(minikube),
        "on_minikube": bool(deployment),
    }


if __name__ == "__main__":
    print(json.dumps(look(json.loads(sys.argv[1]))))
