"""The pod under attack, seen from outside: what a campaign must leave as it was."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from instances import Instance

from client import Client
from processes import eventually


class Pod:
    """A service that is reached by HTTP alone, and perhaps a command that tells of its state."""

    def __init__(self, client: Client, command: str = "") -> None:
        self.client = client
        self._command = command

    def state(self) -> Any:
        """What has to be the same before and after: walls and slots, and what the command says."""
        ready = self.client.get("/ready")
        said = subprocess.run(
            self._command, shell=True, check=True, text=True, stdout=subprocess.PIPE
        ).stdout
        return {**ready.body, "command": said}

    def assert_state(self, expected: Any) -> None:
        """The state is what it was, once the last slots have been cleaned."""
        try:
            eventually(lambda: self.state() == expected, 5)
        except AssertionError:
            assert self.state() == expected

    def log(self) -> list[str]:
        """The lines that gateway and runners have written; none where they cannot be had."""
        return []


class PodmanPod(Pod):
    """A pod on podman, whose processes can be seen from this machine."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(Client(f"http://127.0.0.1:{instance.port}"))
        self._instance = instance

    def _containers(self) -> list[dict[str, Any]]:
        listed = self._instance.podman(
            "ps", "--all", "--filter", f"pod={self._instance.pod}", "--format", "json"
        )
        containers: list[dict[str, Any]] = json.loads(listed)
        return [container for container in containers if not container["IsInfra"]]

    def state(self) -> Any:
        """As for any pod; and its containers, when they were started, and what they hold."""
        return {
            **super().state(),
            "containers": {
                container["Names"][0]: {
                    "id": container["Id"],
                    "started": container["StartedAt"],
                    "processes": len(_processes_beside(container["Pid"])),
                    "descriptors": len(list(Path(f"/proc/{container['Pid']}/fd").iterdir())),
                }
                for container in self._containers()
            },
        }

    def log(self) -> list[str]:
        """The lines that gateway and runners have written."""
        return [
            line
            for container in self._containers()
            for line in self._instance.podman("logs", container["Id"]).splitlines()
        ]


def _processes_beside(pid: int) -> list[Path]:
    """Every process in the PID namespace of `pid`."""
    namespace = Path(f"/proc/{pid}/ns/pid").readlink()
    found = []
    for link in Path("/proc").glob("[0-9]*/ns/pid"):
        try:
            if link.readlink() == namespace:
                found.append(link)
        except OSError:
            continue  # it has ended meanwhile, or belongs to somebody else
    return found
