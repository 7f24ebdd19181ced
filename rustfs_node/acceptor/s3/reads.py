"""GetObject and HeadObject: whole objects, ranges, single parts; conditions; what the answer says of the
object.

A read is one call to the set worker, which resolves the range and sends the first block along; the rest of a
large object is asked for block by block, always of the very version that the head describes.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from rustfs_node.acceptor.block_reader import AnswerBlocks, BlockReader, VersionSpan
from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.buckets import get_acl
from rustfs_node.acceptor.s3.versions import look, look_at, sub_asked, version_lines
from rustfs_proto.objects import modified_ms_of
from rustfs_proto.s3.conditions import check_read, range_applies
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.headers import checksum_headers, object_headers, response_overrides
from rustfs_proto.s3.listing import parse_part_number
from rustfs_proto.s3.object_lock import lock_headers
from rustfs_proto.s3.ranges import ByteRange, parse_range
from rustfs_proto.wire.set_ops import Get, Got, Span

_PROBE_BYTES = 1 << 62
"""A size that every range fits into: what a Range header selects of it tells its form."""

_UNSHARED_BYTES = 64 * 1024
"""Up to this an answer is the connection's own, however slow its client; larger ones share a memory."""


@attrs.frozen
class _Selection:
    """Which bytes the answer is about; `range` None: all of them. `parts_count` is set by partNumber."""

    range: ByteRange | None
    parts_count: int = 0


async def get_object(call: Call) -> Response:
    """The object's bytes."""
    by_part = "partNumber" in call.params
    got, first = await _ask(call, Span() if by_part else span_asked(call.headers.get("range")), not by_part)
    selection = _select(call, got)
    response = _describe(call, got, selection)
    offset, length = _bounds(got, selection)
    # What came along is the beginning of what was asked, unless If-Range or partNumber changed the question.
    fits = offset == got.offset and len(first) <= length and (bool(first) or not length)
    first = first if fits else b""
    if len(first) == length <= _UNSHARED_BYTES:
        response.body = first
        return response
    span = VersionSpan.of(call.bucket, call.key_bytes, got, offset, length)
    response.stream = AnswerBlocks(BlockReader(call.sets, span, call.request_id, first))
    return response


async def head_object(call: Call) -> Response:
    """The same without the bytes."""
    got = await look_at(call)
    return _describe(call, got, _select(call, got))


async def get_object_acl(call: Call) -> Response:
    """Everything belongs to the owner alone, each object included."""
    await look_at(call)
    return await get_acl(call)


async def _ask(call: Call, span: Span, want_data: bool) -> tuple[Got, bytes]:
    memory, block_bytes = call.sets.downloads, call.sets.stripe_bytes
    # Nobody knows yet how large it is. Where there is no memory for a block, it comes in its turn.
    has_room = want_data and memory.take_now(block_bytes)
    try:
        request = Get(call.bucket, call.key_bytes, span, want_data, has_room, sub_asked(call))
        return await look(call, request)
    finally:
        if has_room:
            memory.give_back(block_bytes)


def _select(call: Call, got: Got) -> _Selection:
    """Check the conditions, then find the bytes. Raises NotModified, PreconditionFailed, InvalidRange or
    InvalidPartNumber.
    """
    etag, modified_ms = got.head.etag, modified_ms_of(got.head, got.stamp)
    check_read(call.headers, etag=etag, modified_ms=modified_ms)
    if "partNumber" in call.params:
        return _select_part(call, got)
    header = call.headers.get("range")
    if header is None or not range_applies(call.headers, etag=etag, modified_ms=modified_ms):
        return _Selection(None)
    return _Selection(parse_range(header, got.head.size))


def _select_part(call: Call, got: Got) -> _Selection:
    number = parse_part_number(call.params)
    is_upload = "-" in got.head.etag
    offset = 0
    for part in got.meta.parts:
        if part.number == number:
            count = len(got.meta.parts) if is_upload else 0
            is_whole = not is_upload and not part.size
            return _Selection(None if is_whole else ByteRange(offset, part.size), count)
        offset += part.size
    if number == 1 and not is_upload:
        return _Selection(ByteRange(0, got.head.size) if got.head.size else None)
    raise S3Error("InvalidPartNumber")


def _bounds(got: Got, selection: _Selection) -> tuple[int, int]:
    if selection.range is None:
        return 0, got.head.size
    return selection.range.offset, selection.range.length


def _describe(call: Call, got: Got, selection: _Selection) -> Response:
    """Status and headers of the answer."""
    headers = object_headers(
        etag=got.head.etag,
        modified_ms=modified_ms_of(got.head, got.stamp),
        content=got.meta.headers,
        user=got.meta.user,
        storage_class=got.head.storage_class,
        overrides=response_overrides(call.params, is_signed=True) if call.params else None,
    )
    headers += version_lines(call, got.sub)
    if got.meta.lock is not None:
        headers += lock_headers(got.meta.lock)
    if got.meta.tags:
        headers.append((b"x-amz-tagging-count", b"%d" % len(got.meta.tags)))
    if selection.parts_count:
        headers.append((b"x-amz-mp-parts-count", b"%d" % selection.parts_count))
    if selection.range is None:
        headers += checksum_headers(got.meta.checksums, got.meta.checksum_type, call.headers)
        return Response(200, headers, length=got.head.size)
    headers += checksum_headers(
        _checksums_of_part(got, selection.range), got.meta.checksum_type, call.headers
    )
    if not selection.range.length:
        # An empty part: no Content-Range could tell where it is.
        return Response(200, headers, length=0)
    headers.append((b"content-range", selection.range.content_range(got.head.size).encode()))
    return Response(206, headers, length=selection.range.length)


def _checksums_of_part(got: Got, chosen: ByteRange) -> Mapping[str, str]:
    """Those of the part of an upload that has exactly the chosen bytes, which S3 tells for part numbers and
    for ranges that fit; of other stretches no checksum is known.
    """
    offset = 0
    for part in got.meta.parts:
        if (offset, part.size) == (chosen.offset, chosen.length):
            return part.checksums if "-" in got.head.etag else {}
        offset += part.size
    return {}


def span_asked(header: str | None) -> Span:
    """The span that a Range header selects of an object whose size is not known yet; all of it where S3
    ignores the header.
    """
    try:
        found = parse_range(header, _PROBE_BYTES)
    except S3Error:
        # Not satisfiable whatever the size: answered once the size is known, which the error tells.
        return Span()
    if found is None:
        return Span()
    if found.offset >= _PROBE_BYTES // 2:
        return Span(suffix=found.length)
    if found.offset + found.length == _PROBE_BYTES:
        return Span(first=found.offset)
    return Span(first=found.offset, last=found.offset + found.length - 1)
