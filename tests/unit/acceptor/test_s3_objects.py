"""Objects through a whole node by boto3: every size around the borders, ranges, conditions, metadata,
checksums, copies.
"""

from __future__ import annotations

import hashlib
import io
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.unit.acceptor.node_kit import (
    error_of,
    in_thread,
    raw_client,
    s3_client,
    signed_request,
    whole_node,
)

MIB = 1 << 20
SIZES = [0, 1, 4096, MIB - 1, MIB, MIB + 1, 5 * MIB + 7]
ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]


def content_of(size: int, seed: int = 0) -> bytes:
    """Bytes that differ from stripe to stripe."""
    block = hashlib.sha512(b"%d" % seed).digest() * 1024
    return b"".join(bytes([at % 251]) + block for at in range(size // len(block) + 1))[:size]


def put_and_get(s3: Any) -> None:
    for size in SIZES:
        content = content_of(size)
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        assert s3.put_object(Bucket="bucket", Key=f"k{size}", Body=content)["ETag"] == etag
        found = s3.get_object(Bucket="bucket", Key=f"k{size}")
        assert found["Body"].read() == content
        assert (found["ETag"], found["ContentLength"]) == (etag, size)
        assert s3.head_object(Bucket="bucket", Key=f"k{size}")["ContentLength"] == size


@pytest.mark.parametrize(("sets", "drives", "parity"), [(1, 1, 0), (1, 4, 2), (3, 2, 1)])
async def test_objects_come_back_whole(tmp_path, sets, drives, parity):
    """Objects of every size around stripe and block borders come back with their MD5 as ETag, whatever the
    sets.
    """

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        put_and_get(s3)

    async with whole_node(tmp_path, sets=sets, drives_per_set=drives, parity=parity) as port:
        await in_thread(work, port)


async def test_ranges_give_exactly_the_bytes_asked_for(tmp_path):
    """Ranges within and across stripes, open at either end, and those that cannot be had."""
    content = content_of(3 * MIB + 5)

    def read(s3: Any, value: str) -> tuple[bytes, str]:
        found = s3.get_object(Bucket="bucket", Key="k", Range=value)
        assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
        return found["Body"].read(), found["ContentRange"]

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="k", Body=content)
        size = len(content)
        for first, last in ((0, 0), (5, 99), (MIB - 1, MIB), (10, 2 * MIB + 10), (size - 1, size + 99)):
            end = min(last, size - 1)
            expected = content[first : last + 1], f"bytes {first}-{end}/{size}"
            assert read(s3, f"bytes={first}-{last}") == expected
        assert read(s3, "bytes=2000000-")[0] == content[2_000_000:]
        assert read(s3, "bytes=-70")[0] == content[-70:]
        assert error_of(s3.get_object, Bucket="bucket", Key="k", Range=f"bytes={size}-") == (
            "InvalidRange",
            416,
        )
        assert s3.get_object(Bucket="bucket", Key="k", Range="bytes=9-1")["ContentLength"] == size

    async with whole_node(tmp_path) as port:
        await in_thread(work, port)


async def test_conditions_of_reads_and_writes_hold(tmp_path):
    """If-Match and its kin on GET, HEAD and PUT; If-Range falls back to the whole object."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        where = {"Bucket": "bucket", "Key": "k"}
        assert error_of(s3.put_object, **where, IfMatch='"x"') == ("NoSuchKey", 404)
        etag = s3.put_object(**where, Body=b"one", IfNoneMatch="*")["ETag"]
        assert error_of(s3.put_object, **where, Body=b"two", IfNoneMatch="*") == ("PreconditionFailed", 412)
        assert error_of(s3.put_object, **where, Body=b"two", IfMatch='"x"') == ("PreconditionFailed", 412)
        assert error_of(s3.get_object, **where, IfNoneMatch=etag) == ("304", 304)
        assert error_of(s3.head_object, **where, IfMatch='"x"') == ("412", 412)
        modified = s3.head_object(**where)["LastModified"]
        assert error_of(s3.get_object, **where, IfModifiedSince=modified) == ("304", 304)
        assert s3.get_object(**where, IfUnmodifiedSince=modified)["Body"].read() == b"one"
        s3.put_object(**where, Body=b"two", IfMatch=etag)
        assert s3.get_object(**where)["Body"].read() == b"two"

    async with whole_node(tmp_path) as port:
        await in_thread(work, port)
        async with raw_client(port) as client:
            headers = {"range": "bytes=0-0", "if-range": '"other"'}
            await client.send(signed_request("GET", "/bucket/k", headers))
            status, _, body = await client.answer()
            assert (status, body) == (200, b"two")


async def test_metadata_and_content_headers_come_back(tmp_path):
    """What a PUT says of its object GET and HEAD say again; response-* parameters replace it for
    one answer.
    """

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        content_headers = {
            "ContentType": "text/plain",
            "CacheControl": "no-store",
            "ContentDisposition": "attachment",
            "ContentEncoding": "br",
            "ContentLanguage": "de",
        }
        s3.put_object(Bucket="bucket", Key="k", Body=b"x", Metadata={"colour": "blue"}, **content_headers)
        found = s3.head_object(Bucket="bucket", Key="k")
        assert {name: found[name] for name in content_headers} == content_headers
        assert found["Metadata"] == {"colour": "blue"}
        changed = s3.get_object(Bucket="bucket", Key="k", ResponseContentType="a/b", ResponseCacheControl="c")
        assert (changed["ContentType"], changed["CacheControl"]) == ("a/b", "c")

    async with whole_node(tmp_path) as port:
        await in_thread(work, port)
        async with raw_client(port) as client:
            value = "grün 本".encode().decode("latin-1")
            put = signed_request("PUT", "/bucket/utf8", {"x-amz-meta-name": value})
            # The head is signed as Latin-1 text, one character per byte, and goes out as those bytes.
            await client.send(put.decode("utf-8").encode("latin-1"))
            assert (await client.answer())[0] == 200
            await client.send(signed_request("HEAD", "/bucket/utf8"))
            _, headers, _ = await client.answer(has_body=False)
            assert headers["x-amz-meta-name"] == value


async def test_keys_are_kept_byte_for_byte(tmp_path):
    """Printable bytes, dots, doubled and trailing slashes, spaces and UTF-8 are all just names."""
    printable = "".join(map(chr, range(32, 127)))
    keys = [printable, "a", "a/", "a/b", "//", "./x", "../x", "a/../b", " ", "+", "%41", "ü/本", "k" * 1024]

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        for key in keys:
            s3.put_object(Bucket="bucket", Key=key, Body=key.encode())
        listed = s3.list_objects_v2(Bucket="bucket")["Contents"]
        assert [entry["Key"] for entry in listed] == sorted(keys, key=str.encode)
        for key in keys:
            assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == key.encode()
        assert error_of(s3.put_object, Bucket="bucket", Key="k" * 1025) == ("KeyTooLongError", 400)

    async with whole_node(tmp_path) as port:
        await in_thread(work, port)


async def test_checksums_are_kept_and_given_back(tmp_path):
    """A checksum that came with a PUT, as header or trailer, is answered, kept and checked."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        for algorithm in ALGORITHMS:
            for body in (b"small", io.BytesIO(content_of(2 * MIB))):
                put = s3.put_object(Bucket="bucket", Key="k", Body=body, ChecksumAlgorithm=algorithm)
                found = s3.get_object(Bucket="bucket", Key="k", ChecksumMode="ENABLED")
                assert found["Checksum" + algorithm] == put["Checksum" + algorithm]
                assert found["ChecksumType"] == "FULL_OBJECT"
                found["Body"].read()
            wrong = {"Checksum" + algorithm: put["Checksum" + algorithm]}
            assert error_of(s3.put_object, Bucket="bucket", Key="k", Body=b"other", **wrong) == (
                "BadDigest",
                400,
            )
        bad_md5 = "AAAAAAAAAAAAAAAAAAAAAA=="
        refused = error_of(s3.put_object, Bucket="bucket", Key="new", Body=b"x", ContentMD5=bad_md5)
        assert refused == ("BadDigest", 400)
        assert error_of(s3.head_object, Bucket="bucket", Key="new") == ("404", 404)

    async with whole_node(tmp_path) as port:
        await in_thread(work, port)


async def test_copies_carry_bytes_and_metadata(tmp_path):
    """COPY keeps metadata, REPLACE takes the request's; sizes beyond a stripe and sources of several parts
    are copied too.
    """

    def work(s3: Any) -> None:
        for bucket in ("bucket", "other"):
            s3.create_bucket(Bucket=bucket)
        for size in (0, 10, 2 * MIB + 3):
            content = content_of(size)
            s3.put_object(Bucket="bucket", Key="from", Body=content, Metadata={"a": "b"}, ContentType="x/y")
            copied = s3.copy_object(Bucket="other", Key="to", CopySource={"Bucket": "bucket", "Key": "from"})
            assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
            found = s3.get_object(Bucket="other", Key="to")
            assert found["Body"].read() == content
            assert (found["Metadata"], found["ContentType"]) == ({"a": "b"}, "x/y")
        source = {"CopySource": "bucket/from"}
        assert error_of(s3.copy_object, Bucket="bucket", Key="from", **source) == ("InvalidRequest", 400)
        replaced = {"MetadataDirective": "REPLACE", "Metadata": {"n": "1"}}
        s3.copy_object(Bucket="bucket", Key="from", **source, **replaced)
        found = s3.get_object(Bucket="bucket", Key="from")
        assert (found["Metadata"], found["Body"].read()) == ({"n": "1"}, content_of(2 * MIB + 3))
        etag = found["ETag"]
        where = {"Bucket": "bucket", "Key": "c", **source}
        assert error_of(s3.copy_object, **where, CopySourceIfNoneMatch=etag) == ("PreconditionFailed", 412)
        assert error_of(s3.copy_object, Bucket="bucket", Key="c", CopySource="bucket/no") == (
            "NoSuchKey",
            404,
        )
        assert error_of(s3.copy_object, Bucket="bucket", Key="c", CopySource="nobody/k") == (
            "NoSuchBucket",
            404,
        )

    async with whole_node(tmp_path, sets=2, drives_per_set=2, parity=1) as port:
        await in_thread(work, port)


async def test_presigned_urls_work_without_further_headers(tmp_path):
    """A URL that somebody signed reads and writes one object, with a header of the signer's choice in the
    answer.
    """

    def sign(s3: Any) -> tuple[str, str]:
        s3.create_bucket(Bucket="bucket")
        where = {"Bucket": "bucket", "Key": "a key/ü+%"}
        put = s3.generate_presigned_url("put_object", Params=where)
        return put, s3.generate_presigned_url("get_object", Params={**where, "ResponseContentType": "a/b"})

    async with whole_node(tmp_path) as port, raw_client(port) as client:
        put, get = (urlsplit(url) for url in await in_thread(sign, port))
        host = f"Host: {put.netloc}\r\n"
        await client.send(
            f"PUT {put.path}?{put.query} HTTP/1.1\r\n{host}Content-Length: 5\r\n\r\nhello".encode()
        )
        assert (await client.answer())[0] == 200
        await client.send(f"GET {get.path}?{get.query} HTTP/1.1\r\n{host}\r\n".encode())
        status, headers, body = await client.answer()
        assert (status, headers["content-type"], body) == (200, "a/b", b"hello")


async def test_an_upload_that_breaks_off_leaves_nothing(tmp_path):
    """Of a body that ends early, small or large, nothing can be seen, and the old object stays."""
    async with whole_node(tmp_path) as port:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        await in_thread(lambda s3: s3.put_object(Bucket="bucket", Key="k", Body=b"old"), port)
        for size in (1000, 3 * MIB):
            async with raw_client(port) as client:
                await client.send(signed_request("PUT", "/bucket/k", body=b"n" * size)[:-100])
                await client.stream.send_eof()
                status, _, body = await client.answer()
                assert status == 400
                assert b"<Code>IncompleteBody</Code>" in body
        found = await in_thread(lambda s3: s3.get_object(Bucket="bucket", Key="k")["Body"].read(), port)
        assert found == b"old"


async def test_put_without_length_is_refused_and_with_unknown_length_stored(tmp_path):
    """Neither Content-Length nor chunked coding is 411; chunked coding alone is enough."""
    async with whole_node(tmp_path) as port:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        async with raw_client(port) as client:
            bare = signed_request("PUT", "/bucket/k").replace(b"content-length: 0\r\n", b"")
            await client.send(bare)
            status, _, body = await client.answer()
            assert status == 411
            assert b"MissingContentLength" in body
            for size in (10, MIB, 2 * MIB + 1):
                content = content_of(size)
                head = bare.replace(b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\n")
                await client.send(head, b"%x\r\n%b\r\n0\r\n\r\n" % (size, content))
                assert (await client.answer())[0] == 200
                found = await in_thread(
                    lambda s3: s3.get_object(Bucket="bucket", Key="k")["Body"].read(), port
                )
                assert found == content


async def test_deleted_objects_are_gone(tmp_path):
    """DeleteObject is idempotent; DeleteObjects reports each key; a deleted key reads as missing."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        keys = [f"k{number}" for number in range(25)]
        for key in keys:
            s3.put_object(Bucket="bucket", Key=key, Body=b"x")
        s3.delete_object(Bucket="bucket", Key="k0")
        s3.delete_object(Bucket="bucket", Key="k0")
        assert error_of(s3.get_object, Bucket="bucket", Key="k0") == ("NoSuchKey", 404)
        wanted = [{"Key": key} for key in [*keys, "k1", "x" * 1025]]
        result = s3.delete_objects(Bucket="bucket", Delete={"Objects": wanted})
        assert [entry["Key"] for entry in result["Errors"]] == ["x" * 1025]
        assert sorted(entry["Key"] for entry in result["Deleted"]) == sorted([*keys, "k1"])
        assert "Contents" not in s3.list_objects_v2(Bucket="bucket")
        quiet = s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "k"}], "Quiet": True})
        assert "Deleted" not in quiet

    async with whole_node(tmp_path, sets=2, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_the_acl_of_an_object_says_the_truth(tmp_path):
    """One owner with full control; for a missing object NoSuchKey."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="k")
        grants = s3.get_object_acl(Bucket="bucket", Key="k")["Grants"]
        assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL"]
        assert error_of(s3.get_object_acl, Bucket="bucket", Key="no") == ("NoSuchKey", 404)

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)
        assert s3_client(port).meta.region_name == "us-east-1"


@pytest.mark.parametrize("change", ["overwrite", "delete"])
async def test_a_read_under_way_outlives_its_object(tmp_path, change):
    """Who began to read a version gets all of it, although it is replaced or removed meanwhile."""
    content = content_of(24 * MIB)

    def alter(s3: Any) -> None:
        if change == "overwrite":
            s3.put_object(Bucket="bucket", Key="k", Body=content_of(24 * MIB, seed=1))
        else:
            s3.delete_object(Bucket="bucket", Key="k")

    async with whole_node(tmp_path) as port:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        await in_thread(lambda s3: s3.put_object(Bucket="bucket", Key="k", Body=content), port)
        async with raw_client(port) as client:
            await client.send(signed_request("GET", "/bucket/k"))
            await client.head()
            await in_thread(alter, port)
            assert await client.body(len(content)) == content
