"""A rename at the key that an object goes to: opened with all its bytes, finished, or dropped.

While it is open the key stays as it is: each drive that has its row refuses every other change of the key,
and says so to whoever looks. That row is written as conditional writes are, where exactly the version is
current that the rename is to replace. Finishing makes of it the object that it has brought; the object is
acknowledged before the row ends, so the row is there for as long as anybody may have to finish it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.amend import fragments_of
from rustfs_node.erasureset.conditional import Frames, commit_expecting
from rustfs_node.erasureset.lock_check import refuse_locked
from rustfs_node.erasureset.rename_rows import end_row, row_states
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.row_read import RowRead
from rustfs_node.erasureset.staging import Staged, end_staging, stage_body, stage_parts
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.target import Target
from rustfs_node.erasureset.version import version_of
from rustfs_node.erasureset.write import WatchedWrite, file_commits, fragment_commits
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.objects import ObjectMeta, Rename, encode_head
from rustfs_proto.wire.drive_ops import RENAME_ID_BYTES, Commit, Lookup, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.rename_ops import (
    RenameDrop,
    RenameFinish,
    RenameStage,
    RenameStaged,
)
from rustfs_proto.wire.set_ops import ANY_STAMP, Done


def stage(state: SetState, request: Request) -> None:
    """Answer a `RenameStage`."""
    state.answer_later(request, _stage)


def finish(state: SetState, request: Request) -> None:
    """Answer a `RenameFinish`."""
    state.answer_later(request, _finish)


def drop(state: SetState, request: Request) -> None:
    """Answer a `RenameDrop`."""
    state.answer_later(request, _drop)


async def _stage(state: SetState, request: Request) -> Reply:
    message, body = request.message, request.frames[0] if request.frames else b""
    assert isinstance(message, RenameStage)
    if len(body) > state.geometry.stripe_bytes:
        text = f"{len(body)} bytes in one body, at most {state.geometry.stripe_bytes}: send parts"
        raise Fault(FaultCode.INVALID, text)
    # Before the lock: who waits for the lock may hold the memory that this waits for.
    await state.memory.taken(request, len(body))
    try:
        if message.upload_id:
            staged = await stage_parts(state, message, request.trace)
        else:
            staged = await stage_body(state, request, message, body)
        return Reply(await _open(state, message, staged, request.trace))
    finally:
        state.memory.give_back(len(body))


async def _open(state: SetState, message: RenameStage, staged: Staged, trace: str) -> RenameStaged:
    bucket, key = message.bucket, message.key
    rename_id = state.randomness.token(RENAME_ID_BYTES)
    target = Target(bucket, key, rename_id, of_key=True)

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        return staged.commits(state, target, stamp, expects)

    needed, geometry = staged.shards_needed, staged.meta.geometry
    try:
        async with state.locks.hold((bucket, key)):
            await _refuse_locked(state, message, trace)
            written = await commit_expecting(
                state, geometry, bucket, key, message.expect, build, trace, needed
            )
    except Fault as fault:
        staged.give_up(fault)
        raise
    staged.finished()
    if message.upload_id:
        # Beside the rename, which must not stay open for that.
        state.nursery.start_soon(end_staging, state, message, written, trace)
    return RenameStaged(rename_id)


async def _refuse_locked(state: SetState, message: RenameStage, trace: str) -> None:
    """Nothing that a lock keeps is replaced, by whatever way it came into such a bucket."""
    lookup = Lookup(Space.OBJECT, message.bucket, message.key, want_inline=False, current=True)
    read = await resolve(state, lookup, trace)
    assert read.decision is not None
    if read.decision.verdict is Verdict.CURRENT:
        version = await version_of(state, read, trace)
        await refuse_locked(state, version.meta.lock, bypass_governance=False, trace=trace)


async def _finish(state: SetState, request: Request) -> Reply:
    message, trace = request.message, request.trace
    assert isinstance(message, RenameFinish)
    bucket, key, rename_id = message.bucket, message.key, message.rename_id
    # An inline object has at most one stripe. Before the lock: who waits for it holds memory.
    size_bytes = state.geometry.stripe_bytes
    await state.memory.taken(request, size_bytes, is_here=False)
    try:
        async with state.locks.hold((bucket, key)):
            read = await resolve(state, Lookup(Space.RENAME, bucket, key, rename_id), trace)
            assert read.decision is not None
            if read.decision.verdict is Verdict.CURRENT:
                written = await _write_object(state, message, read, trace)
                # The object is there from here on. A drive that takes it last must not lose the row, and with
                # it the shards, before.
                await written.finished(state.settings.complete_wait_s)
                await end_row(state, bucket, key, rename_id, read.decision.stamp, trace)
    finally:
        state.memory.give_back(size_bytes)
    return Reply(Done())


async def _write_object(state: SetState, message: RenameFinish, read: RowRead, trace: str) -> WatchedWrite:
    bucket, key, rename_id = message.bucket, message.key, message.rename_id
    version = await version_of(state, read, trace)
    head, meta = version.head, finished_meta(version.meta)
    fragments = await fragments_of(state, read, meta, trace)
    target = Target(bucket, key)

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        if fragments:
            return fragment_commits(state, target, stamp, head, meta, fragments, expects, rename=rename_id)
        return file_commits(state, target, stamp, encode_head(head), meta, expects, rename=rename_id), None

    # Its files were acknowledged with the row; since then drives may have been lost, but not more than can
    # be.
    geometry = meta.geometry
    return await commit_expecting(
        state, geometry, bucket, key, ANY_STAMP, build, trace, shards_needed=geometry.k
    )


def finished_meta(meta: ObjectMeta) -> ObjectMeta:
    """What the object carries once it is renamed: of the rename only what tells a repeated request."""
    rename = meta.rename
    assert rename is not None
    return replace(meta, rename=Rename(token=rename.token, request=rename.request) if rename.token else None)


async def _drop(state: SetState, request: Request) -> Reply:
    message, trace = request.message, request.trace
    assert isinstance(message, RenameDrop)
    bucket, key, rename_id = message.bucket, message.key, message.rename_id
    async with state.locks.hold((bucket, key)):
        rows = await row_states(state, bucket, key, rename_id, trace)
        if rows.has_open:
            await end_row(state, bucket, key, rename_id, rows.newest_stamp, trace)
    return Reply(Done())
