"""Print what a person would look at first when a deployment fails: pods, events, last words.

Usage: evidence.py QUESTION, a JSON object with
    kubectl   the beginning of every call, which names context and namespace
    name      of the Deployment

Asks for nothing that may hold a secret. What cannot be asked is left out.
"""

import json
import re
import subprocess
import sys
from typing import Any

EVENTS = 15
LOG_LINES = 15


def kubectl(question: dict[str, Any], *arguments: str) -> str:
    done = subprocess.run(
        [*question["kubectl"], "--request-timeout=20s", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def show(title: str, lines: list[str]) -> None:
    print(f"--- {title}")
    print("\n".join(lines) or "none")


def events(question: dict[str, Any]) -> list[str]:
    """Return the last events of the Deployment, its ReplicaSets and its pods."""
    ours = re.compile(re.escape(question["name"]) + r"(-[0-9a-z]+(-[0-9a-z]{5})?)?$")
    said = kubectl(question, "get", "events", "--output=json")
    found = json.loads(said)["items"] if said else []
    found.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    # What is tried again and again is shown once, as it was said last.
    found = list({(e["involvedObject"]["name"], e.get("reason")): e for e in found}.values())
    return [
        "{:20} {:7} {:18} {}: {}".format(
            event.get("lastTimestamp") or (event.get("eventTime") or "")[:19],
            event.get("type", ""),
            event.get("reason", ""),
            event["involvedObject"]["name"],
            " ".join(event.get("message", "").split()),
        )
        for event in found
        if ours.match(event["involvedObject"]["name"])
    ][-EVENTS:]


def last_words(question: dict[str, Any]) -> None:
    """Show the log of each container that is not ready, and of its run before, if it had one."""
    said = kubectl(question, "get", "pods", f"--selector=app={question['name']}", "--output=json")
    for pod in json.loads(said)["items"] if said else []:
        for container in pod["status"].get("containerStatuses", []):
            if container["ready"] or "deletionTimestamp" in pod["metadata"]:
                continue
            arguments = ["logs", pod["metadata"]["name"], f"--container={container['name']}"]
            arguments.append(f"--tail={LOG_LINES}")
            log = kubectl(question, *arguments)
            if container["restartCount"]:
                log = kubectl(question, *arguments, "--previous") + log
            show(f"last lines of {arguments[1]}, {container['name']}", log.splitlines())


if __name__ == "__main__":
    question = json.loads(sys.argv[1])
    selector = f"--selector=app={question['name']}"
    show("pods", kubectl(question, "get", "pods", selector, "--output=wide").splitlines())
    show("last events", events(question))
    last_words(question)
