"""The image on its way to a cluster that is no minikube: by a registry, or ready."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders import NOTHING_ELSE, quick_builder
from clusters import ClusterInstance, registry

LOGIN = "deployer:secret"


@pytest.fixture(scope="module")
def pusher(
    shared: ClusterInstance, image_ref: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterInstance]:
    """An instance whose image is built once for this file, and never run."""
    folder = tmp_path_factory.mktemp("pusher")
    instance = quick_builder(shared, image_ref, folder, NOTHING_ELSE)
    instance.provider = "kubernetes"
    yield instance
    instance.remove_images()


@pytest.fixture
def guarded(cell: str, tmp_path: Path) -> Iterator[str]:
    """A registry that wants a login, as host:port."""
    user, _, password = LOGIN.partition(":")
    made = subprocess.run(
        ["htpasswd", "-nbB", user, password], capture_output=True, text=True, check=True
    )
    with registry(tmp_path, port=5001, htpasswd=made.stdout) as address:
        yield address


@pytest.fixture
def own_login(guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep podman's logins in a file of the test.

    Only once the registry runs: it takes REGISTRY_... in the environment for settings of its own.
    """
    (tmp_path / "auth.json").write_text("{}")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    return tmp_path / "auth.json"


def image(instance: ClusterInstance, address: str, *arguments: str, **more: object) -> str:
    """Bring the image to the registry, and return the number of changes with what was said."""
    played = instance.play(
        "deploy.yml",
        "--tags",
        "prerequisites,image",
        *arguments,
        code_runner_registry=f"{address}/team",
        **more,
    )
    return f"changed={played.changed} failed={played.returncode != 0}\n{played.output}"


def test_image_is_pushed_once(pusher: ClusterInstance, local_registry: str) -> None:
    first = image(pusher, local_registry)
    assert "failed=False" in first, first
    listed = subprocess.run(
        ["curl", "-s", f"http://{local_registry}/v2/team/{pusher.image_name}/tags/list"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(json.loads(listed.stdout)["tags"]) == 1

    assert image(pusher, local_registry).startswith("changed=0 failed=False")


def test_registry_that_refuses_the_push(
    pusher: ClusterInstance, guarded: str, own_login: Path
) -> None:
    said = image(pusher, guarded)

    assert "failed=True" in said
    assert f"The registry {guarded}/team refused the push" in said
    assert f"run podman login {guarded} with an account that may write there" in said
    assert "Traceback" not in said


def test_registry_that_cannot_be_reached(pusher: ClusterInstance, cell: str) -> None:
    said = image(pusher, "localhost:9")

    assert "failed=True" in said
    assert "The registry localhost:9/team could not be reached" in said
    assert "Traceback" not in said


def test_nodes_pull_with_the_named_secret(
    builder: ClusterInstance, guarded: str, own_login: Path
) -> None:
    builder.provider = "kubernetes"
    user, _, password = LOGIN.partition(":")
    login = ["podman", "login", "--tls-verify=false", f"-u{user}", f"-p{password}", guarded]
    subprocess.run(login, check=True)
    builder.cluster.make_namespace(builder.namespace)
    builder.kubectl(
        "create",
        "secret",
        "generic",
        "registry-login",
        "--type=kubernetes.io/dockerconfigjson",
        f"--from-file=.dockerconfigjson={own_login}",
    )
    settings = {"code_runner_registry": f"{guarded}/team", "code_runner_replicas": 1}

    builder.deploy(**settings, code_runner_pull_secret="registry-login")

    (pod,) = builder.pods()
    assert pod["spec"]["containers"][0]["image"].startswith(f"{guarded}/team/{builder.image_name}:")
    assert all(state["ready"] for state in pod["status"]["containerStatuses"])

    again = builder.deploy(**settings, code_runner_pull_secret="registry-login")
    assert again.changed == 0, again.output


def test_ready_image_needs_no_engine_and_no_minikube(
    pusher: ClusterInstance, hide_programs: Callable[..., None]
) -> None:
    hide_programs("podman", "docker", "minikube", "mmdebstrap")

    played = pusher.deploy(
        "--tags", "prerequisites,image", code_runner_image="registry.example.org/code-runner:1"
    )

    assert played.changed == 0
    assert "Engine: not needed, registry.example.org/code-runner:1 is ready" in played.output
