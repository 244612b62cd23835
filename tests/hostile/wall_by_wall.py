"""Which attacks does each wall stop alone? `wall_by_wall.py [WALL[+WALL] ...]`, or `make walls`.

For each wall the service is copied, the wall is taken out of the copy, and the copy is deployed on
podman and attacked. So nothing in the service itself can leave a wall out. Pairs of walls show what
one of them stops when the other has fallen. Prints the table of docs/threat-model.md row by row;
what was breached is told on standard error.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "tests" / name) for name in ("service", "collection")]

from campaign import Campaign, all_alive  # noqa: E402 (they are found by the line above)
from instances import Instance  # noqa: E402 (they are found by the line above)
from table import Attack, all_attacks  # noqa: E402 (they are found by the line above)

from client import Client  # noqa: E402 (they are found by the line above)
from processes import eventually  # noqa: E402 (they are found by the line above)

SUITE = all_attacks()
INSTANCE = "code-runner-without-a-wall"

# Wall: the file, what stands there, and what stands there without the wall.
Edit = tuple[str, str, str]
EDITS: dict[str, tuple[Edit, ...]] = {
    "seccomp": (
        (
            "sandbox/seccomp.py",
            "    kernel.prctl(PR_SET_SECCOMP,",
            "    return\n    kernel.prctl(PR_SET_SECCOMP,",
        ),
    ),
    "landlock": (("sandbox/walls.py", "self.ruleset.confinement() if self.ruleset else ()", "()"),),
    "landlock, all but files": (
        ("sandbox/walls.py", "abi = landlock.abi()\n", "abi = min(1, landlock.abi())\n"),
    ),
    "rlimits": (
        ("sandbox/walls.py", "    limits.apply_for_children(bounds)\n", ""),
        ("sandbox/walls.py", "*limits.for_each_child(bounds)", ""),
        ("runner/child.py", "        bound_cpu_time((cpu_seconds, cpu_seconds + 1))\n", ""),
    ),
    "non_dumpable": (
        ("sandbox/kernel.py", "    prctl(PR_SET_DUMPABLE, 0)\n", "    prctl(PR_SET_DUMPABLE, 1)\n"),
    ),
    "no_new_privs": (("sandbox/kernel.py", "    prctl(PR_SET_NO_NEW_PRIVS, 1)\n", "    return\n"),),
    "policing": (
        (
            "runner/policing.py",
            "    def look(self) -> bool:\n",
            "    def look(self) -> bool:\n        return False\n",
        ),
    ),
}
OF_A_PROCESS = ("seccomp", "landlock", "rlimits", "non_dumpable", "no_new_privs")
# What a wall adds that stops nothing alone.
PAIRS = ("landlock+non_dumpable", "landlock+seccomp", "seccomp+no_new_privs")
HEALING_SECONDS = 60.0


def main() -> None:
    """Attack without each wall in turn, without pairs, and without all those of a process."""
    wanted = sys.argv[1:] or ["none", *EDITS, *PAIRS, "all"]
    if unknown := {wall for each in wanted for wall in _left_out(each)} - EDITS.keys():
        raise SystemExit(
            f"no such wall: {', '.join(sorted(unknown))}; there are {', '.join(EDITS)}"
        )
    print(f"| without | of {len(SUITE)} attacks get through | which |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        instance = Instance(tree, Path(folder, "state", "code-runner"), INSTANCE, INSTANCE)
        try:
            for each in wanted:
                names = [attack.id for attack in _attack_without(_left_out(each), instance)]
                print(f"| {each} | {len(names)} | {', '.join(names)} |", flush=True)
        finally:
            _remove_pod(instance)
            instance.teardown()


def _left_out(wanted: str) -> tuple[str, ...]:
    return {"none": (), "all": OF_A_PROCESS}.get(wanted, tuple(wanted.split("+")))


def _attack_without(walls: tuple[str, ...], instance: Instance) -> list[Attack]:
    """Deploy a service that lacks these walls; returns the attacks that are not contained."""
    _remove_pod(instance)
    shutil.rmtree(instance.tree, ignore_errors=True)
    ignore = shutil.ignore_patterns(".*", "__pycache__", "tests")
    shutil.copytree(REPOSITORY, instance.tree, ignore=ignore)
    for wall in walls:
        for file, old, new in EDITS[wall]:
            _replace(instance.tree / "service" / "code_runner" / file, old, new)
    instance.deploy(
        *("--tags", "prerequisites,image,deployment"),
        code_runner_slots=4,
        code_runner_required_walls=[],
    )
    client = Client(f"http://127.0.0.1:{instance.port}")

    def heal() -> None:
        """Start all of it again: without a wall an attack may do lasting damage."""
        for step in ("kill", "start"):
            instance.podman("pod", step, instance.pod, check=False)
        with contextlib.suppress(AssertionError):
            eventually(lambda: all_alive(client), HEALING_SECONDS)

    breached = []
    for verdict in Campaign(client, heal).run(SUITE):
        if not verdict.contained:
            print(f"without {' and '.join(walls)}: {verdict}", file=sys.stderr, flush=True)
            breached.append(verdict.attack)
    return breached


def _remove_pod(instance: Instance) -> None:
    """Podman may need more than one try while processes of the last row are still ending."""

    def is_gone() -> bool:
        instance.podman("pod", "rm", "--force", "--time", "0", instance.pod, check=False)
        return not instance.remains()["containers"]

    eventually(is_gone, HEALING_SECONDS)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if text.count(old) != 1:
        raise SystemExit(f"{path.name} does not hold exactly once: {old.strip()}")
    path.write_text(text.replace(old, new))


if __name__ == "__main__":
    main()
