"""A cluster as one of its nodes tells of it: all of them, and those that are away."""

from __future__ import annotations

import http.client
import time
from contextlib import closing

from rustfs_proto.metrics.token import make_token
from tests.kit.node import RunningNode


def scrape(node: RunningNode, path: str) -> dict[str, float]:
    """Series → value, as that node tells them."""
    token = make_token(node.access_key, node.secret_key, int(time.time()) + 60)
    with closing(http.client.HTTPConnection(node.host, node.port, timeout=20)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, text
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {series: float(value) for series, _, value in lines}


def test_one_node_tells_of_all_and_one_of_itself(cluster):
    """The cluster's metrics have the requests, processes and drives of every node, whichever is asked; a
    node's own have only its own.
    """
    names = {f"{node.host}:{node.port}" for node in cluster.nodes}
    for number, node in enumerate(cluster.nodes):
        node.boto3().create_bucket(Bucket=f"counted-{number}")
    for node in cluster.nodes:
        found = scrape(node, "/minio/v2/metrics/cluster")
        created = {one for one in found if one.startswith('minio_s3_requests_total{api="createbucket"')}
        assert all(any(name in one for one in created) for name in names)
        assert found["minio_cluster_nodes_online_total"] == 3
        assert found["minio_cluster_drive_online_total"] == 6
        own = {one for one in scrape(node, "/metrics") if one.startswith("rustfs_up{")}
        assert {one.split('node="')[1].split('"')[0] for one in own} == {f"{node.host}:{node.port}"}
        assert len(own) == 4


def test_a_node_that_is_away_is_told_as_such(cluster):
    """With one of three killed the others tell of it: itself, its drives and that writes bear no further
    loss.
    """
    first, _, third = cluster.nodes
    third.kill_all()
    try:
        found = scrape(first, "/minio/v2/metrics/cluster")
        assert found["minio_cluster_nodes_offline_total"] == 1
        assert found["minio_cluster_health_status"] == 1
        deadline_s = time.monotonic() + 20
        while scrape(first, "/minio/v2/metrics/cluster")["minio_cluster_drive_offline_total"] < 2:
            assert time.monotonic() < deadline_s
        sets = scrape(first, "/minio/metrics/v3/cluster/erasure-set")
        assert sets['minio_cluster_erasure_set_write_tolerance{pool_id="0",set_id="0"}'] == 0
    finally:
        third.start()
