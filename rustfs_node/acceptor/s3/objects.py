"""PutObject, GetObject, HeadObject.

The road of a PUT: the body is cut into stripes and verified while it passes; one that fits into a stripe goes
to its set worker in one message, a larger one block by block. Nothing of it can be seen before its last
digest was right, and when the set worker has answered it is durable on a write quorum of drives. From here on
the reader continues in the set worker.
"""

from __future__ import annotations

from typing import Protocol

import attrs
from msgspec.structs import replace

from rustfs_node.acceptor.block_writer import BlockWriter
from rustfs_node.acceptor.body import UNKNOWN, entity_too_large
from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.hashing import Digests
from rustfs_node.acceptor.limits import PUT_BYTES_MAX
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.conditional import conflict_of, expected_stamp, refuse_version
from rustfs_node.acceptor.s3.locks import as_bucket_locks, lock_asked, require_digest
from rustfs_node.acceptor.s3.versions import version_lines
from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.features import storage_class
from rustfs_proto.s3.headers import stored_headers
from rustfs_proto.s3.tagging import tags_of_header
from rustfs_proto.versions import Versioning
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import ANY_STAMP, ObjectInfo, PartTarget, PutDone, PutOpen, PutSmall

_REDIRECT = "x-amz-website-redirect-location"


async def put_object(call: Call) -> Response:
    """Store the body as the current version of the key: a new one, or in place of the null version, as the
    bucket has it.
    """
    refuse_version(call)
    info = await info_of_request(call)
    body = call.body()
    require_digest(call, body, info.lock)
    check_announced_length(call, body.size_bytes)
    expect = await expected_stamp(call)
    try:
        stored = await store(call, body, info, expect=expect)
    except Fault as fault:
        raise await conflict_of(call, fault) from fault
    kind = [(b"x-amz-checksum-type", b"FULL_OBJECT")] if stored.checksums else []
    lines = [*checksum_lines(stored), *kind, *version_lines(call, stored.sub)]
    return Response(200, [(b"etag", b'"%b"' % stored.etag.encode()), *lines])


class Source(Protocol):
    """Bytes to store: the body of a request, or another object."""

    size_bytes: int
    digests: Digests

    async def next_block(self, limit_bytes: int) -> tuple[bytes, bool]:
        """The next `limit_bytes`, or the shorter rest; True with the last block."""
        ...

    async def digest(self, block: bytes) -> None:
        """Count the block into the digests."""
        ...

    def finish(self) -> None:
        """Raises unless the bytes are what was announced."""
        ...


@attrs.frozen
class Stored:
    """What became of a body of that size. `checksums` are those that were computed, algorithm → base64. Where
    it was appended `etag` and `checksums` are those of the whole.
    """

    stamp: int
    etag: str
    checksums: dict[str, str]
    sub: bytes
    size_bytes: int


async def store(
    call: Call,
    source: Source,
    info: ObjectInfo,
    *,
    expect: int = ANY_STAMP,
    part: PartTarget | None = None,
    appends: bool = False,
) -> Stored:
    """Everything from `source` as a version of the request's key, with `part` as a part of an upload, or with
    `appends` behind the bytes of the version that `expect` names. Raises `Fault`.
    """
    block, is_last = await source.next_block(call.sets.stripe_bytes)
    if not is_last:
        return await _store_blocks(call, source, block, info, expect, part, appends)
    await source.digest(block)
    source.finish()
    info = _sealed(info, source)
    versioning = Versioning.OFF if part else await call.versioning()
    info = info if part else await as_bucket_locks(call, info)
    done, _ = await call.sets.ask(
        call.home if expect == ANY_STAMP else call.lead,
        PutSmall(call.bucket, call.key_bytes, info, part, expect, versioning, appends),
        PutDone,
        frames=(block,) if block else (),
        trace=call.request_id,
    )
    return _stored(done, info, len(block))


async def _store_blocks(
    call: Call,
    source: Source,
    block: bytes,
    info: ObjectInfo,
    expect: int,
    part: PartTarget | None,
    appends: bool,
) -> Stored:
    opening = PutOpen(call.bucket, call.key_bytes, source.size_bytes, part, appends, info.storage_class)
    writer = await BlockWriter.open(call.sets, opening, call.request_id)
    assert writer.stripe_bytes == call.sets.stripe_bytes, writer.stripe_bytes
    try:
        is_last = False
        size_bytes = len(block)
        while not is_last:
            # Hashed while it is on its way: the set worker needs about as long to encode and hand it on.
            await writer.write(block)
            await source.digest(block)
            # Not to be held while the client is waited for.
            block = b""
            block, is_last = await source.next_block(writer.stripe_bytes)
            size_bytes += len(block)
        await writer.write(block)
        await source.digest(block)
        source.finish()
        info = _sealed(info, source)
        versioning = Versioning.OFF if part else await call.versioning()
        info = info if part else await as_bucket_locks(call, info)
        done = await writer.finish(info, expect, versioning)
    # Whatever ended it, a cancelled connection included, the set worker must not keep what it holds.
    except BaseException:
        writer.abort()
        raise
    return _stored(done, info, size_bytes)


def _stored(done: PutDone, info: ObjectInfo, size_bytes: int) -> Stored:
    if done.head is not None:
        return Stored(done.stamp, done.head.etag, done.checksums, done.sub, size_bytes)
    return Stored(done.stamp, info.etag, info.checksums, done.sub, size_bytes)


def _sealed(info: ObjectInfo, source: Source) -> ObjectInfo:
    """`info` with what is known only once all bytes have passed."""
    digests = source.digests
    checksums = digests.checksums
    kind = "FULL_OBJECT" if checksums else ""
    return replace(info, etag=digests.etag, checksums=checksums, checksum_type=kind)


async def info_of_request(call: Call) -> ObjectInfo:
    """What the headers of a PutObject or CreateMultipartUpload say of the object to be."""
    if _REDIRECT in call.headers:
        raise not_implemented("Website hosting", header=_REDIRECT)
    stored = stored_headers(call.headers)
    return ObjectInfo(
        headers=stored.content,
        user=stored.user,
        storage_class=storage_class(call.headers),
        tags=tags_of_header(call.headers),
        lock=await lock_asked(call),
    )


def check_announced_length(call: Call, size_bytes: int) -> None:
    """Refuse a body whose size cannot be known or is known to be too large, before any of it is read."""
    if size_bytes > PUT_BYTES_MAX:
        raise entity_too_large(size_bytes)
    if size_bytes != UNKNOWN and not {"content-length", "transfer-encoding"} & call.headers.keys():
        raise S3Error("MissingContentLength")


def checksum_lines(stored: Stored) -> list[tuple[bytes, bytes]]:
    """The checksums of a body that was stored, for the answer to its upload."""
    return [
        (b"x-amz-checksum-%b" % name.lower().encode(), value.encode())
        for name, value in stored.checksums.items()
    ]
