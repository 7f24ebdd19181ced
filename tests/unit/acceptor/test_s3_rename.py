"""RenameObject through a whole node of two sets, with a client that others wrote.

Statuses and conditions are those of the S3 API reference (RenameObject); what an object keeps is told by the
User Guide's page on renaming objects in directory buckets.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any

import attrs
import pytest
import trio

from tests.unit.acceptor.node_kit import error_of, in_thread, raw_client, signed_request, whole_node

B = "bucket"
FAILED = ("PreconditionFailed", 412)
LARGE = bytes(range(256)) * 12_000


def put(s3: Any, key: str, body: bytes = b"body") -> str:
    return s3.put_object(Bucket=B, Key=key, Body=body)["ETag"]


def rename(s3: Any, source: str, target: str, **more: Any) -> Any:
    return s3.rename_object(Bucket=B, Key=target, RenameSource=f"{B}/{source}", **more)


def body_of(s3: Any, key: str) -> bytes | None:
    try:
        return s3.get_object(Bucket=B, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None


def keys_of(s3: Any) -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket=B).get("Contents", [])]


async def test_an_object_keeps_all_that_it_says_of_itself(tmp_path):
    """Bytes, ETag, time, headers, metadata, tags, checksums and storage class, whichever the sets are."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket=B)
        for number, body in enumerate([b"", b"small", b"x" * 600_000, LARGE] * 2):
            s3.put_object(
                Bucket=B,
                Key=f"old {number}",
                Body=body,
                ContentType="text/plain",
                CacheControl="no-store",
                Metadata={"name": "value"},
                Tagging="a=b",
                StorageClass="STANDARD_IA",
                ChecksumAlgorithm="SHA256",
            )
            told = {"Bucket": B, "ChecksumMode": "ENABLED"}
            before = s3.get_object(**told, Key=f"old {number}")
            answer = s3.rename_object(Bucket=B, Key=f"new {number}", RenameSource=f"/{B}/old%20{number}")
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
            after = s3.get_object(**told, Key=f"new {number}")
            assert before.pop("Body").read() == after.pop("Body").read() == body
            del before["ResponseMetadata"], after["ResponseMetadata"]
            assert before == after and after["TagCount"] == 1
            assert error_of(s3.head_object, Bucket=B, Key=f"old {number}") == ("404", 404)
        assert keys_of(s3) == [f"new {number}" for number in range(8)]

    async with whole_node(tmp_path, sets=2) as port:
        await in_thread(work, port)


async def test_an_object_keeps_its_parts(tmp_path):
    """What was uploaded in parts is read by them under its new name; no upload stays behind."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket=B)
        upload = s3.create_multipart_upload(Bucket=B, Key="old", ChecksumAlgorithm="CRC32C")
        named = {"Bucket": B, "Key": "old", "UploadId": upload["UploadId"]}
        parts = []
        for number, size in ((1, 5 << 20), (4, 700)):
            part = s3.upload_part(
                **named, PartNumber=number, Body=BytesIO(b"%d" % number * size), ChecksumAlgorithm="CRC32C"
            )
            parts.append(
                {"PartNumber": number, "ETag": part["ETag"], "ChecksumCRC32C": part["ChecksumCRC32C"]}
            )
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
        told = {"Bucket": B, "ObjectAttributes": ["ETag", "Checksum", "ObjectParts"]}
        before = s3.get_object_attributes(**told, Key="old")
        for target in ("new", "newer", "newest"):
            rename(s3, {"new": "old", "newer": "new", "newest": "newer"}[target], target)
            after = s3.get_object_attributes(**told, Key=target)
            for one in (before, after):
                one.pop("ResponseMetadata", None)
            assert before == after
            assert s3.get_object(Bucket=B, Key=target, PartNumber=4)["Body"].read() == b"4" * 700
        assert keys_of(s3) == ["newest"] and "Uploads" not in s3.list_multipart_uploads(Bucket=B)

    async with whole_node(tmp_path, sets=2) as port:
        await in_thread(work, port)


async def test_conditions(tmp_path):
    """Each must hold, on what is replaced and on what is renamed (412); what fails moves nothing."""
    day = timedelta(days=1)

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket=B)
        etag, other = put(s3, "s", b"source"), put(s3, "t", b"target")
        now = s3.head_object(Bucket=B, Key="s")["LastModified"]
        for failing in (
            {"DestinationIfMatch": etag},
            {"DestinationIfNoneMatch": "*"},
            {"DestinationIfNoneMatch": other},
            {"DestinationIfModifiedSince": now + day},
            {"DestinationIfUnmodifiedSince": now - day},
            {"SourceIfMatch": other},
            {"SourceIfNoneMatch": "*"},
            {"SourceIfNoneMatch": etag},
            {"SourceIfModifiedSince": now + day},
            {"SourceIfUnmodifiedSince": now - day},
            {"SourceIfMatch": etag, "DestinationIfMatch": etag},
        ):
            assert error_of(rename, s3=s3, source="s", target="t", **failing) == FAILED, failing
        for failing in ({"DestinationIfMatch": "*"}, {"DestinationIfModifiedSince": now - day}):
            assert error_of(rename, s3=s3, source="s", target="nothing", **failing) == FAILED, failing
        assert keys_of(s3) == ["s", "t"]
        for holding in (
            {"DestinationIfMatch": other, "SourceIfMatch": etag},
            {"DestinationIfNoneMatch": etag, "SourceIfNoneMatch": other},
            {"DestinationIfModifiedSince": now - day, "SourceIfModifiedSince": now - day},
            {"DestinationIfUnmodifiedSince": now + day, "SourceIfUnmodifiedSince": now + day},
        ):
            rename(s3, "s", "t", **holding)
            assert body_of(s3, "s") is None and body_of(s3, "t") == b"source"
            put(s3, "s", b"source")
            put(s3, "t", b"target")
        rename(s3, "s", "nothing", DestinationIfNoneMatch="*")
        assert keys_of(s3) == ["nothing", "t"]

    async with whole_node(tmp_path, sets=2) as port:
        await in_thread(work, port)


@attrs.frozen
class Case:
    """A request that is refused, and how."""

    code: str
    status: int
    target: str = "t"
    headers: Mapping[str, str] = attrs.field(factory=dict)


CASES = {
    "nothing_there": Case("NoSuchKey", 404, headers={"x-amz-rename-source": f"{B}/nothing"}),
    "no_source": Case("InvalidArgument", 400),
    "no_key": Case("InvalidArgument", 400, headers={"x-amz-rename-source": f"/{B}"}),
    "another_bucket": Case("InvalidRequest", 400, headers={"x-amz-rename-source": "other/s"}),
    "itself": Case("InvalidRequest", 400, "s", {"x-amz-rename-source": f"{B}/s"}),
    "a_folder": Case("InvalidRequest", 400, "t/", {"x-amz-rename-source": f"{B}/s"}),
    "from_a_folder": Case("InvalidRequest", 400, headers={"x-amz-rename-source": f"{B}/s/"}),
    "a_blank_token": Case(
        "InvalidArgument", 400, headers={"x-amz-rename-source": f"{B}/s", "x-amz-client-token": "a b"}
    ),
    "a_long_token": Case(
        "InvalidArgument", 400, headers={"x-amz-rename-source": f"{B}/s", "x-amz-client-token": "a" * 65}
    ),
}


async def test_what_is_refused(tmp_path):
    """By which code and status; the object stays where it is."""
    async with whole_node(tmp_path, sets=2) as port:
        await in_thread(lambda s3: s3.create_bucket(Bucket=B) and put(s3, "s"), port)
        async with raw_client(port) as client:
            for name, case in CASES.items():
                request = signed_request("PUT", f"/{B}/{case.target}?renameObject", case.headers)
                await client.send(request)
                status, _, body = await client.answer()
                assert (status, case.code in body.decode()) == (case.status, True), name
        assert await in_thread(keys_of, port) == ["s"]


async def test_buckets_that_had_versions_are_refused(tmp_path):
    """501, whether versioning is enabled now or was."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket=B)
        put(s3, "s")
        for status in ("Enabled", "Suspended"):
            s3.put_bucket_versioning(Bucket=B, VersioningConfiguration={"Status": status})
            assert error_of(rename, s3=s3, source="s", target="t") == ("NotImplemented", 501)

    async with whole_node(tmp_path) as port:
        await in_thread(work, port)


async def test_tokens(tmp_path):
    """A request that is repeated succeeds without an effect; another one with its token is refused."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket=B)
        etag = put(s3, "s", b"first")
        for _ in range(2):
            rename(s3, "s", "t", ClientToken="token", SourceIfMatch=etag)
        put(s3, "s", b"second")
        rename(s3, "s", "t", ClientToken="token", SourceIfMatch=etag)
        assert body_of(s3, "s") == b"second" and body_of(s3, "t") == b"first"
        s3.put_object_tagging(Bucket=B, Key="t", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
        with pytest.raises(s3.exceptions.IdempotencyParameterMismatch):
            rename(s3, "s", "t", ClientToken="token")
        rename(s3, "s", "t", ClientToken="other")
        assert body_of(s3, "s") is None and body_of(s3, "t") == b"second"
        assert error_of(rename, s3=s3, source="s", target="t") == ("NoSuchKey", 404)

    async with whole_node(tmp_path, sets=2) as port:
        await in_thread(work, port)


async def test_renames_of_the_same_keys_take_turns(tmp_path):
    """Objects that are renamed onto each other, or in a chain, at the same time: none is lost or doubled."""

    async def one(port: int, source: str, target: str) -> None:
        headers = {"x-amz-rename-source": f"{B}/{source}"}
        while True:
            async with raw_client(port) as client:
                await client.send(signed_request("PUT", f"/{B}/{target}?renameObject", headers))
                status, _, _ = await client.answer()
            if status not in (409, 503):
                assert status in (200, 404)
                return

    def prepare(s3: Any) -> None:
        s3.create_bucket(Bucket=B)
        for key in "abcd":
            put(s3, key, key.encode())

    def look(s3: Any) -> list[bytes | None]:
        return [body_of(s3, key) for key in "abcde"]

    async with whole_node(tmp_path, sets=2) as port:
        await in_thread(prepare, port)
        async with trio.open_nursery() as nursery:
            for source, target in ("ab", "ba", "cd", "de"):
                nursery.start_soon(one, port, source, target)
        a, b, *rest = await in_thread(look, port)
        # One after the other, the second of the first two finds its source again where the first put it.
        assert {a, b} in ({None, b"a"}, {None, b"b"})
        assert rest in ([None, None, b"c"], [None, b"c", b"d"], [None, b"c", None], [None, None, b"d"])
