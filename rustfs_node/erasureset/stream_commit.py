"""The end of a streamed write: one record per drive makes its shard file part of an object, or of an upload.

Records go only to drives that have every fragment. Before them nothing of the write can be seen, after them
all of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from rustfs_node.bus import Request
from rustfs_node.erasureset.append import commit_appended
from rustfs_node.erasureset.conditional import Frames, commit_expecting
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.stream import Stream
from rustfs_node.erasureset.target import Target, target_of
from rustfs_node.erasureset.upload_rows import require_target
from rustfs_node.erasureset.write import file_commits, head_of, inline_commits, meta_of, write_row
from rustfs_proto.erasure.multipart import encode_part_head, part_sub
from rustfs_proto.objects import INLINE, ObjectMeta, Part, encode_head
from rustfs_proto.wire.drive_ops import Commit, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, ObjectInfo, PutDone, PutFinish, PutSmall


async def commit(state: SetState, stream: Stream, request: Request) -> PutDone:
    """Make what was streamed for that `PutSmall` or `PutFinish` a version."""
    message, trace = request.message, request.trace
    assert isinstance(message, PutSmall | PutFinish)
    try:
        await stream.drained()
        if stream.part is not None:
            return await _commit_part(state, stream, message.info, trace)
        if stream.appends:
            return await commit_appended(state, stream, request)
        name = (stream.bucket, stream.key)
        if message.expect != ANY_STAMP or state.locks.is_held(name):
            async with state.locks.hold(name):
                return await _commit_object(state, stream, message, trace)
        return await _commit_object(state, stream, message, trace)
    except Fault as fault:
        # Where the effect is unknown, the shard files may be part of a version: the drives find out when they
        # sweep.
        if fault.not_applied:
            stream.give_up()
        raise
    finally:
        stream.finished()


async def _commit_object(
    state: SetState, stream: Stream, message: PutSmall | PutFinish, trace: str
) -> PutDone:
    info, geometry = message.info, stream.geometry
    if state.geometry_of(info.storage_class) != geometry:
        text = f"the write was begun as {geometry}, which is not how {info.storage_class} is stored"
        raise Fault(FaultCode.INVALID, text)

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        target = target_of(state, stream.bucket, stream.key, message.versioning, stamp)
        if stream.held is not None or not stream.received_bytes:
            return inline_commits(state, geometry, target, stamp, info, stream.held or b"", expects)
        head = encode_head(head_of(info, stream.received_bytes))
        part = Part(1, stream.received_bytes, stream.data_id, info.etag, info.checksums)
        meta = meta_of(geometry, (part,), info)
        return _file_commits(state, stream, Space.OBJECT, target, stamp, head, meta, expects), None

    written = await commit_expecting(state, geometry, stream.bucket, stream.key, message.expect, build, trace)
    return PutDone(written.stamp, written.sub)


async def _commit_part(state: SetState, stream: Stream, info: ObjectInfo, trace: str) -> PutDone:
    of_upload = stream.part
    assert of_upload is not None
    if not stream.mover:
        # It may have been completed or given up while the bytes came.
        await require_target(state, stream.bucket, stream.key, of_upload, trace)
    data_id = stream.data_id if stream.received_bytes else INLINE
    part = Part(of_upload.number, stream.received_bytes, data_id, info.etag, info.checksums)
    meta = ObjectMeta(stream.geometry, (part,))
    target = Target(stream.bucket, stream.key, part_sub(of_upload.upload_id, of_upload.number))
    stamp = state.new_stamp()
    expects = [ANY_STAMP] * state.n
    commits = _file_commits(state, stream, Space.PART, target, stamp, encode_part_head(part), meta, expects)
    await write_row(state, stream.geometry, commits, trace=trace)
    return PutDone(stamp)


def _file_commits(
    state: SetState,
    stream: Stream,
    space: Space,
    target: Target,
    stamp: int,
    head: bytes,
    meta: ObjectMeta,
    expects: Sequence[int],
) -> list[Commit | None]:
    """By slot: the commit that makes the shard file part of a version; none for drives that were left out."""
    # `whole`: a drive that was started again since the first fragment lacks the file.
    commits = file_commits(state, target, stamp, head, meta, expects, space=space, whole=True)
    return [
        None if out or commit is None else replace(commit, mover=stream.mover)
        for out, commit in zip(stream.left_out, commits, strict=True)
    ]
