"""A real node of four drives: an object of reduced redundancy takes less space, and bears the loss of one
drive instead of two.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.kit.at_rest import shard_files, shard_identity
from tests.kit.node import RunningNode

MIB = 1 << 20
RRS = "REDUCED_REDUNDANCY"
BODY = bytes(range(256)) * (3 * MIB // 256)


def file_sizes(node: RunningNode) -> dict[str, list[int]]:
    """Sizes of the shard files of each key, on all drives of a node that is stopped."""
    found: dict[str, list[int]] = {}
    for drive in node.drive_paths:
        for path in shard_files(drive):
            identity = shard_identity(drive, path)
            assert identity is not None, path
            found.setdefault(identity.key.decode(), []).append(Path(path).stat().st_size)
    return found


def lose(node: RunningNode, number: int) -> None:
    """Start without one drive more: something else is in its place."""
    assert node.stop() == 0
    path = node.drive_paths[number]
    path.rename(path.with_suffix(".gone"))
    path.write_text("no folder")
    node.start()


def give_back(node: RunningNode) -> None:
    """Put the drives that were lost where they belong."""
    for path in node.drive_paths:
        if path.with_suffix(".gone").exists():
            path.unlink()
            path.with_suffix(".gone").rename(path)


def read(node: RunningNode, key: str) -> bytes:
    return node.boto3().get_object(Bucket="classes", Key=key)["Body"].read()


def refusal(node: RunningNode, key: str) -> int:
    """The status of a read that is refused; by HEAD it must be the same."""
    statuses = set()
    for call in (node.boto3().get_object, node.boto3().head_object):
        with pytest.raises(ClientError) as caught:
            call(Bucket="classes", Key=key)
        statuses.add(caught.value.response["ResponseMetadata"]["HTTPStatusCode"])
    (status,) = statuses
    return status


def upload_of_one_part(s3, key: str, body: bytes, storage_class: str) -> None:
    """Store by a multipart upload."""
    of_upload = {"Bucket": "classes", "Key": key}
    of_upload["UploadId"] = s3.create_multipart_upload(**of_upload, StorageClass=storage_class)["UploadId"]
    etag = s3.upload_part(**of_upload, PartNumber=1, Body=body)["ETag"]
    s3.complete_multipart_upload(**of_upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})


def store(node: RunningNode) -> dict[str, bytes]:
    """Objects of both classes, made in every way."""
    s3 = node.boto3()
    s3.create_bucket(Bucket="classes")
    s3.put_object(Bucket="classes", Key="standard", Body=BODY)
    s3.put_object(Bucket="classes", Key="put", Body=BODY, StorageClass=RRS)
    upload_of_one_part(s3, "upload", BODY, RRS)
    for key, source, storage_class in (
        ("copy", "standard", RRS),
        ("standard copy", "put", "STANDARD"),
        ("changed", "standard", "STANDARD"),
        # A copy onto itself changes the class by writing the bytes anew.
        ("changed", "changed", RRS),
    ):
        copied = {"Bucket": "classes", "Key": source}
        s3.copy_object(Bucket="classes", Key=key, CopySource=copied, StorageClass=storage_class)
    s3.put_object(Bucket="classes", Key="standard small", Body=BODY[:1000])
    s3.put_object(Bucket="classes", Key="small", Body=BODY[:1000], StorageClass=RRS)
    large = ("standard", "put", "upload", "copy", "standard copy", "changed")
    return {**dict.fromkeys(large, BODY), "standard small": BODY[:1000], "small": BODY[:1000]}


def test_reduced_redundancy_takes_less_space_and_bears_less(tmp_path):
    """Three data shards and one of parity instead of two and two; without one drive both are read, without
    two only the standard ones, and the others are neither wrong nor absent but 503.
    """
    with RunningNode(tmp_path / "node") as node:
        bodies = store(node)
        lose(node, 1)
        for key, body in bodies.items():
            assert read(node, key) == body, key
        lose(node, 3)
        for key, body in bodies.items():
            if key.startswith("standard"):
                assert read(node, key) == body, key
            else:
                assert refusal(node, key) == 503, key
        assert node.stop() == 0
        give_back(node)
        sizes = file_sizes(node)
        for key in ("standard", "standard copy"):
            assert sizes[key] == pytest.approx([len(BODY) / 2] * 4, rel=0.02), key
        for key in ("put", "upload", "copy"):
            assert sizes[key] == pytest.approx([len(BODY) / 3] * 4, rel=0.02), key
