"""A write that appends: the current version's bytes and those that were streamed become one version.

Nothing that lies in shard files is copied: the new record names the files of the old one and the new file.
Bytes that stand in the drives' logs are written into a file of their own first. The old version may stay
beside the new one, or be replaced by it; both name the same files.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from rustfs_node.bus import Request
from rustfs_node.erasureset.conditional import Frames, commit_expecting, finish_late
from rustfs_node.erasureset.lock_check import refuse_locked
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.row_read import RowRead
from rustfs_node.erasureset.state import SetState, codec_of
from rustfs_node.erasureset.stream import DATA_ID_BYTES, Stream
from rustfs_node.erasureset.target import target_of
from rustfs_node.erasureset.version import Version, has_fragments, inline_fragments, version_of
from rustfs_node.erasureset.write import file_commits
from rustfs_proto.erasure.appending import appended_object
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.objects import INLINE, ObjectMeta, Part, encode_head
from rustfs_proto.versions import NULL_VERSION, Versioning
from rustfs_proto.wire.drive_ops import Commit, Lookup, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import PutDone, PutFinish, PutSmall


async def commit_appended(state: SetState, stream: Stream, request: Request) -> PutDone:
    """Make what the key has and what was streamed a version. The caller holds the key's lock. Raises `Fault`
    CONFLICT where another version is current than the one expected.
    """
    message = request.message
    assert isinstance(message, PutSmall | PutFinish)
    read = await resolve(state, Lookup(Space.OBJECT, stream.bucket, stream.key, current=True), request.trace)
    version = await _expected(state, read, message.expect, request.trace)
    if message.versioning != Versioning.ENABLED and version.sub == NULL_VERSION:
        await refuse_locked(state, version.meta.lock, bypass_governance=False, trace=request.trace)
    moved = await _into_file(state, read, version, request)
    try:
        return await _commit(state, stream, moved, message, version, request.trace)
    except Fault as fault:
        if moved is not None and fault.not_applied:
            moved.give_up()
        raise
    finally:
        if moved is not None:
            moved.finished()


async def _expected(state: SetState, read: RowRead, expect: int, trace: str) -> Version:
    assert read.decision is not None
    if read.decision.verdict is Verdict.CURRENT:
        version = await version_of(state, read, trace)
        if version.stamp == expect and not version.is_marker:
            return version
    raise Fault(FaultCode.CONFLICT, f"version {expect} is not current any more", read.decision.stamp)


async def _into_file(state: SetState, read: RowRead, version: Version, request: Request) -> Stream | None:
    """The bytes of an inline version, in a shard file of their own; None where there are none."""
    meta = version.meta
    if not has_fragments(meta):
        return None
    size = meta.parts[0].size
    fragments = await inline_fragments(state, read, request.trace)
    data_id = state.randomness.token(DATA_ID_BYTES)
    stream = Stream(state, read.lookup.bucket, read.lookup.key, size, data_id)
    await state.memory.taken(request, size, is_here=False)
    await stream.send_only(codec_of(meta.geometry).decode(fragments, size))
    await stream.drained()
    return stream


async def _commit(
    state: SetState,
    stream: Stream,
    moved: Stream | None,
    message: PutSmall | PutFinish,
    version: Version,
    trace: str,
) -> PutDone:
    bucket, key = stream.bucket, stream.key
    head, meta = appended_object(
        version.head, version.meta, _parts(version.meta, moved), _added(stream, message)
    )
    meta = replace(meta, lock=message.info.lock)
    left_out = [
        out or (moved is not None and moved.left_out[slot]) for slot, out in enumerate(stream.left_out)
    ]

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        target = target_of(state, bucket, key, message.versioning, stamp)
        commits = file_commits(state, target, stamp, encode_head(head), meta, expects)
        return [None if out else commit for out, commit in zip(left_out, commits, strict=True)], None

    # The files of the version before were acknowledged with it; since then drives may have been lost, but not
    # more than can be.
    written = await commit_expecting(state, bucket, key, version.stamp, build, trace, shards_needed=state.k)
    # Acknowledged from here on.
    await finish_late(state, written, version.stamp, build, trace)
    return PutDone(written.stamp, written.sub, head, meta.checksums)


def _parts(meta: ObjectMeta, moved: Stream | None) -> tuple[Part, ...]:
    return meta.parts if moved is None else (replace(meta.parts[0], data_id=moved.data_id),)


def _added(stream: Stream, message: PutSmall | PutFinish) -> Part:
    data_id = stream.data_id if stream.received_bytes else INLINE
    return Part(1, stream.received_bytes, data_id, message.info.etag, message.info.checksums)
