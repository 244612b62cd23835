"""From nothing to nothing, with a dry run, a second run and the verification: molecule."""

from __future__ import annotations

import os
import subprocess

from clusters import Cluster
from instances import BIN, REPOSITORY


def test_the_whole_sequence_of_the_scenario_minikube_passes(cluster: Cluster) -> None:
    done = subprocess.run(
        [str(BIN / "molecule"), "test", "--scenario-name", "minikube"],
        cwd=REPOSITORY,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
