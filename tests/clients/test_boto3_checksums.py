"""Digests that a client sends are checked, kept and given back; a wrong one stores nothing."""

from __future__ import annotations

import base64
import hashlib
import io

import pytest
from botocore.exceptions import ClientError

from tests.clients.checksums_kit import ALGORITHMS, composite, digest
from tests.clients.content import MIB, PART_BYTES_MIN, content

SMALL, STRIPED = 1000, 3 * MIB + 1

each_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)
each_size = pytest.mark.parametrize("size", [0, SMALL, STRIPED])


def code_of(call, **arguments) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def stored_keys(s3, bucket) -> int:
    return s3.list_objects_v2(Bucket=bucket)["KeyCount"]


@each_algorithm
@each_size
def test_given_as_a_header(s3, bucket, algorithm, size):
    """A checksum computed by the client is stored and answered when asked for, and only then."""
    data, name = content(size), f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="key", Body=data, **{name: digest(algorithm, data)})
    assert (put[name], put["ChecksumType"]) == (digest(algorithm, data), "FULL_OBJECT")
    asked = s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert asked[name] == digest(algorithm, data)
    assert asked["ChecksumType"] == "FULL_OBJECT"
    assert name not in s3.head_object(Bucket=bucket, Key="key")
    got = s3.get_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert got[name] == digest(algorithm, data)
    assert got["Body"].read() == data


@each_algorithm
@each_size
def test_given_as_a_trailer(s3, bucket, algorithm, size):
    """A checksum that follows a streamed body in its trailer is checked and stored like one in a header."""
    data, name = content(size), f"Checksum{algorithm}"
    body = io.BufferedReader(io.BytesIO(data))
    put = s3.put_object(Bucket=bucket, Key="key", Body=body, ChecksumAlgorithm=algorithm)
    assert put[name] == digest(algorithm, data)
    assert s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")[name] == digest(algorithm, data)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == data
    assert "ContentEncoding" not in s3.head_object(Bucket=bucket, Key="key")


@each_algorithm
@each_size
def test_a_wrong_header_stores_nothing(s3, bucket, algorithm, size):
    """A checksum of other bytes is BadDigest, and the key stays absent."""
    wrong = {f"Checksum{algorithm}": digest(algorithm, b"other bytes")}
    assert code_of(s3.put_object, Bucket=bucket, Key="key", Body=content(size), **wrong) == "BadDigest"
    assert stored_keys(s3, bucket) == 0


@each_algorithm
def test_a_malformed_header_is_refused(s3, bucket, algorithm):
    """A checksum that is not base64 of the right length is InvalidRequest."""
    wrong = {f"Checksum{algorithm}": "bm90"}
    assert code_of(s3.put_object, Bucket=bucket, Key="key", Body=b"x", **wrong) == "InvalidRequest"
    assert stored_keys(s3, bucket) == 0


@each_size
def test_content_md5(raw, s3, bucket, size):
    """A right Content-MD5 is accepted; a wrong one is BadDigest, no digest InvalidDigest: neither stores."""
    data, target = content(size), f"/{bucket}/key"
    for value, status, code in (
        (hashlib.md5(b"other").digest(), 400, "BadDigest"),
        (b"too short", 400, "InvalidDigest"),
        (hashlib.md5(data).digest(), 200, ""),
    ):
        assert stored_keys(s3, bucket) == 0
        answer = raw.request("PUT", target, {"Content-MD5": base64.b64encode(value).decode()}, data)
        assert (answer.status, answer.code) == (status, code)
    assert raw.request("GET", target).body == data


@each_size
def test_a_wrong_payload_hash_stores_nothing(raw, s3, bucket, size):
    """A signed x-amz-content-sha256 of other bytes is XAmzContentSHA256Mismatch."""
    wrong = hashlib.sha256(b"other").hexdigest()
    answer = raw.request("PUT", f"/{bucket}/key", body=content(size), payload_hash=wrong)
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    assert stored_keys(s3, bucket) == 0


def test_a_failed_overwrite_keeps_the_old(s3, bucket):
    """When the digest of an overwrite is wrong the object before it stays whole."""
    s3.put_object(Bucket=bucket, Key="key", Body=content(STRIPED, seed=1), Metadata={"which": "old"})
    wrong = {"ChecksumSHA256": digest("SHA256", b"other")}
    assert (
        code_of(s3.put_object, Bucket=bucket, Key="key", Body=content(STRIPED, seed=2), **wrong)
        == "BadDigest"
    )
    got = s3.get_object(Bucket=bucket, Key="key")
    assert (got["Body"].read(), got["Metadata"]) == (content(STRIPED, seed=1), {"which": "old"})


def upload_with(s3, bucket, algorithm, kind, parts):
    """A completed upload whose parts carry checksums; its answer and what was declared."""
    declared = {"ChecksumAlgorithm": algorithm, "ChecksumType": kind}
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key", **declared)["UploadId"]
    where = {"Bucket": bucket, "Key": "key", "UploadId": upload}
    rows = []
    for number, part in enumerate(parts, 1):
        answer = s3.upload_part(**where, PartNumber=number, Body=part, ChecksumAlgorithm=algorithm)
        assert answer[f"Checksum{algorithm}"] == digest(algorithm, part)
        rows.append(
            {"PartNumber": number, "ETag": answer["ETag"], f"Checksum{algorithm}": digest(algorithm, part)}
        )
    return where, rows


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME"])
def test_full_object_of_an_upload(s3, bucket, algorithm):
    """The CRC of the whole object is combined from those of its parts, and a wrong one refuses the upload."""
    parts = [content(PART_BYTES_MIN, seed=1), content(PART_BYTES_MIN + 3, seed=2), content(10, seed=3)]
    where, rows = upload_with(s3, bucket, algorithm, "FULL_OBJECT", parts)
    name, whole = f"Checksum{algorithm}", digest(algorithm, b"".join(parts))
    ending = {"MultipartUpload": {"Parts": rows}, "ChecksumType": "FULL_OBJECT"}
    wrong = {name: digest(algorithm, b"other")}
    assert code_of(s3.complete_multipart_upload, **where, **ending, **wrong) == "BadDigest"
    done = s3.complete_multipart_upload(**where, **ending, **{name: whole})
    assert done[name] == whole
    head = s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert (head[name], head["ChecksumType"]) == (whole, "FULL_OBJECT")


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
def test_composite_of_an_upload(s3, bucket, algorithm):
    """The checksum of checksums, with the number of parts, is what a composite upload answers."""
    parts = [content(PART_BYTES_MIN, seed=1), content(10, seed=3)]
    where, rows = upload_with(s3, bucket, algorithm, "COMPOSITE", parts)
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": rows})
    expected = composite(algorithm, parts)
    assert done[f"Checksum{algorithm}"] == expected
    head = s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert (head[f"Checksum{algorithm}"], head["ChecksumType"]) == (expected, "COMPOSITE")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"".join(parts)


def test_a_wrong_part_is_not_kept(s3, bucket):
    """A part whose checksum is wrong is BadDigest and does not appear among the parts."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key", ChecksumAlgorithm="SHA256")["UploadId"]
    where = {"Bucket": bucket, "Key": "key", "UploadId": upload}
    wrong = {"ChecksumSHA256": digest("SHA256", b"other")}
    assert code_of(s3.upload_part, **where, PartNumber=1, Body=content(2 * MIB), **wrong) == "BadDigest"
    assert "Parts" not in s3.list_parts(**where)


def test_listings_tell_which_checksum_an_object_has(s3, bucket):
    """ListObjectsV2, ListObjectVersions and ListMultipartUploads name the algorithm and the type."""
    s3.put_object(Bucket=bucket, Key="a", Body=b"x", ChecksumAlgorithm="SHA256")
    upload = s3.create_multipart_upload(
        Bucket=bucket, Key="b", ChecksumAlgorithm="CRC32C", ChecksumType="FULL_OBJECT"
    )["UploadId"]
    shown = s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]
    assert (shown["ChecksumAlgorithm"], shown["ChecksumType"]) == ("CRC32C", "FULL_OBJECT")
    named = {"Bucket": bucket, "Key": "b", "UploadId": upload}
    part = s3.upload_part(**named, PartNumber=1, Body=b"y", ChecksumAlgorithm="CRC32C")
    parts = [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumCRC32C": part["ChecksumCRC32C"]}]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    pages = (
        s3.list_objects_v2(Bucket=bucket)["Contents"],
        s3.list_object_versions(Bucket=bucket)["Versions"],
    )
    for found in pages:
        told = [(one["ChecksumAlgorithm"], one["ChecksumType"]) for one in found]
        assert told == [(["SHA256"], "FULL_OBJECT"), (["CRC32C"], "FULL_OBJECT")]
