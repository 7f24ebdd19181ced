"""A write that appends: the current version's bytes and those that were streamed become one version.

Nothing that lies in shard files is copied: the new record names the files of the old one and the new file,
which has the old one's geometry whatever its storage class means by now. Bytes that stand in the drives' logs
are written into a file of their own first. The old version may stay beside the new one, or be replaced by it;
both name the same files.
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
from rustfs_node.erasureset.version import Version, has_fragments, inline_fragments, is_inline, version_of
from rustfs_node.erasureset.write import file_commits
from rustfs_proto.erasure.appending import appended_object
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.objects import INLINE, Geometry, ObjectMeta, Part, encode_head
from rustfs_proto.versions import NULL_VERSION, Versioning
from rustfs_proto.wire.drive_ops import Commit, Lookup, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import PutDone, PutFinish, PutSmall


async def geometry_to_append(state: SetState, bucket: str, key: bytes, trace: str) -> Geometry:
    """That of what is to come behind what the key has. Should it have something else when that is committed,
    it is refused then.
    """
    lookup = Lookup(Space.OBJECT, bucket, key, want_inline=False, current=True)
    read = await resolve(state, lookup, trace)
    assert read.decision is not None
    if read.decision.verdict is not Verdict.CURRENT:
        return state.geometry
    there = (await version_of(state, read, trace)).meta.geometry
    return replace(there, stripe_bytes=state.geometry.stripe_bytes)


async def commit_appended(state: SetState, stream: Stream, request: Request) -> PutDone:
    """Make what the key has and what was streamed a version. Raises `Fault` CONFLICT where another version is
    current than the one expected.
    """
    message = request.message
    assert isinstance(message, PutSmall | PutFinish)
    read = await resolve(state, Lookup(Space.OBJECT, stream.bucket, stream.key, current=True), request.trace)
    version = await _expected(state, stream, read, message.expect, request.trace)
    if message.versioning != Versioning.ENABLED and version.sub == NULL_VERSION:
        await refuse_locked(state, version.meta.lock, bypass_governance=False, trace=request.trace)
    # Before the lock: who waits for the lock may hold the memory that this waits for. Should another version
    # come meanwhile, this one is refused when it is committed.
    moved = await _into_file(state, stream.geometry, read, version, request)
    try:
        async with state.locks.hold((stream.bucket, stream.key)):
            return await _commit(state, stream, moved, message, version, request.trace)
    except Fault as fault:
        if moved is not None and fault.not_applied:
            moved.give_up()
        raise
    finally:
        if moved is not None:
            moved.finished()


async def _expected(state: SetState, stream: Stream, read: RowRead, expect: int, trace: str) -> Version:
    assert read.decision is not None
    if read.decision.verdict is Verdict.CURRENT:
        version = await version_of(state, read, trace)
        if version.stamp == expect and not version.is_marker:
            _require_same_geometry(stream.geometry, version)
            return version
    raise Fault(FaultCode.CONFLICT, f"version {expect} is not current any more", read.decision.stamp)


def _require_same_geometry(geometry: Geometry, version: Version) -> None:
    """An object is read by one geometry, and files keep the one that they were written with; what an append
    moves into a file keeps the parity of its storage class.
    """
    there = version.meta.geometry
    if (there.k, there.m) != (geometry.k, geometry.m):
        raise Fault(FaultCode.CONFLICT, f"what is current has come since {geometry} was sent", version.stamp)
    if not is_inline(version.meta) and there != geometry:
        text = f"the object was written as {there}, and has to be copied before it is appended to"
        raise Fault(FaultCode.INVALID, text)


async def _into_file(
    state: SetState, geometry: Geometry, read: RowRead, version: Version, request: Request
) -> Stream | None:
    """The bytes of an inline version, in a shard file of their own; None where there are none."""
    meta = version.meta
    if not has_fragments(meta):
        return None
    size = meta.parts[0].size
    fragments = await inline_fragments(state, read, meta, request.trace)
    data_id = state.randomness.token(DATA_ID_BYTES)
    stream = Stream(state, geometry, read.lookup.bucket, read.lookup.key, size, data_id)
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
    bucket, key, geometry = stream.bucket, stream.key, stream.geometry
    # All its files have this geometry: those of the version before had to, and the others are new.
    before = replace(version.meta, geometry=geometry, lock=message.info.lock)
    head, meta = appended_object(version.head, before, _parts(before, moved), _added(stream, message))
    left_out = [
        out or (moved is not None and moved.left_out[slot]) for slot, out in enumerate(stream.left_out)
    ]

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        target = target_of(state, bucket, key, message.versioning, stamp)
        commits = file_commits(state, target, stamp, encode_head(head), meta, expects)
        return [None if out else commit for out, commit in zip(left_out, commits, strict=True)], None

    # The files of the version before were acknowledged with it; since then drives may have been lost, but not
    # more than can be. Those that come with this one were not acknowledged yet.
    fresh = {one.data_id for one in (stream, moved) if one is not None and one.received_bytes}
    written = await commit_expecting(
        state, geometry, bucket, key, version.stamp, build, trace, shards_needed=geometry.k, fresh=fresh
    )
    # Acknowledged from here on.
    await finish_late(state, written, version.stamp, trace)
    return PutDone(written.stamp, written.sub, head, meta.checksums)


def _parts(meta: ObjectMeta, moved: Stream | None) -> tuple[Part, ...]:
    return meta.parts if moved is None else (replace(meta.parts[0], data_id=moved.data_id),)


def _added(stream: Stream, message: PutSmall | PutFinish) -> Part:
    data_id = stream.data_id if stream.received_bytes else INLINE
    return Part(1, stream.received_bytes, data_id, message.info.etag, message.info.checksums)
