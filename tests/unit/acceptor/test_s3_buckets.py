"""Buckets and listings through a whole node by boto3."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio

from rustfs_node.bus import MemoryNet
from tests.unit.acceptor.node_kit import (
    SETTINGS,
    accepting,
    error_of,
    in_thread,
    plan_of,
    storing,
    whole_node,
)


async def test_buckets_live_and_die(tmp_path):
    """Create, see, list, refuse to delete while anything is in it, delete, and be gone."""

    def work(s3: Any) -> None:
        assert error_of(s3.head_bucket, Bucket="bucket-1") == ("404", 404)
        assert error_of(s3.list_objects_v2, Bucket="bucket-1") == ("NoSuchBucket", 404)
        for name in ("bucket-2", "bucket-1"):
            s3.create_bucket(Bucket=name)
        assert error_of(s3.create_bucket, Bucket="bucket-1") == ("BucketAlreadyOwnedByYou", 409)
        assert error_of(s3.create_bucket, Bucket="UPPER") == ("InvalidBucketName", 400)
        place = {"LocationConstraint": "a\nb"}
        refused = error_of(s3.create_bucket, Bucket="bucket-3", CreateBucketConfiguration=place)
        assert refused == ("InvalidLocationConstraint", 400)
        listed = s3.list_buckets()
        assert [bucket["Name"] for bucket in listed["Buckets"]] == ["bucket-1", "bucket-2"]
        assert listed["Owner"]["ID"]
        page = s3.list_buckets(MaxBuckets=1)
        assert [bucket["Name"] for bucket in page["Buckets"]] == ["bucket-1"]
        rest = s3.list_buckets(MaxBuckets=1, ContinuationToken=page["ContinuationToken"])
        assert [bucket["Name"] for bucket in rest["Buckets"]] == ["bucket-2"]
        assert s3.get_bucket_location(Bucket="bucket-1")["LocationConstraint"] is None
        s3.put_object(Bucket="bucket-1", Key="k")
        upload = s3.create_multipart_upload(Bucket="bucket-2", Key="k")["UploadId"]
        for name in ("bucket-1", "bucket-2"):
            assert error_of(s3.delete_bucket, Bucket=name) == ("BucketNotEmpty", 409)
        s3.delete_object(Bucket="bucket-1", Key="k")
        s3.abort_multipart_upload(Bucket="bucket-2", Key="k", UploadId=upload)
        for name in ("bucket-1", "bucket-2"):
            s3.delete_bucket(Bucket=name)
            assert error_of(s3.delete_bucket, Bucket=name) == ("NoSuchBucket", 404)
            assert error_of(s3.put_object, Bucket=name, Key="k") == ("NoSuchBucket", 404)
        assert s3.list_buckets()["Buckets"] == []
        s3.create_bucket(Bucket="bucket-1")

    async with whole_node(tmp_path, sets=2, drives_per_set=2, parity=1) as port:
        await in_thread(work, port)


@pytest.mark.parametrize("sets", [1, 3])
async def test_pages_of_buckets(tmp_path, sets):
    """Prefix, region and size of pages narrow the list; pages join to the whole, regions are told as soon as
    anything is asked, and a token that is not ours is InvalidArgument.
    """
    places = {
        "a-1": "us-east-1",
        "b-1": "eu-west-1",
        "b-2": "us-east-1",
        "b-3": "eu-west-1",
        "c-1": "eu-west-1",
    }

    def names(answer: dict[str, Any]) -> list[str]:
        return [bucket["Name"] for bucket in answer["Buckets"]]

    def pages(s3: Any, **asked: Any) -> list[list[str]]:
        found = [s3.list_buckets(**asked)]
        while (token := found[-1].get("ContinuationToken")) is not None:
            found.append(s3.list_buckets(**asked, ContinuationToken=token))
        return [names(page) for page in found]

    def work(s3: Any) -> None:
        for name, region in places.items():
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        whole = s3.list_buckets()
        assert names(whole) == sorted(places)
        assert not any("BucketRegion" in bucket for bucket in whole["Buckets"])
        found = s3.list_buckets(Prefix="b-")
        assert (names(found), found["Prefix"]) == (["b-1", "b-2", "b-3"], "b-")
        assert {one["Name"]: one["BucketRegion"] for one in found["Buckets"]}.items() <= places.items()
        assert pages(s3, MaxBuckets=2) == [["a-1", "b-1"], ["b-2", "b-3"], ["c-1"]]
        assert pages(s3, MaxBuckets=5) == [sorted(places)]
        assert pages(s3, BucketRegion="eu-west-1", MaxBuckets=2) == [["b-1", "b-3"], ["c-1"]]
        assert pages(s3, Prefix="b-", BucketRegion="eu-west-1", MaxBuckets=1) == [["b-1"], ["b-3"]]
        assert pages(s3, Prefix="d") == pages(s3, BucketRegion="mars-1") == [[]]
        assert error_of(s3.list_buckets, ContinuationToken="made-up") == ("InvalidArgument", 400)

    async with whole_node(tmp_path, sets=sets, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_configurations_that_no_bucket_has_are_answered_as_such(tmp_path):
    """Clients that ask before they work learn that there is nothing, by the answer S3 has for it."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        where = {"Bucket": "bucket"}
        assert "Status" not in s3.get_bucket_versioning(**where)
        assert s3.get_bucket_acl(**where)["Grants"][0]["Permission"] == "FULL_CONTROL"
        assert s3.get_bucket_request_payment(**where)["Payer"] == "BucketOwner"
        assert "LoggingEnabled" not in s3.get_bucket_logging(**where)
        assert error_of(s3.get_bucket_policy, **where) == ("NoSuchBucketPolicy", 404)
        assert error_of(s3.get_bucket_cors, **where) == ("NoSuchCORSConfiguration", 404)
        assert error_of(s3.get_bucket_tagging, **where) == ("NoSuchTagSet", 404)
        absent = error_of(s3.get_bucket_lifecycle_configuration, **where)
        assert absent == ("NoSuchLifecycleConfiguration", 404)
        assert error_of(s3.get_bucket_replication, **where) == ("NotImplemented", 501)
        assert error_of(s3.get_bucket_policy, Bucket="nobody") == ("NoSuchBucket", 404)

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


def _listed_keys(s3: Any, operation: str, **arguments: Any) -> tuple[list[str], list[str]]:
    keys: list[str] = []
    prefixes: list[str] = []
    for page in s3.get_paginator(operation).paginate(Bucket="bucket", **arguments):
        keys += [entry["Key"] for entry in page.get("Contents", [])]
        prefixes += [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
    return keys, prefixes


@pytest.mark.parametrize("sets", [1, 3])
async def test_listings_are_complete_and_in_order(tmp_path, sets):
    """Every page size, with and without delimiter, in both versions, gives each key or prefix once and in
    byte order.
    """
    keys = [f"{folder}/{number:02}" for folder in ("a", "b", "ü") for number in range(5)]
    keys += ["top", "a", "a-", "a.b", "zz/deep/er", "zz/deep/est", "zz/flat"]
    ordered = sorted(keys, key=str.encode)

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        for key in keys:
            s3.put_object(Bucket="bucket", Key=key, Body=b"x")
        for operation in ("list_objects", "list_objects_v2"):
            for size in (1, 4, 1000):
                paging = {"PaginationConfig": {"PageSize": size}}
                assert _listed_keys(s3, operation, **paging) == (ordered, [])
                top = (["a", "a-", "a.b", "top"], ["a/", "b/", "zz/", "ü/"])
                assert _listed_keys(s3, operation, Delimiter="/", **paging) == top
                inner = (["zz/flat"], ["zz/deep/"])
                assert _listed_keys(s3, operation, Prefix="zz/", Delimiter="/", **paging) == inner
                below = ([key for key in ordered if key.startswith("b/")], [])
                assert _listed_keys(s3, operation, Prefix="b/", **paging) == below
        after = s3.list_objects_v2(Bucket="bucket", StartAfter="b/03")["Contents"]
        assert [entry["Key"] for entry in after] == [key for key in ordered if key.encode() > b"b/03"]
        marked = s3.list_objects(Bucket="bucket", Marker="a/", Delimiter="/")
        assert [entry["Prefix"] for entry in marked["CommonPrefixes"]] == ["b/", "zz/", "ü/"]
        assert "Owner" not in s3.list_objects_v2(Bucket="bucket")["Contents"][0]
        assert s3.list_objects_v2(Bucket="bucket", FetchOwner=True)["Contents"][0]["Owner"]["ID"]
        none = s3.list_objects_v2(Bucket="bucket", MaxKeys=0)
        assert (none["KeyCount"], none["IsTruncated"]) == (0, False)
        versions = s3.list_object_versions(Bucket="bucket")["Versions"]
        assert [(entry["Key"], entry["VersionId"]) for entry in versions] == [
            (key, "null") for key in ordered
        ]

    async with whole_node(tmp_path, sets=sets, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_a_bucket_deleted_at_one_acceptor_is_gone_at_the_other(tmp_path):
    """Caches of sibling acceptors expire; meanwhile no write is acknowledged into a bucket that goes."""
    settings = attrs.evolve(SETTINGS, bucket_cache_s=0.1)
    net, plan = MemoryNet(), plan_of(1, drives_per_set=1, parity=0, acceptors=2, folder=tmp_path)
    async with (
        storing(net, plan),
        accepting(net, plan, settings, "acceptor-0") as first,
        accepting(net, plan, settings, "acceptor-1") as second,
    ):
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), first)
        await in_thread(lambda s3: s3.head_bucket(Bucket="bucket"), second)
        acknowledged: list[str] = []

        def write_until_gone(s3: Any) -> None:
            is_there = False
            while True:
                try:
                    if not is_there:
                        s3.put_object(Bucket="bucket", Key="k")
                        acknowledged.append("k")
                    s3.delete_object(Bucket="bucket", Key="k")
                    acknowledged.clear()
                    is_there = False
                except s3.exceptions.ClientError as error:
                    if error.response["Error"]["Code"] == "NoSuchBucket":
                        return
                    # What was not acknowledged may be there all the same, and keeps the bucket, or be gone.
                    acknowledged.clear()
                    is_there = True

        async with trio.open_nursery() as nursery:
            nursery.start_soon(in_thread, write_until_gone, second)
            await in_thread(_delete_until_gone, first)
        assert acknowledged == []
        gone = await in_thread(lambda s3: error_of(s3.head_bucket, Bucket="bucket"), second)
        assert gone == ("404", 404)


def _delete_until_gone(s3: Any) -> None:
    while True:
        try:
            s3.delete_bucket(Bucket="bucket")
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == "BucketNotEmpty":
                continue
            raise
        return
