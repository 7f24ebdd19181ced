"""What a CompleteMultipartUpload announces of the object to be: its checksum and its size.

Both can be told from the parts before anything is committed, so a wrong announcement leaves the upload as it
was.
"""

from __future__ import annotations

from collections.abc import Sequence

from rustfs_node.acceptor.call import Call
from rustfs_proto.objects import Part
from rustfs_proto.s3.checksums import ChecksumAlgorithm, ChecksumType, parse_type, upload_checksum_value
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.xml_in import CompletedPart
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.upload_ops import UploadParts, UploadPartsListed

_PAGE = 1000
_SIZE = "x-amz-mp-object-size"
_TYPE = "x-amz-checksum-type"


async def check_announced_object(call: Call, upload_id: bytes, named: Sequence[CompletedPart]) -> None:
    """Raises BadDigest for another checksum than that of the parts, InvalidRequest for another
    size or type.
    """
    announced = {one: call.headers[one.header] for one in ChecksumAlgorithm if one.header in call.headers}
    if not announced and _SIZE not in call.headers and _TYPE not in call.headers:
        return
    listed = await _list_parts(call, upload_id)
    if not listed:
        return
    upload = listed[0]
    by_number = {part.number: part for page in listed for part in page.parts}
    if not all(part.number in by_number for part in named):
        raise S3Error("InvalidPart")
    parts = [by_number[part.number] for part in named]
    _check_size(call, parts)
    if _TYPE in call.headers and parse_type(call.headers[_TYPE]).value != upload.info.checksum_type:
        raise S3Error(
            "InvalidRequest", f"The upload was begun with checksum type {upload.info.checksum_type!r}."
        )
    for algorithm, value in announced.items():
        if algorithm.value != upload.checksum_algorithm:
            begun_with = upload.checksum_algorithm or "none"
            message = f"The upload was begun with checksum algorithm {begun_with}, not {algorithm}."
            raise S3Error("InvalidRequest", message)
        _check_value(algorithm, ChecksumType(upload.info.checksum_type), value, parts)


async def _list_parts(call: Call, upload_id: bytes) -> list[UploadPartsListed]:
    """Every page of the upload's parts; none where there is no such upload, which completing will find out
    itself.
    """
    pages: list[UploadPartsListed] = []
    after = 0
    while not pages or pages[-1].more:
        request = UploadParts(call.bucket, call.key_bytes, upload_id, after, _PAGE)
        try:
            page, _ = await call.sets.ask(call.home, request, UploadPartsListed, trace=call.request_id)
        except Fault as fault:
            if fault.code is not FaultCode.NOT_FOUND:
                raise
            return []
        pages.append(page)
        after = page.parts[-1].number if page.parts else after
    return pages


def _check_size(call: Call, parts: Sequence[Part]) -> None:
    announced = call.headers.get(_SIZE)
    size = sum(part.size for part in parts)
    if announced is not None and announced != str(size):
        raise S3Error("InvalidRequest", f"The parts have {size} bytes, {_SIZE} says {announced}.")


def _check_value(
    algorithm: ChecksumAlgorithm, checksum_type: ChecksumType, announced: str, parts: Sequence[Part]
) -> None:
    values = [(part.checksums.get(algorithm.value), part.size) for part in parts]
    known = [(value, size) for value, size in values if value is not None]
    if len(known) < len(values):
        raise S3Error("InvalidRequest", f"Not every part has a {algorithm} checksum.")
    computed = upload_checksum_value(algorithm, checksum_type, known)
    # Clients write a composite checksum with or without the number of parts behind it.
    if announced not in (computed, computed.partition("-")[0]):
        raise S3Error("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")
