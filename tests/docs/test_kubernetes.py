"""What docs/kubernetes.md shows is what the roles understand."""

from __future__ import annotations

import documents
import generate_variables
import pytest
import yaml
from documents import ROOT, Block

VARIABLES = generate_variables.variables()
TYPES = {"list": list, "str": str, "dict": dict, "int": int, "bool": bool}
BLOCKS = [
    block for block in documents.blocks(ROOT / "docs/kubernetes.md") if block.language == "yaml"
]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_settings_are_variables_of_the_roles(block: Block) -> None:
    settings = yaml.safe_load(block.text)
    assert set(settings) <= set(VARIABLES)
    for name, value in settings.items():
        assert isinstance(value, TYPES[VARIABLES[name]["type"]]), name


def test_the_minimal_role_grants_what_a_deploy_asks_for_and_nothing_else() -> None:
    roles = list(yaml.safe_load_all((ROOT / "docs/minimal-role.yaml").read_text()))
    deployer = next(role for role in roles if role["metadata"]["name"] == "code-runner-deployer")
    asked = yaml.safe_load((ROOT / "roles/common/vars/main.yml").read_text())["code_runner_rights"]
    assert deployer["rules"] == asked


def test_the_monitor_finds_the_port_of_the_default_instance() -> None:
    monitor = yaml.safe_load((ROOT / "docs/podmonitor.yaml").read_text())
    name = yaml.safe_load((ROOT / "roles/common/defaults/main.yml").read_text())["code_runner_name"]
    assert monitor["spec"]["selector"] == {"matchLabels": {"app": name}}
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint == {"port": "metrics"}
    pod = (ROOT / "roles/deployment/templates/pod-spec.yml.j2").read_text()
    assert "{{ port('metrics', " in pod


def test_no_role_reaches_beyond_a_namespace() -> None:
    for role in yaml.safe_load_all((ROOT / "docs/minimal-role.yaml").read_text()):
        assert role["kind"] == "Role"
        # It can be applied to any namespace.
        assert set(role["metadata"]) == {"name"}
        assert "*" not in str(role["rules"])
