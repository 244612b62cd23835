"""What is rendered is what the cluster has, whatever it had before, without a pause."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from clusters import ClusterInstance, until

NAME = "code-runner-service"
OURS = "deployments,services,serviceaccounts,networkpolicies,poddisruptionbudgets,hpa,ingresses"
# What the reference's pod does, as far as a Deployment can tell.
STAND_IN = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "reference"}')
http.server.HTTPServer(("", 8000), Handler).serve_forever()
"""


def rendered(instance: ClusterInstance) -> dict[str, Any]:
    """Return what there is of the instance: names of objects, and the pod's template."""
    found = instance.kubectl("get", OURS, "--selector", f"app={NAME}", "--output", "name")
    template = instance.objects("deployment", NAME)["spec"]["template"]
    return {"objects": sorted(found.split()), "template": template}


def test_pods_are_admitted_where_restricted_is_enforced_and_hold_no_token(
    deployed: ClusterInstance,
) -> None:
    namespace = deployed.cluster.get("namespace", deployed.namespace)
    labels = namespace["metadata"]["labels"]
    modes = ("enforce", "audit", "warn")
    assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in modes} == {"restricted"}
    for pod in deployed.pods():
        mounts = [m["mountPath"] for c in pod["spec"]["containers"] for m in c["volumeMounts"]]
        assert not any("serviceaccount" in mount for mount in mounts), mounts
    listed = deployed.kubectl("exec", f"deployment/{NAME}", "--", "ls", "-R", "/var/run", "/run")
    assert "token" not in listed


def test_plain_kubectl_logs_are_those_of_the_gateway(deployed: ClusterInstance) -> None:
    default = deployed.kubectl("logs", "--selector", f"app={NAME}", "--tail=1")
    assert default == deployed.kubectl(
        "logs", f"deployment/{NAME}", "-c", "code-runner", "--tail=1"
    )
    assert default


def test_options_on_and_off_leave_exactly_what_is_rendered(deployed: ClusterInstance) -> None:
    plain = rendered(deployed)
    # As an autoscaler would, before it is there.
    deployed.kubectl("scale", f"deployment/{NAME}", "--replicas=2")
    more = {
        "code_runner_slots": 2,
        "code_runner_log_level": "debug",
        "code_runner_autoscaling": True,
        "code_runner_scale_down_seconds": 600,
        "code_runner_ingress_host": "code.example.org",
        "code_runner_ingress_tls_secret": "certificate",
    }
    deployed.deploy("--tags", "deployment", **more)
    extended = rendered(deployed)
    assert len(extended["objects"]) == len(plain["objects"]) + 2
    names = [container["name"] for container in extended["template"]["spec"]["containers"]]
    assert names == ["code-runner", "runner-0", "runner-1"]
    live = deployed.objects("deployment", NAME)
    applied = live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
    assert "replicas" not in json.loads(applied)["spec"]
    # The autoscaler owns the number, and what it holds is not what apply would set.
    assert live["spec"]["replicas"] == 2
    assert deployed.deploy("--tags", "deployment", **more).changed == 0
    assert deployed.objects("deployment", NAME)["spec"]["replicas"] == 2

    deployed.deploy("--tags", "deployment")
    assert rendered(deployed) == plain
    assert deployed.objects("deployment", NAME)["spec"]["replicas"] == 1


def test_a_dry_run_on_a_virgin_cluster_says_what_it_would_make(instance: ClusterInstance) -> None:
    played = instance.deploy(
        "--tags", "deployment", "--check", "--diff", code_runner_auth="api_key"
    )
    assert f"would be made in namespace {instance.namespace}" in played.output
    for kind in ("ServiceAccount", "NetworkPolicy", "Service", "Deployment"):
        assert f"{kind}/{NAME}" in played.output
    found = instance.cluster.kubectl("get", "namespace", instance.namespace, check=False)
    assert "NotFound" in found


def reference(image: str) -> list[dict[str, Any]]:
    """Return the reference's Deployment and Service, with a stand-in for its program."""
    labels = {"app": NAME}
    container = {
        "name": "code-runner",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["python3", "-c", STAND_IN],
        "ports": [{"containerPort": 8000, "name": "http"}],
        "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "REFERENCE", "value": "yes"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8000}, "periodSeconds": 1},
        "resources": {
            "requests": {"memory": "256Mi", "cpu": "200m"},
            "limits": {"memory": "1Gi", "cpu": "1000m"},
        },
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000},
    }
    deployment = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    service = {
        "type": "ClusterIP",
        "selector": labels,
        "ports": [{"name": "http", "port": 80, "targetPort": 8000, "protocol": "TCP"}],
    }
    metadata = {"name": NAME, "labels": labels}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
    ]


@contextlib.contextmanager
def asked_all_the_time(address: str) -> Iterator[list[str]]:
    """Ask the service at the address again and again; yield what went wrong."""
    failures: list[str] = []
    ended = threading.Event()

    def ask() -> None:
        command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "5"]
        while not ended.is_set():
            done = subprocess.run(
                [*command, f"http://{address}/ready"], capture_output=True, text=True, check=False
            )
            if done.returncode:
                failures.append(f"{time.strftime('%X')} {done.stderr.strip()}")
            time.sleep(0.1)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        yield failures
    finally:
        ended.set()
        asker.join()


def test_the_reference_is_taken_over_without_a_pause_and_a_second_deploy_changes_nothing(
    cell: str,
    make_namespace: Callable[..., str],
    make_instance: Callable[..., ClusterInstance],
    image_ref: str,
) -> None:
    instance = make_instance(namespace=make_namespace())
    image = f"docker.io/library/reference-{instance.namespace}:latest"
    subprocess.run(["minikube", "image", "tag", image_ref, image], check=True)
    for manifest in reference(image):
        manifest["metadata"]["namespace"] = instance.namespace
        instance.cluster.apply(manifest)
    instance.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=60s")
    address = instance.objects("service", NAME)["spec"]["clusterIP"]
    until(lambda: answers(address), 10, "the reference behind its Service")

    with asked_all_the_time(address) as failures:
        instance.deploy("--tags", "deployment")
        time.sleep(2)
    assert failures == []
    until(lambda: len(instance.objects("pods")) == 1, 60, "the end of the reference's pod")
    (pod,) = instance.pods()
    before = pod["metadata"]["uid"]
    assert [c["name"] for c in pod["spec"]["containers"]] == ["code-runner", "runner-0"]
    assert {c["image"] for c in pod["spec"]["containers"]} == {image_ref}
    assert "REFERENCE" not in [variable["name"] for variable in pod["spec"]["containers"][0]["env"]]
    assert instance.deploy("--tags", "deployment").changed == 0
    assert [pod["metadata"]["uid"] for pod in instance.pods()] == [before]
    # It is somebody else's namespace.
    labels = instance.cluster.get("namespace", instance.namespace)["metadata"]["labels"]
    assert list(labels) == ["kubernetes.io/metadata.name"]


def answers(address: str) -> bool:
    command = ["curl", "--silent", "--fail", "--max-time", "2", f"http://{address}/ready"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
