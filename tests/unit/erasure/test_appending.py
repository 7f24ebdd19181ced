"""The object that comes of another one and bytes behind it."""

from __future__ import annotations

import hashlib

import pytest

from rustfs_proto.erasure.appending import appended_object
from rustfs_proto.objects import Geometry, ObjectHead, ObjectMeta, Part
from rustfs_proto.s3.checksums import ChecksumAlgorithm, checksum_of, multipart_etag
from rustfs_proto.wire.faults import Fault, FaultCode

ONE, TWO = (hashlib.md5(text).hexdigest() for text in (b"one", b"two"))
CRC = ChecksumAlgorithm.CRC32C
SUMS = {CRC.value: checksum_of(CRC, b"two")}


def of(parts: tuple[Part, ...], **more: object) -> tuple[ObjectHead, ObjectMeta]:
    size = sum(part.size for part in parts)
    etag = parts[0].etag if parts else "none"
    head = ObjectHead(size, etag, "STANDARD_IA", written=5)
    return head, ObjectMeta(Geometry(2, 2, 100), parts, {"content-type": "x"}, tags={"t": "1"}, **more)


FIRST = Part(3, 3, b"f" * 16, ONE)
ADDED = Part(1, 3, b"g" * 16, TWO, SUMS)


def test_the_part_comes_last() -> None:
    """Size, ETag and numbers go on where the object ended; what it says of itself stays, but when it was
    written.
    """
    head, meta = appended_object(*of((FIRST,)), (FIRST,), ADDED)
    assert (head.size, head.etag, head.written) == (6, multipart_etag([ONE, TWO]), 0)
    assert [(part.number, part.data_id) for part in meta.parts] == [(3, b"f" * 16), (4, b"g" * 16)]
    assert (head.storage_class, meta.headers, meta.tags) == ("STANDARD_IA", {"content-type": "x"}, {"t": "1"})


def test_nothing_added_changes_nothing() -> None:
    """An append of no bytes leaves parts, ETag and checksums."""
    kept = {"checksums": {"SHA1": "x"}, "checksum_type": "COMPOSITE"}
    head, meta = appended_object(*of((FIRST,), **kept), (FIRST,), Part(1, 0, b"", TWO))
    assert (head.etag, meta.parts) == (ONE, (FIRST,))
    assert (meta.checksums, meta.checksum_type) == (kept["checksums"], kept["checksum_type"])


def test_the_first_bytes_of_an_empty_object_are_all_of_it() -> None:
    """Its ETag and checksums are those of the bytes added."""
    head, meta = appended_object(*of(()), (), ADDED)
    assert (head.etag, meta.checksums, meta.checksum_type) == (TWO, SUMS, "FULL_OBJECT")


@pytest.mark.parametrize(
    ("checksums", "kind", "expected"),
    [
        ({CRC.value: checksum_of(CRC, b"one")}, "FULL_OBJECT", {CRC.value: checksum_of(CRC, b"onetwo")}),
        ({CRC.value: checksum_of(CRC, b"one")}, "COMPOSITE", {}),
        ({"SHA1": "x"}, "FULL_OBJECT", {}),
        ({}, "", {}),
    ],
)
def test_checksums_that_can_be_told(checksums: dict[str, str], kind: str, expected: dict[str, str]) -> None:
    """A CRC of the whole follows from those of both; of anything else nothing is said."""
    _, meta = appended_object(*of((FIRST,), checksums=checksums, checksum_type=kind), (FIRST,), ADDED)
    assert (meta.checksums, bool(meta.checksum_type)) == (expected, bool(expected))


def test_ten_thousand_parts_are_enough() -> None:
    """One more is refused."""
    parts = (FIRST,) * 10_000
    with pytest.raises(Fault) as refused:
        appended_object(*of(parts), parts, ADDED)
    assert refused.value.code is FaultCode.INVALID
