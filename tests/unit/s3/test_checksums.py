"""Checksums, their announcements, and those of multipart uploads."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.s3.checksums import (
    Announced,
    ChecksumAlgorithm,
    ChecksumType,
    announced_checksum,
    check_content_md5,
    checksum_of,
    content_md5,
    multipart_etag,
    new_checksum,
    to_base64,
    upload_checksum,
    upload_checksum_value,
)
from rustfs_proto.s3.errors import S3Error

# The check values of the CRC catalogue, and FIPS 180-4.
VECTORS = {
    ChecksumAlgorithm.CRC32: ("cbf43926", "00000000"),
    ChecksumAlgorithm.CRC32C: ("e3069283", "00000000"),
    ChecksumAlgorithm.CRC64NVME: ("ae8b14860a799888", "0000000000000000"),
    ChecksumAlgorithm.SHA1: (
        "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    ),
    ChecksumAlgorithm.SHA256: (
        "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
}
CRC32 = ChecksumAlgorithm.CRC32


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
def test_published_vectors(algorithm):
    """Each algorithm gives its published check value, in one piece and in several."""
    check, empty = VECTORS[algorithm]
    checksum = new_checksum(algorithm)
    assert checksum.digest().hex() == empty
    for piece in (b"1234", memoryview(b"56"), bytearray(b"789")):
        checksum.update(piece)
    assert checksum.digest().hex() == check
    assert checksum_of(algorithm, b"123456789") == b64encode(bytes.fromhex(check)).decode()


@pytest.mark.parametrize("algorithm", [algorithm for algorithm in ChecksumAlgorithm if algorithm.is_crc])
@given(parts=st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_full_object_checksums_combine(algorithm, parts):
    """The combined checksum of parts is that of the whole object, empty parts included."""
    values = [(checksum_of(algorithm, part), len(part)) for part in parts]
    combined = upload_checksum_value(algorithm, ChecksumType.FULL_OBJECT, values)
    assert combined == checksum_of(algorithm, b"".join(parts))


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
def test_composite_checksums(algorithm):
    """A composite checksum is that of the parts' digests, with their number behind it."""
    parts = [b"one", b"two"]
    digests = []
    for part in parts:
        checksum = new_checksum(algorithm)
        checksum.update(part)
        digests.append(checksum.digest())
    values = [(to_base64(digest), 3) for digest in digests]
    composite = upload_checksum_value(algorithm, ChecksumType.COMPOSITE, values)
    assert composite == checksum_of(algorithm, b"".join(digests)) + "-2"


def test_multipart_etags():
    """The ETag of an upload is the MD5 of its parts' MD5s and their number."""
    etags = [hashlib.md5(part).hexdigest() for part in (b"a", b"b")]
    expected = hashlib.md5(hashlib.md5(b"a").digest() + hashlib.md5(b"b").digest()).hexdigest()
    assert multipart_etag(etags) == expected + "-2"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"x-amz-checksum-mode": "ENABLED", "x-amz-checksum-type": "COMPOSITE"}, None),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, Announced(CRC32, "AAAAAA==")),
        (
            {"x-amz-checksum-crc32": "AAAAAA==", "x-amz-sdk-checksum-algorithm": "crc32"},
            Announced(CRC32, "AAAAAA=="),
        ),
        ({"x-amz-trailer": "X-Amz-Checksum-Crc32"}, Announced(CRC32, None)),
        ({"x-amz-trailer": "x-amz-meta-a"}, None),
    ],
)
def test_announcements(headers, expected):
    """A checksum is announced by its header or by the trailer's name."""
    assert announced_checksum(headers) == expected


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x-amz-checksum-crc32": "AAAA"}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": "!!"}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": "é"}, "InvalidRequest"),
        ({"x-amz-checksum-sha256": "AAAAAA=="}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-sha1": "x"}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-trailer": "x-amz-checksum-crc32c"}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-sdk-checksum-algorithm": "SHA1"}, "InvalidRequest"),
        ({"x-amz-sdk-checksum-algorithm": "CRC32"}, "InvalidRequest"),
        ({"x-amz-checksum-sha512": "x"}, "NotImplemented"),
        ({"x-amz-trailer": "x-amz-checksum-xxhash64"}, "NotImplemented"),
    ],
)
def test_contradictory_announcements(headers, code):
    """A value of a wrong length, two checksums, or an unknown one are refused."""
    with pytest.raises(S3Error) as caught:
        announced_checksum(headers)
    assert caught.value.code == code


def test_announced_values_are_checked():
    """The value that counts is the header's, or the trailer's when none was in the header."""
    digest = bytes.fromhex("cbf43926")
    value = to_base64(digest)
    assert Announced(CRC32, value).check(digest, {}) == value
    assert Announced(CRC32, None).check(digest, {CRC32.header: value}) == value
    for announced, trailers, code in (
        (Announced(CRC32, "AAAAAA=="), {}, "BadDigest"),
        (Announced(CRC32, None), {CRC32.header: "AAAAAA=="}, "BadDigest"),
        (Announced(CRC32, None), {}, "InvalidRequest"),
        (Announced(CRC32, None), {CRC32.header: "x"}, "InvalidRequest"),
    ):
        with pytest.raises(S3Error) as caught:
            announced.check(digest, trailers)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("algorithm", "kind", "expected"),
    [
        (None, None, None),
        ("CRC32", None, ChecksumType.COMPOSITE),
        ("SHA256", None, ChecksumType.COMPOSITE),
        ("CRC64NVME", None, ChecksumType.FULL_OBJECT),
        ("crc32c", "FULL_OBJECT", ChecksumType.FULL_OBJECT),
        ("SHA1", "COMPOSITE", ChecksumType.COMPOSITE),
        ("SHA1", "FULL_OBJECT", "InvalidRequest"),
        ("CRC64NVME", "COMPOSITE", "InvalidRequest"),
        (None, "COMPOSITE", "InvalidRequest"),
        ("CRC32", "HALF", "InvalidRequest"),
        ("MD4", None, "InvalidRequest"),
    ],
)
def test_checksums_of_uploads(algorithm, kind, expected):
    """An upload's algorithm has S3's default type, and impossible pairs are refused."""
    named = {"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": kind}
    headers = {name: value for name, value in named.items() if value is not None}
    if expected == "InvalidRequest":
        with pytest.raises(S3Error, match="InvalidRequest"):
            upload_checksum(headers)
        return
    found = upload_checksum(headers)
    assert (found and found[1]) == expected


def test_content_md5():
    """Content-MD5 is 16 bytes in base64, and is compared with what came."""
    digest = hashlib.md5(b"x").digest()
    assert content_md5({}) is None
    assert content_md5({"content-md5": to_base64(digest)}) == digest
    check_content_md5(None, digest)
    check_content_md5(digest, digest)
    with pytest.raises(S3Error, match="BadDigest"):
        check_content_md5(digest, bytes(16))
    for value in ("", "x", "AAAA", "é"):
        with pytest.raises(S3Error, match="InvalidDigest"):
            content_md5({"content-md5": value})
