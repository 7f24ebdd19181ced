"""Appending by x-amz-write-offset-bytes, from the API reference of PutObject."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from rustfs_proto.s3.checksums import ChecksumAlgorithm, checksum_of
from tests.clients.versions_kit import body_of, enable, listed, refusal

MIB = 1024 * 1024


def append(s3, bucket: str, body: bytes, offset: int, **more: object) -> dict:
    return s3.put_object(Bucket=bucket, Key="log", Body=body, WriteOffsetBytes=offset, **more)


def etag_of(*parts: bytes) -> str:
    """That of an object uploaded in these parts."""
    joined = b"".join(hashlib.md5(part).digest() for part in parts)
    return f'"{hashlib.md5(joined).hexdigest()}-{len(parts)}"'


@pytest.mark.parametrize("sizes", [[5, 7, 1], [3 * MIB, 11], [10, 2 * MIB + 1, 10], [0, 4], [4, 0]], ids=str)
def test_bytes_come_one_behind_the_other(s3, bucket, sizes):
    """Appends at the end of what is there make one object, read whole and across the seams."""
    pieces = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    whole = b""
    for piece in pieces:
        answer = append(s3, bucket, piece, len(whole))
        whole += piece
        assert answer["Size"] == len(whole)
    assert body_of(s3, bucket, "log") == whole
    if len(whole) > 4:
        assert body_of(s3, bucket, "log", Range="bytes=2-4") == whole[2:5]
    head = s3.head_object(Bucket=bucket, Key="log")
    assert (head["ContentLength"], head["ETag"]) == (len(whole), answer["ETag"])
    made_of = [piece for piece in pieces if piece]
    assert head["ETag"] == (etag_of(*made_of) if len(made_of) > 1 else f'"{hashlib.md5(whole).hexdigest()}"')


def test_another_offset_is_refused(s3, bucket):
    """An offset that is not the size of the object is InvalidWriteOffset, and nothing changes."""
    for offset in (1, 5):
        refused = refusal(append, s3=s3, bucket=bucket, body=b"x", offset=offset)
        assert refused[:2] == (400, "InvalidWriteOffset")
    append(s3, bucket, b"12345", 0)
    for offset in (0, 4, 6):
        refused = refusal(append, s3=s3, bucket=bucket, body=b"x", offset=offset)
        assert refused[:2] == (400, "InvalidWriteOffset")
    assert body_of(s3, bucket, "log") == b"12345"


def test_an_offset_that_is_no_number_is_refused(raw, bucket):
    """A negative offset or a text is InvalidArgument."""
    for offset in ("-1", "x", "1.5", "9" * 20):
        answer = raw.request("PUT", f"/{bucket}/log", {"x-amz-write-offset-bytes": offset}, b"x")
        assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_an_object_keeps_what_it_was_created_with(s3, bucket):
    """Metadata, headers, tags and storage class are those of the first write."""
    s3.put_object(
        Bucket=bucket,
        Key="log",
        Body=b"1",
        Metadata={"a": "b"},
        ContentType="text/plain",
        Tagging="t=1",
        StorageClass="STANDARD_IA",
    )
    append(s3, bucket, b"2", 1)
    head = s3.head_object(Bucket=bucket, Key="log")
    assert (head["Metadata"], head["ContentType"], head["StorageClass"]) == (
        {"a": "b"},
        "text/plain",
        "STANDARD_IA",
    )
    tags = s3.get_object_tagging(Bucket=bucket, Key="log")["TagSet"]
    assert tags == [{"Key": "t", "Value": "1"}]


def test_an_upload_can_be_appended_to(s3, bucket):
    """A multipart object gets one more part, which partNumber reads and GetObjectAttributes tells."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="log")["UploadId"]
    named = {"Bucket": bucket, "Key": "log", "UploadId": upload}
    pieces = [b"a" * (5 * MIB), b"b" * 100]
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**named, PartNumber=number, Body=piece)["ETag"]}
        for number, piece in enumerate(pieces, 1)
    ]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    answer = append(s3, bucket, b"end", 5 * MIB + 100)
    assert answer["ETag"] == etag_of(*pieces, b"end")
    part = s3.get_object(Bucket=bucket, Key="log", PartNumber=3)
    assert (part["Body"].read(), part["PartsCount"]) == (b"end", 3)
    told = s3.get_object_attributes(Bucket=bucket, Key="log", ObjectAttributes=["ObjectParts"])
    assert told["ObjectParts"]["TotalPartsCount"] == 3


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA256"])
def test_checksums_of_the_whole(s3, bucket, algorithm):
    """CRCs of both make that of the whole; of a SHA nothing can be told."""
    append(s3, bucket, b"first", 0, ChecksumAlgorithm=algorithm)
    append(s3, bucket, b"second", 5, ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=bucket, Key="log", ChecksumMode="ENABLED")
    wanted = checksum_of(ChecksumAlgorithm(algorithm), b"firstsecond") if "CRC" in algorithm else None
    assert head.get(f"Checksum{algorithm}") == wanted


def test_of_many_at_one_offset_one_succeeds(s3, bucket):
    """Clients that append at once each find their bytes there once, whole and behind all before."""
    append(s3, bucket, b"", 0)

    def work(number: int) -> None:
        line = b"%03d\n" % number
        while True:
            size = s3.head_object(Bucket=bucket, Key="log")["ContentLength"]
            try:
                append(s3, bucket, line, size)
            except ClientError as error:
                if error.response["Error"]["Code"] not in {
                    "InvalidWriteOffset",
                    "ConditionalRequestConflict",
                }:
                    raise
            else:
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    lines = body_of(s3, bucket, "log").split()
    assert sorted(lines) == [b"%03d" % number for number in range(24)]


def test_each_append_makes_a_version(s3, bucket):
    """With versioning the object before the append stays as it was, and sharing bytes harms neither."""
    enable(s3, bucket)
    first = append(s3, bucket, b"a" * (2 * MIB), 0)["VersionId"]
    second = append(s3, bucket, b"b", 2 * MIB)["VersionId"]
    assert [found[1] for found in listed(s3, bucket)] == [second, first]
    s3.delete_object(Bucket=bucket, Key="log", VersionId=first)
    assert body_of(s3, bucket, "log") == b"a" * (2 * MIB) + b"b"
    marker = s3.delete_object(Bucket=bucket, Key="log")["VersionId"]
    assert append(s3, bucket, b"new", 0)["Size"] == 3
    assert marker in [found[1] for found in listed(s3, bucket)]


def test_a_wrong_digest_appends_nothing(s3, bucket):
    """A body that does not match its announced checksum leaves the object as it was."""
    append(s3, bucket, b"a", 0)
    refused = refusal(append, s3=s3, bucket=bucket, body=b"b", offset=1, ChecksumCRC32="AAAAAA==")
    assert refused[0] == 400
    assert body_of(s3, bucket, "log") == b"a"
