"""Look at what a cluster has of an instance, and print it as JSON. Changes nothing.

One process, because each task of a playbook costs half a second. No data of a Secret is asked for.

Usage: state.py QUESTION, a JSON object with
    kubectl    the beginning of every call, which names context and namespace
    namespace, name, instance   what the instance is called
    secret     name of the Secret with its API keys; asked for by name, as listing is a right more

The answer: {"deployment": {...} or null, "secret": bool, "objects": {"Service/code-runner-service":
its apiVersion, kind, name and namespace, ...}, "applied": [{...}], "problem": ""}, where `objects`
are those that carry the instance's label, `applied` what an apply made them of, and `problem` is
why kubectl failed, in its own words.
"""

import json
import subprocess
import sys
from typing import Any

# What we make, and so what we take away again.
KINDS = [
    "deployments.apps",
    "services",
    "serviceaccounts",
    "networkpolicies.networking.k8s.io",
    "poddisruptionbudgets.policy",
    "horizontalpodautoscalers.autoscaling",
    "ingresses.networking.k8s.io",
]
NAME = "{.apiVersion} {.kind} {.metadata.name} {.metadata.labels.code-runner\\.instance}"
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def definition(words: list[str], namespace: str) -> tuple[str, dict[str, Any]]:
    """Return `Kind/name` of an object, and what names it to the cluster."""
    version, kind, name = words
    identity = {"name": name, "namespace": namespace}
    return f"{kind}/{name}", {"apiVersion": version, "kind": kind, "metadata": identity}


def applied(item: dict[str, Any]) -> dict[str, Any]:
    """Return what the last apply was given, {} where there was none."""
    return dict(json.loads(item["metadata"].get("annotations", {}).get(APPLIED, "{}")))


def look(question: dict[str, Any]) -> dict[str, Any]:
    """Ask all questions at once, and sort the answers."""
    kubectl = [*question["kubectl"], "--request-timeout=20s", "get"]
    label = f"--selector=code-runner.instance={question['instance']}"
    asked = {
        "deployment": ["deployment", question["name"], "--output=json"],
        "secret": ["secret", question["secret"], f"--output=jsonpath={NAME}"],
        "objects": [",".join(KINDS), label, "--output=json"],
    }
    running = {
        name: subprocess.Popen(
            [*kubectl, *arguments, "--ignore-not-found"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, arguments in asked.items()
    }
    said = {name: process.communicate() for name, process in running.items()}
    problems = [said[name][1].strip() for name, process in running.items() if process.returncode]
    *secret, instance = said["secret"][0].split(" ")
    items = json.loads(said["objects"][0] or "{}").get("items", [])
    names = [[item["apiVersion"], item["kind"], item["metadata"]["name"]] for item in items]
    if instance == question["instance"]:
        names.append(secret)
    return {
        "deployment": json.loads(said["deployment"][0] or "null"),
        "secret": bool(secret),
        "objects": dict(definition(words, question["namespace"]) for words in names),
        "applied": [applied(item) for item in items],
        "problem": problems[0] if problems else "",
    }


if __name__ == "__main__":
    print(json.dumps(look(json.loads(sys.argv[1]))))
