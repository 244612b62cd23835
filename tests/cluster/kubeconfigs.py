"""Kubeconfigs for people who are not the cluster's administrator."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clusters import Cluster


@dataclass
class Kubeconfigs:
    """Makes them from the administrator's, in a folder of the test."""

    cluster: Cluster
    folder: Path

    def real(self) -> dict[str, Any]:
        """Return the administrator's own, with this context alone and no current one."""
        view = ("config", "view", "--raw", "--flatten", "--minify", "--output=json")
        found: dict[str, Any] = json.loads(self.cluster.kubectl(*view))
        del found["current-context"]
        return found

    def with_token(self, token: str, server: str = "") -> dict[str, Any]:
        """Return one with the same context for another user, or another server."""
        config = copy.deepcopy(self.real())
        config["users"][0]["user"] = {"token": token}
        if server:
            config["clusters"][0]["cluster"] = {"server": server, "insecure-skip-tls-verify": True}
        return config

    def towards(self, server: str) -> dict[str, Any]:
        """Return one whose current context, named decoy, leads to another server."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "decoy",
            "contexts": [{"name": "decoy", "context": {"cluster": "decoy", "user": "decoy"}}],
            "clusters": [{"name": "decoy", "cluster": {"server": server}}],
            "users": [{"name": "decoy", "user": {"token": "decoy"}}],
        }

    def write(self, config: dict[str, Any], name: str = "config") -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        # JSON is YAML.
        path.write_text(json.dumps(config))
        path.chmod(0o600)
        return path

    def service_account(self, namespace: str, *roles: dict[str, Any]) -> str:
        """Give a service account those Roles in the namespace, and return its token."""
        account = {"name": "deployer", "namespace": namespace}
        self.cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        for role in roles:
            name = role["metadata"]["name"]
            self.cluster.apply(
                [
                    {**role, "metadata": {"name": name, "namespace": namespace}},
                    {
                        "apiVersion": "rbac.authorization.k8s.io/v1",
                        "kind": "RoleBinding",
                        "metadata": {"name": name, "namespace": namespace},
                        "roleRef": {
                            "apiGroup": "rbac.authorization.k8s.io",
                            "kind": "Role",
                            "name": name,
                        },
                        "subjects": [{"kind": "ServiceAccount", **account}],
                    },
                ]
            )
        return self.cluster.kubectl(
            "--namespace", namespace, "create", "token", "deployer", "--duration=1h"
        ).strip()


def role(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name},
        "rules": rules,
    }
