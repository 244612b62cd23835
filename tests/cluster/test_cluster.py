"""What the other tests rely on: a cluster on which a deployment's promises can be seen."""

from __future__ import annotations

import socket

import pytest
from clusters import Cluster, until


def test_the_cell_offers_what_the_other_tests_need(cluster: Cluster, cell: str) -> None:
    status = cluster.get("nodes")[0]["status"]
    assert status["nodeInfo"]["kubeletVersion"].startswith("v1.36.")
    handlers = [handler["features"] for handler in status["runtimeHandlers"]]
    assert all(features["userNamespaces"] for features in handlers)
    # The first figures come a while after the start.
    until(lambda: "error" not in cluster.kubectl("top", "nodes", check=False), 120, "kubectl top")
    groups = cluster.kubectl("api-versions").split()
    assert {"autoscaling/v2", "metrics.k8s.io/v1beta1", "networking.k8s.io/v1"} <= {*groups}


@pytest.mark.parametrize("address", ["192.168.49.1", "192.0.2.1"])
def test_what_would_leave_the_cell_is_refused_at_once(cell: str, address: str) -> None:
    with pytest.raises(OSError) as refused:
        socket.create_connection((address, 53), timeout=5)
    assert not isinstance(refused.value, TimeoutError)
