"""Wait until a Deployment runs as it was applied; end with the reason as soon as it cannot.

`kubectl rollout status` waits for the whole timeout, whatever happens to the pods.

Usage: rollout.py QUESTION, a JSON object with
    kubectl   the beginning of every call, which names context and namespace
    namespace that same namespace
    name      of the Deployment
    image     that its containers have to run
    at_least  pods that there have to be, for an autoscaler that has yet to start them
    timeout   seconds

Prints one line when everything runs; otherwise the reason on one line, and exits 1.
"""

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

POLL_SECONDS = 0.3
KINDS = {"Deployment": "apis/apps/v1", "ReplicaSet": "apis/apps/v1", "Pod": "api/v1"}

# States that a container does not leave by itself, and the seconds for which they may be passing.
HOPELESS = {
    "ErrImageNeverPull": 0,
    "InvalidImageName": 0,
    "CreateContainerConfigError": 5,
    "CreateContainerError": 10,
    "RunContainerError": 10,
    "ImagePullBackOff": 15,
}
HOPELESS_RESTARTS = 2
# A quota may be full only until a pod that leaves has gone.
REFUSED_SECONDS = 10
# The first probe of /ready comes after 5 seconds.
NOT_READY_SECONDS = 20
# The kubelet tries again what it could not do, such as mounting a volume.
STUCK_SECONDS = 15
FORWARD_SECONDS = 15


class Api(http.client.HTTPConnection):
    """The API server through a `kubectl proxy`: a question costs a tenth of a call of kubectl."""

    def __init__(self, path: str, namespace: str) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path
        self._namespace = namespace

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def list(self, kind: str, group: str = "api/v1", **selectors: str) -> list[dict[str, Any]]:
        """Return the objects of that kind, [] when it fails: a cluster may be busy for a moment."""
        query = "&".join(f"{name}={quote(value)}" for name, value in selectors.items())
        try:
            self.request("GET", f"/{group}/namespaces/{self._namespace}/{kind.lower()}s?{query}")
            with self.getresponse() as response:
                said = response.read()
                found = json.loads(said)["items"] if response.status == 200 else []
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            return []
        # In a list, the server leaves their kind out.
        return [{**item, "kind": kind} for item in found]


@contextmanager
def proxy(question: dict[str, Any]) -> Iterator[Api]:
    """Have `kubectl proxy` listen on a socket that nobody else can reach."""
    with tempfile.TemporaryDirectory(prefix="code-runner-") as folder:
        path = f"{folder}/proxy"
        with subprocess.Popen(
            [*question["kubectl"], "proxy", f"--unix-socket={path}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                assert process.stdout is not None
                process.stdout.readline()  # it listens
                yield Api(path, question["namespace"])
            finally:
                process.kill()


def annotation(item: dict[str, Any], name: str) -> str:
    return str(item["metadata"].get("annotations", {}).get(name, ""))


def owner(item: dict[str, Any]) -> str:
    return next((o["uid"] for o in item["metadata"].get("ownerReferences", [])), "")


def conditions(item: dict[str, Any], kind: str, status: str) -> list[str]:
    """Return the messages of the conditions of that kind and status."""
    found = item["status"].get("conditions", [])
    return [c.get("message", "") for c in found if c["type"] == kind and c["status"] == status]


def is_ours(item: dict[str, Any], question: dict[str, Any]) -> bool:
    return item["kind"] == "Deployment" and item["metadata"]["name"] == question["name"]


def is_settled(deployment: dict[str, Any], question: dict[str, Any]) -> bool:
    """Whether all pods are of the newest template, available, and as many as there should be."""
    status = deployment["status"]
    wanted = deployment["spec"]["replicas"]
    images = {c["image"] for c in deployment["spec"]["template"]["spec"]["containers"]}
    counts = {status.get(kind, 0) for kind in ("replicas", "updatedReplicas", "availableReplicas")}
    return (
        status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        and images == {question["image"]}
        and wanted >= question["at_least"]
        and counts == {wanted}
    )


def obstacles(
    deployment: dict[str, Any], found: list[dict[str, Any]], timeout: float
) -> Iterator[tuple[str, float, str]]:
    """Yield what stands in the way: a name, the seconds it may last, and its words."""
    if deployment["status"].get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        # Until the controller has seen it, the newest pods are those of the version before.
        return
    if deployment["spec"].get("paused"):
        yield "paused", 0, "The Deployment is paused: kubectl rollout resume"
    if not deployment["spec"]["replicas"]:
        yield "none", 0, "The Deployment was scaled to 0: kubectl scale --replicas=1 wakes it"
    revision = annotation(deployment, "deployment.kubernetes.io/revision")
    newest = [
        item
        for item in found
        if item["kind"] == "ReplicaSet"
        and owner(item) == deployment["metadata"]["uid"]
        and annotation(item, "deployment.kubernetes.io/revision") == revision
    ]
    for replica_set in newest:
        for message in conditions(replica_set, "ReplicaFailure", "True"):
            yield "refused", REFUSED_SECONDS, refusal(message)
    owners = {item["metadata"]["uid"] for item in newest}
    for pod in found:
        if pod["kind"] == "Pod" and owner(pod) in owners and not leaves(pod):
            yield from obstacles_of_pod(pod, timeout)


def leaves(pod: dict[str, Any]) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def refusal(message: str) -> str:
    """Put into words why the cluster makes no pod."""
    if "exceeded quota" in message:
        return (
            f"The namespace's quota is too small (an update needs room for one pod more): "
            f"{message}. Raise it, or ask for less with code_runner_slots, code_runner_replicas or "
            "code_runner_run_memory_mib."
        )
    return f"The namespace refuses the pods by a policy of its own: {message}"


def obstacles_of_pod(pod: dict[str, Any], timeout: float) -> Iterator[tuple[str, float, str]]:
    name = pod["metadata"]["name"]
    for message in conditions(pod, "PodScheduled", "False"):
        # A cluster that adds nodes by itself needs its time.
        yield f"{name} unscheduled", timeout / 2, f"No node takes pod {name}: {message}"
    states = pod["status"].get("containerStatuses", [])
    for container in states:
        waiting = container["state"].get("waiting", {})
        reason = waiting.get("reason", "")
        where = f"container {container['name']} of pod {name}"
        if reason in HOPELESS:
            words = f"{reason}, {where}: {waiting.get('message', 'no message')}"
            yield f"{where} {reason}", HOPELESS[reason], words
        elif reason == "CrashLoopBackOff" and container["restartCount"] >= HOPELESS_RESTARTS:
            ended = container.get("lastState", {}).get("terminated", {})
            words = f"{ended.get('reason', 'Error')}, exit code {ended.get('exitCode', 'unknown')}"
            yield f"{where} {reason}", 0, f"{reason}, {where}: it ends again and again ({words})"
        elif reason == "ContainerCreating":
            yield f"stuck: {name}", STUCK_SECONDS, f"The node cannot start pod {name}"
    if states and all("running" in c["state"] for c in states):
        for message in conditions(pod, "Ready", "False"):
            yield f"not ready: {name}", NOT_READY_SECONDS, f"Pod {name} is not ready, {message}"


class AnyStatus(urllib.request.HTTPErrorProcessor):
    """Hands over every answer: a pod that is not ready says so with status 503."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response


def reasons(question: dict[str, Any], pod: str) -> str:
    """Return what /ready of the pod gives as reasons, "" when it gives none or does not answer.

    Asked through a port-forward, which no NetworkPolicy stands in the way of; it is ended after
    `FORWARD_SECONDS`, whatever it waits for.
    """
    forward = subprocess.Popen(
        [*question["kubectl"], "port-forward", f"pod/{pod}", ":8000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    end = threading.Timer(FORWARD_SECONDS, forward.kill)
    end.start()
    try:
        assert forward.stdout is not None
        port = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
        if port is None:
            return ""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), AnyStatus())
        with opener.open(f"http://127.0.0.1:{port[1]}/ready", timeout=5) as answer:
            said = "; ".join(json.load(answer).get("reasons", []))
            return f"/ready says {said}" if said else ""
    except (OSError, ValueError):
        return ""
    finally:
        end.cancel()
        forward.kill()
        forward.communicate()


def warning(api: Api, pod: str) -> str:
    """Return the last warning among the events of the pod, "" when there is none."""
    found = api.list("Event", fieldSelector=f"type=Warning,involvedObject.name={pod}")
    found.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    return f"{found[-1]['reason']}: {found[-1]['message']}" if found else ""


def why_hopeless(
    question: dict[str, Any],
    api: Api,
    found: dict[str, tuple[float, str]],
    since: dict[str, float],
) -> str:
    """Return the words of the first obstacle that has lasted too long, "" while there is none."""
    for name, (seconds, words) in found.items():
        if time.monotonic() - since[name] < seconds:
            continue
        kind, _, pod = name.partition(": ")
        # Where the state of a pod alone does not tell why.
        if kind == "not ready":
            said = reasons(question, pod)
        elif kind == "stuck":
            said = warning(api, pod)
        else:
            return words
        if said:
            return f"{words}: {said}"
        # Without a reason it may only be slow.
        since[name] = time.monotonic()
    return ""


def wait(question: dict[str, Any], api: Api) -> tuple[bool, str]:
    """Return whether the rollout has succeeded, and a line about it."""
    begin = time.monotonic()
    since: dict[str, float] = {}
    ours = f"app={question['name']}"
    while True:
        items = [
            item
            for kind, group in KINDS.items()
            for item in api.list(kind, group, labelSelector=ours)
        ]
        deployment = next((item for item in items if is_ours(item, question)), None)
        if deployment and is_settled(deployment, question):
            return True, f"{deployment['status']['availableReplicas']} pods run {question['image']}"
        found = {}
        if deployment:
            seen = obstacles(deployment, items, question["timeout"])
            found = {name: (seconds, words) for name, seconds, words in seen}
        since = {name: since.get(name, time.monotonic()) for name in found}
        if reason := why_hopeless(question, api, found, since):
            return False, reason
        if time.monotonic() - begin >= question["timeout"]:
            status = deployment.get("status", {}) if deployment else {}
            words = "; ".join(words for _, words in found.values()) or json.dumps(status)
            return False, f"Not finished after {question['timeout']} seconds: {words}"
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    # An exit like any other, so that neither proxy nor port-forward outlives this program.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    asked = json.loads(sys.argv[1])
    with proxy(asked) as server:
        succeeded, line = wait(asked, server)
    print(" ".join(line.split()))
    sys.exit(not succeeded)
