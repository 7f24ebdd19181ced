"""CopyObject and UploadPartCopy: read from the source's set, write to the target's, block by block, one
version throughout.
"""

from __future__ import annotations

import msgspec

from rustfs_node.acceptor.block_reader import BlockReader, VersionSpan
from rustfs_node.acceptor.buckets import BucketRecord
from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.hashing import Digests
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.conditional import conflict_of, expected_stamp
from rustfs_node.acceptor.s3.missing import not_found_means
from rustfs_node.acceptor.s3.multipart import part_algorithm, part_target
from rustfs_node.acceptor.s3.objects import info_of_request, store
from rustfs_node.acceptor.s3.versions import named_sub, version_lines
from rustfs_proto.objects import modified_ms_of
from rustfs_proto.s3.checksums import ChecksumAlgorithm, parse_algorithm
from rustfs_proto.s3.conditions import check_copy_source
from rustfs_proto.s3.copying import (
    COPY_SOURCE_MAX_BYTES,
    CopySource,
    check_self_copy,
    parse_copy_source,
    replaces_metadata,
)
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.features import storage_class
from rustfs_proto.s3.ranges import ByteRange, parse_copy_range
from rustfs_proto.s3.tagging import replaces_tags
from rustfs_proto.s3.xml_out import copy_object as copy_object_result
from rustfs_proto.s3.xml_out import copy_part as copy_part_result
from rustfs_proto.stamp import wall_ms_of
from rustfs_proto.versions import Versioning, version_id_of
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import Get, Got, ObjectInfo


async def copy_object(call: Call) -> Response:
    """A new object with the bytes of another and, by the directives, its metadata and tags, or new ones."""
    source = parse_copy_source(call.headers["x-amz-copy-source"])
    check_self_copy(source, call.bucket, call.key, call.headers)
    got, record = await _look_at(call, source)
    if got.head.size > COPY_SOURCE_MAX_BYTES:
        message = (
            f"The specified copy source is larger than the maximum allowable size: {COPY_SOURCE_MAX_BYTES}"
        )
        raise S3Error("InvalidRequest", message)
    info = await _info(call, got)
    expect = await expected_stamp(call)
    copied = CopiedBytes(call, source, got, ByteRange(0, got.head.size), _algorithm(call, got))
    try:
        stored = await store(call, copied, info, expect=expect)
    except Fault as fault:
        raise await conflict_of(call, fault) from fault
    finally:
        copied.close()
    body = copy_object_result(
        etag=stored.etag,
        modified_ms=wall_ms_of(stored.stamp),
        checksums=stored.checksums,
        checksum_type="FULL_OBJECT" if stored.checksums else "",
    )
    lines = [*XML_HEADERS, *source_lines(got, record), *version_lines(call, stored.sub)]
    return Response(200, lines, body)


async def upload_part_copy(call: Call) -> Response:
    """A part with bytes of an object."""
    target = part_target(call)
    source = parse_copy_source(call.headers["x-amz-copy-source"])
    got, record = await _look_at(call, source)
    header = call.headers.get("x-amz-copy-source-range")
    wanted = ByteRange(0, got.head.size) if header is None else parse_copy_range(header, got.head.size)
    if wanted.length > COPY_SOURCE_MAX_BYTES:
        raise S3Error("EntityTooLarge", extra={"ProposedSize": str(wanted.length)})
    copied = CopiedBytes(call, source, got, wanted, await part_algorithm(call, target))
    try:
        stored = await store(call, copied, ObjectInfo(), part=target)
    except Fault as fault:
        raise not_found_means("NoSuchUpload", fault) from fault
    finally:
        copied.close()
    body = copy_part_result(
        etag=stored.etag, modified_ms=wall_ms_of(stored.stamp), checksums=stored.checksums
    )
    return Response(200, [*XML_HEADERS, *source_lines(got, record)], body)


class CopiedBytes:
    """A stretch of an object as a `Source`: cut anew, because its blocks end where the stripes of the source
    end.
    """

    def __init__(
        self, call: Call, source: CopySource, got: Got, wanted: ByteRange, algorithm: ChecksumAlgorithm | None
    ) -> None:
        span = VersionSpan.of(source.bucket, source.key.encode(), got, wanted.offset, wanted.length)
        tools = call.services.body_tools
        self._reader = BlockReader(call.sets, span, call.request_id)
        self._pieces: list[bytes] = []
        self._held_bytes = 0
        self._left_bytes = wanted.length
        self.size_bytes = wanted.length
        self.digests = Digests(tools.threads, tools.thread_bytes_min, algorithm=algorithm)

    async def next_block(self, limit_bytes: int) -> tuple[bytes, bool]:
        size = min(limit_bytes, self._left_bytes)
        while self._held_bytes < size:
            piece = await self._read()
            self._pieces.append(piece)
            self._held_bytes += len(piece)
        held = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = [held[size:]] if self._held_bytes > size else []
        self._held_bytes -= size
        self._left_bytes -= size
        return held if len(held) == size else held[:size], self._left_bytes == 0

    async def _read(self) -> bytes:
        try:
            return await self._reader.next_block()
        except Fault as fault:
            # Overwritten or removed meanwhile, and what it was is gone.
            raise not_found_means("OperationAborted", fault) from fault

    async def digest(self, block: bytes) -> None:
        await self.digests.update(block)

    def finish(self) -> None:
        """Checksums of the source are settled where it is read."""

    def close(self) -> None:
        """Nothing more is wanted of the source."""
        self._reader.close()


async def _look_at(call: Call, source: CopySource) -> tuple[Got, BucketRecord]:
    """The source as it is now, and its bucket; raises NoSuchBucket, NoSuchKey, NoSuchVersion or
    PreconditionFailed.
    """
    named = source.version_id
    sub = None if named is None else named_sub(named, "x-amz-copy-source")
    record = await call.services.buckets.get(source.bucket, call.request_id)
    key = source.key.encode()
    request = Get(source.bucket, key, want_data=False, sub=sub)
    home = call.sets.home(source.bucket, key)
    try:
        got, _ = await call.sets.ask(home, request, Got, trace=call.request_id)
    except Fault as fault:
        raise not_found_means("NoSuchKey" if sub is None else "NoSuchVersion", fault) from fault
    if got.is_marker and sub is None:
        raise S3Error("NoSuchKey")
    if got.is_marker:
        message = "The source of a copy request may not specifically refer to a delete marker by version id."
        raise S3Error("InvalidRequest", message)
    check_copy_source(call.headers, etag=got.head.etag, modified_ms=modified_ms_of(got.head, got.stamp))
    return got, record


def source_lines(got: Got, record: BucketRecord) -> list[tuple[bytes, bytes]]:
    """The header that tells which version was copied; none from a bucket that never had several."""
    if not got.sub and record.versioning is Versioning.OFF:
        return []
    return [(b"x-amz-copy-source-version-id", version_id_of(got.sub).encode())]


async def _info(call: Call, got: Got) -> ObjectInfo:
    """What the copy carries. The storage class is the request's in either case, as in S3."""
    asked = await info_of_request(call)
    if not replaces_tags(call.headers):
        asked = msgspec.structs.replace(asked, tags=got.meta.tags)
    if replaces_metadata(call.headers):
        return asked
    return msgspec.structs.replace(
        asked, headers=got.meta.headers, user=got.meta.user, storage_class=storage_class(call.headers)
    )


def _algorithm(call: Call, got: Got) -> ChecksumAlgorithm | None:
    """The checksum of the copy: the one asked for, else the kind that the source has."""
    asked = call.headers.get("x-amz-checksum-algorithm")
    if asked is not None:
        return parse_algorithm(asked)
    kept = next(iter(got.meta.checksums), None)
    return None if kept is None else ChecksumAlgorithm(kept)
