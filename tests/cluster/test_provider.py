"""Which place `auto` takes, and that two places are asked about."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

from clusters import ClusterInstance


def test_auto_takes_the_running_minikube_and_asks_about_two_places(
    make_instance: Callable[..., ClusterInstance], shared: ClusterInstance
) -> None:
    instance = make_instance()
    free = instance.play("deploy.yml", "--tags", "prerequisites", code_runner_provider="auto")
    assert "Provider: minikube (a minikube is running)" in free.output

    # Where podman has the instance, minikube is left alone although it runs.
    instance.podman("pod", "create", *labels(instance), "--name", instance.pod, "--infra=false")
    try:
        known = instance.play("deploy.yml", "--tags", "prerequisites", code_runner_provider="auto")
        assert "podman (this instance is there already)" in known.output

        # As little of a Deployment as it takes to be one of this instance.
        instance.cluster.make_namespace(instance.namespace)
        instance.kubectl("create", "deployment", instance.pod, "--image=x", "--replicas=0")
        label = f"code-runner.instance={instance.pod}"
        instance.kubectl("label", "deployment", instance.pod, label)
        both = instance.play("playbooks/teardown.yml", code_runner_provider="auto")
    finally:
        instance.podman("pod", "rm", "--force", instance.pod)
    assert both.returncode != 0
    assert f"{instance.pod} is on podman and on minikube (minikube)" in both.output
    assert "-e code_runner_provider=podman or -e code_runner_provider=minikube" in both.output

    left = instance.play("deploy.yml", "--tags", "prerequisites", code_runner_provider="auto")
    assert "Provider: minikube (this instance is there already)" in left.output


def test_a_teardown_takes_podmans_instance_and_leaves_the_minikube_that_runs(
    make_instance: Callable[..., ClusterInstance], deployed: ClusterInstance, tmp_path: Path
) -> None:
    # Its own image and folder: as the only instance on podman it takes both along.
    image_name = f"code-runner-test-{uuid.uuid4().hex[:8]}"
    instance = make_instance(image_name=image_name, state_dir=tmp_path / "state")
    instance.deploy(code_runner_provider="podman")
    assert instance.run("print(2 + 2)")["stdout"] == "4\n"
    before = of_minikube(deployed)

    removed = instance.play("playbooks/teardown.yml", code_runner_provider="auto")
    assert removed.returncode == 0, removed.output
    assert not any(instance.remains().values()), instance.remains()
    assert instance.images() == []
    assert of_minikube(deployed) == before


def of_minikube(deployed: ClusterInstance) -> tuple[list[str], list[str]]:
    """Return the pods of an instance there, and the images, without those of tests beside this."""
    listed = subprocess.run(["minikube", "image", "ls"], capture_output=True, text=True, check=True)
    lasting = ("registry.k8s.io/", f"localhost/{deployed.image_name}:")
    images = [image for image in listed.stdout.splitlines() if image.startswith(lasting)]
    assert any(deployed.image_name in image for image in images), listed.stdout
    return [pod["metadata"]["uid"] for pod in deployed.pods()], sorted(images)


def labels(instance: ClusterInstance) -> list[str]:
    return [
        f"--label=code-runner.namespace={instance.namespace}",
        "--label=code-runner.name=code-runner-service",
    ]
