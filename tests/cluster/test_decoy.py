"""Whatever the current context is, only the cluster that was named hears of us."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from clusters import ClusterInstance
from decoys import decoy
from kubeconfigs import Kubeconfigs

# Somebody else's playbook, with somebody else's idea of where the modules go.
FOREIGN = """\
---
- name: Use the roles from a playbook of somebody else
  hosts: localhost
  connection: local
  gather_facts: false
  module_defaults:
    group/kubernetes.core.k8s:
      context: decoy
  tasks:
    - name: Deploy
      ansible.builtin.include_role:
        name: "{{ item }}"
      loop: [prerequisites, image, deployment, verification]

    - name: Look at it
      ansible.builtin.include_role:
        name: verification
        tasks_from: status

    - name: Remove it
      ansible.builtin.include_role:
        name: teardown
"""


def test_decoy_as_the_current_context_receives_no_request(
    builder: ClusterInstance,
    kubeconfigs: Kubeconfigs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    playbook = tmp_path / "foreign.yml"
    playbook.write_text(FOREIGN)
    real = kubeconfigs.write(kubeconfigs.real(), "of the team/real config")
    with decoy() as server:
        misleading = kubeconfigs.write(kubeconfigs.towards(server.url), "decoy")
        # minikube itself reads the first of several files only.
        monkeypatch.setenv("KUBECONFIG", f"{real}{os.pathsep}{misleading}")
        subprocess.run(["kubectl", "get", "--raw=/version"], check=False, capture_output=True)
        assert server.connections > 0, "the decoy is not the current context"
        server.connections = 0
        monkeypatch.setenv("ANSIBLE_ROLES_PATH", str(builder.tree / "roles"))
        monkeypatch.setenv("K8S_AUTH_CONTEXT", "decoy")
        monkeypatch.setenv("K8S_AUTH_KUBECONFIG", str(misleading))

        played = builder.play(str(playbook), cwd=tmp_path)

        assert played.returncode == 0, played.output
        assert server.connections == 0
    assert not builder.kubectl("get", "deployments", "--output=name").startswith("deployment")
