"""People with rights in one namespace only, as docs/minimal-role.yaml grants them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml
from clusters import ClusterInstance
from decoys import decoy
from instances import REPOSITORY
from kubeconfigs import Kubeconfigs

ROLES = REPOSITORY / "docs/minimal-role.yaml"


def test_deploy_verify_and_teardown_with_the_minimal_role(
    make_instance: Callable[..., ClusterInstance],
    make_namespace: Callable[..., str],
    kubeconfigs: Kubeconfigs,
    image_ref: str,
    state_dir: Path,
) -> None:
    namespace = make_namespace()
    # The teardown takes images of that name from this host, and knows of no other namespace.
    instance = make_instance(
        provider="kubernetes",
        namespace=namespace,
        image_name="an-image-of-nobody",
        state_dir=state_dir,
    )
    deployer, _ = yaml.safe_load_all(ROLES.read_text())
    token = kubeconfigs.service_account(namespace, deployer)
    with decoy() as server:
        config = kubeconfigs.with_token(token)
        for part, others in kubeconfigs.towards(server.url).items():
            config[part] = config[part] + others if isinstance(others, list) else others
        path = kubeconfigs.write(config, "of the team/config")
        mine = {
            "code_runner_kubeconfig": str(path),
            "code_runner_manage_namespace": False,
            "code_runner_image": image_ref,
            "code_runner_replicas": 1,
        }

        first = instance.deploy(**mine)
        again = instance.deploy(**mine)
        verified = instance.play("playbooks/verify.yml", **mine)
        removed = instance.play("playbooks/teardown.yml", **mine)

        assert first.changed > 0
        assert again.changed == 0, again.output
        assert verified.returncode == 0, verified.output
        assert removed.returncode == 0, removed.output
        assert server.connections == 0
    kinds = "deployments,services,networkpolicies,secrets,poddisruptionbudgets"
    assert not instance.kubectl("get", kinds, "--output=name").startswith("deployment")
    assert instance.cluster.get("namespace", namespace)["status"]["phase"] == "Active"
