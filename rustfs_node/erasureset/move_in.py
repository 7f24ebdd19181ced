"""A version that comes from another set, and the removal of what does not belong to a set any more.

The version gets a stamp of this set, later than whatever its row has here, so that each attempt replaces the
one before, whatever became of that. What tells of its place stays: its sub, and the stamp of the write that
brought its bytes. Its `origin` tells which version of the other set it is, by which a mover knows what is
here already, and conditional writes what they looked at there.

Bytes are cut anew, as new objects of its storage class are. Nothing here needs a lock: until the slot has
arrived there is nobody but the mover.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

import attrs
from msgspec.structs import replace

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.conditional import Frames
from rustfs_node.erasureset.delete import RowRemoval
from rustfs_node.erasureset.lock_clock import begin_lock_clock
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.state import SetState, codec_of
from rustfs_node.erasureset.stream import DATA_ID_BYTES, Stream
from rustfs_node.erasureset.target import Target
from rustfs_node.erasureset.together import together
from rustfs_node.erasureset.version import version_of
from rustfs_node.erasureset.write import WatchedWrite, file_commits, fragment_commits, write_row
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.geometry import fragment_bytes
from rustfs_proto.erasure.multipart import part_sub
from rustfs_proto.objects import (
    INLINE,
    Geometry,
    ObjectHead,
    ObjectMeta,
    Part,
    encode_head,
    encode_meta,
    written_of,
)
from rustfs_proto.versions import is_sub
from rustfs_proto.wire.drive_ops import Commit, Lookup, RowKind, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.move_ops import MOVE_ROWS_MAX, MovePlace, MoveRemove, MoveVersion
from rustfs_proto.wire.set_ops import ANY_STAMP, Done


def move_version(state: SetState, request: Request) -> None:
    """Answer a `MoveVersion`."""
    state.answer_later(request, _move_version)


def remove(state: SetState, request: Request) -> None:
    """Answer a `MoveRemove`."""
    state.answer_later(request, _remove)


async def _move_version(state: SetState, request: Request) -> Reply:
    message, body = request.message, request.frames[0] if request.frames else b""
    assert isinstance(message, MoveVersion)
    _check(state, message, body)
    if message.lock_now_ms:
        await begin_lock_clock(state, message.lock_now_ms, request.trace)
    if message.parts_id:
        geometry, parts = await _kept_parts(state, message, request.trace)
        row = await _write(state, message, _Bytes(geometry, parts), request.trace)
        await row.finished(state.settings.complete_wait_s)
        # As after a completed upload: by these rows a drive that missed the version keeps its shards.
        spared = set(range(state.n)) - row.committed_slots
        await _forget_parts(state, message, spared, request.trace)
    else:
        await state.memory.taken(request, len(body))
        try:
            await _move_body(state, request, message, body)
        finally:
            state.memory.give_back(len(body))
    return Reply(Done())


def _check(state: SetState, message: MoveVersion, body: bytes) -> None:
    size = sum(part.size for part in message.meta.parts)
    is_known = message.kind in (RowKind.VALUE, RowKind.MARKER) and is_sub(message.sub)
    if not is_known or message.stamp <= 0 or size != message.head.size:
        raise Fault(FaultCode.INVALID, "no version of a key is like that")
    if not message.parts_id and (len(body) != size or size > state.geometry.stripe_bytes):
        raise Fault(FaultCode.INVALID, f"{len(body)} bytes came in one body of {size}")


@attrs.frozen
class _Bytes:
    """The bytes of a version as they stand here: `parts` names them, `body` is inline, `stream` wrote the one
    file of a body that is too large for that. `shards_needed` as in `RowWrite`.
    """

    geometry: Geometry
    parts: tuple[Part, ...]
    body: bytes = b""
    stream: Stream | None = None

    @property
    def shards_needed(self) -> int | None:
        """Parts were acknowledged, each by itself."""
        return None if self.body or self.stream else self.geometry.k


async def _move_body(state: SetState, request: Request, message: MoveVersion, body: bytes) -> None:
    geometry = state.geometry_of(message.head.storage_class)
    parts = message.meta.parts
    stream = None
    data_id = INLINE
    if fragment_bytes(len(body), geometry.k) > state.settings.inline_bytes_max:
        data_id = state.randomness.token(DATA_ID_BYTES)
        stream = Stream(state, geometry, message.bucket, message.key, len(body), data_id)
        # Given back by the stream.
        await state.memory.taken(request, len(body))
        await stream.send_only(body)
    named = tuple(replace(part, data_id=data_id if part.size else INLINE) for part in parts)
    try:
        if stream is not None:
            await stream.drained()
        written = _Bytes(geometry, named, b"" if stream else body, stream)
        await _write(state, message, written, request.trace)
    except Fault as fault:
        # Where the effect is unknown the file may be part of a version: the drives find out.
        if stream is not None and fault.not_applied:
            stream.give_up()
        raise
    finally:
        if stream is not None:
            stream.finished()


async def _kept_parts(state: SetState, message: MoveVersion, trace: str) -> tuple[Geometry, tuple[Part, ...]]:
    """The parts of the version under the names that they have here, which must all be cut alike."""
    works = [partial(_kept_part, state, message, part, trace) for part in message.meta.parts if part.size]
    found = await together(works, state.settings.lookup_concurrency)
    geometries = {geometry for geometry, _ in found}
    if len(geometries) != 1:
        raise Fault(FaultCode.NOT_FOUND, f"the parts of the version are cut in {len(geometries)} ways")
    kept = iter([part for _, part in found])
    parts = tuple(
        replace(part, data_id=next(kept).data_id) if part.size else replace(part, data_id=INLINE)
        for part in message.meta.parts
    )
    return geometries.pop(), parts


async def _kept_part(state: SetState, message: MoveVersion, part: Part, trace: str) -> tuple[Geometry, Part]:
    sub = part_sub(message.parts_id, part.number)
    lookup = Lookup(Space.PART, message.bucket, message.key, sub, want_inline=False, mover=message.mover)
    read = await resolve(state, lookup, trace)
    assert read.decision is not None
    if read.decision.verdict is not Verdict.ABSENT:
        meta = (await version_of(state, read, trace)).meta
        if [kept.size for kept in meta.parts] == [part.size]:
            return meta.geometry, meta.parts[0]
    raise Fault(FaultCode.NOT_FOUND, f"part {part.number} of the version is not there as it should be")


async def _forget_parts(state: SetState, message: MoveVersion, spared: Collection[int], trace: str) -> None:
    """As an upload does, they end by one tombstone, with which each drive drops their rows."""
    answered: Answer[int | Fault] = Answer()
    removal = RowRemoval(
        state,
        Space.UPLOAD,
        message.bucket,
        message.key,
        message.parts_id,
        answered.set,
        spared,
        mover=message.mover,
    )
    removal.start(trace, known_stamp=message.stamp)
    outcome = await answered.wait()
    if isinstance(outcome, Fault):
        raise outcome


async def _write(state: SetState, message: MoveVersion, written: _Bytes, trace: str) -> WatchedWrite:
    """Under a stamp above whatever the row has on enough drives to be in the way."""
    above = message.stamp
    for retries_left in range(state.settings.retries, -1, -1):
        commits, frames = _commits(state, message, written, state.new_stamp(above))
        try:
            # Once it is acknowledged the version is here, for the mover alone.
            return await write_row(state, written.geometry, commits, frames, trace, written.shards_needed)
        except Fault as fault:
            if not fault.newest or not retries_left:
                raise
            above = fault.newest
    raise AssertionError("unreachable: the last round raises or returns")


def _commits(
    state: SetState, message: MoveVersion, written: _Bytes, stamp: int
) -> tuple[list[Commit | None], Frames]:
    geometry = written.geometry
    target = Target(message.bucket, message.key, message.sub)
    head = replace(message.head, written=written_of(message.head, message.stamp), origin=message.stamp)
    meta = replace(message.meta, geometry=geometry, parts=written.parts)
    frames: Frames = None
    if message.kind == RowKind.MARKER:
        commits = _marker_commits(state, target, stamp, head, meta)
    elif written.body:
        fragments = codec_of(geometry).encode(written.body)
        commits, frames = fragment_commits(state, target, stamp, head, meta, fragments, None)
    else:
        expects = [ANY_STAMP] * state.n
        whole = written.stream is not None
        commits = file_commits(state, target, stamp, encode_head(head), meta, expects, whole=whole)
    left_out = written.stream.left_out if written.stream else [False] * state.n
    named = [
        None if commit is None or out else replace(commit, mover=message.mover)
        for out, commit in zip(left_out, commits, strict=True)
    ]
    return named, frames


def _marker_commits(
    state: SetState, target: Target, stamp: int, head: ObjectHead, meta: ObjectMeta
) -> list[Commit | None]:
    marker = Commit(
        Space.OBJECT,
        target.bucket,
        target.key,
        stamp,
        RowKind.MARKER,
        target.sub,
        head=encode_head(head),
        meta=encode_meta(meta),
    )
    return [marker] * state.n


async def _remove(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, MoveRemove)
    if len(message.rows) > MOVE_ROWS_MAX:
        raise Fault(FaultCode.INVALID, f"{len(message.rows)} rows, at most {MOVE_ROWS_MAX}")
    works = [partial(_remove_row, state, message, row, request.trace) for row in message.rows]
    await together(works, state.settings.delete_concurrency)
    return Reply(Done())


async def _remove_row(state: SetState, message: MoveRemove, row: MovePlace, trace: str) -> None:
    answered: Answer[int | Fault] = Answer()
    removal = RowRemoval(
        state, Space.OBJECT, message.bucket, row.key, row.sub, answered.set, mover=message.mover
    )
    removal.start(trace)
    outcome = await answered.wait()
    if isinstance(outcome, Fault):
        raise outcome
