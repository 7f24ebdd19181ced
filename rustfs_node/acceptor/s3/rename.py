"""RenameObject: an object leaves one key and is at another, in one step.

Its bytes are brought to the target's set first, where nobody sees them: which drive has which shard follows
from the key. Then a rename is opened at the target, and marked at the source: from the mark on it has
happened. What remains is to finish it, which somebody else does where this acceptor dies.
"""

from __future__ import annotations

import attrs
import structlog

from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.copy import CopiedBytes
from rustfs_node.acceptor.s3.missing import not_found_means
from rustfs_node.acceptor.s3.objects import store
from rustfs_proto.objects import Part, Rename, modified_ms_of
from rustfs_proto.s3.conditions import check_rename_source, check_rename_target
from rustfs_proto.s3.copying import CopySource
from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.ranges import ByteRange
from rustfs_proto.s3.renaming import parse_client_token, parse_rename_source, request_digest
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.versions import Versioning
from rustfs_proto.wire.faults import OPEN_RENAME, Fault, FaultCode
from rustfs_proto.wire.rename_ops import RenameMark, RenameStage, RenameStaged, RenameState, StagedPart
from rustfs_proto.wire.set_ops import Done, Get, Got, ObjectInfo, PartTarget
from rustfs_proto.wire.upload_ops import UploadAbort, UploadCreate, UploadCreated

log = structlog.get_logger()

_OVERTAKEN = OPEN_RENAME | {FaultCode.CONFLICT, FaultCode.MOVED}
"""Something else came in between, and nothing was renamed: look again at what is there."""


@attrs.frozen
class _Wanted:
    """What the request asks for."""

    source: str
    token: str
    digest: str


async def rename_object(call: Call) -> Response:
    """Rename an object within its bucket."""
    source = parse_rename_source(call.headers, call.bucket, call.key)
    token = parse_client_token(call.headers)
    wanted = _Wanted(source, token, request_digest(call.headers, source, call.key) if token else "")
    for retries_left in range(call.services.settings.rename_retries, -1, -1):
        try:
            await _rename(call, wanted)
        except Fault as fault:
            if fault.code not in _OVERTAKEN:
                raise
            if not retries_left:
                raise S3Error("ConditionalRequestConflict") from fault
            if fault.code is FaultCode.MOVED:
                await _wait_for_slots(call, wanted)
        else:
            break
    return Response(200, [])


async def _wait_for_slots(call: Call, wanted: _Wanted) -> None:
    """The slot of one of the keys moves."""
    for key in (wanted.source.encode(), call.key_bytes):
        await call.sets.new_home(call.bucket, key, call.request_id)


async def _rename(call: Call, wanted: _Wanted) -> None:
    # The mark is set where the source is at home when its rename begins, or nowhere: the set that it moves to
    # meanwhile does not know of a rename that was given up.
    lead = call.sets.lead(call.bucket, wanted.source.encode())
    if await call.versioning() is not Versioning.OFF:
        raise not_implemented("Renaming objects in a bucket whose versioning was ever enabled")
    target = await _current(call, call.key)
    if target is not None and _is_repeated(target, wanted):
        return
    source = await _current(call, wanted.source)
    if source is None:
        raise S3Error("NoSuchKey", extra={"Key": wanted.source})
    check_rename_source(
        call.headers, etag=source.head.etag, modified_ms=modified_ms_of(source.head, source.stamp)
    )
    if target is None:
        check_rename_target(call.headers, etag=None, modified_ms=0)
    else:
        modified_ms = modified_ms_of(target.head, target.stamp)
        check_rename_target(call.headers, etag=target.head.etag, modified_ms=modified_ms)
    rename = Rename(wanted.source.encode(), call.key_bytes, source.stamp, wanted.token, wanted.digest)
    expect = NO_STAMP if target is None else target.stamp
    rename_id = await _bring(call, source, rename, expect)
    await _move(call, lead, rename_id, rename)


async def _current(call: Call, key: str) -> Got | None:
    raw = key.encode()
    request = Get(call.bucket, raw, want_data=False)
    try:
        got, _ = await call.sets.ask(call.sets.home(call.bucket, raw), request, Got, trace=call.request_id)
    except Fault as fault:
        if fault.code is not FaultCode.NOT_FOUND:
            raise
        return None
    return None if got.is_marker else got


def _is_repeated(target: Got, wanted: _Wanted) -> bool:
    """Whether the request was answered before, and what it made is still there."""
    done = target.meta.rename
    if not wanted.token or done is None or done.token != wanted.token:
        return False
    if done.request != wanted.digest:
        raise S3Error("IdempotencyParameterMismatch")
    return True


async def _bring(call: Call, source: Got, rename: Rename, expect: int) -> bytes:
    """Open the rename at the target with all bytes of the source; its id."""
    parts = source.meta.parts
    if len(parts) <= 1 and source.head.size <= call.sets.stripe_bytes:
        body = await _body(call, source, rename)
        return await _open(call, source, rename, expect, body=body)
    request = UploadCreate(call.bucket, call.key_bytes, ObjectInfo())
    created, _ = await call.sets.ask(call.home, request, UploadCreated, trace=call.request_id)
    try:
        offset = 0
        for part in parts:
            await _bring_part(call, source, rename, part, offset, created.upload_id)
            offset += part.size
        return await _open(call, source, rename, expect, upload_id=created.upload_id)
    # Whatever ended it, a cancelled connection included, the parts must not stay.
    except BaseException:
        abort = UploadAbort(call.bucket, call.key_bytes, created.upload_id)
        call.sets.tell_later(call.home, abort, trace=call.request_id)
        raise


async def _body(call: Call, source: Got, rename: Rename) -> bytes:
    copied = _bytes_of(call, source, rename, ByteRange(0, source.head.size))
    try:
        body, is_last = await copied.next_block(call.sets.stripe_bytes)
    finally:
        copied.close()
    assert is_last, source.head.size
    return body


async def _bring_part(
    call: Call, source: Got, rename: Rename, part: Part, offset: int, upload_id: bytes
) -> None:
    copied = _bytes_of(call, source, rename, ByteRange(offset, part.size))
    try:
        await store(call, copied, ObjectInfo(), part=PartTarget(upload_id, part.number))
    except Fault as fault:
        raise not_found_means("OperationAborted", fault) from fault
    finally:
        copied.close()


def _bytes_of(call: Call, source: Got, rename: Rename, wanted: ByteRange) -> CopiedBytes:
    named = CopySource(call.bucket, rename.source.decode(), None)
    return CopiedBytes(call, named, source, wanted, None)


async def _open(
    call: Call, source: Got, rename: Rename, expect: int, *, body: bytes = b"", upload_id: bytes = b""
) -> bytes:
    parts = tuple(StagedPart(part.number, part.size, part.etag, part.checksums) for part in source.meta.parts)
    request = RenameStage(call.bucket, call.key_bytes, rename, _info_of(source), expect, upload_id, parts)
    staged, _ = await call.sets.ask_once(
        call.lead, request, RenameStaged, frames=(body,) if body else (), trace=call.request_id
    )
    return staged.rename_id


def _info_of(source: Got) -> ObjectInfo:
    """All that the object says of itself, its time of modification included."""
    head, meta = source.head, source.meta
    return ObjectInfo(
        head.etag,
        meta.headers,
        meta.user,
        meta.checksums,
        meta.checksum_type,
        head.storage_class,
        meta.tags,
        modified_ms_of(head, source.stamp),
    )


async def _move(call: Call, lead: str, rename_id: bytes, rename: Rename) -> None:
    """Set the mark, at `lead`. Where that fails, find out what became of it: nothing, or the rename has
    happened.
    """
    sets, trace = call.sets, call.request_id
    request = RenameMark(call.bucket, rename.source, rename_id, rename)
    try:
        await sets.ask_once(lead, request, Done, trace=trace)
    except Fault as fault:
        if await sets.renames.end(call.bucket, rename_id, rename, trace) is not RenameState.MOVED:
            raise _given_up(fault) from fault
        return
    try:
        await sets.renames.finish(call.bucket, rename_id, rename, trace)
    except Fault as fault:
        # It has happened, and whoever meets it next will finish it.
        log.warning("rename_not_finished", request_id=trace, bucket=call.bucket, reason=str(fault))


def _given_up(fault: Fault) -> Fault:
    """What kept the mark from its place. It is certain now that nothing was renamed."""
    if fault.not_applied:
        return fault
    return Fault(FaultCode.OVERLOADED, f"the rename was given up: {fault.message}")
