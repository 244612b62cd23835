"""The cluster that the tests run on, and instances that the playbooks deploy to it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kubernetes.client
import kubernetes.config
from instances import REPOSITORY, Instance

LAB = REPOSITORY / "tests" / "minikube"
# The cell sets it (tests/minikube/cell); empty on a cluster that somebody else runs.
CELL = os.environ.get("CODE_RUNNER_CELL", "")


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Ask every 0.5 s and return the first true answer; fail with `what` when there is none."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.5)


@dataclass
class Cluster:
    """A running cluster, by its context."""

    context: str = "minikube"
    api: kubernetes.client.ApiClient = field(init=False)

    def __post_init__(self) -> None:
        self.api = kubernetes.config.new_client_from_config(context=self.context)
        self.core = kubernetes.client.CoreV1Api(self.api)
        self.apps = kubernetes.client.AppsV1Api(self.api)
        self.autoscaling = kubernetes.client.AutoscalingV2Api(self.api)
        self.networking = kubernetes.client.NetworkingV1Api(self.api)
        self.policy = kubernetes.client.PolicyV1Api(self.api)

    def command(self, *arguments: str) -> list[str]:
        return ["kubectl", "--context", self.context, *arguments]

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Return what kubectl printed, errors included when it may fail."""
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not check, f"kubectl {' '.join(arguments)}: {done.stdout}"
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """Return an object, or the list of them, as parsed JSON."""
        found = json.loads(self.kubectl("get", *arguments, "--output", "json"))
        return found["items"] if found["kind"] == "List" else found

    def apply(self, manifest: dict[str, Any] | list[dict[str, Any]]) -> None:
        if isinstance(manifest, list):
            manifest = {"apiVersion": "v1", "kind": "List", "items": manifest}
        self.kubectl("apply", "--filename", "-", stdin=json.dumps(manifest))

    @contextlib.contextmanager
    def forwarded(
        self, namespace: str, target: str = "service/code-runner-service", port: int = 80
    ) -> Iterator[int]:
        """Forward a free local port to `target` and yield it."""
        command = self.command(
            "--namespace", namespace, "port-forward", "--address", "127.0.0.1", target, f":{port}"
        )
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as forward:
            try:
                assert forward.stdout
                said = forward.stdout.readline()
                found = re.search(r"127\.0\.0\.1:(\d+)", said)
                assert found, f"{said}{forward.stdout.read()}"
                yield int(found[1])
            finally:
                forward.terminate()

    def make_namespace(self, name: str, **labels: str) -> None:
        metadata = {"name": name, "labels": labels}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def remove_namespace(self, name: str) -> None:
        """Begin to remove it, objects first: a test may have left some that hold it up."""
        self.kubectl(
            "delete", "namespace", name, "--ignore-not-found", "--wait=false", "--grace-period=1"
        )


@dataclass
class ClusterInstance(Instance):
    """One namespace and set of settings, deployed to a cluster; see Instance for the rest."""

    cluster: Cluster = field(default_factory=Cluster)
    provider: str = "minikube"
    # What its image is built on; the default is that of the roles.
    base_image: str = ""

    def settings(self, **more: object) -> list[str]:
        where = {"code_runner_context": self.cluster.context} if self.provider != "minikube" else {}
        base = {"code_runner_base_image": self.base_image} if self.base_image else {}
        return super().settings(**{"code_runner_provider": self.provider, **where, **base, **more})

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        return self.cluster.kubectl(
            "--namespace", self.namespace, *arguments, stdin=stdin, check=check
        )

    def objects(self, *arguments: str) -> Any:
        """Return an object of the namespace, or the list of them, as parsed JSON."""
        return self.cluster.get("--namespace", self.namespace, *arguments)

    # These two are asked again and again; kubectl would take ten times as long for it.

    def pods(self) -> list[dict[str, Any]]:
        """Return the service's pods that are not on their way out."""
        answer = self.cluster.core.list_namespaced_pod(
            self.namespace, label_selector="app=code-runner-service", _preload_content=False
        )
        found = json.loads(answer.data)["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def deployment(self) -> dict[str, Any]:
        """Return the service's Deployment."""
        answer = self.cluster.apps.read_namespaced_deployment(
            "code-runner-service", self.namespace, _preload_content=False
        )
        return dict(json.loads(answer.data))

    def in_minikube(self) -> dict[str, str]:
        """Return the names of the instance's images in minikube, and their ids."""
        listed = subprocess.run(
            ["minikube", "image", "ls", "--format=json"], capture_output=True, text=True, check=True
        )
        return {
            name: image["id"].removeprefix("sha256:")
            for image in json.loads(listed.stdout)
            for name in image["repoTags"]
            if f"/{self.image_name}:" in name
        }

    def remove_images(self) -> None:
        """Take the instance's images from podman and minikube, also those with other prefixes."""
        self.podman("rmi", *self.images(), check=False)
        subprocess.run(
            ["minikube", "image", "rm", *self.in_minikube()], capture_output=True, check=False
        )

    @contextlib.contextmanager
    def reachable(self, pod: str = "") -> Iterator[None]:
        """Let `get` and `run` of the instance reach the service, or this pod of it."""
        configured = self.port
        target = (f"pod/{pod}", 8000) if pod else ()
        with self.cluster.forwarded(self.namespace, *target) as self.port:
            try:
                yield
            finally:
                self.port = configured


def enforce_policies(on: bool) -> None:
    """Switch the enforcement of network policies in the cell."""
    subprocess.run([str(LAB / "node" / "policies"), "on" if on else "off"], check=True)


@contextlib.contextmanager
def registry(folder: Path, port: int = 5000, htpasswd: str = "") -> Iterator[str]:
    """Run Debian's docker-registry on loopback with its images in `folder`; yield host:port.

    `htpasswd` holds lines of user:bcrypt, as of `htpasswd -B`; nobody has to log in without it.
    """
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    if htpasswd:
        (folder / "htpasswd").write_text(htpasswd)
        config["auth"] = {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}
    # JSON is YAML.
    (folder / "config.yml").write_text(json.dumps(config))
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log
        ) as process,
    ):
        try:
            until(lambda: _answers(port), 10, f"an answer of docker-registry, see {folder}/log")
            yield f"localhost:{port}"
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    done = subprocess.run(
        ["curl", "--silent", "--output", "/dev/null", f"http://127.0.0.1:{port}/v2/"], check=False
    )
    return done.returncode == 0
