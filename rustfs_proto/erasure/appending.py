"""The object that comes of another one and bytes behind it.

S3 API Reference, PutObject, x-amz-write-offset-bytes: each append is one more part, of which an object has at
most 10,000. So the object is from then on as if its parts had been uploaded: its ETag is made of theirs. What
it was created with (headers, metadata, tags, storage class) stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from rustfs_proto.erasure.multipart import PART_NUMBER_MAX
from rustfs_proto.objects import ObjectHead, ObjectMeta, Part
from rustfs_proto.s3.checksums import ChecksumAlgorithm, ChecksumType, multipart_etag, upload_checksum_value
from rustfs_proto.wire.faults import Fault, FaultCode


def appended_object(
    head: ObjectHead, meta: ObjectMeta, parts: Sequence[Part], added: Part
) -> tuple[ObjectHead, ObjectMeta]:
    """What the object is with `added` behind it; `parts` are its own, as they lie in files now. Raises
    `Fault` INVALID for one part too many, and where a part's ETag or a checksum is none.
    """
    try:
        return _put_together(head, meta, parts, added)
    except ValueError as error:
        raise Fault(FaultCode.INVALID, f"a part's ETag or a checksum is none: {error}") from error


def _put_together(
    head: ObjectHead, meta: ObjectMeta, parts: Sequence[Part], added: Part
) -> tuple[ObjectHead, ObjectMeta]:
    if len(parts) >= PART_NUMBER_MAX:
        raise Fault(FaultCode.INVALID, f"the object has {len(parts)} parts, and may not have more")
    number = parts[-1].number + 1 if parts else 1
    together = (*parts, replace(added, number=number)) if added.size else tuple(parts)
    checksums, kind = _checksums(head, meta, added)
    return (
        replace(
            head,
            size=head.size + added.size,
            etag=_etag(head, together),
            written=0,
            modified_ms=0,
            checksum_algorithm=next(iter(checksums), ""),
            checksum_type=kind,
        ),
        replace(meta, parts=together, checksums=checksums, checksum_type=kind),
    )


def _etag(head: ObjectHead, parts: Sequence[Part]) -> str:
    if not parts:
        return head.etag
    return parts[0].etag if len(parts) == 1 else multipart_etag(part.etag for part in parts)


def _checksums(head: ObjectHead, meta: ObjectMeta, added: Part) -> tuple[dict[str, str], str]:
    """Those of the whole that follow from those of both, and their type: CRCs can be put together, and only
    if both have them.
    """
    if not added.size:
        return meta.checksums, meta.checksum_type
    if not head.size:
        return added.checksums, ChecksumType.FULL_OBJECT.value if added.checksums else ""
    if meta.checksum_type == ChecksumType.COMPOSITE:
        return {}, ""
    combined: dict[str, str] = {}
    for name in meta.checksums.keys() & added.checksums.keys():
        algorithm = ChecksumAlgorithm(name)
        if algorithm.is_crc:
            pieces = [(meta.checksums[name], head.size), (added.checksums[name], added.size)]
            combined[name] = upload_checksum_value(algorithm, ChecksumType.FULL_OBJECT, pieces)
    return combined, ChecksumType.FULL_OBJECT.value if combined else ""
