"""Deploying changes what differs and nothing else; a teardown leaves nothing."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable

import pytest
from instances import Instance


@pytest.fixture(scope="module")
def deployed(make_instance: Callable[[], Instance]) -> Instance:
    instance = make_instance()
    instance.deploy()
    return instance


def test_the_deploy_ends_with_a_real_run_and_the_line_to_repeat_it(deployed: Instance) -> None:
    last = deployed.deploy().output.split("Sum up")[1]
    assert f"http://127.0.0.1:{deployed.port}" in last
    assert '"stdout": "4\\n"' in last
    assert "curl -s -X POST" in last
    for word in ("podman (", "Walls standing:", "Walls missing:", "Authentication:"):
        assert word in last


def test_a_second_deploy_changes_nothing(deployed: Instance) -> None:
    pod = deployed.pod_id()
    assert deployed.deploy().changed == 0
    assert deployed.pod_id() == pod


def test_check_mode_changes_nothing_and_says_what_it_would_do(deployed: Instance) -> None:
    pod = deployed.pod_id()
    assert deployed.deploy("--check").changed == 0
    would = deployed.deploy("--check", code_runner_max_timeout=7)
    assert would.changed == 1
    assert "would be replaced" in would.output
    assert deployed.pod_id() == pod


@pytest.mark.parametrize("tag", ["prerequisites", "image", "deployment", "verification"])
def test_each_tag_alone_changes_nothing_on_a_deployed_machine(deployed: Instance, tag: str) -> None:
    pod = deployed.pod_id()
    assert deployed.deploy("--tags", tag).changed == 0
    assert deployed.pod_id() == pod


def test_a_changed_setting_replaces_the_pod_exactly_once(deployed: Instance) -> None:
    pod = deployed.pod_id()
    changed = deployed.deploy(code_runner_max_timeout=7)
    assert changed.output.count("TASK [deployment : Play the manifest]") == 1
    replaced = deployed.pod_id()
    assert replaced != pod
    assert deployed.get("/ready")["max_timeout"] == 7
    assert deployed.deploy(code_runner_max_timeout=7).changed == 0
    assert deployed.pod_id() == replaced


def test_a_container_that_does_not_run_has_the_pod_replaced(deployed: Instance) -> None:
    deployed.deploy()
    pod = deployed.pod_id()
    deployed.podman("stop", "--time", "0", f"{deployed.pod}-runner-0")
    deployed.deploy()
    assert deployed.pod_id() != pod
    assert deployed.run("print(1)")["stdout"] == "1\n"


@pytest.mark.parametrize("container", ["runner-0", "code-runner"])
def test_a_killed_container_is_back_within_two_seconds(deployed: Instance, container: str) -> None:
    deployed.deploy()
    name = f"{deployed.pod}-{container}"
    pid = int(deployed.podman("inspect", "--format", "{{.State.Pid}}", name))
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    while time.monotonic() - killed < 10:
        now = deployed.podman("inspect", "--format", "{{.State.Pid}}", name)
        try:
            if now not in ("", "0", str(pid)) and deployed.get("/ready")["slots"]["alive"] == 1:
                break
        except OSError:
            pass
        time.sleep(0.02)
    assert time.monotonic() - killed < 2
    assert deployed.run("print(1)")["stdout"] == "1\n"


def test_two_instances_live_side_by_side_and_one_leaves_without_a_trace(
    deployed: Instance, make_instance: Callable[[], Instance]
) -> None:
    pod = deployed.pod_id()
    other = make_instance()
    other.deploy()
    assert other.run("print(2)")["stdout"] == deployed.run("print(2)")["stdout"] == "2\n"

    assert other.teardown("--check").changed == 1
    assert other.get("/ready")["status"] == "ready"
    assert other.teardown().changed > 0
    assert not any(other.remains().values()), other.remains()
    assert other.teardown().changed == 0

    assert deployed.pod_id() == pod
    assert deployed.run("print(3)")["stdout"] == "3\n"
    assert deployed.deploy().changed == 0


@pytest.mark.parametrize("variable", ["code_runner_port", "code_runner_metrics_port"])
def test_a_busy_port_is_one_clear_error_before_anything_is_touched(
    make_instance: Callable[[], Instance], variable: str
) -> None:
    instance = make_instance()
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        played = instance.play("deploy.yml", **{variable: port})
        # The role alone, as others may use it, asks again.
        alone = instance.play("deploy.yml", "--tags", "deployment", **{variable: port})
    for refused in (played, alone):
        assert refused.returncode != 0
        said = " ".join(refused.output.split())
        assert f"Port {port} on 127.0.0.1 is taken by another program" in said
        assert f"-e {variable}={port + 1}" in said
        assert "Traceback" not in said
    assert not any(instance.remains().values())


def test_a_start_that_fails_shows_its_reason(make_instance: Callable[[], Instance]) -> None:
    instance = make_instance()
    played = instance.play("deploy.yml", code_runner_max_timeout=-1)
    # Podman would start it again and again, beside all tests that follow.
    instance.podman("pod", "rm", "--force", "--time", "0", instance.pod, check=False)
    assert played.returncode != 0
    assert "CODE_RUNNER_MAX_TIMEOUT" in played.output
    assert "stops again and again" in played.output


@pytest.mark.parametrize("tag", ["prerequisites", "image", "deployment", "verification"])
def test_each_tag_alone_works_where_nothing_is_deployed(
    make_instance: Callable[[], Instance], tag: str
) -> None:
    instance = make_instance()
    played = instance.play("deploy.yml", "--tags", tag)
    if tag == "verification":
        assert "is not deployed on podman" in played.output
    else:
        assert played.returncode == 0, played.output
    if tag == "deployment":
        assert instance.get("/ready")["status"] == "ready"
    else:
        assert not any(instance.remains().values()), instance.remains()


def test_the_manifests_can_be_had_without_a_deploy(make_instance: Callable[[], Instance]) -> None:
    instance = make_instance()
    target = instance.state_dir.parent / "manifests.yaml"
    played = instance.play("playbooks/render.yml", code_runner_render_file=str(target))
    assert played.returncode == 0, played.output
    assert "kind: Pod" in target.read_text()
    assert not any(instance.remains().values())
