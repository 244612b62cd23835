"""Look at an instance on a cluster and print, as JSON, what was found.

Looks from this machine, from inside the pods, and from a short-lived pod beside them that is always
removed. Everything is asked at once, since each call takes its time.

Usage: look.py QUESTION, a JSON object; roles/verification/tasks/cluster.yml says what is in it.

What was found has short names and is text, numbers or lists; roles/verification/vars/cluster.yml
says what is expected of each. {"note": "..."} stands where there is nothing to expect: what the
caller has no right to look at, or what this cluster does not offer.
"""

import json
import platform
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

KINDS = "deployments,services,pods,networkpolicies,poddisruptionbudgets,horizontalpodautoscalers"
INSIDE = (
    *("uid", "python", "aiohttp", "pip", "compilers", "ports", "left_out", "token", "writable"),
    *("capabilities", "no_new_privs", "seccomp", "host_user"),
)
PROBE_LABEL = "code-runner.probe"
PROBE_PORT = 8000
PROBE_SECONDS = 40
DIGEST = re.compile(r"[0-9a-f]{64}")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
# Of a quantity such as 256Mi or 200m.
UNITS = {"m": 0.001, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def note(text: str) -> dict[str, str]:
    return {"note": text}


NOT_ALLOWED = note("not allowed to look")


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    status: int
    out: str = ""
    err: str = ""

    @property
    def words(self) -> str:
        """The last line, which is where commands say what is wrong."""
        return (self.err.strip() or self.out.strip() or "no answer").splitlines()[-1]

    @property
    def refused(self) -> dict[str, str]:
        """A note where the caller may not ask, or has no room to; {} for all other refusals."""
        if re.search(r"cannot \w+ resource", self.err) or self is NOT_ASKED:
            return NOT_ALLOWED
        if "exceeded quota" in self.err:
            return note("the namespace's quota has no room for the verification's pod")
        return {}

    def find(self, digest: Callable[[Any], Any]) -> Any:
        """What `digest` makes of the JSON, or why there is none."""
        if self.refused:
            return self.refused
        if self.status != 0:
            return self.words
        try:
            return digest(json.loads(self.out))
        except (ValueError, LookupError, TypeError):
            return f"not understood: {self.words}"

    def line(self, pattern: str = "") -> Any:
        """The first line that matches, or why there is none."""
        if self.refused:
            return self.refused
        lines = [line for line in ESCAPE.sub("", self.out).splitlines() if re.search(pattern, line)]
        return lines[0].strip() if self.status == 0 and lines else self.words


NOT_ASKED = Answer(1)


def command(*argv: str, text: str = "") -> Answer:
    try:
        done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=60)
    except OSError as error:
        return Answer(127, err=f"{argv[0]}: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Answer(124, err=f"{argv[0]} gave no answer in 60 seconds")
    return Answer(done.returncode, done.stdout, done.stderr)


class Instance:
    """The instance in question, and the ways to ask about it."""

    def __init__(self, question: dict[str, Any]) -> None:
        self.question = question
        self.name: str = question["name"]
        self.selector = f"--selector=app={self.name}"
        listed = self.kubectl("get", KINDS, self.selector, "--output=json")
        self.trouble = listed.words if listed.status else ""
        self.items: list[dict[str, Any]] = json.loads(listed.out or "{}").get("items", [])
        self.deployment = self.first("Deployment")
        # Pods that are on their way out no longer count.
        self.pods = [pod for pod in self.every("Pod") if "deletionTimestamp" not in pod["metadata"]]

    def every(self, kind: str) -> list[dict[str, Any]]:
        return [item for item in self.items if item["kind"] == kind]

    def first(self, kind: str) -> dict[str, Any]:
        named = (item for item in self.every(kind) if item["metadata"]["name"] == self.name)
        return next(named, {})

    def kubectl(self, *arguments: str, text: str = "") -> Answer:
        argv = [*self.question["kubectl"], "--request-timeout=30s", *arguments]
        return command(*argv, text=text)

    def cluster(self, *arguments: str) -> Answer:
        """Ask about the cluster itself, which is not for those who have one namespace."""
        if not self.question["manage_namespace"]:
            return NOT_ASKED
        return self.kubectl(*arguments)

    def inside(self, container: str, targets: dict[str, list[Any]]) -> Answer:
        """Run inside.py in a container of the newest pod."""
        newest = max(self.pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
        words = ["exec", newest["metadata"]["name"], f"--container={container}", "--"]
        return self.kubectl(*words, "python3", "-c", self.question["inside"], json.dumps(targets))


def questions(instance: Instance) -> dict[str, tuple[Any, ...]]:
    """What needs no other answer first: the function to call, and with what."""
    ask, about_cluster, asked = instance.kubectl, instance.cluster, instance.question
    minikube = ("minikube", "-p", asked["profile"])
    deployment, patience = f"deployment/{instance.name}", f"--timeout={asked['wait']}s"
    on_minikube: dict[str, tuple[Any, ...]] = {
        "minikube_version": (command, *minikube, "version", "--short"),
        "minikube_status": (command, *minikube, "status", "--output=json"),
        "minikube_images": (command, *minikube, "image", "ls", "--format=json"),
    }
    return {
        "versions": (ask, "version", "--output=json"),
        "cluster_info": (about_cluster, "cluster-info"),
        "nodes": (about_cluster, "get", "nodes", "--output=json"),
        "namespace": (about_cluster, "get", f"namespace/{asked['namespace']}", "--output=json"),
        "wait": (ask, "wait", "--for=condition=available", deployment, patience),
        "logs": (ask, "logs", instance.selector, "--tail=50"),
        "events": (ask, "get", "events", "--sort-by=.lastTimestamp", "--output=json"),
        "describe": (ask, "describe", "pod", instance.selector),
        "top": (ask, "top", "pod", instance.selector, "--no-headers"),
        "docker": (command, "docker", "version", "--format={{.Server.Version}}"),
        # Without a daemon to ask; more than this fails at times while another podman starts.
        "podman": (command, "podman", "--version"),
        **(on_minikube if asked["provider"] == "minikube" else {}),
        # The two that take longest.
        "gateway": (instance.inside, "code-runner", {}),
        "beside": (look_from_beside, instance),
    }


def facts(instance: Instance) -> dict[str, Any]:
    """Ask everything at once; the names are those of roles/verification/vars/cluster.yml."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        asked = {name: pool.submit(*call) for name, call in questions(instance).items()}
        answers: dict[str, Any] = {name: future.result() for name, future in asked.items()}
    return {
        **of_the_machine(answers),
        **of_the_image(instance, answers),
        **of_the_manifests(instance, answers),
        **of_the_pods(instance, answers),
        **of_the_inside(answers),
        **answers["beside"],
    }


def of_the_machine(answers: dict[str, Any]) -> dict[str, Any]:
    engines = [name for name in ("docker", "podman") if answers[name].status == 0]
    versions = [f"{name} {answers[name].words.split()[-1]}" for name in engines]
    silence = f"none ({answers['docker'].words}; {answers['podman'].words})"
    found = {
        "python": platform.python_version(),
        "kubectl_client": answers["versions"].find(
            lambda said: said["clientVersion"]["gitVersion"]
        ),
        "kubectl_server": answers["versions"].find(
            lambda said: said["serverVersion"]["gitVersion"]
        ),
        "cluster_info": answers["cluster_info"].line("is running at"),
        "nodes": answers["nodes"].find(ready_nodes),
        "engine": ", ".join(versions) or silence,
    }
    if "minikube_status" in answers:
        found["minikube_version"] = answers["minikube_version"].line()
        # Its exit status also counts a kubeconfig that it does not find itself in.
        status = replace(answers["minikube_status"], status=0)
        found["minikube_status"] = status.find(
            lambda said: " ".join(said[part] for part in ("Host", "Kubelet", "APIServer"))
        )
    return found


def ready_nodes(nodes: dict[str, Any]) -> str:
    ready = [node for node in nodes["items"] if is_true(node, "Ready")]
    return f"{len(ready)} of {len(nodes['items'])}"


def is_true(item: dict[str, Any], kind: str) -> bool:
    conditions = item["status"].get("conditions", [])
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)


def of_the_image(instance: Instance, answers: dict[str, Any]) -> dict[str, Any]:
    """Whether the engine, minikube and the pods speak of the same image."""
    ref = gateway(instance)["image"]
    engines = [name for name in ("docker", "podman") if answers[name].status == 0]
    inspected = [command(name, "image", "inspect", "--format={{.Id}}", ref) for name in engines]
    built = [DIGEST.findall(answer.out) for answer in inspected if answer.status == 0]
    running = {
        digest
        for pod in instance.pods
        for status in pod["status"].get("containerStatuses", [])
        for digest in DIGEST.findall(status["imageID"])
    }
    found: dict[str, Any] = {
        "image": ref,
        "image_built": built[0][0][:12] if built else note("not in this machine's engine any more"),
        "images_running": len(running),
    }
    if "minikube_images" in answers:
        listed = answers["minikube_images"].find(
            lambda images: [i for i in images if ref in (i["repoTags"] or [])]
        )
        entry = listed[0] if listed and isinstance(listed, list) else {}
        known = DIGEST.findall(json.dumps(entry))
        found["image_listed"] = (
            ref if entry else "not listed" if isinstance(listed, list) else listed
        )
        found["image_loaded"] = (DIGEST.findall(entry.get("id", "")) or ["none"])[0][:12]
        found["image_is_loaded_one"] = bool(running) and running <= set(known)
    return found


def gateway(instance: Instance) -> dict[str, Any]:
    containers = instance.deployment["spec"]["template"]["spec"]["containers"]
    return next(each for each in containers if each["name"] == "code-runner")


def of_the_manifests(instance: Instance, answers: dict[str, Any]) -> dict[str, Any]:
    """What the API server has, in the words of the reference's manifests."""
    deployment, service = instance.deployment, instance.first("Service")
    spec, container = deployment["spec"], gateway(instance)
    pod = spec["template"]["spec"]
    slots = [each for each in pod["containers"] if each is not container]
    wall = container["securityContext"]
    space = answers["namespace"]
    ports = container["ports"]
    port = next((each for each in ports if each.get("name") == "http"), ports[0])
    offer = service.get("spec", {"ports": [{}]})
    policy = instance.first("NetworkPolicy").get("spec", {})
    return {
        "namespace": space.find(lambda found: found["status"]["phase"]),
        "pod_security": space.find(pod_security),
        "deployment": deployment["metadata"]["name"],
        "deployment_app": deployment["metadata"]["labels"]["app"],
        "replicas": spec["replicas"],
        "replicas_ready": deployment["status"].get("readyReplicas", 0),
        "selector": words(spec["selector"]["matchLabels"]),
        "pod_app": spec["template"]["metadata"]["labels"]["app"],
        "containers": [each["name"] for each in pod["containers"]],
        "pull_policy": container["imagePullPolicy"],
        "port": f"{port.get('name')} {port['containerPort']}",
        "log_level": environment(container).get("LOG_LEVEL", "unset"),
        "liveness": probe(container.get("livenessProbe")),
        "readiness": probe(container.get("readinessProbe")),
        "startup": probe(container.get("startupProbe")),
        "requests": amounts([each["resources"]["requests"] for each in pod["containers"]]),
        "limits": amounts([container["resources"]["limits"]]),
        "slot_limits": sorted({amounts([each["resources"]["limits"]]) for each in slots}),
        "non_root": f"{wall.get('runAsNonRoot')} {wall.get('runAsUser')}",
        "privilege_escalation": wall.get("allowPrivilegeEscalation"),
        "read_only_root": wall.get("readOnlyRootFilesystem"),
        "service": service.get("metadata", {}).get("name", "absent"),
        "service_type": offer.get("type"),
        "service_ports": [
            f"{p.get('name')} {p.get('port')} {p.get('targetPort')} {p.get('protocol')}"
            for p in offer["ports"]
        ],
        "service_selector": words(offer.get("selector", {})),
        "network_policy": f"{sorted(policy['policyTypes'])}, egress {policy.get('egress', [])}"
        if policy
        else "absent",
        "budget": "present" if instance.first("PodDisruptionBudget") else "absent",
        "autoscaler": autoscaler(instance.first("HorizontalPodAutoscaler")),
        "token_mounted": pod.get("automountServiceAccountToken"),
        "user_namespace_asked": pod.get("hostUsers") is False,
    }


def pod_security(space: dict[str, Any]) -> Any:
    labels = space["metadata"].get("labels", {})
    level = labels.get("pod-security.kubernetes.io/enforce", "none")
    if labels.get("app.kubernetes.io/managed-by") != "code-runner":
        return note(f"{level} (the namespace is not ours, its labels are left alone)")
    return level


def words(labels: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each.get("value", "") for each in container.get("env", [])}


def probe(probe: Any) -> str:
    """Path, initial delay, period, timeout and failures of a probe."""
    if not probe:
        return "none"
    names = ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold")
    return " ".join([probe["httpGet"]["path"], *(str(probe.get(name, 0)) for name in names)])


def amounts(resources: list[dict[str, str]]) -> str:
    """The sum of several requests or limits, as millicores and MiB."""
    cpu = sum(quantity(each.get("cpu", "0")) for each in resources)
    memory = sum(quantity(each.get("memory", "0")) for each in resources)
    return f"{cpu * 1000:.0f}m {memory / UNITS['Mi']:.0f}Mi"


def quantity(text: str) -> float:
    unit = text.lstrip("0123456789.")
    return float(text[: len(text) - len(unit)]) * UNITS.get(unit, 1)


def autoscaler(scaler: dict[str, Any]) -> str:
    if not scaler:
        return "absent"
    spec, status = scaler["spec"], scaler["status"]
    return f"{spec['minReplicas']} to {spec['maxReplicas']}, now {status.get('currentReplicas', 0)}"


def of_the_pods(instance: Instance, answers: dict[str, Any]) -> dict[str, Any]:
    """Section 6 of the reference, and its commands for observing."""
    statuses = [pod["status"].get("containerStatuses", []) for pod in instance.pods]
    return {
        "wait": answers["wait"].line("condition met"),
        "pods": sorted(pod["status"]["phase"] for pod in instance.pods),
        "pods_ready": sorted(f"{sum(c['ready'] for c in each)}/{len(each)}" for each in statuses),
        "restarts": sum(container["restartCount"] for each in statuses for container in each),
        "logs": components(answers["logs"]),
        "events": answers["events"].find(lambda said: f"{len(said['items'])} events"),
        "describe": answers["describe"].line("^Name:"),
        "top": usage(answers["top"]),
    }


def usage(top: Answer) -> Any:
    """CPU and memory of a pod; a note where the metrics API is absent or knows nothing yet."""
    said = top.line()
    return said if said == NOT_ALLOWED or (top.status == 0 and top.out.strip()) else note(said)


def components(logs: Answer) -> Any:
    """Who wrote the log that `kubectl logs` shows when no container is named."""
    if logs.status:
        return logs.line()
    if not logs.out:
        return note("no line yet, at this log level")
    try:
        return sorted({json.loads(line)["component"] for line in logs.out.splitlines()})
    except (ValueError, LookupError):
        return "a line that is not JSON"


def of_the_inside(answers: dict[str, Any]) -> dict[str, Any]:
    """What the gateway's container looks like to a process in it."""
    seen = answers["gateway"]
    return {f"inside_{name}": seen.find(lambda said, name=name: said[name]) for name in INSIDE}


def look_from_beside(instance: Instance) -> dict[str, Any]:
    """Call the service from another pod, and see what a runner's container reaches."""
    name = f"{instance.name}-probe-{secrets.token_hex(3)}"
    made = instance.kubectl("create", "--filename=-", text=json.dumps(probe_pod(instance, name)))
    try:
        seen = wait_for_probe(instance, name) if made.status == 0 else made
        targets = seen.find(lambda said: {"another pod": [said["address"], PROBE_PORT]})
        runner = instance.inside("runner-0", targets if "another pod" in targets else {})
    finally:
        instance.kubectl("delete", f"pod/{name}", "--now", "--wait=false", "--ignore-not-found")
    return {
        "dns_name": seen.find(lambda said: said["called"]),
        "probe_admitted": seen.find(lambda said: "yes"),
        "runner_uid": runner.find(lambda said: said["uid"]),
        "runner_holds": runner.find(
            lambda said: [name for name in ("token", "keys") if said[name]]
        ),
        "runner_writes": runner.find(lambda said: said["writable"]),
        "egress": runner.find(lambda said: egress(said["reach"], seen)),
    }


def egress(reached: dict[str, str], control: Answer) -> Any:
    """What a runner's container reached; a note where nothing enforces the NetworkPolicy."""
    connected = sorted(name for name, outcome in reached.items() if outcome == "connected")
    if connected:
        return note(
            "NOTHING ENFORCES the NetworkPolicy in this cluster: a runner's container reached "
            f"{', '.join(connected)}. The walls of a run still refuse it every socket"
        )
    # Only what the probe can reach shows that somebody stands in the runner's way.
    shown = control.find(lambda said: said["reach"]) if control.status == 0 else {}
    missing = sorted(name for name in reached if shown.get(name) != "connected")
    if missing:
        return note(f"nothing, but neither did the probe reach {', '.join(missing)}")
    return "nothing"


def wait_for_probe(instance: Instance, name: str) -> Answer:
    """The line that the probe prints, or why there is none."""
    give_up = time.monotonic() + PROBE_SECONDS
    instance.kubectl("wait", f"pod/{name}", "--for=condition=Ready", f"--timeout={PROBE_SECONDS}s")
    while time.monotonic() < give_up:
        said = instance.kubectl("logs", name)
        if said.status == 0 and said.out.endswith("}\n"):
            return said
        time.sleep(0.2)
    state = instance.kubectl("get", f"pod/{name}", "--output=jsonpath={.status}")
    return Answer(1, err=f"the probe said nothing in {PROBE_SECONDS} seconds: {state.out[-300:]}")


def probe_pod(instance: Instance, name: str) -> dict[str, Any]:
    """A pod of the image that runs, as the service's own pods, but not behind its NetworkPolicy."""
    question, owner = instance.question, instance.deployment["metadata"]
    like, spec = gateway(instance), instance.deployment["spec"]["template"]["spec"]
    shared = ("imagePullSecrets", "nodeSelector", "tolerations", "runtimeClassName", "hostUsers")
    service = f"{instance.name}.{question['namespace']}.svc.cluster.local"
    other = [
        [pod["status"]["podIP"], PROBE_PORT] for pod in instance.pods if pod["status"].get("podIP")
    ]
    targets = {"another pod": other[0]} if other else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {PROBE_LABEL: question["instance"]},
            # Should nobody be left to remove it, it goes with the Deployment.
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": owner["name"],
                    "uid": owner["uid"],
                }
            ],
        },
        "spec": {
            **{key: spec[key] for key in shared if key in spec},
            "restartPolicy": "Never",
            "activeDeadlineSeconds": 2 * PROBE_SECONDS,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": spec["securityContext"],
            "containers": [
                {
                    "name": "probe",
                    "image": like["image"],
                    "imagePullPolicy": like["imagePullPolicy"],
                    "command": ["python3", "-c", question["inside"]],
                    "args": [json.dumps(targets), f"http://{service}:80/health"],
                    "env": [
                        {
                            "name": "ADDRESS",
                            "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}},
                        }
                    ],
                    "securityContext": like["securityContext"],
                    "resources": {
                        "requests": {"cpu": "10m", "memory": "32Mi"},
                        "limits": {"cpu": "500m", "memory": "128Mi"},
                    },
                }
            ],
        },
    }


def main(question: dict[str, Any]) -> None:
    # The probe is removed on the way out, which an exception takes and a signal would not.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    instance = Instance(question)
    if not instance.deployment or not instance.pods:
        sys.exit(f"{instance.name} has no pods here: {instance.trouble or 'deploy it first'}")
    try:
        print(json.dumps(facts(instance)))
    except (LookupError, StopIteration) as error:
        sys.exit(f"{instance.name} is no Code Runner, it lacks {error}: deploy over it first")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
