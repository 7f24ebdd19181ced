"""A change made through one node is in force on all when the call returns, told or waited for."""

from __future__ import annotations

import time

from tests.kit.cluster import RunningCluster

EXPIRES_S = 6.0


def test_a_change_is_told_and_else_waited_for(tmp_path):
    """While all nodes answer a change takes no time; with one away it takes as long as a cache lives, and no
    node ever goes by what was before. Two acceptors on each node: the first passes it on to the other.
    """
    environment = {"RUSTFS_ACCEPTOR_BUCKET_CACHE_S": str(EXPIRES_S), "RUSTFS_NODE_ACCEPTORS": "2"}
    with RunningCluster(tmp_path, nodes=3, drives=1, environment=environment) as cluster:
        clients = [node.boto3() for node in cluster.nodes for _ in range(6)]
        clients[0].create_bucket(Bucket="bucket")

        def change(status: str) -> float:
            for client in clients:
                client.put_object(Bucket="bucket", Key="k", Body=b"cached")
            began_s = time.monotonic()
            clients[0].put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": status})
            took_s = time.monotonic() - began_s
            named = [client.put_object(Bucket="bucket", Key="k").get("VersionId") for client in clients]
            assert ("null" in named or None in named) == (status == "Suspended"), named
            assert (len(set(named)) > 1) == (status == "Enabled"), named
            return took_s

        assert change("Enabled") < EXPIRES_S / 2
        assert change("Suspended") < EXPIRES_S / 2
        cluster.nodes[2].kill_all()
        del clients[12:]
        assert change("Enabled") >= EXPIRES_S - 1


def test_an_empty_bucket_is_deleted_at_once(tmp_path):
    """Deleting a bucket waits for writes that others have allowed, not for their caches."""
    environment = {"RUSTFS_ACCEPTOR_BUCKET_CACHE_S": str(EXPIRES_S)}
    with RunningCluster(tmp_path, nodes=3, drives=1, environment=environment) as cluster:
        first, second, third = (node.boto3() for node in cluster.nodes)
        first.create_bucket(Bucket="bucket")
        for client in (first, second, third):
            client.list_objects_v2(Bucket="bucket")
        began_s = time.monotonic()
        second.delete_bucket(Bucket="bucket")
        assert time.monotonic() - began_s < EXPIRES_S / 2
        assert [client.list_buckets()["Buckets"] for client in (first, second, third)] == [[], [], []]
