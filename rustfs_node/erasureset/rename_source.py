"""A rename at the key that an object leaves: its mark, and the removal of what was renamed.

The mark is a row like any other, written as conditional writes are, where exactly the version is current that
is renamed. Once it is acknowledged the rename has happened. From the first drive on that has it, that drive
refuses every other change of the key; so what the mark speaks of is still there when the object is removed.
"""

from __future__ import annotations

from collections.abc import Sequence

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.conditional import Frames, commit_expecting, on_every_drive
from rustfs_node.erasureset.lock_check import refuse_locked
from rustfs_node.erasureset.rename_rows import end_row, rename_of, row_states
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.version import version_of
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.objects import ObjectHead, ObjectMeta, Rename, encode_head, encode_meta
from rustfs_proto.versions import NULL_VERSION
from rustfs_proto.wire.drive_ops import Commit, Lookup, RowKind, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.rename_ops import (
    RenameForget,
    RenameMark,
)
from rustfs_proto.wire.set_ops import Done


def mark(state: SetState, request: Request) -> None:
    """Answer a `RenameMark`."""
    state.answer_later(request, _mark)


def forget(state: SetState, request: Request) -> None:
    """Answer a `RenameForget`."""
    state.answer_later(request, _forget)


async def _mark(state: SetState, request: Request) -> Reply:
    message, trace = request.message, request.trace
    assert isinstance(message, RenameMark)
    bucket, key, rename, rename_id = message.bucket, message.key, message.rename, message.rename_id
    head = encode_head(ObjectHead(0, ""))
    meta = encode_meta(ObjectMeta(state.geometry, rename=rename))

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        row = Commit(
            Space.RENAME, bucket, key, stamp, RowKind.VALUE, rename_id, head=head, meta=meta, of_key=True
        )
        return on_every_drive(row, expects)

    async with state.locks.hold((bucket, key)):
        await _refuse(state, bucket, key, rename, trace)
        await commit_expecting(state, state.geometry, bucket, key, rename.stamp, build, trace)
    # The rename has happened.
    return Reply(Done())


async def _refuse(state: SetState, bucket: str, key: bytes, rename: Rename, trace: str) -> None:
    """What can be renamed is a null version that nothing keeps where it is."""
    read = await resolve(state, Lookup(Space.OBJECT, bucket, key, want_inline=False, current=True), trace)
    assert read.decision is not None
    if read.decision.verdict is Verdict.CURRENT:
        version = await version_of(state, read, trace)
        await refuse_locked(state, version.meta.lock, bypass_governance=False, trace=trace)
        if version.stamp == rename.stamp and version.sub == NULL_VERSION and not version.is_marker:
            return
    raise Fault(FaultCode.CONFLICT, f"version {rename.stamp} is not current any more", read.decision.stamp)


async def _forget(state: SetState, request: Request) -> Reply:
    message, trace = request.message, request.trace
    assert isinstance(message, RenameForget)
    bucket, key, rename_id = message.bucket, message.key, message.rename_id
    async with state.locks.hold((bucket, key)):
        rows = await row_states(state, bucket, key, rename_id, trace)
        if rows.open:
            await _remove(state, message, rename_of(rows.open[0]).stamp, trace)
            await end_row(state, bucket, key, rename_id, rows.newest_stamp, trace)
    return Reply(Done())


async def _remove(state: SetState, message: RenameForget, stamp_moved: int, trace: str) -> None:
    """Remove the version that was renamed, if it is still there."""
    bucket, key, rename_id = message.bucket, message.key, message.rename_id

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        return on_every_drive(
            Commit(Space.OBJECT, bucket, key, stamp, RowKind.TOMBSTONE, rename=rename_id), expects
        )

    try:
        await commit_expecting(
            state, state.geometry, bucket, key, stamp_moved, build, trace, rename=rename_id
        )
    except Fault as fault:
        if fault.code is not FaultCode.CONFLICT or await _is_current(state, message, stamp_moved, trace):
            raise


async def _is_current(state: SetState, message: RenameForget, stamp: int, trace: str) -> bool:
    lookup = Lookup(
        Space.OBJECT,
        message.bucket,
        message.key,
        want_inline=False,
        current=True,
        rename=message.rename_id,
    )
    read = await resolve(state, lookup, trace)
    assert read.decision is not None
    return read.decision.verdict is Verdict.CURRENT and read.decision.stamp == stamp
