"""Which place `auto` takes, and that two places are asked about."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from clusters import Cluster, ClusterInstance, until


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

        instance.cluster.make_namespace(instance.namespace)
        make_deployment(instance.cluster, instance.namespace, instance.pod, instance.pod)
        both = instance.play("playbooks/teardown.yml", code_runner_provider="auto")
    finally:
        instance.podman("pod", "rm", "--force", instance.pod)
    assert both.returncode != 0
    assert f"{instance.pod} is on podman and on minikube (minikube)" in both.output
    assert "-e code_runner_provider=podman or -e code_runner_provider=minikube" in both.output

    left = instance.play("deploy.yml", "--tags", "prerequisites", code_runner_provider="auto")
    assert "Provider: minikube (this instance is there already)" in left.output


def test_a_teardown_takes_podmans_instance_and_leaves_the_minikube_that_runs(
    builder: ClusterInstance, shared: ClusterInstance, make_namespace: Callable[..., str]
) -> None:
    # As the only instance on podman it takes its image and its folder along.
    builder.deploy(code_runner_provider="podman")
    assert builder.run("print(2 + 2)")["stdout"] == "4\n"
    # What somebody else has there, and a pod of a Deployment like ours of another instance.
    other = make_namespace()
    make_deployment(shared.cluster, other, "code-runner-service", f"{other}-code-runner-service")
    where = f"--namespace={other}"
    shared.cluster.kubectl(where, "scale", "deployment/code-runner-service", "--replicas=1")
    until(lambda: shared.cluster.get("pods", where), 30, "its pod")
    before = of_minikube(shared, other)

    removed = builder.play("playbooks/teardown.yml", code_runner_provider="auto")
    assert removed.returncode == 0, removed.output
    assert not any(builder.remains().values()), builder.remains()
    assert builder.images() == []
    assert of_minikube(shared, other) == before


def make_deployment(cluster: Cluster, namespace: str, name: str, instance: str) -> None:
    """Make as little of a Deployment as it takes to be one of that instance."""
    where = (f"--namespace={namespace}",)
    cluster.kubectl(*where, "create", "deployment", name, "--image=x", "--replicas=0")
    cluster.kubectl(*where, "label", "deployment", name, f"code-runner.instance={instance}")


def of_minikube(shared: ClusterInstance, namespace: str) -> list[str]:
    """Return what it has that no test beside this one changes: of the system, and of the other."""
    listed = subprocess.run(["minikube", "image", "ls"], capture_output=True, text=True, check=True)
    lasting = ("registry.k8s.io/", f"localhost/{shared.image_name}:")
    images = [image for image in listed.stdout.splitlines() if image.startswith(lasting)]
    assert any(shared.image_name in image for image in images), listed.stdout
    objects = [
        *shared.cluster.get("pods", "--namespace=kube-system"),
        *shared.cluster.get("deployments,pods", f"--namespace={namespace}"),
    ]
    assert len(objects) > 2
    return sorted(images + [item["metadata"]["uid"] for item in objects])


def labels(instance: ClusterInstance) -> list[str]:
    return [
        f"--label=code-runner.namespace={instance.namespace}",
        "--label=code-runner.name=code-runner-service",
    ]
