"""Look where an instance is, and print it as JSON.

One process that asks everything at once: each task of a playbook costs half a second,
and this runs in front of every deploy, verification and teardown.

Usage: look.py QUESTION, a JSON object with
    provider   "auto", "podman", "minikube" or "kubernetes"
    namespace, name, pod   what the instance is called
    profile    the minikube profile
    kubeconfig "" or the path of the kubeconfig that stands in for kubectl's own choice
    containers_conf   path of a podman configuration of our own

The answer: {"containers_conf": bool, "podman": bool, "controllers": [str],
"rootless_network": str, "pod": {...}, "docker": str, "kubectl": bool, "kubeconfig": str,
"library": bool, "minikube_version": str, "minikube_status": str, "on_minikube": bool}.
`library` is the package that kubernetes.core needs of this very Python.
Tools that are missing or fail are answers too, not errors.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

SILENT = "does not answer"


def output(*argv: str, failure_counts: bool = True, silence: str = "") -> str:
    """Return what the command prints, "" when it is missing, `silence` when it takes 20 seconds.

    With `failure_counts` a command that fails printed nothing either.
    """
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=20, check=failure_counts
        )
    except subprocess.TimeoutExpired:
        return silence
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


def pod(name: str) -> dict[str, object]:
    """Return what podman knows of the pod, {} when it is not there."""
    found = json.loads(output("podman", "pod", "inspect", name) or "{}")
    # podman 4 prints one object, podman 5 a list of one.
    return dict(found[0] if isinstance(found, list) else found)


def docker() -> str:
    """Return the version of docker's daemon, "" when there is none or it does not answer."""
    return output("docker", "version", "--format", "{{.Server.Version}}").strip()


def minikube_version() -> str:
    return output("minikube", "version", "--short").strip()


def minikube_status(profile: str) -> str:
    """Return "Running", another state in minikube's words, or "" for a profile that is not there.

    A stopped one prints its state and fails; for one that takes too long it is `SILENT`.
    """
    asked = ("minikube", "-p", profile, "status", "--output=json")
    printed = output(*asked, failure_counts=False, silence=SILENT)
    try:
        found = json.loads(printed)
    except ValueError:
        return SILENT if printed == SILENT else ""
    # Several nodes are a list, the first is the control plane.
    node = found[0] if isinstance(found, list) else found
    states = [node.get("Host", ""), node.get("APIServer", "")]
    return next((state for state in states if state != "Running"), "Running")


def is_deployed(question: dict[str, str]) -> bool:
    """Tell whether the minikube has this instance; the reference's own Deployment is none."""
    return bool(
        output(
            "kubectl",
            f"--context={question['profile']}",
            f"--namespace={question['namespace']}",
            "--request-timeout=10s",
            "get",
            "deployment",
            f"--selector=code-runner.instance={question['pod']}",
            "--output=name",
        )
    )


def questions(question: dict[str, str]) -> dict[str, Callable[[], object]]:
    """Return what to ask, each only where the provider makes the answer matter."""
    provider = question["provider"]
    asked: dict[str, Callable[[], object]] = {}
    if provider in ("auto", "podman"):
        asked |= {"pod": partial(pod, question["pod"]), "controllers": controllers}
    if provider in ("auto", "minikube"):
        asked["minikube_version"] = minikube_version
        asked["minikube_status"] = partial(minikube_status, question["profile"])
    if provider != "podman":
        asked["docker"] = docker
    return asked


def look(question: dict[str, str]) -> dict[str, object]:
    """Ask the engines and minikube all at once, then a running minikube for the instance."""
    has_conf = Path(question["containers_conf"]).exists()
    if has_conf:
        os.environ["CONTAINERS_CONF"] = question["containers_conf"]
    if question["kubeconfig"]:
        os.environ["KUBECONFIG"] = question["kubeconfig"]
    with ThreadPoolExecutor() as threads:
        asked = {name: threads.submit(ask) for name, ask in questions(question).items()}
    found: dict[str, object] = {
        "pod": {},
        "controllers": [],
        "docker": "",
        "minikube_version": "",
        "minikube_status": "",
        **{name: answer.result() for name, answer in asked.items()},
    }
    may_be_there = question["provider"] == "auto" and found["minikube_status"] == "Running"
    return {
        **found,
        "containers_conf": has_conf,
        "podman": shutil.which("podman") is not None,
        "rootless_network": "slirp4netns" if shutil.which("slirp4netns") else "pasta",
        "kubectl": shutil.which("kubectl") is not None,
        "library": importlib.util.find_spec("kubernetes") is not None,
        "kubeconfig": os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser()),
        "on_minikube": may_be_there and is_deployed(question),
    }


if __name__ == "__main__":
    print(json.dumps(look(json.loads(sys.argv[1]))))
