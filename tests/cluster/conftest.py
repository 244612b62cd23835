"""A running cluster, one image for all instances, and namespaces that are taken away again.

`make test-minikube` starts the cluster and runs these tests in its cell.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# pytest's importlib mode leaves a test's own folder out of the search path.
sys.path.insert(0, str(Path(__file__).parents[1] / "collection"))
sys.path.insert(0, str(Path(__file__).parent))

from clusters import CELL, Cluster, ClusterInstance, enforce_policies, registry
from instances import copy_tree
from kubeconfigs import Kubeconfigs

# Outside our own cell, what is known to enforce network policies goes by the name of its pods.
ENFORCERS = ("antrea", "calico", "cilium", "kube-router", "weave")


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The minikube that runs. Tests of provider kubernetes use it by its context."""
    # In our own cell it has to be there; elsewhere it is nobody's duty.
    absent = pytest.fail if CELL else pytest.skip
    if not shutil.which("minikube"):
        absent("needs minikube; `make test-minikube` brings one along")
    done = subprocess.run(["minikube", "status"], capture_output=True, text=True, check=False)
    if done.returncode:
        absent(f"needs a running minikube; `minikube status` says: {done.stdout.strip()}")
    return Cluster()


@pytest.fixture(scope="session")
def cell() -> str:
    """The name of the cell that the tests run in."""
    if not CELL:
        pytest.skip("changes the machine of the cluster: runs only on the one of tests/minikube")
    return CELL


@pytest.fixture(scope="session")
def metrics(cluster: Cluster) -> None:
    """Figures of what pods use; the cell has them."""
    if "metrics.k8s.io/v1beta1" not in cluster.kubectl("api-versions").split():
        pytest.skip("needs the metrics API: minikube addons enable metrics-server")


@pytest.fixture(scope="session")
def enforcer(cluster: Cluster) -> None:
    """Something that enforces network policies; the cell has it."""
    pods = cluster.kubectl("get", "pods", "--all-namespaces", "--output=name")
    if not CELL and not any(name in pods for name in ENFORCERS):
        pytest.skip("needs enforced network policies: minikube start --cni=calico")


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what the collection is made of: all tests see one state of it."""
    return copy_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="session")
def shared(
    cluster: Cluster, tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterInstance]:
    """Hold the image that all instances run: built and loaded once, removed at the end."""
    name = f"code-runner-test-{uuid.uuid4().hex[:8]}"
    state = tmp_path_factory.mktemp("state") / "code-runner"
    holder = ClusterInstance(tree, state, name, name, cluster=cluster)
    holder.deploy("--tags", "prerequisites,image")
    yield holder
    holder.teardown()


@pytest.fixture
def make_instance(
    cluster: Cluster, shared: ClusterInstance
) -> Iterator[Callable[..., ClusterInstance]]:
    """Make instances on the shared image; their namespaces are taken away also after a failure.

    Another tree, image_name or provider may be given by name.
    """
    made: list[ClusterInstance] = []

    def make(**different: object) -> ClusterInstance:
        values = {
            "tree": shared.tree,
            "state_dir": shared.state_dir,
            "image_name": shared.image_name,
            "namespace": f"test-{uuid.uuid4().hex[:8]}",
            "cluster": cluster,
            **different,
        }
        made.append(ClusterInstance(**values))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for instance in made:
        # Not by the playbook: it may be what failed, and it would take the shared image along.
        cluster.remove_namespace(instance.namespace)


@pytest.fixture
def instance(make_instance: Callable[..., ClusterInstance]) -> ClusterInstance:
    """One instance, not deployed yet."""
    return make_instance()


@pytest.fixture(scope="module")
def deployed(shared: ClusterInstance, cluster: Cluster) -> Iterator[ClusterInstance]:
    """An instance with the defaults, for all tests of a file, in a namespace that it has made."""
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    instance = ClusterInstance(
        shared.tree, shared.state_dir, shared.image_name, namespace, cluster=cluster
    )
    try:
        instance.deploy("--tags", "deployment")
        yield instance
    finally:
        cluster.remove_namespace(namespace)


@pytest.fixture
def make_namespace(cluster: Cluster) -> Iterator[Callable[..., str]]:
    """Make namespaces, with the labels given by name; they are taken away at the end."""
    made: list[str] = []

    def make(**labels: str) -> str:
        made.append(f"test-{uuid.uuid4().hex[:8]}")
        cluster.make_namespace(made[-1], **labels)
        return made[-1]

    yield make
    for name in made:
        cluster.remove_namespace(name)


@pytest.fixture
def unenforced(cell: str) -> Iterator[None]:
    """A cluster in which nothing enforces network policies."""
    enforce_policies(False)
    yield
    enforce_policies(True)


@pytest.fixture
def local_registry(cell: str, tmp_path: Path) -> Iterator[str]:
    """A registry on loopback that everybody may push to, as host:port."""
    with registry(tmp_path) as address:
        yield address


@pytest.fixture
def kubeconfigs(cluster: Cluster, tmp_path: Path) -> Kubeconfigs:
    """Kubeconfigs of other people and servers, in a folder of the test."""
    return Kubeconfigs(cluster, tmp_path / "kubeconfigs")


@pytest.fixture
def hide_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Hide programs: a PATH of one folder with everything else that is in the usual one."""

    def hide(*hidden: str) -> None:
        farm = tmp_path / "bin"
        farm.mkdir()
        for folder in os.environ["PATH"].split(os.pathsep):
            for program in Path(folder).iterdir() if Path(folder).is_dir() else []:
                if program.name not in hidden and not (farm / program.name).exists():
                    (farm / program.name).symlink_to(program)
        monkeypatch.setenv("PATH", str(farm))

    return hide
