"""Which attacks does each wall stop alone? `python3 tests/hostile/wall_by_wall.py [WALL ...]`

For each wall the service is copied, the wall is taken out of the copy, and the copy is deployed on
podman and attacked. So nothing in the service itself can leave a wall out. Prints the table of
docs/threat-model.md; what was breached is told on standard error.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "tests" / name) for name in ("service", "collection")]

from campaign import Campaign  # noqa: E402 (they are found by the line above)
from instances import Instance  # noqa: E402 (they are found by the line above)
from table import Attack, all_attacks  # noqa: E402 (they are found by the line above)

from client import Client  # noqa: E402 (they are found by the line above)

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
    "landlock": (("sandbox/walls.py", "    if plan.ruleset:\n", "    if False:\n"),),
    "landlock, all but files": (
        ("sandbox/walls.py", "abi = landlock.abi()\n", "abi = min(1, landlock.abi())\n"),
    ),
    "rlimits": (
        ("sandbox/walls.py", "    limits.apply(plan.limits)\n", ""),
        ("sandbox/walls.py", "    limits.apply_for_children(bounds)\n", ""),
        ("runner/child.py", "    limits.apply_cpu_time(*JOB.unpack(message))\n", ""),
    ),
    "non_dumpable": (
        ("sandbox/kernel.py", "    prctl(PR_SET_DUMPABLE, 0)\n", "    prctl(PR_SET_DUMPABLE, 1)\n"),
    ),
    "no_new_privs": (("sandbox/kernel.py", "    prctl(PR_SET_NO_NEW_PRIVS, 1)\n", "    return\n"),),
    "policing": (
        (
            "runner/policing.py",
            "    def _look(self) -> None:\n",
            "    def _look(self) -> None:\n        return\n",
        ),
    ),
}
OF_A_PROCESS = ("seccomp", "landlock", "rlimits", "non_dumpable", "no_new_privs")


def main() -> None:
    """Attack without each wall in turn, and without all those of a process at once."""
    wanted = sys.argv[1:] or ["none", *EDITS, "all"]
    breached = {}
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        instance = Instance(tree, Path(folder, "state", "code-runner"), INSTANCE, INSTANCE)
        try:
            for wall in wanted:
                left_out = {"none": (), "all": OF_A_PROCESS}.get(wall, (wall,))
                breached[wall] = _attack_without(left_out, instance)
        finally:
            instance.teardown()
    print(f"| without | of {len(SUITE)} attacks get through | which |\n|---|---|---|")
    for wall, attacks in breached.items():
        print(f"| {wall} | {len(attacks)} | {', '.join(attack.id for attack in attacks)} |")


def _attack_without(walls: tuple[str, ...], instance: Instance) -> list[Attack]:
    """Deploy a service that lacks these walls; returns the attacks that are not contained."""
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
    # Without a wall an attack may do lasting damage.
    campaign = Campaign(client, lambda: instance.podman("pod", "restart", instance.pod))
    breached = []
    for verdict in campaign.run(SUITE):
        if not verdict.contained:
            print(f"without {' and '.join(walls)}: {verdict}", file=sys.stderr, flush=True)
            breached.append(verdict.attack)
    return breached


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if text.count(old) != 1:
        raise SystemExit(f"{path.name} does not hold exactly once: {old.strip()}")
    path.write_text(text.replace(old, new))


if __name__ == "__main__":
    main()
