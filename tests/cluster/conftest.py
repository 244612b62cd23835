"""A running cluster, one image for all instances, and namespaces that are taken away again.

`make test-minikube` starts the cluster and runs these tests in its cell, several files at a time
(pytest-xdist): most of a test is waiting for the cluster. So nothing here may rely on being alone
with it; a test that changes something for the whole cluster keeps those away that need it as it is.
"""

from __future__ import annotations

import fcntl
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

from builders import NOTHING_ELSE, ONE_LAYER, fresh_state, quick_builder
from clusters import CELL, Cluster, ClusterInstance, registry
from instances import copy_tree
from kubeconfigs import Kubeconfigs

# Outside our own cell, what is known to enforce network policies goes by the name of its pods.
ENFORCERS = ("antrea", "calico", "cilium", "kube-router", "weave")
# Those that take longest begin first, and what is short fills the end; a file stays with its
# worker. While the first one builds the image for all, the next two need none.
ORDER = (
    "test_under_load",
    "test_molecule",
    "test_errors",
    "test_registry",
    "test_deployment",
    "test_teardown",
    "test_keys",
    "test_rollback",
    "test_verification",
    "test_provider",
    "test_image",
    "test_decoy",
    "test_role",
    "test_hostile",
    "test_lost_runner",
    "test_unenforced",
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "never_runs: the image that is built may be an empty one")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return ORDER.index(item.path.stem) if item.path.stem in ORDER else len(ORDER)

    items.sort(key=place)


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture
def enforcement_stays(common: Path) -> Iterator[None]:
    """Keep other tests from switching the enforcement of network policies off meanwhile."""
    with (common / "enforcement").open("a") as enforcement:
        fcntl.flock(enforcement, fcntl.LOCK_SH)
        yield


@pytest.fixture
def enforcement_changes(common: Path) -> Iterator[None]:
    """Wait until no test needs the enforcement of network policies, and keep others from it."""
    with (common / "enforcement").open("a") as enforcement:
        fcntl.flock(enforcement, fcntl.LOCK_EX)
        yield


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
    cluster: Cluster,
    tree: Path,
    common: Path,
    testrun_uid: str,
) -> Iterator[ClusterInstance]:
    """Hold the image that all instances run: the first worker builds it, the last removes it."""
    name = f"code-runner-test-{testrun_uid[:8]}"
    holder = ClusterInstance(tree, common / "state", name, name, cluster=cluster)
    built = common / "built"
    with (common / "users").open("a") as users:
        # Another lock, or those who use the image would keep out a worker that comes late.
        with (common / "builders").open("a") as builders:
            fcntl.flock(builders, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            if not built.exists():
                holder.deploy("--tags", "prerequisites,image")
                built.touch()
        yield holder
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        built.unlink()
        holder.teardown()
        # It keeps them while pods of the last test are still leaving.
        holder.remove_images()


@pytest.fixture(scope="session")
def image_ref(shared: ClusterInstance) -> str:
    """The shared image's name with the tag of the tree, as a ready image no teardown removes."""
    (tagged,) = [
        name
        for name in shared.images()
        if name.startswith(f"localhost/{shared.image_name}:") and ":latest" not in name
    ]
    return tagged


@pytest.fixture
def make_instance(
    cluster: Cluster, shared: ClusterInstance
) -> Iterator[Callable[..., ClusterInstance]]:
    """Make instances on the shared image; their namespaces are taken away also after a failure.

    Another tree, state_dir, image_name, base_image or provider may be given by name.
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


@pytest.fixture
def state_dir(shared: ClusterInstance, tmp_path: Path) -> Path:
    """A folder for what the instance of this test alone remembers."""
    return fresh_state(shared, tmp_path / "own-state")


@pytest.fixture
def builder(
    shared: ClusterInstance, image_ref: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[ClusterInstance]:
    """An instance with a tree and images of its own, not deployed yet; they are built quickly."""
    never_runs = request.node.get_closest_marker("never_runs")
    dockerfile = NOTHING_ELSE if never_runs else ONE_LAYER
    instance = quick_builder(shared, image_ref, tmp_path, dockerfile)
    yield instance
    instance.cluster.remove_namespace(instance.namespace)
    instance.remove_images()


@pytest.fixture(scope="module")
def deployed(
    shared: ClusterInstance, cluster: Cluster, request: pytest.FixtureRequest
) -> Iterator[ClusterInstance]:
    """An instance for all tests of a file, in a namespace that it has made.

    With the defaults, but for what the file sets in DEPLOYED_WITH.
    """
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    instance = ClusterInstance(
        shared.tree, shared.state_dir, shared.image_name, namespace, cluster=cluster
    )
    try:
        instance.deploy("--tags", "deployment", **getattr(request.module, "DEPLOYED_WITH", {}))
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
                if program.name not in hidden and not (farm / program.name).is_symlink():
                    (farm / program.name).symlink_to(program)
        monkeypatch.setenv("PATH", str(farm))

    return hide
