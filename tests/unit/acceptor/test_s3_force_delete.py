"""x-minio-force-delete: everything below a key, and a bucket with all that is in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import attrs
import trio

from tests.unit.acceptor.node_kit import SETTINGS, error_of, in_thread, s3_client, whole_node

KEYS = ["a", "a/b", "a/b/", "a/b/c", "a/bc", "ab", "b"]
SMALL_PAGES = attrs.evolve(SETTINGS, force_delete_keys=2)


@contextmanager
def forced(s3: Any, value: str = "true") -> Iterator[None]:
    """Deletes within are sent with the header."""

    def add(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["x-minio-force-delete"] = value

    events = ("before-call.s3.DeleteObject", "before-call.s3.DeleteBucket")
    for event in events:
        s3.meta.events.register(event, add)
    yield
    for event in events:
        s3.meta.events.unregister(event, add)


def fill(s3: Any, keys: list[str] = KEYS) -> None:
    for key in keys:
        s3.put_object(Bucket="bucket", Key=key, Body=key.encode())


def left(s3: Any) -> list[str]:
    return [row["Key"] for row in s3.list_objects_v2(Bucket="bucket").get("Contents", [])]


async def test_everything_below_a_key(tmp_path):
    """The key itself and what is below it as a folder, over several pages and sets; nothing beside it."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        for key, kept in (
            ("a/b", ["a", "a/bc", "ab", "b"]),
            ("a/b/", ["a", "a/b", "a/bc", "ab", "b"]),
            ("a", ["ab", "b"]),
            ("none", KEYS),
        ):
            fill(s3)
            with forced(s3):
                answer = s3.delete_object(Bucket="bucket", Key=key)
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
            assert left(s3) == kept, key
        fill(s3)
        with forced(s3, "false"):
            s3.delete_object(Bucket="bucket", Key="a")
        assert left(s3) == KEYS[1:]

    async with whole_node(tmp_path, sets=2, drives_per_set=2, parity=1, settings=SMALL_PAGES) as port:
        await in_thread(work, port)


async def test_what_does_not_go_together(tmp_path):
    """A condition, a version, or a value that is neither true nor false: nothing is removed."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        fill(s3)
        where = {"Bucket": "bucket", "Key": "a"}
        with forced(s3):
            assert error_of(s3.delete_object, **where, IfMatch="*") == ("InvalidRequest", 400)
            assert error_of(s3.delete_object, **where, VersionId="null") == ("InvalidRequest", 400)
            assert error_of(s3.delete_bucket, Bucket="missing") == ("NoSuchBucket", 404)
        with forced(s3, "yes"):
            assert error_of(s3.delete_object, **where) == ("InvalidArgument", 400)
            assert error_of(s3.delete_bucket, Bucket="bucket") == ("InvalidArgument", 400)
        assert left(s3) == KEYS

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_a_bucket_with_all_that_is_in_it(tmp_path):
    """Objects and unfinished uploads go with it; a bucket of that name made afterwards is empty."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        s3.create_bucket(Bucket="other")
        s3.put_object(Bucket="other", Key="k")
        fill(s3)
        for _ in range(3):
            upload = s3.create_multipart_upload(Bucket="bucket", Key="u")["UploadId"]
            s3.upload_part(Bucket="bucket", Key="u", UploadId=upload, PartNumber=1, Body=b"x")
        assert error_of(s3.delete_bucket, Bucket="bucket") == ("BucketNotEmpty", 409)
        with forced(s3):
            s3.delete_bucket(Bucket="bucket")
        assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["other"]
        s3.create_bucket(Bucket="bucket")
        assert left(s3) == []
        assert "Uploads" not in s3.list_multipart_uploads(Bucket="bucket")
        assert s3.head_object(Bucket="other", Key="k")["ContentLength"] == 0

    async with whole_node(tmp_path, sets=2, drives_per_set=2, parity=1, settings=SMALL_PAGES) as port:
        await in_thread(work, port)


async def test_no_write_is_acknowledged_into_a_bucket_that_goes(tmp_path):
    """A writer meets the deletion: what it is told is stored was there before the first refusal; with a lease
    of which little is left the deletion extends it.
    """
    settings = attrs.evolve(SMALL_PAGES, bucket_delete_lease_s=6.0, bucket_cache_s=0.05, force_delete_keys=1)
    outcomes: list[str] = []
    gone = threading.Event()

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        fill(s3, [f"k{number:03}" for number in range(40)])

    def write(port: int) -> None:
        with closing(s3_client(port)) as s3:
            while not gone.is_set():
                try:
                    s3.put_object(Bucket="bucket", Key="late")
                    outcomes.append("stored")
                except s3.exceptions.ClientError as error:
                    outcomes.append(error.response["Error"]["Code"])

    def remove(s3: Any) -> None:
        try:
            with forced(s3):
                s3.delete_bucket(Bucket="bucket")
        finally:
            gone.set()

    async with whole_node(tmp_path, drives_per_set=1, parity=0, settings=settings) as port:
        await in_thread(work, port)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, write, port)
            nursery.start_soon(in_thread, remove, port)
    assert set(outcomes) <= {"stored", "OperationAborted", "NoSuchBucket"}
    assert "stored" not in outcomes[outcomes.index("OperationAborted") :]


def versioned(s3: Any) -> None:
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})


def versions_left(s3: Any) -> list[str]:
    found = s3.list_object_versions(Bucket="bucket")
    return sorted(row["Key"] for kind in ("Versions", "DeleteMarkers") for row in found.get(kind, []))


async def test_versions_and_delete_markers_go_too(tmp_path):
    """Of the key and of what is below it nothing is left, and no delete marker is added."""

    def work(s3: Any) -> None:
        versioned(s3)
        for _ in range(3):
            fill(s3)
        s3.delete_object(Bucket="bucket", Key="a")
        s3.delete_object(Bucket="bucket", Key="a/b/c")
        with forced(s3):
            s3.delete_object(Bucket="bucket", Key="a")
        assert versions_left(s3) == ["ab"] * 3 + ["b"] * 3
        s3.delete_object(Bucket="bucket", Key="b")
        assert error_of(s3.delete_bucket, Bucket="bucket") == ("BucketNotEmpty", 409)
        with forced(s3):
            s3.delete_bucket(Bucket="bucket")
        versioned(s3)
        assert versions_left(s3) == []

    async with whole_node(tmp_path, sets=2, drives_per_set=2, parity=1, settings=SMALL_PAGES) as port:
        await in_thread(work, port)
