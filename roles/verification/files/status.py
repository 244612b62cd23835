"""Print the state of an instance on a cluster on one screen, also when nothing answers.

Each pod is asked for its slots and walls from inside, so that neither a NetworkPolicy nor an API
key nor a busy local port stands in the way.

Usage: status.py QUESTION, a JSON object with
    kubectl  the command with its context and namespace, a list
    name     of the Deployment
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

KINDS = "deployments,pods,networkpolicies,poddisruptionbudgets,horizontalpodautoscalers,ingresses"
EVENTS = 8
# What kubectl prints, with exit status 0, as the log of a container that was removed.
REMOVED = "unable to retrieve container logs"
REVISION = "deployment.kubernetes.io/revision"
# The gateway answers 503 when it is not ready, and then its reasons are what is wanted.
ASK = """
import urllib.error, urllib.request
try:
    answer = urllib.request.urlopen("http://127.0.0.1:8000/ready", timeout=3)
except urllib.error.HTTPError as refusal:
    answer = refusal
print(answer.read().decode())
"""

Item = dict[str, Any]


class Kubectl:
    """The cluster and the namespace that are meant."""

    def __init__(self, argv: list[str]) -> None:
        self.argv = argv

    def say(self, *arguments: str) -> tuple[bool, str]:
        """Return whether it worked, and what was said."""
        argv = [*self.argv, "--request-timeout=10s", *arguments]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired) as error:
            return False, str(error)
        return done.returncode == 0, (done.stdout.strip() or done.stderr.strip())

    def items(self, *arguments: str) -> list[Item]:
        """Return what was found; what may not be listed is as good as absent."""
        said = self.say("get", *arguments, "--output=json")[1]
        try:
            return list(json.loads(said).get("items", []))
        except ValueError:
            return []


def screen(kubectl: Kubectl, name: str) -> Iterator[str]:
    selector = f"--selector=app={name}"
    with ThreadPoolExecutor() as pool:
        events = pool.submit(kubectl.items, "events", "--sort-by=.lastTimestamp")
        rollout = pool.submit(
            kubectl.say, "rollout", "status", f"deployment/{name}", "--watch=false"
        )
        found = kubectl.items(KINDS, selector)
        pods = [item for item in found if item["kind"] == "Pod"]
        answers = list(pool.map(lambda pod: ready(kubectl, pod), pods))
        last_words = list(pool.map(lambda pod: list(troubles(kubectl, pod)), pods))
    worked, said = rollout.result()
    if not found and not worked:
        yield f"Nothing of it is here: {said}"
        return
    yield from of_the_deployment(found, name, said)
    yield ""
    yield from table([HEADER, *(of_a_pod(*each) for each in zip(pods, answers, strict=True))])
    yield from of_the_walls(answers)
    yield from (line for lines in last_words for line in lines)
    yield ""
    yield "Last events:"
    yield from of_the_events(events.result(), name) or ["  none"]


def of_the_deployment(found: list[Item], name: str, rollout: str) -> Iterator[str]:
    kinds = {item["kind"]: item for item in found if item["metadata"]["name"] == name}
    if deployment := kinds.get("Deployment"):
        status, spec = deployment["status"], deployment["spec"]
        revision = deployment["metadata"].get("annotations", {}).get(REVISION, "none yet")
        image = spec["template"]["spec"]["containers"][0]["image"]
        yield (
            f"Deployment:      {status.get('readyReplicas', 0)} of {spec['replicas']} pods ready, "
            f"{status.get('updatedReplicas', 0)} up to date, revision {revision}"
        )
        yield f"Image:           {image}"
    yield f"Rollout:         {(rollout.splitlines() or ['no answer'])[-1]}"
    if scaler := kinds.get("HorizontalPodAutoscaler"):
        status, spec = scaler["status"], scaler["spec"]
        yield (
            f"Autoscaler:      {spec['minReplicas']} to {spec['maxReplicas']} pods, now "
            f"{status.get('currentReplicas', 0)}, wanted {status.get('desiredReplicas', 0)}"
        )
    others = {
        "NetworkPolicy": "network policy",
        "PodDisruptionBudget": "disruption budget",
        "HorizontalPodAutoscaler": "autoscaler",
        "Ingress": "ingress",
    }
    yield "Beside it:       " + (
        ", ".join(words for kind, words in others.items() if kind in kinds) or "nothing"
    )


HEADER = ["POD", "READY", "STATE", "RESTARTS", "AGE", "NODE", "IMAGE", "SLOTS"]


def of_a_pod(pod: Item, answer: Item) -> list[str]:
    statuses = pod["status"].get("containerStatuses", [])
    slots = "not allowed to look" if answer.get("forbidden") else "no answer"
    if said := answer.get("slots"):
        slots = f"{said['alive']} of {said['total']} alive, {said['busy']} busy"
    return [
        pod["metadata"]["name"],
        f"{sum(each['ready'] for each in statuses)}/{len(pod['spec']['containers'])}",
        "Leaving" if "deletionTimestamp" in pod["metadata"] else pod["status"]["phase"],
        str(sum(each["restartCount"] for each in statuses)),
        age(pod["metadata"]["creationTimestamp"]),
        pod["spec"].get("nodeName", "none yet"),
        pod["spec"]["containers"][0]["image"].rpartition("/")[2],
        slots,
    ]


def age(since: str) -> str:
    """Return the whole days, hours, minutes or seconds since then."""
    begun = datetime.fromisoformat(since.replace("Z", "+00:00"))
    seconds = int((datetime.now(UTC) - begun).total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length}{unit}"
    return f"{max(seconds, 0)}s"


def ready(kubectl: Kubectl, pod: Item) -> Item:
    """Return what /ready says inside the pod, {} when it says nothing."""
    words = ["exec", pod["metadata"]["name"], "--container=code-runner", "--"]
    worked, said = kubectl.say(*words, "python3", "-c", ASK)
    try:
        return dict(json.loads(said)) if worked else {"forbidden": "cannot create resource" in said}
    except ValueError:
        return {}


def of_the_walls(answers: list[Item]) -> Iterator[str]:
    walls = [answer["walls"] for answer in answers if "walls" in answer]
    if not walls:
        return
    missing = sorted({wall for each in walls for wall in each["missing"]})
    everywhere = [wall for wall in walls[0]["standing"] if wall not in missing]
    yield ""
    yield f"Walls standing:  {', '.join(everywhere) or 'none'}"
    yield f"Walls missing:   {', '.join(missing) or 'none'}"
    for reason in sorted({reason for answer in answers for reason in answer.get("reasons", [])}):
        yield f"Reason:          {reason}"


def troubles(kubectl: Kubectl, pod: Item) -> Iterator[str]:
    """What a pod's containers that do not run, or had to begin again, say of themselves."""
    name = pod["metadata"]["name"]
    for each in pod["status"].get("containerStatuses", []):
        # None at all stands for waiting.
        state, why = next(iter(each["state"].items()), ("waiting", {}))
        again = each["restartCount"] > 0
        runs = state == "running"
        if runs and (each["ready"] or not again):
            continue
        words = f"{why.get('reason', '')} {why.get('message', '')}".strip() or state
        if runs:
            words = "running again, not ready yet"
        yield ""
        yield f"{name}, {each['name']}: {words}"
        if again or state == "terminated":
            said = last_words(kubectl, name, each["name"], of_the_one_before=runs)
            yield from (f"  {line}" for line in said.splitlines())
    for each in pod["status"].get("conditions", []):
        if each["type"] == "PodScheduled" and each["status"] != "True":
            yield ""
            yield f"{name}: {each.get('reason', '')} {each.get('message', '')}"


def last_words(kubectl: Kubectl, pod: str, container: str, *, of_the_one_before: bool) -> str:
    """The end of a container's log or of that of the one before it: of the other if that is gone.

    The container may end or begin between the look at its state and this one. Once it has ended,
    the one before it is removed; when it has only just begun, it has said nothing yet.
    """
    words = ["logs", pod, f"--container={container}", "--tail=3"]
    both = [words, [*words, "--previous"]]
    for asked in reversed(both) if of_the_one_before else both:
        worked, said = kubectl.say(*asked)
        if worked and said and not said.startswith(REMOVED):
            break
    return said


def of_the_events(events: list[Item], name: str) -> list[str]:
    """The last events about objects of this instance but the verification's pod, oldest first."""
    names = [event["involvedObject"].get("name", "") for event in events]
    ours = [
        event
        for event, about in zip(events, names, strict=True)
        if about.startswith(name) and not about.startswith(f"{name}-probe-")
    ]
    return [
        f"  {age(event.get('lastTimestamp') or event['metadata']['creationTimestamp']):>4} "
        f"{event['type']:<7} {event['reason']:<20} {event['involvedObject']['name']}: "
        + " ".join(event.get("message", "").split())[:200]
        for event in ours[-EVENTS:]
    ]


def table(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()


if __name__ == "__main__":
    question = json.loads(sys.argv[1])
    print("\n".join(screen(Kubectl(question["kubectl"]), question["name"])))
