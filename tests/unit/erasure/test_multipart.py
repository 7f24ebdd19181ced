"""What completes an upload, and what does not."""

from __future__ import annotations

import hashlib

import pytest
from msgspec.structs import replace

from rustfs_proto.erasure.multipart import (
    check_completion,
    completed_object,
    decode_part_head,
    encode_part_head,
    part_sub,
    upload_id_of,
    upload_info,
    upload_meta,
)
from rustfs_proto.objects import Geometry, ObjectHead, Part, decode_head
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ObjectInfo
from rustfs_proto.wire.upload_ops import WantedPart

GEOMETRY = Geometry(2, 2, 1024)


def part(number: int, size: int = 10, **checksums: str) -> Part:
    etag = hashlib.md5(bytes([number % 256])).hexdigest()
    return Part(number, size, number.to_bytes(16, "big"), etag, checksums, stamp=number)


def wanted(*parts: Part) -> list[WantedPart]:
    return [WantedPart(one.number, one.etag, one.checksums) for one in parts]


STORED = {one.number: one for one in (part(1), part(2), part(3, 4), part(7, 0))}


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ([], FaultCode.INVALID_PART),
        (wanted(part(2), part(1)), FaultCode.INVALID_PART_ORDER),
        (wanted(part(1), part(1)), FaultCode.INVALID_PART_ORDER),
        (wanted(part(1), part(4)), FaultCode.INVALID_PART),
        ([WantedPart(1, "other")], FaultCode.INVALID_PART),
        ([replace(wanted(part(1))[0], checksums={"CRC32": "x"})], FaultCode.INVALID_PART),
        (wanted(part(3), part(7)), FaultCode.PART_TOO_SMALL),
    ],
)
def test_refusals(named: list[WantedPart], code: FaultCode) -> None:
    """Each way to be wrong has its own fault."""
    with pytest.raises(Fault) as caught:
        check_completion(named, STORED, 5, "")
    assert caught.value.code is code


def test_the_last_part_may_be_small_and_parts_may_be_left_out() -> None:
    """Numbers need not follow one another; what is not named is not part of the object."""
    assert check_completion(wanted(part(1), part(3)), STORED, 5, "") == (STORED[1], STORED[3])
    assert check_completion(wanted(part(7)), STORED, 5, "COMPOSITE") == (STORED[7],)


def test_a_full_object_checksum_needs_parts_without_gaps() -> None:
    """S3 asks for part numbers from 1 on without gaps there."""
    check_completion(wanted(part(1), part(2)), STORED, 5, "FULL_OBJECT")
    with pytest.raises(Fault, match="without gaps"):
        check_completion(wanted(part(1), part(3)), STORED, 5, "FULL_OBJECT")


def test_the_object_that_parts_make() -> None:
    """Size, ETag, headers and parts; a checksum only if every part has it."""
    info = ObjectInfo(headers={"content-type": "a/b"}, checksum_type="COMPOSITE", storage_class="COLD")
    parts = (part(1, CRC32="AAAAAA=="), part(2, CRC32="AAAAAA=="))
    head, meta = completed_object(parts, info, "CRC32", GEOMETRY)
    digest = hashlib.md5(b"".join(bytes.fromhex(one.etag) for one in parts)).hexdigest()
    told = {"checksum_algorithm": "CRC32", "checksum_type": "COMPOSITE"}
    assert head == ObjectHead(20, f"{digest}-2", "COLD", **told)
    assert (meta.parts, meta.headers, meta.geometry) == (parts, info.headers, GEOMETRY)
    assert meta.checksums["CRC32"].endswith("-2")
    head, meta = completed_object((parts[0], part(2)), info, "CRC32", GEOMETRY)
    assert (meta.checksums, meta.checksum_type, head.checksum_algorithm) == ({}, "", "")


def test_rows_of_uploads() -> None:
    """Upload ids sort by age, part rows by number, and both give back what went in."""
    assert upload_id_of(5, bytes(8)) < upload_id_of(6, bytes(8)) < upload_id_of(1 << 62, bytes(8))
    upload_id = upload_id_of(5, bytes(8))
    assert part_sub(upload_id, 9) < part_sub(upload_id, 10) < part_sub(upload_id, 10000)
    assert decode_part_head(encode_part_head(part(3)), 3) == part(3)
    assert decode_head(encode_part_head(part(3))).size == 10
    info = ObjectInfo("", {"a": "b"}, {"c": "d"}, {}, "FULL_OBJECT", "COLD")
    for algorithm in ("", "CRC64NVME"):
        meta = upload_meta(info, algorithm, GEOMETRY)
        assert upload_info(ObjectHead(0, "", "COLD"), meta) == (info, algorithm)
