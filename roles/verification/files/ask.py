"""Ask the service with curl, at an address or through a port-forward of our own.

The port-forward ends with this program, whatever happens in between. The API key goes from its
Secret to curl's standard input and nowhere else: not into an argument, a file or a result.

Usage: ask.py QUESTION, a JSON object with
    requests   what to ask, a list of {"name": str, "path": str} for a GET and of
               {"name": str, "code": str, "timeout": number, "key": str} for a POST /run. Without
               "timeout" none is sent; "key" is "none" or a wrong one, the right one without it
    seconds    after which a request is given up
    url        where the service is reached without a port-forward, or ""
    kubectl    the command with its context and namespace, a list, empty where there is no cluster
    name       of Deployment and Service
    port       the local port of the port-forward
    secret     the Secret with the API keys, or ""
    wait       seconds until the port-forward has to be there

The answer: {"way_in": str, "answers": {name: object}, "statuses": {name: str},
"replies": {name: str}}, how the service was reached, and for each request the body where it is a
JSON object, the HTTP status ("000" without an answer), and "200 with JSON" or the like. Where
nothing can be asked, exits with 1 and one line of what is wrong and what to do.
"""

import base64
import ctypes
import json
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PR_SET_PDEATHSIG = 1
KEYS_SECONDS = 150
UNAUTHORIZED = "401"
# The body when it is a JSON object, the name of the request, the HTTP status.
ANSWER = re.compile(r"^({.*})?.*\n@@ (\S+) (\d+)$", re.MULTILINE)


def main(question: dict[str, Any]) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    keys = keys_of(question) if question["secret"] else []
    with way_in(question) as (url, said):
        key = admitted(question, url, keys) if keys else ""
        found = ask(question, url, key, question["requests"])
    bodies = {name: as_object(body) for name, (body, _) in found.items()}
    answer = {
        "way_in": said,
        "answers": {name: body or {} for name, body in bodies.items()},
        "statuses": {name: status for name, (_, status) in found.items()},
        "replies": {
            name: status if bodies[name] is None else f"{status} with JSON"
            for name, (_, status) in found.items()
        },
    }
    print(json.dumps(answer))


@contextmanager
def way_in(question: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the address of the service, and how it is reached."""
    url = question["url"]
    if not url:
        target = port_forward_target(question)
        stop_at_a_taken_port(question["port"])
        with port_forward(question, target) as said:
            yield f"http://127.0.0.1:{question['port']}", said
        return
    if question["kubectl"]:
        # An address of the cluster may refuse for a moment after a deploy.
        patience = ("--retry", "10", "--retry-delay", "1", "--retry-connrefused")
        curl("--output", "/dev/null", *patience, f"{url}/health")
    yield url, f"{url}, without a port-forward"


def kubectl(question: dict[str, Any], *arguments: str) -> dict[str, Any]:
    """Return the object that kubectl prints; exits with its last words when it fails."""
    done = subprocess.run(
        [*question["kubectl"], "--request-timeout=20s", *arguments, "--output=json"],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        words = (done.stderr.strip() or "no reason given").splitlines()[-1]
        sys.exit(f"kubectl {arguments[0]} {arguments[1]}: {words}")
    return dict(json.loads(done.stdout))


def keys_of(question: dict[str, Any]) -> list[str]:
    secret = kubectl(question, "get", f"secret/{question['secret']}")
    keys = base64.b64decode(secret.get("data", {}).get("api-keys", "")).decode().split()
    if not keys:
        sys.exit(f"Secret {question['secret']} has no key in `api-keys`: deploy again")
    return keys


def admitted(question: dict[str, Any], url: str, keys: list[str]) -> str:
    """Return the first key that the gateway takes.

    A changed Secret is not in the pods at once: the kubelet brings it there within about a minute.
    """
    # Blank code is refused, but only after the key was looked at.
    blank = [{"name": "blank", "code": " "}]
    give_up = time.monotonic() + KEYS_SECONDS
    while time.monotonic() < give_up:
        for key in keys:
            _, status = ask(question, url, key, blank)["blank"]
            if status != UNAUTHORIZED:
                return key
        time.sleep(1)
    sys.exit(f"The gateway took no key of the Secret within {KEYS_SECONDS} seconds: deploy again")


def ask(
    question: dict[str, Any], url: str, key: str, requests: list[dict[str, Any]]
) -> dict[str, tuple[str, str]]:
    """Return the body, "" when it is no JSON object, and the status of each request."""
    # All requests in one process, by standard input: no process list shows them.
    configuration = "next\n".join(
        options_of(request, url, key, question["seconds"]) for request in requests
    )
    said = curl("--config", "-", text=configuration)
    found = {name: (body, status) for body, name, status in ANSWER.findall(said)}
    return {request["name"]: found.get(request["name"], ("", "000")) for request in requests}


def options_of(request: dict[str, Any], url: str, key: str, seconds: float) -> str:
    """Return the lines of a curl configuration that send the request."""
    options = [
        ("url", url + request.get("path", "/run")),
        ("noproxy", "*"),
        ("max-time", str(seconds)),
        ("write-out", f"\n@@ {request['name']} %{{http_code}}\n"),
    ]
    if "code" in request:
        body = {field: request[field] for field in ("code", "timeout") if field in request}
        options += [("header", "Content-Type: application/json"), ("data", json.dumps(body))]
        if key and request.get("key") != "none":
            options.append(("header", f"Authorization: Bearer {request.get('key', key)}"))
    # curl reads what is in double quotes as JSON does, as long as it is ASCII.
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in options)


def as_object(body: str) -> dict[str, Any] | None:
    """Return the JSON object that the body is, None when it is none."""
    try:
        return dict(json.loads(body))
    except ValueError:
        return None


def port_forward_target(question: dict[str, Any]) -> list[str]:
    """Return what to forward to: the Service, or the newest pod while another one leaves.

    kubectl forwards to the Service's oldest ready pod, which during a rolling update is the one
    that will refuse runs in a moment.
    """
    name = question["name"]
    found = kubectl(question, "get", "deployments,pods", f"--selector=app={name}")["items"]
    if not any(item["kind"] == "Deployment" and item["metadata"]["name"] == name for item in found):
        sys.exit(
            f"{name} is not deployed in this namespace ({' '.join(question['kubectl'])}): "
            "run ansible-playbook deploy.yml first, with the same settings"
        )
    pods = [item for item in found if item["kind"] == "Pod"]
    staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    ready = [pod for pod in staying if condition(pod, "Ready")]
    if not ready:
        states = "; ".join(map(state, staying)) or "there is no pod"
        sys.exit(f"No pod of {name} is ready ({states}): see ansible-playbook playbooks/status.yml")
    if len(pods) == len(ready):
        return [f"service/{name}", f"{question['port']}:80"]
    newest = max(ready, key=lambda pod: pod["metadata"]["creationTimestamp"])
    return [f"pod/{newest['metadata']['name']}", f"{question['port']}:8000"]


def condition(pod: dict[str, Any], kind: str) -> bool:
    listed = pod["status"].get("conditions", [])
    return any(item["type"] == kind and item["status"] == "True" for item in listed)


def state(pod: dict[str, Any]) -> str:
    """Return why a pod is not ready, as briefly as its containers say it."""
    reasons = {
        f"{container['name']} {waiting['reason']}"
        for container in pod["status"].get("containerStatuses", [])
        if (waiting := container["state"].get("waiting")) and "reason" in waiting
    }
    words = ", ".join(sorted(reasons)) or pod["status"].get("phase", "unknown")
    return f"{pod['metadata']['name']}: {words}"


def stop_at_a_taken_port(port: int) -> None:
    with socket.socket() as probe:
        # As the port-forward does it: a connection that has just ended is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            sys.exit(
                f"Port {port} on 127.0.0.1 is taken by another program: end it, or choose another "
                f"port for the port-forward with -e code_runner_port={port + 1}"
            )


@contextmanager
def port_forward(question: dict[str, Any], target: list[str]) -> Iterator[str]:
    """Forward the port, yield what kubectl says of it, and end it again."""
    # Should this program be killed, the kernel ends the port-forward.
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    forward = subprocess.Popen(
        [*question["kubectl"], "port-forward", "--address=127.0.0.1", *target],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=(lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)) if libc else None,
    )
    try:
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=read_lines, args=(forward, lines), daemon=True).start()
        yield first_line(question, lines)
    finally:
        forward.terminate()
        try:
            forward.wait(timeout=5)
        except subprocess.TimeoutExpired:
            forward.kill()
            forward.wait()


def read_lines(forward: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    """Read on to the end, so that the port-forward never waits for a reader."""
    assert forward.stdout
    for line in forward.stdout:
        lines.put(line.strip())
    lines.put("")


def first_line(question: dict[str, Any], lines: "queue.Queue[str]") -> str:
    try:
        said = lines.get(timeout=question["wait"])
    except queue.Empty:
        sys.exit(f"kubectl port-forward opened no port within {question['wait']} seconds")
    if not said.startswith("Forwarding from"):
        sys.exit(f"kubectl port-forward: {said or 'it ended without a word'}")
    return said


def curl(*arguments: str, text: str = "") -> str:
    """Return what curl prints. A request without an answer is a row of the table, not an error."""
    if not shutil.which("curl"):
        sys.exit("curl not found: apt-get install --no-install-recommends curl")
    done = subprocess.run(
        ["curl", "--silent", "--noproxy", "*", *arguments],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )
    return done.stdout


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
