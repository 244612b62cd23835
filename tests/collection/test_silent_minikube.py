"""A minikube that does not say whether it runs is not taken for one that does not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from instances import Instance


def test_auto_asks_instead_of_deploying_elsewhere(
    make_instance: Callable[..., Instance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = tmp_path / "minikube"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    instance = make_instance()
    played = instance.play("deploy.yml", code_runner_provider="auto")
    assert played.returncode != 0
    assert "minikube (minikube) has not said within 20 seconds whether it runs" in played.output
    assert "-e code_runner_provider=podman or -e code_runner_provider=minikube" in played.output
    assert not any(instance.remains().values())
