"""Several nodes as one store: real programs at addresses of their own."""

from __future__ import annotations

import os

import pytest
from botocore.exceptions import ClientError

from tests.kit.cluster import RunningCluster
from tests.kit.node import NodeError
from tests.kit.scraping import scraped

BODIES = {"empty": b"", "small": b"x" * 5000, "large": os.urandom(3 << 20)}


def test_any_node_answers_for_any_key(cluster):
    """What is written through one node is read, listed and deleted through every other at once."""
    clients = [node.boto3() for node in cluster.nodes]
    clients[0].create_bucket(Bucket="everywhere")
    for number, client in enumerate(clients):
        for name, body in BODIES.items():
            client.put_object(Bucket="everywhere", Key=f"{name}-{number}", Body=body)
            for other in clients:
                assert other.get_object(Bucket="everywhere", Key=f"{name}-{number}")["Body"].read() == body
    for client in clients:
        assert client.list_objects_v2(Bucket="everywhere")["KeyCount"] == len(BODIES) * len(clients)
    for number in range(len(clients)):
        clients[number].delete_object(Bucket="everywhere", Key=f"small-{number}")
        with pytest.raises(ClientError, match="404"):
            clients[number - 1].head_object(Bucket="everywhere", Key=f"small-{number}")


def test_a_multipart_upload_over_all_nodes(cluster):
    """An upload is begun, filled and completed through different nodes."""
    first, second, third = (node.boto3() for node in cluster.nodes)
    first.create_bucket(Bucket="uploads")
    upload = first.create_multipart_upload(Bucket="uploads", Key="k")["UploadId"]
    bodies = [os.urandom(5 << 20), b"end"]
    parts = [
        client.upload_part(Bucket="uploads", Key="k", UploadId=upload, PartNumber=number, Body=body)["ETag"]
        for number, (client, body) in enumerate(zip((second, third), bodies, strict=True), 1)
    ]
    listed = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(parts, 1)]
    second.complete_multipart_upload(
        Bucket="uploads", Key="k", UploadId=upload, MultipartUpload={"Parts": listed}
    )
    assert third.get_object(Bucket="uploads", Key="k")["Body"].read() == b"".join(bodies)


def test_conditions_hold_across_nodes(cluster):
    """Of writers that create one key through different nodes at once, one succeeds."""
    clients = [node.boto3() for node in cluster.nodes]
    clients[0].create_bucket(Bucket="conditions")
    clients[0].put_object(Bucket="conditions", Key="k", Body=b"0", IfNoneMatch="*")
    for client in clients:
        with pytest.raises(ClientError, match="PreconditionFailed"):
            client.put_object(Bucket="conditions", Key="k", Body=b"1", IfNoneMatch="*")


def test_versioning_is_in_force_everywhere(cluster):
    """When the call that enables it has returned, every node keeps versions."""
    clients = [node.boto3() for node in cluster.nodes]
    clients[0].create_bucket(Bucket="versions")
    for client in clients:
        client.put_object(Bucket="versions", Key="k", Body=b"null")
    enabled = {"Status": "Enabled"}
    clients[1].put_bucket_versioning(Bucket="versions", VersioningConfiguration=enabled)
    named = [client.put_object(Bucket="versions", Key="k", Body=b"v")["VersionId"] for client in clients]
    listed = clients[2].list_object_versions(Bucket="versions")["Versions"]
    assert [version["VersionId"] for version in listed] == [*reversed(named), "null"]


def test_a_node_tells_of_all_and_of_itself(cluster):
    """The cluster's metrics have the requests and drives of every node, whichever is asked; a node's own have
    only its own.
    """
    names = [f"{node.host}:{node.port}" for node in cluster.nodes]
    for number, node in enumerate(cluster.nodes):
        node.boto3().create_bucket(Bucket=f"counted-{number}")
    for node, own_name in zip(cluster.nodes, names, strict=True):
        found = scraped(node, "/minio/v2/metrics/cluster")
        created = [one for one in found if one.startswith('minio_s3_requests_total{api="createbucket"')]
        assert all(any(name in one for one in created) for name in names)
        assert found["minio_cluster_nodes_online_total"] == 3
        assert found["minio_cluster_drive_online_total"] == 6
        own = [one for one in scraped(node) if one.startswith("rustfs_up{")]
        assert len(own) == 4 and all(f'node="{own_name}"' in one for one in own)


def test_a_node_goes_and_comes_back(tmp_path):
    """With one node of three killed the others read, write and tell of it; it comes back by itself to all
    of it.
    """
    with RunningCluster(tmp_path, nodes=3, drives=1) as cluster:
        first, second, third = cluster.nodes
        first.boto3().create_bucket(Bucket="bucket")
        first.boto3().put_object(Bucket="bucket", Key="before", Body=b"before")
        third.kill_all()
        second.boto3(retries={"max_attempts": 5}).put_object(Bucket="bucket", Key="during", Body=b"during")
        for node in (first, second):
            for key in ("before", "during"):
                assert node.boto3().get_object(Bucket="bucket", Key=key)["Body"].read() == key.encode()
        told = scraped(first, "/minio/v2/metrics/cluster")
        assert told["minio_cluster_nodes_offline_total"] == told["minio_cluster_drive_offline_total"] == 1
        assert told["minio_cluster_health_status"] == 1
        third.start()
        cluster.wait_healthy()
        for key in ("before", "during"):
            assert third.boto3().get_object(Bucket="bucket", Key=key)["Body"].read() == key.encode()


def test_a_wrong_secret_is_refused_on_both_sides(tmp_path):
    """A node with another key pair waits, and both say that the secret may differ."""
    cluster = RunningCluster(tmp_path, nodes=3, drives=1)
    stranger = cluster.nodes[2]
    stranger.secret_key = "another-secret-key-0123456789"
    try:
        for node in cluster.nodes:
            node.spawn()
        status = cluster.nodes[0].wait_notice(f"waiting for {stranger.host}", 30)
        while "secret" not in status:
            status = cluster.nodes[0].wait_notice(f"waiting for {stranger.host}", 30)
        status = stranger.wait_notice("waiting for", 30)
        while "secret" not in status:
            status = stranger.wait_notice("waiting for", 30)
    finally:
        cluster.close()


def test_an_address_of_no_node_is_refused(tmp_path):
    """A node that is none of those named ends, and says which are."""
    cluster = RunningCluster(tmp_path, nodes=2, drives=1)
    lost = cluster.nodes[0]
    lost.port = 9777
    with pytest.raises(NodeError, match="give --address one of these ports"):
        lost.start()
