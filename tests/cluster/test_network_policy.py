"""Nobody gets out of the pods, and only whom the settings name gets in: asked from pods.

A port-forward passes a NetworkPolicy by, so each question is put by a process in a container.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest
from clusters import Cluster, ClusterInstance, until

pytestmark = pytest.mark.usefixtures("enforcement_stays")

NAME = "code-runner-service"
# Connects over TCP, or sends a question over UDP and waits for an answer, each for two seconds.
ASK = """
import json, socket, sys
def outcome(kind, host, port):
    try:
        if kind == "tcp":
            socket.create_connection((host, port), timeout=2)
            return "reached"
        asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asker.settimeout(2)
        asker.connect((host, port))
        asker.send(bytes.fromhex("000101000001000000000000076b756265726e6574657300000100 01"))
        asker.recv(512)
        return "reached"
    except OSError as error:
        return type(error).__name__
print(json.dumps({name: outcome(*where) for name, where in json.loads(sys.argv[1]).items()}))
"""
LISTEN = "import socket, time; listener = socket.create_server(('', 8000)); time.sleep(600)"


@pytest.fixture(scope="module")
def deployed(
    shared: ClusterInstance, cluster: Cluster, enforcer: None
) -> Iterator[ClusterInstance]:
    """An instance that only pods with the label `may-call` may reach, and two pods beside it."""
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    instance = ClusterInstance(
        shared.tree, shared.state_dir, shared.image_name, namespace, cluster=cluster
    )
    allowed = [{"podSelector": {"matchLabels": {"may-call": "yes"}}}]
    try:
        instance.deploy("--tags", "deployment", code_runner_ingress_from=allowed)
        image = instance.objects("deployment", NAME)["spec"]["template"]["spec"]["containers"][0][
            "image"
        ]
        cluster.apply([neighbour(namespace, name, image) for name in ("friend", "stranger")])
        instance.kubectl(
            "wait", "pod/friend", "pod/stranger", "--for=condition=Ready", "--timeout=60s"
        )
        yield instance
    finally:
        cluster.remove_namespace(namespace)


def neighbour(namespace: str, name: str, image: str) -> dict[str, object]:
    """A pod that listens on port 8000; the friend has the label that opens the door."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"may-call": "yes" if name == "friend" else "no"},
        },
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "imagePullPolicy": "Never",
                    "command": ["python3", "-c", LISTEN],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


def ask(
    instance: ClusterInstance, pod: str, container: str, targets: dict[str, object]
) -> dict[str, str]:
    """Put the questions in a container that runs, with none of the walls of a run."""
    words = ("exec", pod, "--container", container, "--", "python3", "-c", ASK)
    answer: dict[str, str] = json.loads(instance.kubectl(*words, json.dumps(targets)))
    return answer


def test_a_runner_reaches_nothing_even_with_the_process_walls_off(
    deployed: ClusterInstance,
) -> None:
    cluster = deployed.cluster
    api = cluster.get("service", "kubernetes", "-n", "default")["spec"]["clusterIP"]
    dns = cluster.get("service", "kube-dns", "-n", "kube-system")["spec"]["clusterIP"]
    stranger = deployed.objects("pod", "stranger")["status"]["podIP"]
    targets: dict[str, object] = {
        "api": ("tcp", api, 443),
        "dns": ("tcp", dns, 53),
        "dns_udp": ("udp", dns, 53),
        "pod": ("tcp", stranger, 8000),
    }
    # All of it is there for a pod that no policy selects.
    until(
        lambda: set(ask(deployed, "friend", "main", targets).values()) == {"reached"},
        15,
        "a neighbour that reaches everything",
    )
    (pod,) = deployed.pods()
    for container in ("runner-0", "code-runner"):
        found = ask(deployed, pod["metadata"]["name"], container, targets)
        assert "reached" not in found.values(), (container, found)


def test_a_stranger_does_not_reach_the_service_and_a_friend_does(deployed: ClusterInstance) -> None:
    (pod,) = deployed.pods()
    targets: dict[str, object] = {
        "service": ("tcp", deployed.objects("service", NAME)["spec"]["clusterIP"], 80),
        "pod": ("tcp", pod["status"]["podIP"], 8000),
    }
    friend = {"service": "reached", "pod": "reached"}
    until(lambda: ask(deployed, "friend", "main", targets) == friend, 15, "a friend that gets in")
    assert "reached" not in ask(deployed, "stranger", "main", targets).values()
