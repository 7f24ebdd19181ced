"""Conditional deletes through a whole node: If-Match and the conditions on time and size, singly and in bulk.

Statuses are those of the S3 API reference (DeleteObject, DeleteObjects) and of the User Guide's page on
conditional deletes.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
import trio

from tests.unit.acceptor.node_kit import error_of, in_thread, raw_client, signed_request, whole_node

WHERE = {"Bucket": "bucket", "Key": "k"}
FAILED = ("PreconditionFailed", 412)


def put(s3: Any, body: bytes = b"body") -> str:
    return s3.put_object(**WHERE, Body=body)["ETag"]


def is_there(s3: Any, key: str = "k") -> bool:
    return bool(s3.list_objects_v2(Bucket="bucket", Prefix=key).get("Contents"))


async def test_single_deletes_hold_their_conditions(tmp_path):
    """ETag or `*`, time and size: all that are given must hold (412), and what fails removes nothing."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        etag = put(s3)
        modified = s3.head_object(**WHERE)["LastModified"]
        second = timedelta(seconds=1)
        for condition in (
            {"IfMatch": '"x"'},
            {"IfMatchSize": 5},
            {"IfMatchLastModifiedTime": modified - second},
            {"IfMatch": etag, "IfMatchSize": 5},
            {"IfMatch": "*", "IfMatchLastModifiedTime": modified + second},
        ):
            assert error_of(s3.delete_object, **WHERE, **condition) == FAILED
            assert is_there(s3)
        for condition in (
            {"IfMatch": etag},
            {"IfMatch": etag.strip('"')},
            {"IfMatch": "*"},
            {"IfMatchSize": 4},
        ):
            answer = s3.delete_object(**WHERE, **condition)
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
            assert not is_there(s3)
            put(s3)
        modified = s3.head_object(**WHERE)["LastModified"]
        s3.delete_object(**WHERE, IfMatch=etag, IfMatchSize=4, IfMatchLastModifiedTime=modified)
        assert not is_there(s3)

    async with whole_node(tmp_path) as port:
        await in_thread(work, port)


async def test_conditions_on_nothing(tmp_path):
    """Without an object an expected ETag is 404, `*` included; time and size hold, so the delete is 204."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        for once_there in (False, True):
            for tag in ('"x"', "*"):
                assert error_of(s3.delete_object, **WHERE, IfMatch=tag) == ("NoSuchKey", 404)
            assert s3.delete_object(**WHERE, IfMatchSize=4)["ResponseMetadata"]["HTTPStatusCode"] == 204
            if not once_there:
                put(s3)
                s3.delete_object(**WHERE)

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_conditions_that_cannot_be_read(tmp_path):
    """They are 400, If-None-Match is 501, and a PUT does not take conditions of deletes: nothing changes."""
    cases = [
        ("DELETE", {"x-amz-if-match-size": "many"}, 400, b"InvalidArgument"),
        ("DELETE", {"x-amz-if-match-last-modified-time": "2020"}, 400, b"InvalidArgument"),
        ("DELETE", {"if-none-match": "*"}, 501, b"NotImplemented"),
        ("PUT", {"x-amz-if-match-size": "4"}, 501, b"NotImplemented"),
    ]
    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port, raw_client(port) as client:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        await in_thread(put, port)
        for method, headers, status, code in cases:
            await client.send(signed_request(method, "/bucket/k", headers))
            answered, _, body = await client.answer()
            assert (answered, b"<Code>%b</Code>" % code in body) == (status, True)
        assert await in_thread(is_there, port)


@pytest.mark.parametrize("sets", [1, 3])
async def test_bulk_deletes_judge_each_object(tmp_path, sets):
    """ETag, LastModifiedTime and Size stand with each object; those that do not hold are errors of their
    own, a missing object with an ETag is NoSuchKey, and the others are removed.
    """

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        for number in range(8):
            s3.put_object(Bucket="bucket", Key=f"k{number}", Body=b"body")
        etag = s3.head_object(Bucket="bucket", Key="k0")["ETag"]
        modified = s3.head_object(Bucket="bucket", Key="k2")["LastModified"]
        objects = [
            {"Key": "k0", "ETag": etag},
            {"Key": "k1", "ETag": '"x"'},
            {"Key": "k2", "LastModifiedTime": modified},
            {"Key": "k3", "LastModifiedTime": modified + timedelta(days=1)},
            {"Key": "k4", "Size": 4},
            {"Key": "k5", "Size": 3},
            {"Key": "k6"},
            {"Key": "k7", "ETag": "*", "Size": 4},
            {"Key": "none", "ETag": "*"},
            {"Key": "nowhere", "Size": 4},
        ]
        answer = s3.delete_objects(Bucket="bucket", Delete={"Objects": objects})
        removed = {item["Key"] for item in answer["Deleted"]}
        assert removed == {"k0", "k2", "k4", "k6", "k7", "nowhere"}
        assert {(item["Key"], item["Code"]) for item in answer["Errors"]} == {
            ("k1", "PreconditionFailed"),
            ("k3", "PreconditionFailed"),
            ("k5", "PreconditionFailed"),
            ("none", "NoSuchKey"),
        }
        left = s3.list_objects_v2(Bucket="bucket")["Contents"]
        assert [item["Key"] for item in left] == ["k1", "k3", "k5"]

    async with whole_node(tmp_path, sets=sets, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_a_key_that_stands_twice_goes_if_one_line_lets_it(tmp_path):
    """Each line of a bulk delete is answered for itself."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        etag = put(s3)
        for second in ({"Key": "k"}, {"Key": "k", "ETag": etag}):
            put(s3)
            objects = [{"Key": "k", "ETag": '"x"'}, second]
            answer = s3.delete_objects(Bucket="bucket", Delete={"Objects": objects})
            assert [item["Key"] for item in answer["Deleted"]] == ["k"]
            assert [item["Code"] for item in answer["Errors"]] == ["PreconditionFailed"]
            assert not is_there(s3)

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_exactly_one_of_those_that_expect_an_etag_wins(tmp_path):
    """Deletes, bulk deletes and puts that expect the same ETag race each other: one succeeds, the others
    hear 412, 409 or, behind a delete, 404.
    """
    async with whole_node(tmp_path) as port:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        for number in range(8):
            first = b"round %d" % number
            etag = await in_thread(lambda s3, first=first: put(s3, first), port)
            statuses = await race(port, etag)
            assert sum(status in (200, 204) for status in statuses) == 1, statuses
            assert set(statuses) <= {200, 204, 404, 409, 412}
            won = next(status for status in statuses if status in (200, 204))
            assert await in_thread(is_there, port) == (won == 200)


async def race(port: int, etag: str) -> list[int]:
    """The statuses of writers that expect the object to have that ETag; of a bulk delete, that of its key."""
    statuses: list[int] = []
    start = trio.Event()

    async def write(request: bytes, task_status: trio.TaskStatus[None]) -> None:
        async with raw_client(port) as client:
            task_status.started()
            await start.wait()
            await client.send(request)
            status, _, body = await client.answer()
            statuses.append(status if b"<DeleteResult" not in body else bulk_status(body))

    objects = f"<Delete><Object><Key>k</Key><ETag>{etag}</ETag></Object></Delete>".encode()
    digest = {"content-md5": b64encode(hashlib.md5(objects).digest()).decode()}
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            for number in range(4):
                condition = {"if-match": etag}
                for request in (
                    signed_request("DELETE", "/bucket/k", condition),
                    signed_request("PUT", "/bucket/k", condition, b"new %d" % number),
                    signed_request("POST", "/bucket?delete", digest, objects),
                ):
                    await nursery.start(write, request)
            start.set()
    return statuses


def bulk_status(body: bytes) -> int:
    """What a single delete would have answered."""
    codes = {"PreconditionFailed": 412, "ConditionalRequestConflict": 409, "NoSuchKey": 404}
    return next((status for code, status in codes.items() if f"<Code>{code}<".encode() in body), 204)
