"""Multipart uploads through a whole node by boto3."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from rustfs_proto.s3.checksums import ChecksumAlgorithm, ChecksumType, multipart_etag, upload_checksum_value
from tests.unit.acceptor.node_kit import error_of, in_thread, whole_node

MIB = 1 << 20
PARTS = [b"a" * 5 * MIB, b"b" * (5 * MIB + 17), b"the end"]
WHERE = {"Bucket": "bucket", "Key": "big"}


def begin(s3: Any, **arguments: Any) -> dict[str, Any]:
    """A new upload; what names it in further calls."""
    return {**WHERE, "UploadId": s3.create_multipart_upload(**WHERE, **arguments)["UploadId"]}


def send_parts(s3: Any, upload: dict[str, Any], algorithm: str | None = None) -> list[dict[str, Any]]:
    """All parts, last one first; what completes them."""
    sent = []
    extra = {} if algorithm is None else {"ChecksumAlgorithm": algorithm}
    for number in reversed(range(1, len(PARTS) + 1)):
        answer = s3.upload_part(**upload, PartNumber=number, Body=PARTS[number - 1], **extra)
        part = {"PartNumber": number, "ETag": answer["ETag"]}
        if algorithm is not None:
            part["Checksum" + algorithm] = answer["Checksum" + algorithm]
        sent.insert(0, part)
    return sent


async def test_parts_become_one_object(tmp_path):
    """Parts sent in any order make the object, whose parts can be read one by one; completing again changes
    nothing.
    """

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        upload = begin(s3, Metadata={"a": "b"}, ContentType="x/y")
        s3.upload_part(**upload, PartNumber=1, Body=b"replaced later")
        parts = send_parts(s3, upload)
        listed = s3.list_parts(**upload)
        assert [(part["PartNumber"], part["Size"]) for part in listed["Parts"]] == [
            (number, len(part)) for number, part in enumerate(PARTS, 1)
        ]
        page = s3.list_parts(**upload, MaxParts=1, PartNumberMarker=1)
        assert [part["PartNumber"] for part in page["Parts"]] == [2]
        assert page["IsTruncated"]
        etag = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["ETag"]
        assert etag.strip('"') == multipart_etag(hashlib.md5(part).hexdigest() for part in PARTS)
        found = s3.get_object(**WHERE)
        assert found["Body"].read() == b"".join(PARTS)
        assert (found["Metadata"], found["ContentType"]) == ({"a": "b"}, "x/y")
        border = len(PARTS[0])
        piece = s3.get_object(**WHERE, Range=f"bytes={border - 2}-{border + 1}")["Body"].read()
        assert piece == b"aabb"
        second = s3.get_object(**WHERE, PartNumber=2)
        assert (second["Body"].read(), second["PartsCount"]) == (PARTS[1], 3)
        assert error_of(s3.get_object, **WHERE, PartNumber=4) == ("InvalidPartNumber", 416)
        assert error_of(s3.list_parts, **upload) == ("NoSuchUpload", 404)
        again = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        assert again["ETag"] == etag
        fewer = {**upload, "MultipartUpload": {"Parts": parts[:2]}}
        assert error_of(s3.complete_multipart_upload, **fewer) == ("NoSuchUpload", 404)

    async with whole_node(tmp_path) as port:
        await in_thread(work, port)


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("CRC32", "COMPOSITE"),
        ("CRC32C", "FULL_OBJECT"),
        ("CRC64NVME", "FULL_OBJECT"),
        ("SHA256", "COMPOSITE"),
    ],
)
async def test_checksums_of_parts_make_the_checksum_of_the_object(tmp_path, algorithm, kind):
    """Of the whole object, or of the parts' checksums, as the upload was begun with."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        upload = begin(s3, ChecksumAlgorithm=algorithm, ChecksumType=kind)
        parts = send_parts(s3, upload, algorithm)
        done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        found = s3.head_object(**WHERE, ChecksumMode="ENABLED")
        assert found["Checksum" + algorithm] == done["Checksum" + algorithm]
        assert found["ChecksumType"] == kind
        assert found["Checksum" + algorithm].endswith("-3") == (kind == "COMPOSITE")

    async with whole_node(tmp_path, drives_per_set=2, parity=1) as port:
        await in_thread(work, port)


async def test_what_a_completion_announces_of_its_object_is_checked(tmp_path):
    """Checksum and size in the headers are the object's: wrong ones are refused and the upload stays."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        for kind in ("FULL_OBJECT", "COMPOSITE"):
            upload = begin(s3, ChecksumAlgorithm="CRC32", ChecksumType=kind)
            parts = {"MultipartUpload": {"Parts": send_parts(s3, upload, "CRC32")}}
            complete = s3.complete_multipart_upload
            wrong = error_of(complete, **upload, **parts, ChecksumCRC32="AAAAAA==", ChecksumType=kind)
            assert wrong == ("BadDigest", 400)
            size = sum(map(len, PARTS))
            assert error_of(complete, **upload, **parts, MpuObjectSize=size + 1) == ("InvalidRequest", 400)
            other = {"ChecksumSHA1": "A" * 27 + "="}
            assert error_of(complete, **upload, **parts, **other) == ("InvalidRequest", 400)
            values = [
                (part["ChecksumCRC32"], len(PARTS[part["PartNumber"] - 1]))
                for part in parts["MultipartUpload"]["Parts"]
            ]
            right = upload_checksum_value(ChecksumAlgorithm.CRC32, ChecksumType(kind), values)
            done = complete(**upload, **parts, ChecksumCRC32=right, ChecksumType=kind, MpuObjectSize=size)
            assert done["ChecksumCRC32"] == right

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_what_cannot_be_completed_is_refused(tmp_path):
    """Unknown uploads, missing, wrong, misordered and small parts, each with its own error; the
    upload stays.
    """

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        upload = begin(s3)
        one, two = (
            {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=b"x")["ETag"]}
            for number in (1, 2)
        )

        def refusal(*parts: dict[str, Any], **changes: Any) -> tuple[str, int]:
            named = {**upload, "MultipartUpload": {"Parts": list(parts)}, **changes}
            return error_of(s3.complete_multipart_upload, **named)

        assert refusal(one, two) == ("EntityTooSmall", 400)
        assert refusal(two, one) == ("InvalidPartOrder", 400)
        assert refusal({**one, "ETag": '"0"'}) == ("InvalidPart", 400)
        assert refusal({**one, "PartNumber": 3}) == ("InvalidPart", 400)
        assert refusal(one, UploadId="00" * 16) == ("NoSuchUpload", 404)
        assert refusal(one, UploadId="nonsense") == ("NoSuchUpload", 404)
        stray = {**upload, "UploadId": "00" * 16, "PartNumber": 1, "Body": b"x"}
        assert error_of(s3.upload_part, **stray) == ("NoSuchUpload", 404)
        assert error_of(s3.upload_part, **{**upload, "PartNumber": 10_001}) == ("InvalidArgument", 400)
        s3.put_object(**WHERE, Body=b"there")
        assert refusal(one, IfNoneMatch="*") == ("PreconditionFailed", 412)
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [one]})
        assert s3.get_object(**WHERE)["Body"].read() == b"x"

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_parts_can_be_copied_from_objects(tmp_path):
    """UploadPartCopy takes a whole object or a range of it, from any bucket."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        content = bytes(range(256)) * 4096 * 7
        s3.put_object(Bucket="bucket", Key="source", Body=content)
        upload = begin(s3)
        copies = [{"CopySourceRange": f"bytes=3-{5 * MIB + 9}"}, {}]
        parts = []
        for number, arguments in enumerate(copies, 1):
            copied = s3.upload_part_copy(**upload, PartNumber=number, CopySource="bucket/source", **arguments)
            parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        assert s3.get_object(**WHERE)["Body"].read() == content[3 : 5 * MIB + 10] + content
        beyond = {"CopySource": "bucket/source", "CopySourceRange": f"bytes=0-{len(content)}"}
        refused = error_of(s3.upload_part_copy, **upload, PartNumber=1, **beyond)
        assert refused == ("InvalidArgument", 400)

    async with whole_node(tmp_path, sets=2, drives_per_set=2, parity=1) as port:
        await in_thread(work, port)


async def test_uploads_are_listed_until_they_end(tmp_path):
    """Pages, prefixes and delimiters over the uploads of all sets; aborted ones are gone."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        keys = ["a/1", "a/1", "a/2", "b", "c/x"]
        made = [(key, s3.create_multipart_upload(Bucket="bucket", Key=key)["UploadId"]) for key in keys]

        def listed(**arguments: Any) -> list[tuple[str, str]]:
            pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket="bucket", **arguments)
            return [(one["Key"], one["UploadId"]) for page in pages for one in page.get("Uploads", [])]

        assert listed() == made
        assert listed(PaginationConfig={"PageSize": 1}) == made
        assert listed(Prefix="a/") == made[:3]
        page = s3.list_multipart_uploads(Bucket="bucket", Delimiter="/")
        assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["a/", "c/"]
        assert [one["Key"] for one in page["Uploads"]] == ["b"]
        for key, upload_id in made:
            s3.abort_multipart_upload(Bucket="bucket", Key=key, UploadId=upload_id)
        again = {"Bucket": "bucket", "Key": "b", "UploadId": made[3][1]}
        assert error_of(s3.abort_multipart_upload, **again) == ("NoSuchUpload", 404)
        assert listed() == []

    async with whole_node(tmp_path, sets=3, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_a_completion_is_found_done_where_parts_are_gone(tmp_path):
    """An upload of which the parts are gone was completed before if the object is made of those parts; else
    the parts are what is wrong.
    """

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        upload = begin(s3)
        parts = send_parts(s3, upload)
        etag = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["ETag"]
        bare = begin(s3)
        again = s3.complete_multipart_upload(**bare, MultipartUpload={"Parts": parts})
        assert again["ETag"] == etag
        fewer = {**bare, "MultipartUpload": {"Parts": parts[:2]}}
        assert error_of(s3.complete_multipart_upload, **fewer) == ("InvalidPart", 400)

    async with whole_node(tmp_path) as port:
        await in_thread(work, port)
