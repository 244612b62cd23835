"""What stands in the way of a deploy is named before anything changes, all at once."""

from __future__ import annotations

import json
import re
import shutil
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import Cluster, ClusterInstance, until
from kubeconfigs import Kubeconfigs, role


def problems(instance: ClusterInstance, **settings: object) -> list[str]:
    """Return the lines of the one message with which the prerequisites end."""
    played = instance.play("deploy.yml", "--tags", "prerequisites", **settings)
    assert played.returncode != 0, played.output
    assert "Traceback" not in played.output
    told = played.output.partition("fatal:")[2]
    return re.findall(r"^ +\d+\. (.*)$", told, re.MULTILINE)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: the first who needs podman finds out its settings and writes them."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def newcomer(cluster: Cluster, tree: Path, state: Path) -> ClusterInstance:
    """An instance that is never deployed; nothing is built for it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    return ClusterInstance(tree, state, name, name, cluster=cluster)


@pytest.fixture
def elsewhere(newcomer: ClusterInstance) -> ClusterInstance:
    newcomer.provider = "kubernetes"
    return newcomer


def test_missing_tools_are_named_together(
    newcomer: ClusterInstance, hide_programs: Callable[..., None]
) -> None:
    hide_programs("minikube", "kubectl", "docker", "podman")

    said = {words.partition(" ")[0]: words for words in problems(newcomer)}

    assert sorted(said) == ["kubectl", "minikube", "podman"]
    assert said["kubectl"].startswith("kubectl not found: https://")
    assert said["minikube"].startswith("minikube not found: https://")
    assert said["podman"].startswith("podman not found: ")
    assert "apt-get install" in said["podman"]


def test_minikube_without_the_profile(newcomer: ClusterInstance) -> None:
    (said,) = problems(newcomer, code_runner_minikube_profile="nowhere")

    assert "minikube has no profile 'nowhere': minikube start -p nowhere" in said


def test_stopped_minikube(
    newcomer: ClusterInstance, cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.home() / ".minikube"
    for kind in ("profiles", "machines"):
        config: dict[str, Any] = json.loads((real / kind / "minikube/config.json").read_text())
        # A machine reached by ssh, at a port where nobody listens, is stopped to minikube.
        config["Driver"] = "ssh" if kind == "profiles" else config["Driver"]
        if kind == "machines":
            config["DriverName"] = "ssh"
            config["Driver"] |= {"IPAddress": "127.0.0.1", "SSHPort": 9}
        folder = tmp_path / ".minikube" / kind / "asleep"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({**config, "Name": "asleep"}))
    monkeypatch.setenv("MINIKUBE_HOME", str(tmp_path))

    (said,) = problems(newcomer, code_runner_minikube_profile="asleep")

    assert "(profile asleep) does not run, its state is Stopped: minikube start -p asleep" in said


def test_unknown_context_names_those_that_are_there(
    elsewhere: ClusterInstance, kubeconfigs: Kubeconfigs, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kubeconfigs.write(kubeconfigs.real(), "of the team/my config")
    monkeypatch.setenv("HOME", str(kubeconfigs.folder))

    (said,) = problems(
        elsewhere,
        code_runner_context="nowhere",
        code_runner_kubeconfig="~/of the team/my config",
        code_runner_image="localhost/ready:1",
    )

    assert f"no context 'nowhere' in {path} (it has: minikube)" in said
    assert "code_runner_context=..." in said


def test_kubeconfig_that_is_not_there(elsewhere: ClusterInstance) -> None:
    (said,) = problems(
        elsewhere, code_runner_kubeconfig="/nowhere/config", code_runner_image="localhost/ready:1"
    )

    assert "in /nowhere/config (it has: none)" in said


@pytest.mark.parametrize(
    ("server", "token", "reason"),
    [
        ("https://127.0.0.1:9", "any", "connection refused|was refused"),
        ("", "wrong", "logged in|Unauthorized"),
    ],
    ids=["unreachable", "unknown user"],
)
def test_cluster_that_does_not_let_us_in(
    elsewhere: ClusterInstance, kubeconfigs: Kubeconfigs, server: str, token: str, reason: str
) -> None:
    path = kubeconfigs.write(kubeconfigs.with_token(token, server=server))

    (said,) = problems(
        elsewhere, code_runner_kubeconfig=str(path), code_runner_image="localhost/ready:1"
    )

    assert said.startswith("The cluster behind context 'minikube' does not let us in (")
    assert re.search(reason, said)
    assert "kubectl --context=minikube cluster-info" in said


@pytest.fixture
def powerless(
    kubeconfigs: Kubeconfigs, make_namespace: Callable[..., str], elsewhere: ClusterInstance
) -> ClusterInstance:
    """An instance whose deployer may do nothing in its namespace but look at pods."""
    elsewhere.namespace = make_namespace()
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    token = kubeconfigs.service_account(elsewhere.namespace, role("looks-on", rules))
    kubeconfigs.write(kubeconfigs.with_token(token), "powerless")
    return elsewhere


def test_no_permission_names_the_rights(
    powerless: ClusterInstance, kubeconfigs: Kubeconfigs
) -> None:
    mine = {
        "code_runner_kubeconfig": str(kubeconfigs.folder / "powerless"),
        "code_runner_image": "localhost/ready:1",
    }

    (lacking,) = problems(powerless, **mine, code_runner_manage_namespace=False)
    whole, _ = problems(powerless, **mine)

    assert lacking.startswith(f"You lack rights in the namespace '{powerless.namespace}': ")
    assert "deployments.apps (get, list, create, patch, delete)" in lacking
    assert "pods (" not in lacking
    assert "(namespaces: get)" in whole
    assert "code_runner_manage_namespace=false" in whole


def test_everything_at_once(elsewhere: ClusterInstance) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", elsewhere.port))
        busy.listen()
        said = problems(
            elsewhere,
            code_runner_image_platform="linux/s390x",
            code_runner_pull_secret="registry-login",
            code_runner_autoscaling=True,
            code_runner_min_replicas=5,
        )

    replicas, port, secret, platform, registry = said
    assert "code_runner_min_replicas (5) is more than code_runner_max_replicas (4)" in replicas
    assert f"Port {elsewhere.port} on 127.0.0.1 is taken" in port
    assert f"-e code_runner_port={elsewhere.port + 1}" in port
    assert "no Secret 'registry-login'" in secret
    assert "create secret docker-registry registry-login" in secret
    assert "is linux/s390x, and the nodes are linux/" in platform
    assert "code_runner_registry=registry.example.org/team" in registry


def test_port_of_a_forward_that_nobody_needs_may_be_taken(elsewhere: ClusterInstance) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", elsewhere.port))
        busy.listen()
        (registry,) = problems(elsewhere, code_runner_verify_url="http://service.example.org")

    assert "Port" not in registry


@pytest.fixture
def leaving(cluster: Cluster, make_namespace: Callable[..., str]) -> Iterator[str]:
    """A namespace that is being deleted and held up by something in it."""
    name = make_namespace()
    held: dict[str, Any] = {"name": "held", "namespace": name, "finalizers": ["tests/hold"]}
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": held})
    cluster.remove_namespace(name)
    until(
        lambda: cluster.get("namespace", name)["status"]["phase"] == "Terminating",
        10,
        "a namespace that terminates",
    )
    yield name
    cluster.core.patch_namespaced_config_map("held", name, {"metadata": {"finalizers": None}})


def test_terminating_namespace(newcomer: ClusterInstance, leaving: str) -> None:
    newcomer.namespace = leaving

    (said,) = problems(newcomer)

    assert f"The namespace '{leaving}' is being deleted" in said
    assert "code_runner_namespace=..." in said


def test_engine_whose_daemon_is_down(
    newcomer: ClusterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which("docker"):
        pytest.skip("needs docker's client")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    (said,) = problems(newcomer, code_runner_builder="docker")

    assert "its daemon does not answer: sudo systemctl start docker" in said
    assert "code_runner_builder=podman" in said


def test_python_without_the_library(newcomer: ClusterInstance) -> None:
    (said,) = problems(newcomer, ansible_python_interpreter="/usr/bin/python3")

    assert "/usr/bin/python3 -m pip install kubernetes jsonpatch" in said


def test_environment_that_leads_away_from_the_context(
    newcomer: ClusterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", "https://127.0.0.1:9")

    played = newcomer.play("playbooks/teardown.yml")

    assert played.returncode != 0
    assert "K8S_AUTH_HOST in the environment" in played.output
    assert "unset it" in played.output


def test_teardown_of_a_cluster_that_does_not_answer(elsewhere: ClusterInstance) -> None:
    played = elsewhere.play("playbooks/teardown.yml", code_runner_context="nowhere")

    assert played.returncode != 0
    assert "There is no context 'nowhere'" in played.output
    assert "Traceback" not in played.output
