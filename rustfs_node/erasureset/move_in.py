"""A version that comes from another set, and the removal of what does not belong to a set any more.

The version gets a stamp of this set, later than whatever its row has here, so that each attempt replaces the
one before, whatever became of that. What tells of its place stays: its sub, and the stamp of the write that
brought its bytes. Its `origin` tells which version of the other set it is, by which a mover knows what is
here already, and conditional writes what they looked at there.

Bytes are cut anew, as new objects of its storage class are. Nothing here needs a lock: until the slot has
arrived there is nobody but the mover.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.conditional import Frames
from rustfs_node.erasureset.delete import RowRemoval
from rustfs_node.erasureset.state import SetState, codec_of
from rustfs_node.erasureset.stream import DATA_ID_BYTES, Stream
from rustfs_node.erasureset.target import Target
from rustfs_node.erasureset.together import together
from rustfs_node.erasureset.write import file_commits, fragment_commits, write_row
from rustfs_proto.erasure.geometry import fragment_bytes
from rustfs_proto.objects import (
    INLINE,
    Geometry,
    ObjectHead,
    ObjectMeta,
    encode_head,
    encode_meta,
    written_of,
)
from rustfs_proto.versions import is_sub
from rustfs_proto.wire.drive_ops import Commit, RowKind, Space
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
    streams = _streams(state, message)
    await state.memory.taken(request, len(body))
    try:
        if body and _needs_file(state, message, body):
            streams = [await _stream_of(state, request, message, body)]
        for stream in streams:
            await stream.drained()
        await _write(state, message, b"" if streams else body, streams, request.trace)
    except Fault as fault:
        # Where the effect is unknown the files may be part of a version: the drives find out.
        for stream in streams:
            if fault.not_applied:
                stream.give_up()
        raise
    finally:
        state.memory.give_back(len(body))
        for stream in streams:
            stream.finished()
    return Reply(Done())


def _check(state: SetState, message: MoveVersion, body: bytes) -> None:
    size = sum(part.size for part in message.meta.parts)
    is_known = message.kind in (RowKind.VALUE, RowKind.MARKER) and is_sub(message.sub)
    if not is_known or message.stamp <= 0 or size != message.head.size:
        raise Fault(FaultCode.INVALID, "no version of a key is like that")
    if not message.handles and (len(body) != size or size > state.geometry.stripe_bytes):
        raise Fault(FaultCode.INVALID, f"{len(body)} bytes came in one body of {size}")


def _streams(state: SetState, message: MoveVersion) -> list[Stream]:
    """What was written under the handles, which are spent by this."""
    found = [state.handles.remove(handle) for handle in message.handles]
    streams = [stream for stream in found if stream is not None]
    sizes = [part.size for part in message.meta.parts if part.size]
    are_whole = all(not stream.blocks_waiting for stream in streams)
    geometries = {stream.geometry for stream in streams}
    is_right = not message.handles or [stream.received_bytes for stream in streams] == sizes
    if len(streams) == len(found) and are_whole and is_right and len(geometries) <= 1:
        return streams
    for stream in streams:
        stream.give_up()
    raise Fault(FaultCode.NOT_FOUND, "what was written for the version is not there as it should be")


def _needs_file(state: SetState, message: MoveVersion, body: bytes) -> bool:
    geometry = state.geometry_of(message.head.storage_class)
    return fragment_bytes(len(body), geometry.k) > state.settings.inline_bytes_max


async def _stream_of(state: SetState, request: Request, message: MoveVersion, body: bytes) -> Stream:
    """The body in a shard file: it is too large for the logs."""
    geometry = state.geometry_of(message.head.storage_class)
    data_id = state.randomness.token(DATA_ID_BYTES)
    stream = Stream(state, geometry, message.bucket, message.key, len(body), data_id)
    # Given back by the stream.
    await state.memory.taken(request, len(body))
    await stream.send_only(body)
    return stream


async def _write(
    state: SetState, message: MoveVersion, body: bytes, streams: Sequence[Stream], trace: str
) -> None:
    """Under a stamp above whatever the row has on enough drives to be in the way."""
    above = message.stamp
    for retries_left in range(state.settings.retries, -1, -1):
        stamp = state.new_stamp(above)
        geometry, commits, frames = _commits(state, message, body, streams, stamp)
        try:
            await write_row(state, geometry, commits, frames, trace)
        except Fault as fault:
            if not fault.newest or not retries_left:
                raise
            above = fault.newest
        else:
            # The version is here from now on, for the mover alone.
            return


def _commits(
    state: SetState, message: MoveVersion, body: bytes, streams: Sequence[Stream], stamp: int
) -> tuple[Geometry, list[Commit | None], Frames]:
    geometry = streams[0].geometry if streams else state.geometry_of(message.head.storage_class)
    target = Target(message.bucket, message.key, message.sub)
    head = replace(message.head, written=written_of(message.head, message.stamp), origin=message.stamp)
    meta = _meta(message, geometry, streams)
    frames: Frames = None
    if message.kind == RowKind.MARKER:
        commits = _marker_commits(state, target, stamp, head, meta)
    elif body:
        fragments = codec_of(geometry).encode(body)
        commits, frames = fragment_commits(state, target, stamp, head, meta, fragments, None)
    else:
        expects = [ANY_STAMP] * state.n
        commits = file_commits(state, target, stamp, encode_head(head), meta, expects, whole=bool(streams))
    left_out = {slot for stream in streams for slot, out in enumerate(stream.left_out) if out}
    named = [
        None if commit is None or slot in left_out else replace(commit, mover=message.mover)
        for slot, commit in enumerate(commits)
    ]
    return geometry, named, frames


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


def _meta(message: MoveVersion, geometry: Geometry, streams: Sequence[Stream]) -> ObjectMeta:
    """The same under the names and the geometry that its parts have here."""
    data_ids = iter([stream.data_id for stream in streams])
    parts = tuple(
        replace(part, data_id=next(data_ids, INLINE) if part.size else INLINE) for part in message.meta.parts
    )
    return replace(message.meta, geometry=geometry, parts=parts)


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
