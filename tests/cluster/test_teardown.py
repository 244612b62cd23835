"""A teardown takes what belongs to the instance and nothing else, however often it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from clusters import ClusterInstance
from instances import Played

NAME = "code-runner-service"
KINDS = "all,serviceaccounts,secrets,networkpolicies,poddisruptionbudgets,ingresses"


@pytest.fixture
def instance(make_instance: Callable[..., ClusterInstance], state_dir: Path) -> ClusterInstance:
    """An instance with a folder of its own for what is remembered, since that goes as well."""
    return make_instance(state_dir=state_dir)


def teardown(instance: ClusterInstance, *arguments: str) -> Played:
    """Take the instance away, but not the image, which other tests run."""
    played = instance.play(
        "playbooks/teardown.yml", *arguments, code_runner_image_name="an-image-of-nobody"
    )
    assert played.returncode == 0, played.output
    return played


def exists(instance: ClusterInstance) -> bool:
    found = instance.cluster.kubectl("get", "namespace", instance.namespace, check=False)
    return "NotFound" not in found


def test_a_namespace_of_ours_goes_when_nothing_else_is_in_it(instance: ClusterInstance) -> None:
    instance.deploy("--tags", "deployment")
    instance.kubectl("create", "configmap", "theirs")
    would = teardown(instance, "--check")
    assert would.changed == 1
    assert len(instance.pods()) == 1

    played = teardown(instance)
    assert f"Namespace {instance.namespace} stays" in played.output
    assert "configmap/theirs" in played.output
    assert instance.objects("pods") == []

    instance.kubectl("delete", "configmap", "theirs")
    assert teardown(instance).changed == 1
    assert not exists(instance)
    assert teardown(instance).changed == 0


def test_a_namespace_of_somebody_else_stays_with_all_that_is_theirs(
    instance: ClusterInstance, make_namespace: Callable[..., str]
) -> None:
    instance.namespace = make_namespace()
    # The same label as ours, as the reference's objects have.
    service = {"selector": {"app": "other"}, "ports": [{"port": 80}]}
    metadata = {"name": "theirs", "namespace": instance.namespace, "labels": {"app": NAME}}
    instance.cluster.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service}
    )
    instance.kubectl("create", "serviceaccount", "theirs")
    instance.deploy("--tags", "deployment", code_runner_auth="api_key", code_runner_replicas=2)

    played = teardown(instance)
    assert "Code Runner did not make it" in " ".join(played.output.split())
    left = instance.kubectl("get", KINDS, "--output=name").split()
    assert sorted(left) == ["service/theirs", "serviceaccount/default", "serviceaccount/theirs"]
    again = teardown(instance)
    assert again.changed == 0
    assert exists(instance)
