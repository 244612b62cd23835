"""Ask the service of a cluster, through a port-forward of our own or at an address of the user's.

The port-forward ends with this program, whatever happens in between. The API key goes from its
Secret to curl's standard input and nowhere else: not into an argument, a file or a result.

Usage: ask.py QUESTION < CURL_CONFIGURATION, where QUESTION is a JSON object with
    kubectl    the command with its context and namespace, a list
    name       of Deployment and Service
    port       the local port of the port-forward
    url        where the service is reached without a port-forward, or ""
    secret     the Secret with the API keys, or ""
    placeholder  what stands for the key in the configuration
    wait       seconds until the port-forward has to be there

Prints what curl prints, and to standard error how the service was reached. Where nothing can be
asked, exits with 1 and one line of what is wrong and what to do.
"""

import base64
import ctypes
import json
import queue
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
BLANK_RUN = """
url = "{url}/run"
header = "Content-Type: application/json"
header = "Authorization: Bearer {key}"
data = "{{\\"code\\": \\" \\"}}"
output = "/dev/null"
write-out = "%{{http_code}}"
"""


def main(question: dict[str, Any]) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    configuration = sys.stdin.read()
    keys = keys_of(question) if question["secret"] else []
    if question["url"]:
        # An address of the cluster may refuse for a moment after a deploy.
        patience = ("--retry", "10", "--retry-delay", "1", "--retry-connrefused")
        curl("--output", "/dev/null", *patience, f"{question['url']}/health")
        answers = ask(question, question["url"], keys, configuration)
        print(f"{question['url']}, without a port-forward", file=sys.stderr)
        print(answers)
        return
    target = port_forward_target(question)
    stop_at_a_taken_port(question["port"])
    with port_forward(question, target) as said:
        answers = ask(question, f"http://127.0.0.1:{question['port']}", keys, configuration)
        print(said, file=sys.stderr)
        print(answers)


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
    # Between the double quotes of a curl configuration.
    return [key.replace("\\", "\\\\").replace('"', '\\"') for key in keys]


def ask(question: dict[str, Any], url: str, keys: list[str], configuration: str) -> str:
    """Return the answers to the requests, sent with a key that is admitted where there are keys."""
    if keys:
        configuration = configuration.replace(question["placeholder"], admitted(url, keys))
    return curl("--config", "-", text=configuration)


def admitted(url: str, keys: list[str]) -> str:
    """Return the first key that the gateway takes.

    A changed Secret is not in the pods at once: the kubelet brings it there within about a minute.
    """
    give_up = time.monotonic() + KEYS_SECONDS
    while time.monotonic() < give_up:
        for key in keys:
            # Blank code is refused, but only after the key was looked at.
            request = BLANK_RUN.format(url=url, key=key)
            if curl("--config", "-", text=request) != UNAUTHORIZED:
                return key
        time.sleep(1)
    sys.exit(f"The gateway took no key of the Secret within {KEYS_SECONDS} seconds: deploy again")


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
    done = subprocess.run(
        ["curl", "--silent", "--noproxy", "*", *arguments],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return done.stdout


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
