"""Nodes are restarted one after the other, and clients that retry as SDKs do notice nothing."""

from __future__ import annotations

import time

import pytest

from tests.cluster.load import Load
from tests.kit.balancer import Balancer, free_place
from tests.kit.cluster import RunningCluster


@pytest.mark.slow
def test_a_rolling_restart_fails_no_request(tmp_path):
    """While each of four nodes is stopped and started in its turn, every request succeeds."""
    with RunningCluster(tmp_path, nodes=4, drives=1) as cluster:
        host = cluster.nodes[0].host
        places = [f"{node.host}:{node.port}" for node in cluster.nodes]
        with Balancer(tmp_path, host, free_place(host), places) as balancer:
            balancer.wait_status("/minio/health/cluster", 200)
            began_s = time.monotonic()
            with Load(balancer.url, clients=3) as load:
                for node in cluster.nodes:
                    node.wait_status("/minio/health/cluster?maintenance=true", 200)
                    node.restart()
            print(f"{time.monotonic() - began_s:.1f} s")
    for tally in load.tallies:
        print(tally.requests, tally.retried, len(tally.failures), tally.failures[:5])
    assert load.failures == []
    assert sum(tally.requests for tally in load.tallies) > 100
