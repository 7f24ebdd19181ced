"""Multipart uploads: parts live with the upload in the home set of the key, and completing is one commit
there.

An upload is named to clients by 32 hex digits, which sort as the set workers' 16 bytes do: by time of
initiation.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import msgspec
import structlog

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.limits import PART_BYTES_MIN
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.announced import check_announced_object
from rustfs_node.acceptor.s3.conditional import conflict_of, expected_stamp
from rustfs_node.acceptor.s3.documents import read_document
from rustfs_node.acceptor.s3.locks import default_retention
from rustfs_node.acceptor.s3.missing import not_found_means
from rustfs_node.acceptor.s3.objects import (
    check_announced_length,
    checksum_lines,
    info_of_request,
    store,
)
from rustfs_node.acceptor.s3.versions import version_lines
from rustfs_proto.s3.checksums import ChecksumAlgorithm, multipart_etag, upload_checksum
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.listing import parse_list_parts, parse_part_number
from rustfs_proto.s3.names import bucket_of_host
from rustfs_proto.s3.xml_in import COMPLETE_BODY_MAX_BYTES, CompletedPart, parse_complete_multipart_upload
from rustfs_proto.s3.xml_listings import ListedPart, ListedUpload, PartsPage, list_parts
from rustfs_proto.s3.xml_out import complete_multipart_upload, initiate_multipart_upload
from rustfs_proto.stamp import wall_ms_of
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    Done,
    Get,
    Got,
    ObjectInfo,
    PartTarget,
)
from rustfs_proto.wire.upload_ops import (
    UploadAbort,
    UploadComplete,
    UploadCompleted,
    UploadCreate,
    UploadCreated,
    UploadGet,
    UploadGot,
    UploadParts,
    UploadPartsListed,
    WantedPart,
)

log = structlog.get_logger()

_UPLOAD_ID_BYTES = 16


async def create_upload(call: Call) -> Response:
    """Begin an upload; what the headers say now is what the object will carry."""
    info = await info_of_request(call)
    wanted = upload_checksum(call.headers)
    algorithm, kind = ("", "") if wanted is None else (wanted[0].value, wanted[1].value)
    info = msgspec.structs.replace(info, checksum_type=kind)
    request = UploadCreate(call.bucket, call.key_bytes, info, algorithm)
    created, _ = await call.sets.ask(call.home, request, UploadCreated, trace=call.request_id)
    body = initiate_multipart_upload(call.bucket, call.key, created.upload_id.hex())
    headers = list(XML_HEADERS)
    if wanted is not None:
        headers.append((b"x-amz-checksum-algorithm", algorithm.encode()))
        headers.append((b"x-amz-checksum-type", kind.encode()))
    return Response(200, headers, body)


async def upload_part(call: Call) -> Response:
    """Store the body as one part, replacing an earlier one of the same number."""
    target = part_target(call)
    algorithm = await part_algorithm(call, target)
    body = call.body(algorithm)
    check_announced_length(call, body.size_bytes)
    if algorithm is not None and body.announced is not None and body.announced.algorithm is not algorithm:
        raise S3Error(
            "InvalidRequest",
            f"Checksum Type mismatch occurred, expected checksum Type: {algorithm.lower()}, "
            f"actual checksum Type: {body.announced.algorithm.lower()}",
        )
    try:
        stored = await store(call, body, ObjectInfo(), part=target)
    except Fault as fault:
        raise not_found_means("NoSuchUpload", fault) from fault
    return Response(200, [(b"etag", b'"%b"' % stored.etag.encode()), *checksum_lines(stored)])


async def complete_upload(call: Call) -> Response:
    """Make the parts that the client names the object."""
    upload_id = upload_id_of(call.params.get("uploadId", ""))
    body = call.body(checksum_is_of_body=False)
    named = parse_complete_multipart_upload(await read_document(body, COMPLETE_BODY_MAX_BYTES))
    await check_announced_object(call, upload_id, named)
    expect = await expected_stamp(call)
    versioning = await call.versioning()
    request = UploadComplete(
        call.bucket,
        call.key_bytes,
        upload_id,
        tuple(WantedPart(part.number, part.etag, part.checksums) for part in named),
        PART_BYTES_MIN,
        expect,
        versioning,
        await default_retention(call),
    )
    deadline_s = call.services.settings.complete_deadline_s
    try:
        completed, _ = await call.sets.ask(
            call.lead, request, UploadCompleted, trace=call.request_id, deadline_s=deadline_s
        )
        return _completed_answer(call, completed)
    except Fault as fault:
        if fault.code not in {FaultCode.NOT_FOUND, FaultCode.INVALID_PART}:
            raise await conflict_of(call, fault) from fault
        # An earlier try may have made the object, and its answer was lost: the upload is gone then, or what
        # is left of it.
        completed_before = await _completed_before(call, named)
        if completed_before is None:
            raise not_found_means("NoSuchUpload", fault) from fault
    return _completed_answer(call, completed_before)


async def _completed_before(call: Call, named: Sequence[CompletedPart]) -> Got | None:
    """The current object, if it is made of those parts."""
    try:
        request = Get(call.bucket, call.key_bytes, want_data=False)
        got, _ = await call.sets.ask(call.home, request, Got, trace=call.request_id)
        if _is_made_of(got, named):
            return got
    except Fault as fault:
        if fault.code is not FaultCode.NOT_FOUND:
            raise
    except ValueError:
        # The client named an ETag that none of our parts ever had.
        log.debug("foreign_part_etag", request_id=call.request_id)
    return None


def _is_made_of(got: Got, named: Sequence[CompletedPart]) -> bool:
    """Whether the object has the parts that are named: by their numbers, ETags and, where told, checksums.
    Raises ValueError for an ETag that no part has.
    """
    parts = got.meta.parts
    if got.is_marker or [part.number for part in parts] != [one.number for one in named]:
        return False
    if got.head.etag != multipart_etag(one.etag for one in named):
        return False
    return all(
        one.checksums.items() <= part.checksums.items() for part, one in zip(parts, named, strict=True)
    )


def _completed_answer(call: Call, completed: UploadCompleted | Got) -> Response:
    body = complete_multipart_upload(
        location=_location(call),
        bucket=call.bucket,
        key=call.key,
        etag=completed.head.etag,
        checksums=completed.meta.checksums,
        checksum_type=completed.meta.checksum_type,
    )
    return Response(200, [*XML_HEADERS, *version_lines(call, completed.sub)], body)


async def abort_upload(call: Call) -> Response:
    """Give the upload up with all its parts."""
    request = UploadAbort(call.bucket, call.key_bytes, upload_id_of(call.params.get("uploadId", "")))
    try:
        await call.sets.ask(call.home, request, Done, trace=call.request_id)
    except Fault as fault:
        raise not_found_means("NoSuchUpload", fault) from fault
    return Response(204)


async def list_upload_parts(call: Call) -> Response:
    """A page of the parts that were uploaded so far."""
    query = parse_list_parts(call.params)
    request = UploadParts(
        call.bucket, call.key_bytes, upload_id_of(query.upload_id), query.part_number_marker, query.max_parts
    )
    try:
        listed, _ = await call.sets.ask(call.home, request, UploadPartsListed, trace=call.request_id)
    except Fault as fault:
        raise not_found_means("NoSuchUpload", fault) from fault
    parts = [
        ListedPart(part.number, part.size, part.etag, wall_ms_of(part.stamp), part.checksums)
        for part in listed.parts
    ]
    upload = ListedUpload(
        call.key,
        query.upload_id,
        0,
        listed.info.storage_class,
        listed.checksum_algorithm,
        listed.info.checksum_type,
    )
    # A page of none would have no marker to go on from.
    page = PartsPage(parts, listed.more and bool(parts))
    return Response(
        200, list(XML_HEADERS), list_parts(call.bucket, call.key, query, page, upload, call.services.owner)
    )


def upload_id_of(text: str) -> bytes:
    """The set worker's name of an upload; raises NoSuchUpload for a text that never named one."""
    try:
        upload_id = bytes.fromhex(text)
    except ValueError:
        upload_id = b""
    if len(upload_id) != _UPLOAD_ID_BYTES:
        raise S3Error("NoSuchUpload", extra={"UploadId": text})
    return upload_id


def part_target(call: Call) -> PartTarget:
    """The part that the query names; raises InvalidArgument or NoSuchUpload."""
    number = parse_part_number(call.params)
    return PartTarget(upload_id_of(call.params.get("uploadId", "")), number)


async def part_algorithm(call: Call, target: PartTarget) -> ChecksumAlgorithm | None:
    """The checksum that every part of the upload must have; raises NoSuchUpload before any byte of the body
    was read.
    """
    request = UploadGet(call.bucket, call.key_bytes, target.upload_id)
    try:
        upload, _ = await call.sets.ask(call.home, request, UploadGot, trace=call.request_id)
    except Fault as fault:
        raise not_found_means("NoSuchUpload", fault) from fault
    return ChecksumAlgorithm(upload.checksum_algorithm) if upload.checksum_algorithm else None


def _location(call: Call) -> str:
    scheme = "https" if call.http.secure else "http"
    host = call.headers.get("host", "")
    is_in_host = bucket_of_host(host, call.services.settings.domains) is not None
    return f"{scheme}://{host}/{quote(call.key) if is_in_host else f'{call.bucket}/{quote(call.key)}'}"
