"""API keys: made once, kept, asked with, changed and removed, and never shown to anybody.

The tests follow one deployment from its first keys to none.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from clusters import Cluster, ClusterInstance
from instances import Played
from tables import VERIFY, rows

NAME = "code-runner-service"
LOUD = ("-vvv", "--diff")
GIVEN = "given-by-the-user-0123456789"


@dataclass
class Keyed:
    """The deployment, the key that it made for itself, and what was said and kept secret so far."""

    instance: ClusterInstance
    made: str = ""
    said: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    def deploy(self, *arguments: str, **settings: object) -> Played:
        played = self.instance.deploy(*LOUD, *arguments, code_runner_auth="api_key", **settings)
        self.said.append(played.output)
        secret = self.instance.objects("secret", f"{NAME}-api-keys")
        self.secrets |= {secret["data"]["api-keys"], *self.keys()}
        return played

    def keys(self) -> list[str]:
        """Return those in the Secret."""
        template = '{{index .data "api-keys" | base64decode}}'
        output = f"--output=go-template={template}"
        return self.instance.kubectl("get", "secret", f"{NAME}-api-keys", output).split("\n")


@pytest.fixture(scope="module")
def keyed(cluster: Cluster, shared: ClusterInstance) -> Iterator[Keyed]:
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    keyed = Keyed(
        ClusterInstance(
            shared.tree, shared.state_dir, shared.image_name, namespace, cluster=cluster
        )
    )
    try:
        keyed.deploy("--tags", "deployment")
        (keyed.made,) = keyed.keys()
        yield keyed
    finally:
        cluster.remove_namespace(namespace)


def test_keys_are_made_once(keyed: Keyed) -> None:
    assert re.fullmatch(r"[-_A-Za-z0-9]{43}", keyed.made)
    second = keyed.deploy("--tags", "deployment")
    assert second.changed == 0
    assert keyed.keys() == [keyed.made]


def test_only_the_gateway_has_them(keyed: Keyed) -> None:
    (pod,) = keyed.instance.pods()
    holders = [
        container["name"]
        for container in pod["spec"]["containers"]
        for mount in container["volumeMounts"]
        if "keys" in mount["name"]
    ]
    assert holders == ["code-runner"]


def test_the_verification_asks_with_the_key(keyed: Keyed) -> None:
    played = keyed.instance.play(VERIFY, *LOUD, code_runner_auth="api_key")
    keyed.said.append(played.output)
    assert played.returncode == 0, played.output
    found = rows(played.output)
    for kind in ("without an", "with a wrong"):
        assert found[f"Security: POST /run {kind} API key"][0] == "ok"


def test_changed_keys_are_verified_as_soon_as_the_gateway_has_one(keyed: Keyed) -> None:
    # As in a rotation: the new one first, and the gateway does not know it yet.
    keyed.deploy(code_runner_api_keys=[GIVEN, keyed.made], code_runner_verification_extent="short")
    assert keyed.keys() == [GIVEN, keyed.made]


def test_keys_that_are_given_replace_those_before(keyed: Keyed) -> None:
    keyed.deploy("--tags", "deployment", code_runner_api_keys=[GIVEN])
    assert keyed.keys() == [GIVEN]


def test_no_key_was_shown_anywhere(keyed: Keyed) -> None:
    if len(keyed.said) < 5:
        pytest.skip("needs what the tests before it have said: run the whole file")
    # Two keys, and the Secret as it was with the one, with both and with the other.
    assert len(keyed.secrets) == 5
    described = keyed.instance.kubectl("describe", "deployments,pods,secrets,events")
    logs = keyed.instance.kubectl("logs", "--selector", f"app={NAME}", "--all-containers")
    for text in (*keyed.said, described, logs):
        for secret in keyed.secrets:
            assert secret not in text


def test_without_keys_their_secret_goes(keyed: Keyed) -> None:
    keyed.instance.deploy("--tags", "deployment")
    found = keyed.instance.kubectl("get", "secret", f"{NAME}-api-keys", check=False)
    assert "NotFound" in found
