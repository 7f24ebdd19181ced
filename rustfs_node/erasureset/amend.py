"""Amend: what a version says of itself is changed, its bytes are not.

The change is a new version of the row, written where exactly the old one is current, that names the same
shard files or brings the same inline shards. It keeps the stamp of the write that brought the bytes, and with
it the time of modification and the place among the versions of the key: so a download that has begun goes on.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.conditional import Frames, commit_expecting, finish_late
from rustfs_node.erasureset.lock_check import changed_lock
from rustfs_node.erasureset.read import no_such_key
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.row_read import RowRead
from rustfs_node.erasureset.state import SetState, codec_of
from rustfs_node.erasureset.target import Target
from rustfs_node.erasureset.version import Version, has_fragments, inline_fragments, version_of
from rustfs_node.erasureset.write import file_commits, fragment_commits
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.locking import ObjectLock
from rustfs_proto.objects import ObjectHead, ObjectMeta, encode_head, written_of
from rustfs_proto.versions import NULL_VERSION
from rustfs_proto.wire.drive_ops import Commit, Lookup, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, Amend, Amended


def amend(state: SetState, request: Request) -> None:
    """Answer an `Amend`."""
    state.answer_later(request, _amend)


async def _amend(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, Amend)
    # An inline object has at most one stripe. Taken before the lock: who waits for the lock holds memory.
    size_bytes = state.geometry.stripe_bytes
    await state.memory.taken(request, size_bytes, is_here=False)
    try:
        async with state.locks.hold((message.bucket, message.key)):
            return Reply(await _amend_current(state, message, request.trace))
    finally:
        state.memory.give_back(size_bytes)


async def _amend_current(state: SetState, message: Amend, trace: str) -> Amended:
    is_current = message.sub is None
    lookup = Lookup(
        Space.OBJECT, message.bucket, message.key, message.sub or NULL_VERSION, current=is_current
    )
    for retries_left in range(state.settings.retries, -1, -1):
        read = await resolve(state, lookup, trace)
        assert read.decision is not None
        if read.decision.verdict is Verdict.ABSENT:
            raise no_such_key()
        version = await version_of(state, read, trace)
        if version.is_marker:
            raise Fault(FaultCode.INVALID, "a delete marker says nothing that could be changed")
        if message.expect not in (ANY_STAMP, version.stamp, version.head.origin or version.stamp):
            text = f"the current version is {version.stamp}, not {message.expect}"
            raise Fault(FaultCode.CONFLICT, text, version.stamp)
        lock = version.meta.lock
        if message.lock is not None:
            lock = await changed_lock(state, lock, message.lock, trace)
        try:
            return await _write(state, message, read, version, lock, trace)
        except Fault as fault:
            # Another version came in between, and nothing of this one is anywhere: amend that one.
            if fault.code is not FaultCode.CONFLICT or message.expect != ANY_STAMP or not retries_left:
                raise
    raise AssertionError("unreachable: the last round raises or returns")


async def _write(
    state: SetState, message: Amend, read: RowRead, version: Version, lock: ObjectLock | None, trace: str
) -> Amended:
    head, meta = amended(version, message, lock)
    fragments = await fragments_of(state, read, meta, trace)
    bucket, key, geometry = message.bucket, message.key, meta.geometry
    target = Target(bucket, key, version.sub)

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        if fragments:
            return fragment_commits(state, target, stamp, head, meta, fragments, expects)
        return file_commits(state, target, stamp, encode_head(head), meta, expects), None

    # Its files were acknowledged with the version amended; since then drives may have been lost, but not more
    # than can be.
    written = await commit_expecting(
        state, geometry, bucket, key, version.stamp, build, trace, shards_needed=geometry.k, sub=version.sub
    )
    # Acknowledged from here on.
    await finish_late(state, written, version.stamp, trace)
    return Amended(written.stamp, head, meta, version.sub)


async def fragments_of(state: SetState, read: RowRead, meta: ObjectMeta, trace: str) -> list[bytes]:
    """All inline shards of the version, by number; none where its bytes stand in files, or there are none."""
    if not has_fragments(meta):
        return []
    codec, size = codec_of(meta.geometry), meta.parts[0].size
    return codec.encode(codec.decode(await inline_fragments(state, read, meta, trace), size))


def amended(version: Version, message: Amend, lock: ObjectLock | None) -> tuple[ObjectHead, ObjectMeta]:
    """What the version says after the change."""
    head, meta = version.head, version.meta
    return (
        replace(head, written=written_of(head, version.stamp), origin=0),
        replace(meta, tags=meta.tags if message.tags is None else message.tags, lock=lock),
    )
