"""Ask the cluster behind a context what the roles want to know of it, and print it as JSON.

One process that asks everything at once: each task of a playbook costs half a second.
Every call of kubectl names its context; nothing here changes anything.

Usage: cluster.py QUESTION, a JSON object with
    kubectl    argv of kubectl with its context, and its kubeconfig where it is not the usual one
    namespace  of the instance
    whole      False: ask for nothing beyond the namespace
    rights     rules as those of a Role: [{"apiGroups": [str], "resources": [str], "verbs": [str]}]
    pull_secret   "" or the name of a Secret that has to be there

The answer, where None is "not asked, or not allowed to know":
    contexts   names of the contexts in the kubeconfig, when the cluster does not answer
    error      "" when the cluster answers, else why it does not
    client, server   versions of kubectl and of the cluster
    info       the first line of `kubectl cluster-info`, or None
    nodes      None or [{"name", "status", "version", "platform", "eligible", "schedulable",
               "handlers"}]; eligible: for pods of ours, though perhaps in trouble at the moment;
               schedulable: open to them now; handlers: the runtime handlers that offer user
               namespaces, "" is the default
    namespace  None, or {"phase": "Absent", "Active" or "Terminating", "labels": {...},
               "may_create": whether this user may create it, when it is absent}
    missing    None, or ["deployments.apps (create, patch)"]: rights that this user lacks
    pull_secret   None, or the type of that Secret, "" when it is not there
"""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from typing import Any

# A node with such a taint takes no pod of ours.
CLOSED = ("NoSchedule", "NoExecute")
# Taints that Kubernetes puts on a node in trouble or under maintenance, and takes away again.
PASSING = "node.kubernetes.io/"


def call(argv: list[str], text: str = "") -> tuple[str, str]:
    """Return what the command prints and "", or "" and its last words."""
    try:
        done = subprocess.run(
            argv, input=text, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.SubprocessError) as failure:
        return "", str(failure)
    if done.returncode:
        return done.stdout, (done.stderr.strip() or "no reason given").splitlines()[-1]
    return done.stdout, ""


def node(seen: dict[str, Any]) -> dict[str, Any]:
    """Return what matters of a Node."""
    status, spec = seen["status"], seen["spec"]
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status["conditions"])
    closed = [taint for taint in spec.get("taints", []) if taint["effect"] in CLOSED]
    info = status["nodeInfo"]
    is_linux = info["operatingSystem"] == "linux"
    reserved = [taint for taint in closed if not taint["key"].startswith(PASSING)]
    return {
        "name": seen["metadata"]["name"],
        "status": "Ready" if ready else "NotReady",
        "version": info["kubeletVersion"],
        "platform": f"{info['operatingSystem']}/{info['architecture']}",
        "eligible": is_linux and not reserved,
        "schedulable": is_linux and not spec.get("unschedulable") and not closed,
        "handlers": [
            handler.get("name", "")
            for handler in status.get("runtimeHandlers", [])
            if handler.get("features", {}).get("userNamespaces")
        ],
    }


def contexts(kubectl: list[str]) -> list[str]:
    return call([*kubectl, "config", "get-contexts", "--output=name"])[0].splitlines()


def nodes(kubectl: list[str]) -> list[dict[str, Any]] | None:
    listed, _ = call([*kubectl, "get", "--raw=/api/v1/nodes"])
    return [node(seen) for seen in json.loads(listed)["items"]] if listed else None


def info(kubectl: list[str]) -> str | None:
    """Return the first line of `kubectl cluster-info`, without its colours."""
    said, _ = call([*kubectl, "cluster-info"])
    line = said.partition("\n")[0].replace("\x1b[0;32m", "").replace("\x1b[0;33m", "")
    return line.replace("\x1b[0m", "") or None


def namespace(kubectl: list[str], name: str) -> dict[str, Any] | None:
    found, error = call([*kubectl, "get", f"--raw=/api/v1/namespaces/{name}"])
    if "NotFound" in error:
        said, _ = call([*kubectl, "auth", "can-i", "create", "namespaces"])
        return {"phase": "Absent", "labels": {}, "may_create": said.strip() == "yes"}
    if error:
        return None
    seen = json.loads(found)
    labels = seen["metadata"].get("labels", {})
    return {"phase": seen["status"]["phase"], "labels": labels, "may_create": False}


def pull_secret(kubectl: list[str], where: str, name: str) -> str | None:
    found, error = call([*kubectl, "get", f"--raw=/api/v1/namespaces/{where}/secrets/{name}"])
    if error:
        return "" if "NotFound" in error else None
    return str(json.loads(found)["type"])


def missing(kubectl: list[str], where: str, rules: list[dict[str, list[str]]]) -> list[str] | None:
    """Return the rights that the user lacks, as the cluster itself says; any user may ask that."""
    rights = [
        (group, resource, verb)
        for rule in rules
        for group, resource, verb in product(rule["apiGroups"], rule["resources"], rule["verbs"])
    ]
    # One call for all of them: kubectl answers in the order of the questions.
    argv = [*kubectl, "create", "--validate=false", "--filename=-"]
    text = "\n---\n".join(json.dumps(review(where, *right)) for right in rights)
    said, error = call([*argv, "--output=jsonpath={.status.allowed}{'\\n'}"], text)
    answers = said.splitlines()
    if error or len(answers) != len(rights):
        return None
    lacking: dict[str, list[str]] = {}
    for (group, resource, verb), answer in zip(rights, answers, strict=True):
        if answer != "true":
            name = f"{resource}.{group}" if group else resource
            lacking.setdefault(name, []).append(verb)
    return [f"{name} ({', '.join(verbs)})" for name, verbs in lacking.items()]


def review(where: str, group: str, resource: str, verb: str) -> dict[str, Any]:
    """Return the question whether this user may do that, for the API server."""
    kind, _, subresource = resource.partition("/")
    attributes = {"namespace": where, "group": group, "resource": kind, "verb": verb}
    if subresource:
        attributes["subresource"] = subresource
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }


def questions(kubectl: list[str], question: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """Return what to ask of a cluster that answers."""
    where = question["namespace"]
    asked: dict[str, Callable[[], object]] = {
        "missing": partial(missing, kubectl, where, question["rights"])
    }
    if question["whole"]:
        asked["info"] = partial(info, kubectl)
        asked["nodes"] = partial(nodes, kubectl)
        asked["namespace"] = partial(namespace, kubectl, where)
    if question["pull_secret"]:
        asked["pull_secret"] = partial(pull_secret, kubectl, where, question["pull_secret"])
    return asked


def ask(question: dict[str, Any]) -> dict[str, Any]:
    kubectl = [*question["kubectl"], "--request-timeout=10s"]
    said, error = call([*kubectl, "version", "--output=json"])
    versions = json.loads(said or "{}")
    with ThreadPoolExecutor() as threads:
        asked = {
            name: threads.submit(ask)
            for name, ask in ({} if error else questions(kubectl, question)).items()
        }
    return {
        "client": versions.get("clientVersion", {}).get("gitVersion", ""),
        "contexts": contexts(kubectl) if error else [],
        "error": error,
        "server": versions.get("serverVersion", {}).get("gitVersion", ""),
        "info": None,
        "nodes": None,
        "namespace": None,
        "missing": None,
        "pull_secret": None,
        **{name: answer.result() for name, answer in asked.items()},
    }


if __name__ == "__main__":
    print(json.dumps(ask(json.loads(sys.argv[1]))))
