"""Multipart uploads: a row for the upload, a row for each part, and one record that makes the parts an
object.

Completing copies nothing: the object's record names the parts' shard files. An upload ends by the tombstone
of its own row alone, with which each drive drops the rows of the parts: whatever interrupts that, on each
drive the upload is there with all its parts or not at all, and can be completed or given up again.
"""

from __future__ import annotations

from collections.abc import Collection

import structlog
from msgspec.structs import replace

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.conditional import Frames, commit_expecting
from rustfs_node.erasureset.delete import RowRemoval
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.target import target_of
from rustfs_node.erasureset.upload_rows import require_upload, stamp_to_end, stored_parts
from rustfs_node.erasureset.write import WatchedWrite, file_commits, write_row
from rustfs_proto.erasure.multipart import (
    PART_NUMBER_MAX,
    UPLOAD_ID_BYTES,
    check_completion,
    completed_object,
    upload_id_of,
    upload_meta,
)
from rustfs_proto.locking import with_retention
from rustfs_proto.objects import ObjectHead, ObjectMeta, encode_head, encode_meta
from rustfs_proto.wire.drive_ops import Commit, RowKind, Space
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import Done
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
)

log = structlog.get_logger()


def create(state: SetState, request: Request) -> None:
    """Answer an `UploadCreate`."""
    state.answer_later(request, _create)


def get(state: SetState, request: Request) -> None:
    """Answer an `UploadGet`."""
    state.answer_later(request, _get)


def parts(state: SetState, request: Request) -> None:
    """Answer an `UploadParts`."""
    state.answer_later(request, _parts)


def complete(state: SetState, request: Request) -> None:
    """Answer an `UploadComplete`."""
    state.answer_later(request, _complete)


def abort(state: SetState, request: Request) -> None:
    """Answer an `UploadAbort`."""
    state.answer_later(request, _abort)


async def _create(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, UploadCreate)
    stamp = state.new_stamp()
    upload_id = upload_id_of(stamp, state.randomness.token(UPLOAD_ID_BYTES - 8))
    info = message.info
    head = encode_head(
        ObjectHead(
            0,
            "",
            info.storage_class,
            checksum_algorithm=message.checksum_algorithm,
            checksum_type=info.checksum_type,
        )
    )
    geometry = state.geometry_of(info.storage_class)
    meta = encode_meta(upload_meta(info, message.checksum_algorithm, geometry))
    row = Commit(
        Space.UPLOAD, message.bucket, message.key, stamp, RowKind.VALUE, upload_id, head=head, meta=meta
    )
    await write_row(state, geometry, [row] * state.n, trace=request.trace)
    return Reply(UploadCreated(upload_id))


async def _get(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, UploadGet)
    upload = await require_upload(state, message.bucket, message.key, message.upload_id, request.trace)
    return Reply(UploadGot(upload.stamp, upload.info, upload.checksum_algorithm))


async def _parts(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, UploadParts)
    bucket, key, upload_id = message.bucket, message.key, message.upload_id
    upload = await require_upload(state, bucket, key, upload_id, request.trace)
    found = await stored_parts(state, bucket, key, upload_id, message.after, message.limit + 1, request.trace)
    page = tuple(found[: message.limit])
    more = len(found) > message.limit
    return Reply(UploadPartsListed(page, more, upload.info, upload.checksum_algorithm))


async def _complete(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, UploadComplete)
    bucket, key, upload_id, trace = message.bucket, message.key, message.upload_id, request.trace
    async with state.locks.hold((bucket, key)):
        upload = await require_upload(state, bucket, key, upload_id, trace)
        stored = await stored_parts(state, bucket, key, upload_id, 0, PART_NUMBER_MAX, trace)
        by_number = {part.number: part for part in stored}
        chosen = check_completion(message.parts, by_number, message.part_bytes_min, upload.info.checksum_type)
        info = replace(upload.info, lock=with_retention(upload.info.lock, message.retention))
        head, meta = completed_object(chosen, info, upload.checksum_algorithm, upload.geometry)
        written = await _commit_object(state, message, head, meta, trace)
        # The object is there from here on; what remains is to tidy up.
        await _end_completed(state, message, upload.stamp, written, trace)
    return Reply(UploadCompleted(written.stamp, head, meta, written.sub))


async def _end_completed(
    state: SetState, message: UploadComplete, upload_stamp: int, written: WatchedWrite, trace: str
) -> None:
    """Remove the upload where its object is. A drive that missed the object keeps the rows of the parts: they
    keep its shards until it is healed. A failure is nobody's but the log's: the upload stays to be seen.
    """
    await written.finished(state.settings.complete_wait_s)
    spared = set(range(state.n)) - written.committed_slots
    try:
        await remove_upload(
            state, message.bucket, message.key, message.upload_id, upload_stamp, spared, trace
        )
    except Fault as fault:
        log.warning("upload_not_removed", request_id=trace, bucket=message.bucket, reason=str(fault))


async def _commit_object(
    state: SetState, message: UploadComplete, head: ObjectHead, meta: ObjectMeta, trace: str
) -> WatchedWrite:
    bucket, key, geometry = message.bucket, message.key, meta.geometry

    def build(stamp: int, expects: list[int]) -> tuple[list[Commit | None], Frames]:
        target = target_of(state, bucket, key, message.versioning, stamp)
        return file_commits(state, target, stamp, encode_head(head), meta, expects), None

    # Each part was acknowledged on a write quorum of its own; since then drives may have been lost, but not
    # more than can be.
    return await commit_expecting(
        state, geometry, bucket, key, message.expect, build, trace, shards_needed=geometry.k
    )


async def _abort(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, UploadAbort)
    bucket, key, upload_id, trace = message.bucket, message.key, message.upload_id, request.trace
    async with state.locks.hold((bucket, key)):
        stamp = await stamp_to_end(state, bucket, key, upload_id, trace)
        await remove_upload(state, bucket, key, upload_id, stamp, (), trace)
    return Reply(Done())


async def remove_upload(
    state: SetState,
    bucket: str,
    key: bytes,
    upload_id: bytes,
    upload_stamp: int,
    spared: Collection[int],
    trace: str,
) -> None:
    """A tombstone for the upload's row, on all drives but those in `spared`. Raises `Fault`."""
    answered: Answer[int | Fault] = Answer()
    removal = RowRemoval(state, Space.UPLOAD, bucket, key, upload_id, answered.set, spared)
    removal.start(trace, known_stamp=upload_stamp)
    outcome = await answered.wait()
    if isinstance(outcome, Fault):
        raise outcome
