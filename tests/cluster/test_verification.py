"""The verification has a row for everything, sees what is broken, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess

from clusters import ClusterInstance, until
from instances import BIN
from tables import VERIFY, rows

NAME = "code-runner-service"
STATUS = "playbooks/status.yml"
# What the beginning of a row has to be, for every item of the reference.
ITEMS = [
    *("1 minikube version", "1 minikube status", "1 kubectl: client", "1 kubectl: server"),
    *("1 kubectl cluster-info", "1 kubectl get nodes", "1 the engine's daemon", "1 Python"),
    *("2.2 ", "2.3 /: body", "2.3 /health: body", "2.3 /ready: the fields", "2.3 LOG_LEVEL"),
    *("2.3 max_timeout in /ready", "2.3 max_timeout in /", "2.3 max_output_size in /"),
    *("2.3 blank code: status", "2.3 blank code: detail"),
    *("3 uid", "3 port", "3 pip", "3 compilers", "3.1 "),
    *(
        "4 image of the Deployment",
        "4 minikube image load",
        "4 minikube image ls",
        "4 the pods run",
    ),
    *("5.1 namespace", "5.2 Deployment", "5.2 label app of the Deployment", "5.2 replicas"),
    *("5.2 selector", "5.2 label app of the pods", "5.2 containers", "5.2 imagePullPolicy"),
    *("5.2 container port", "5.2 liveness probe", "5.2 readiness probe", "5.2 requests"),
    *("5.2 limits of the gateway", "5.2 limits of each slot", "5.2 runAsNonRoot"),
    *("5.2 allowPrivilegeEscalation", "5.2 readOnlyRootFilesystem"),
    *("5.3 Service", "5.3 type", "5.3 ports", "5.3 selector"),
    *("6 kubectl wait", "6 kubectl get pods", "6 kubectl logs", "7.1 port-forward"),
    *("7.2 curl /health", "7.2 curl /ready", "7.2 curl /", "7.2 curl /run, simple print"),
    *("7.2 curl /run, calculation", "7.2 curl /run, loop", "7.2 curl /run, error handling"),
    *("7.2 curl /run, timeout", "7.2 simple print", "7.2 calculation", "7.2 loop"),
    *("7.2 error handling", "7.2 timeout"),
    *(f"7.3 step {step}:" for step in range(5, 11)),
    f"8 {NAME}.",
    *(f"Criterion {number}:" for number in range(1, 14)),
    *(f"Scenario {number}," for number in range(1, 6)),
    *(f"Observability: kubectl {what}" for what in ("logs", "get events", "describe", "top")),
    *(
        "Security: Pod Security level",
        "Security: a service account token",
        "Security: NetworkPolicy",
    ),
    *("Security: what a runner's container reaches", "Security: folders that the gateway"),
    *("Security: required walls", "Security: POST /run without an API key"),
]


def port_forwards(instance: ClusterInstance) -> list[str]:
    """The processes that forward to this instance."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    lines = listed.stdout.splitlines()
    return [line for line in lines if "port-forward" in line and instance.namespace in line]


def probes(instance: ClusterInstance) -> list[str]:
    """The verification's own pods that nobody has removed yet."""
    found = instance.objects("pods", "--selector", "code-runner.probe")
    return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]


def test_every_item_of_the_reference_has_a_row_and_none_fails(
    deployed: ClusterInstance, enforcement_stays: None
) -> None:
    played = deployed.play(VERIFY)
    assert played.returncode == 0, played.output
    assert played.changed == 0
    found = rows(played.output)
    missing = [item for item in ITEMS if not any(check.startswith(item) for check in found)]
    assert missing == []
    # The metrics of a pod as young as this are not there yet.
    noted = {check for check, (verdict, _) in found.items() if verdict != "ok"}
    assert noted <= {"Observability: kubectl top pod"}, noted
    assert port_forwards(deployed) == probes(deployed) == []


def test_a_broken_thing_is_one_row_and_one_message(deployed: ClusterInstance) -> None:
    def rename_port(name: str) -> None:
        patch = {"spec": {"ports": [{"port": 80, "name": name}]}}
        deployed.kubectl("patch", "service", NAME, "--patch", json.dumps(patch))

    rename_port("web")
    try:
        played = deployed.play(VERIFY)
    finally:
        rename_port("http")
    assert played.returncode != 0
    failed = [check for check, (verdict, _) in rows(played.output).items() if verdict == "FAIL"]
    assert failed == ["5.3 ports (name, port, target, protocol)"]
    message = played.output.partition("fatal:")[2]
    assert re.search(r"1 of \d+ checks failed:\n +FAIL 5.3 ports", message), message
    assert "http 80 8000 TCP" in message and "web 80 8000 TCP" in message
    assert port_forwards(deployed) == probes(deployed) == []


def test_a_busy_port_is_one_clear_error(deployed: ClusterInstance) -> None:
    with socket.create_server(("127.0.0.1", deployed.port)):
        played = deployed.play(VERIFY)
    assert played.returncode != 0
    assert f"Port {deployed.port} on 127.0.0.1 is taken" in played.output
    assert f"-e code_runner_port={deployed.port + 1}" in " ".join(played.output.split())
    assert "Traceback" not in played.output


def test_a_verification_that_is_interrupted_ends_its_port_forward(
    deployed: ClusterInstance,
) -> None:
    with subprocess.Popen(
        [str(BIN / "ansible-playbook"), VERIFY, *deployed.settings()],
        cwd=deployed.tree,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as playing:
        until(lambda: port_forwards(deployed), 60, "a port-forward of the verification")
        # As Ctrl-C does: the whole group.
        os.killpg(playing.pid, signal.SIGINT)
    until(lambda: not port_forwards(deployed), 10, "an end of the port-forward")


def test_an_address_of_the_users_needs_no_port_forward(deployed: ClusterInstance) -> None:
    with deployed.cluster.forwarded(deployed.namespace) as port:
        url = f"http://127.0.0.1:{port}"
        played = deployed.play(
            VERIFY, code_runner_verify_url=url, code_runner_verification_extent="short"
        )
        assert played.returncode == 0, played.output
        assert len(port_forwards(deployed)) == 1  # the one of this test
    assert f"{url}\n" in played.output
    assert "Port-forward:" not in played.output


def test_what_is_not_deployed_is_said_in_one_line(instance: ClusterInstance) -> None:
    played = instance.play(VERIFY)
    assert played.returncode != 0
    assert "is not deployed" in played.output.partition("fatal:")[2]


def test_the_status_of_a_healthy_deployment_fits_one_screen(deployed: ClusterInstance) -> None:
    played = deployed.play(STATUS)
    assert played.returncode == 0, played.output
    screen = played.output.partition("    msg: |-")[2].partition("PLAY RECAP")[0]
    (pod,) = deployed.pods()
    of_the_pod = pod["metadata"]["name"] + r" +2/2 +Running +0 .* 1 of 1 alive, 0 busy$"
    assert re.search(of_the_pod, screen, re.MULTILINE), screen
    for word in ("1 of 1 pods ready", "successfully rolled out", "network policy", "seccomp"):
        assert word in screen
    assert "Last events:" in screen
    assert len(screen.splitlines()) <= 30


def test_the_status_says_why_pods_crash_while_the_old_ones_serve(deployed: ClusterInstance) -> None:
    looks: list[str] = []

    def ended_once_more() -> bool:
        looks.append(look(deployed))
        return waits_after(deployed, restarts=2)

    deployed.kubectl("set", "env", f"deployment/{NAME}", "CODE_RUNNER_MAX_TIMEOUT=-1")
    try:
        until(lambda: waits_after(deployed, restarts=1), 60, "a container that ended twice")
        # Until then it also runs, for a moment, and has just ended.
        until(ended_once_more, 60, "a container that ended three times")
        screen = deployed.play(STATUS).output
    finally:
        deployed.kubectl("rollout", "undo", f"deployment/{NAME}")
        deployed.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=60s")
    assert "1 of 1 pods ready" in screen
    assert "1 of 1 alive, 0 busy" in screen
    assert "no answer" in screen
    assert re.search(r"Warning +BackOff", screen)
    for said in [*looks, screen]:
        assert "CODE_RUNNER_MAX_TIMEOUT='-1' is wrong" in said, said


def look(instance: ClusterInstance) -> str:
    """What the play shows, without the play, which takes longer than a container that ends."""
    question = {"kubectl": instance.cluster.command("--namespace", instance.namespace)}
    program = instance.tree / "roles/verification/files/status.py"
    argv = [BIN / "python", program, json.dumps({**question, "name": NAME})]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def waits_after(instance: ClusterInstance, restarts: int) -> bool:
    statuses = [s for pod in instance.pods() for s in pod["status"].get("containerStatuses", [])]
    return any(s["restartCount"] >= restarts and "waiting" in s["state"] for s in statuses)
