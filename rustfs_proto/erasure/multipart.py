"""Judging the completion of an upload: the parts that the client names against the parts that are stored.

S3 API Reference, CompleteMultipartUpload: numbers rise, every part exists with the ETag (and the checksums)
given, every part but the last has the least size. What is not named is dropped. Also how an upload and its
parts are written as rows, since this set worker alone reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import attrs
import msgspec
from msgspec.structs import replace

from rustfs_proto.objects import Geometry, ObjectHead, ObjectMeta, Part
from rustfs_proto.s3.checksums import ChecksumAlgorithm, ChecksumType, multipart_etag, upload_checksum_value
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ObjectInfo
from rustfs_proto.wire.upload_ops import WantedPart

UPLOAD_ID_BYTES = 16
PART_NUMBER_MAX = 10_000
"""S3's limit of parts in an upload."""


def part_sub(upload_id: bytes, number: int) -> bytes:
    """The `sub` of a part's row: rows of an upload lie together, in order of part number."""
    assert len(upload_id) == UPLOAD_ID_BYTES, len(upload_id)
    return upload_id + number.to_bytes(2, "big")


def upload_id_of(stamp: int, chance: bytes) -> bytes:
    """An upload id that sorts by the stamp of its creation and cannot be guessed."""
    assert len(chance) == UPLOAD_ID_BYTES - 8, len(chance)
    return stamp.to_bytes(8, "big") + chance


@attrs.frozen
class PartHead:
    """The head of a part's row: an `ObjectHead` with the part itself added, so that one scan tells all of an
    upload's parts.
    """

    size: int
    etag: str
    part: Part
    storage_class: str = "STANDARD"


_encoder = msgspec.msgpack.Encoder()
_part_head_decoder = msgspec.msgpack.Decoder(PartHead)


def encode_part_head(part: Part) -> bytes:
    """The head of that part's row."""
    return _encoder.encode(PartHead(part.size, part.etag, part))


def decode_part_head(raw: bytes, stamp: int) -> Part:
    """The part of a row with that stamp; raises `msgspec.DecodeError` on anything else."""
    return replace(_part_head_decoder.decode(raw).part, stamp=stamp)


def upload_meta(info: ObjectInfo, algorithm: str, geometry: Geometry) -> ObjectMeta:
    """The metadata of an upload's row. The algorithm is kept as the one checksum that has no value yet."""
    checksums = {algorithm: ""} if algorithm else {}
    return ObjectMeta(
        geometry, (), info.headers, info.user, checksums, info.checksum_type, info.tags, lock=info.lock
    )


def upload_info(head: ObjectHead, meta: ObjectMeta) -> tuple[ObjectInfo, str]:
    """The inverse of `upload_meta`: what the upload was created with, and its checksum algorithm."""
    info = ObjectInfo(
        "", meta.headers, meta.user, {}, meta.checksum_type, head.storage_class, meta.tags, lock=meta.lock
    )
    return info, next(iter(meta.checksums), "")


def check_completion(
    wanted: Sequence[WantedPart], stored: Mapping[int, Part], part_bytes_min: int, checksum_type: str
) -> tuple[Part, ...]:
    """The stored parts in the order wanted; raises `Fault` INVALID_PART_ORDER, INVALID_PART or
    PART_TOO_SMALL.
    """
    if not wanted:
        raise Fault(FaultCode.INVALID_PART, "no part is named: name at least one")
    numbers = [part.number for part in wanted]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise Fault(FaultCode.INVALID_PART_ORDER, "part numbers must rise")
    if checksum_type == ChecksumType.FULL_OBJECT and numbers != list(range(1, len(numbers) + 1)):
        raise Fault(FaultCode.INVALID_PART, "a full-object checksum needs part numbers 1, 2, 3 without gaps")
    chosen = tuple(_match(part, stored.get(part.number)) for part in wanted)
    for part in chosen[:-1]:
        if part.size < part_bytes_min:
            text = f"part {part.number} has {part.size} bytes, every part but the last needs {part_bytes_min}"
            raise Fault(FaultCode.PART_TOO_SMALL, text)
    return chosen


def _match(wanted: WantedPart, stored: Part | None) -> Part:
    if stored is None:
        raise Fault(FaultCode.INVALID_PART, f"part {wanted.number} was not uploaded")
    if stored.etag != wanted.etag:
        raise Fault(FaultCode.INVALID_PART, f"part {wanted.number} has ETag {stored.etag}, not {wanted.etag}")
    for name, value in wanted.checksums.items():
        if stored.checksums.get(name) != value:
            seen = stored.checksums.get(name, "none")
            raise Fault(FaultCode.INVALID_PART, f"part {wanted.number} has {name} {seen}, not {value}")
    return stored


def completed_object(
    parts: tuple[Part, ...], info: ObjectInfo, algorithm: str, geometry: Geometry
) -> tuple[ObjectHead, ObjectMeta]:
    """The object that the parts make. A checksum over all is given only if every part brought its own. Raises
    `Fault` INVALID where what was stored with a part or the upload cannot be put together.
    """
    try:
        return _put_together(parts, info, algorithm, geometry)
    except ValueError as error:
        raise Fault(FaultCode.INVALID, f"a part's ETag or a checksum is none: {error}") from error


def _put_together(
    parts: tuple[Part, ...], info: ObjectInfo, algorithm: str, geometry: Geometry
) -> tuple[ObjectHead, ObjectMeta]:
    checksums: dict[str, str] = {}
    checksum_type = ""
    if algorithm and all(algorithm in part.checksums for part in parts):
        checksum_type = info.checksum_type or ChecksumType.COMPOSITE
        values = [(part.checksums[algorithm], part.size) for part in parts]
        whole = upload_checksum_value(ChecksumAlgorithm(algorithm), ChecksumType(checksum_type), values)
        checksums = {algorithm: whole}
    head = ObjectHead(
        sum(part.size for part in parts),
        multipart_etag(part.etag for part in parts),
        info.storage_class,
        checksum_algorithm=next(iter(checksums), ""),
        checksum_type=checksum_type,
    )
    return head, ObjectMeta(
        geometry, parts, info.headers, info.user, checksums, checksum_type, info.tags, lock=info.lock
    )
