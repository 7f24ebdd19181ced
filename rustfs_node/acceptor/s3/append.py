"""PutObject with x-amz-write-offset-bytes: bytes behind those that an object has.

The offset must be the size of the current object, or 0 where there is none. What the object is made of is
compared by the drives when it is committed: of all that append at one offset, one succeeds. An object keeps
the headers, metadata, tags and storage class that it was created with; its lock is the request's or the
bucket's, as that of every new version.
"""

from __future__ import annotations

from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.conditional import refuse_version
from rustfs_node.acceptor.s3.locks import require_digest
from rustfs_node.acceptor.s3.objects import check_announced_length, checksum_lines, info_of_request, store
from rustfs_node.acceptor.s3.versions import version_lines
from rustfs_proto.s3.appending import check_offset, check_part_count, parse_offset
from rustfs_proto.s3.conditions import check_write
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Get, Got


async def append_object(call: Call) -> Response:
    """The body comes behind what the object has; at offset 0 of nothing it is the object."""
    refuse_version(call)
    offset = parse_offset(call.headers)
    info = await info_of_request(call)
    body = call.body()
    require_digest(call, body, info.lock)
    check_announced_length(call, body.size_bytes)
    got = await _current(call)
    size = _check(call, got, offset)
    expect = NO_STAMP if got is None else got.stamp
    appends = got is not None and not got.is_marker
    try:
        stored = await store(call, body, info, expect=expect, appends=appends)
    except Fault as fault:
        raise await _overtaken(call, fault, offset) from fault
    lines = [*checksum_lines(stored), *version_lines(call, stored.sub)]
    lines.append((b"x-amz-object-size", b"%d" % (size + stored.size_bytes)))
    return Response(200, [(b"etag", b'"%b"' % stored.etag.encode()), *lines])


async def _current(call: Call) -> Got | None:
    """What the key has, which may be a delete marker; None for nothing."""
    request = Get(call.bucket, call.key_bytes, want_data=False)
    try:
        got, _ = await call.sets.ask(call.home, request, Got, trace=call.request_id)
    except Fault as fault:
        if fault.code is not FaultCode.NOT_FOUND:
            raise
        return None
    return got


def _check(call: Call, got: Got | None, offset: int) -> int:
    """The size of what is there; raises for conditions that do not hold, and for another offset."""
    there = None if got is None or got.is_marker else got
    check_write(call.headers, None if there is None else there.head.etag)
    size = 0 if there is None else there.head.size
    check_offset(offset, size)
    if there is not None:
        check_part_count(len(there.meta.parts))
    return size


async def _overtaken(call: Call, fault: Fault, offset: int) -> Exception:
    """What a client is told whose append was overtaken by another write: nearly always that its offset is no
    longer the size.
    """
    if fault.code is not FaultCode.CONFLICT:
        return fault
    try:
        _check(call, await _current(call), offset)
    except S3Error as refused:
        return refused
    return S3Error("ConditionalRequestConflict")
