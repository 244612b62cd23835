"""The services that are measured: how each is started and ended, and which processes it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Collection
from pathlib import Path
from typing import IO, Any

from bench.load import Request, request
from bench.workloads import Workload

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests" / "collection"))

from instances import Instance, free_port  # noqa: E402 (it is found by the line above)

RIVALS = Path(__file__).parent / "rivals"
START_SECONDS = 20.0


class Trouble(Exception):
    """The bench cannot go on; the text says why, for people."""


class Service:
    """A service at a URL, which somebody else has started."""

    workloads: Collection[str] | None = None
    """The names of those that are meant for it; None: all."""

    def __init__(
        self, name: str, title: str, url: str, key: str = "", pids: tuple[int, ...] = ()
    ) -> None:
        self.name = name
        self.title = title
        self.url = url
        self._key = key
        self._pids = pids

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it as it was."""

    def pids(self) -> tuple[int, ...]:
        """The processes below which all others are; none where they are not known."""
        return self._pids

    def offers(self, workload: Workload) -> bool:
        """Whether it is measured with this workload."""
        return self.workloads is None or workload.name in self.workloads

    def request(self, workload: Workload) -> Request:
        """What a client of the load sends."""
        return request(self.url, "/run", workload.body, workload.expected, self._key)

    def objection(self, workload: Workload) -> str:
        """Run it once; says what was wrong with the answer, and nothing when it was right."""
        try:
            answer = self._ask("/run", workload.body)
        except OSError as error:
            return str(error)
        if workload.expected.search(answer):
            return ""
        stderr = json.loads(answer).get("stderr") or answer.decode()
        return str(stderr).strip().splitlines()[-1]

    def python(self) -> str:
        """The version of the Python that runs the clients' code."""
        code = "import sys; print(sys.version.split()[0])"
        answer = json.loads(self._ask("/run", json.dumps({"code": code}).encode()))
        return str(answer["stdout"]).strip()

    def ready(self) -> dict[str, Any]:
        """What `/ready` tells."""
        return dict(json.loads(self._ask("/ready")))

    def refresh(self) -> None:
        """Get rid of requests that nobody waits for any more; a service of ours does so itself."""

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        wanted = urllib.request.Request(self.url + path, data=body, headers=headers)
        with urllib.request.urlopen(wanted, timeout=START_SECONDS) as answer:
            return bytes(answer.read())


class Rival(Service):
    """A program of `rivals/`, started here."""

    def __init__(self, name: str, title: str, python: Path) -> None:
        self._port = free_port()
        super().__init__(name, title, f"http://127.0.0.1:{self._port}")
        self._command = [str(python), str(RIVALS / f"{name}.py"), str(self._port)]
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def __enter__(self) -> Rival:
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        _wait_until(self._answers, f"{self.name} does not answer", self._said)
        return self

    def __exit__(self, *_: object) -> None:
        """End it, whatever it is doing; its own subprocesses end soon by themselves."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def pids(self) -> tuple[int, ...]:
        """The process that was started."""
        return (self._process.pid,) if self._process else ()

    def refresh(self) -> None:
        """Start it anew."""
        self.__exit__()
        self.__enter__()

    def _answers(self) -> bool:
        try:
            self._ask("/")
        except urllib.error.HTTPError:
            return True  # 404: it has no such page, but it is there
        except OSError:
            return False
        return True

    def _said(self) -> str:
        if not self._log:
            return ""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-2000:]


class Ours(Service):
    """Code Runner on podman, deployed by the playbook with a name, port and image of its own."""

    def __init__(self, name: str, title: str, instance: Instance, **settings: object) -> None:
        super().__init__(name, title, f"http://127.0.0.1:{instance.port}")
        self._instance = instance
        self._settings = settings

    def __enter__(self) -> Ours:
        print(f"Deploying {self.name}", file=sys.stderr, flush=True)
        try:
            self.deploy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away with all that it has left."""
        print(f"Taking {self.name} away", file=sys.stderr, flush=True)
        played = self._instance.play("playbooks/teardown.yml")
        if played.returncode:
            print(f"The teardown has failed:\n{played.output[-2000:]}", file=sys.stderr)

    def deploy(self, **settings: object) -> None:
        """Bring it to the state that these settings describe; raises `Trouble`."""
        tags = ("--tags", "prerequisites,image,deployment")
        played = self._instance.play("deploy.yml", *tags, **self._settings, **settings)
        if played.returncode:
            raise Trouble(f"the deploy has failed:\n{played.output[-4000:]}")

    def execute(self, program: Path, *arguments: str) -> str:
        """Execute a program of Python in a container like a runner's; returns what it printed."""
        like = self._instance.podman(
            "inspect", "--format", "{{.Image}}", f"{self._instance.pod}-runner-0"
        )
        printed = self._instance.podman(
            *("run", "--rm", "--read-only", "--network=none", "--user=64000:64000"),
            *("--cap-drop=all", "--security-opt=no-new-privileges"),
            *("--mount=type=tmpfs,destination=/tmp", "--mount=type=tmpfs,destination=/dev/shm"),
            *("--env=LD_BIND_NOW=1", f"--volume={program}:/program.py:ro"),
            *(like, "python3", "/program.py", *arguments),
            check=False,
        )
        if not printed:
            raise Trouble(f"{program.name} has failed in a container of its own")
        return printed

    def pids(self) -> tuple[int, ...]:
        """The first process of each container, without the one that only holds the namespaces."""
        return tuple(self.containers().values())

    def containers(self) -> dict[str, int]:
        """The first process of each container, by what is left of its name after the pod's."""
        listed = self._instance.podman(
            *("ps", "--filter", f"pod={self._instance.pod}", "--format", "json")
        )
        return {
            container["Names"][0].removeprefix(f"{self._instance.pod}-"): container["Pid"]
            for container in json.loads(listed)
            if not container["IsInfra"]
        }


def instances(folder: Path) -> Callable[[str], Instance]:
    """What makes instances that share one image, each with a namespace of its own."""
    name = f"code-runner-bench-{uuid.uuid4().hex[:8]}"
    return lambda suffix: Instance(REPOSITORY, folder / "state", name, name + suffix)


def requirements(*libraries: str) -> list[str]:
    """The versions that the rivals have of these libraries, as requirements for pip."""
    lines = (Path(__file__).parent / "requirements.txt").read_text().splitlines()
    return [line for line in lines if re.split("[=<>]", line)[0] in libraries]


def _wait_until(condition: Callable[[], bool], trouble: str, said: Callable[[], str]) -> None:
    end = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise Trouble(f"{trouble}; it said:\n{said()}")
        time.sleep(0.05)
