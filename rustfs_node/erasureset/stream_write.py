"""Large objects and upload parts: written stripe by stripe into a shard file on each drive, then committed.

    put_open, put_block, put_finish, put_abort
    put_one_block   a `PutSmall` that is an upload part, or whose shards are too large for the logs

A block is one stripe. It is answered when W drives have taken their fragment over. Nothing is visible or
durable before the commit that names the shard file, so a stream that is given up leaves nothing but files
that the drives drop. A drive that fails or falls behind is left out of the rest of the write and healed
later, as long as W keep up.
"""

from __future__ import annotations

from collections.abc import Sequence

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.append import geometry_to_append
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.stream import DATA_ID_BYTES, Stream
from rustfs_node.erasureset.stream_commit import commit
from rustfs_node.erasureset.upload_rows import require_target
from rustfs_proto.erasure.geometry import is_inline
from rustfs_proto.objects import Geometry
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    Done,
    PutAbort,
    PutBlock,
    PutBlockDone,
    PutFinish,
    PutOpen,
    PutOpened,
    PutSmall,
)


def put_open(state: SetState, request: Request) -> None:
    """Answer a `PutOpen`."""
    message = request.message
    assert isinstance(message, PutOpen)
    if message.part is None and not message.appends:
        _open(state, request, message)
    else:
        state.answer_later(request, _open_behind)


async def _open_behind(state: SetState, request: Request) -> Reply:
    """Its bytes join others, which are cut already."""
    message = request.message
    assert isinstance(message, PutOpen)
    geometry = await _geometry(state, message, message.storage_class, request.trace)
    handle = state.handles.add(_new_stream(state, geometry, message, message.size))
    return Reply(PutOpened(handle, geometry.stripe_bytes))


def _open(state: SetState, request: Request, message: PutOpen) -> None:
    geometry = state.geometry_of(message.storage_class)
    try:
        handle = state.handles.add(_new_stream(state, geometry, message, message.size))
    except Fault as fault:
        request.fail(fault)
    else:
        request.reply(PutOpened(handle, geometry.stripe_bytes))


async def _geometry(state: SetState, message: PutOpen | PutSmall, storage_class: str, trace: str) -> Geometry:
    is_moved = isinstance(message, PutOpen) and bool(message.mover)
    if message.part is not None and not is_moved:
        upload = await require_target(state, message.bucket, message.key, message.part, trace)
        return upload.geometry
    if message.appends:
        return await geometry_to_append(state, message.bucket, message.key, trace)
    return state.geometry_of(storage_class)


def _new_stream(state: SetState, geometry: Geometry, message: PutOpen | PutSmall, size: int) -> Stream:
    data_id = state.randomness.token(DATA_ID_BYTES)
    bucket, key, appends = message.bucket, message.key, message.appends
    mover = message.mover if isinstance(message, PutOpen) else b""
    return Stream(state, geometry, bucket, key, size, data_id, message.part, appends=appends, mover=mover)


def put_block(state: SetState, request: Request) -> None:
    """Answer a `PutBlock`."""
    message = request.message
    assert isinstance(message, PutBlock)
    try:
        stream = state.handles.get(message.handle)
        stripe = _checked(stream, message.index, request.frames)
    except Fault as fault:
        request.fail(fault)
        return
    stream.blocks_received += 1
    stream.received_bytes += len(stripe)
    stream.blocks_waiting += 1

    def go(fault: Fault | None) -> None:
        stream.blocks_waiting -= 1
        if fault is None:
            _send(state, request, stream, message.index, stripe)
            return
        # There is a gap in the stream now.
        state.handles.remove(message.handle)
        stream.give_up()
        request.fail(fault)

    state.memory.take(len(stripe), request.deadline, go)


def _send(state: SetState, request: Request, stream: Stream, index: int, stripe: bytes) -> None:
    """Its memory is there."""

    def taken(fault: Fault | None) -> None:
        if fault is None:
            request.reply(PutBlockDone())
        else:
            request.fail(fault)

    if stream.is_over:
        state.memory.give_back(len(stripe))
        request.fail(Fault(FaultCode.NOT_FOUND, "this write was given up"))
    elif index == 0 and not stream.appends and stream.part is None and _fits_logs(state, stream, stripe):
        # Its memory stays taken until the commit, which carries it.
        stream.held = stripe
        request.reply(PutBlockDone())
    else:
        # What is needed of it from here on are its fragments.
        request.frames = ()
        stream.send(index, stripe, taken)


def _checked(stream: Stream, index: int, frames: Sequence[bytes]) -> bytes:
    """The block, if it is the next one of the stream."""
    stripe = frames[0] if frames else b""
    is_next = index == stream.blocks_received
    is_after_whole_ones = stream.received_bytes == index * stream.geometry.stripe_bytes
    if not is_next or not is_after_whole_ones or not 0 < len(stripe) <= stream.geometry.stripe_bytes:
        before = f"{stream.blocks_received} blocks with {stream.received_bytes} bytes"
        text = f"block {index} of {len(stripe)} bytes after {before}"
        raise Fault(FaultCode.INVALID, text)
    return stripe


def _fits_logs(state: SetState, stream: Stream, stripe: bytes) -> bool:
    """A first block that is shorter than a stripe is the whole object."""
    size, geometry, limit = len(stripe), stream.geometry, state.settings.inline_bytes_max
    return size < geometry.stripe_bytes and is_inline(size, geometry.stripe_bytes, geometry.k, limit)


def put_abort(state: SetState, request: Request) -> None:
    """Answer a `PutAbort`; a handle that is not there is as good as given up."""
    message = request.message
    assert isinstance(message, PutAbort)
    stream = state.handles.remove(message.handle)
    if stream is not None:
        stream.give_up()
    request.reply(Done())


def put_finish(state: SetState, request: Request) -> None:
    """Answer a `PutFinish`."""
    state.answer_later(request, _finish)


async def _finish(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, PutFinish)
    stream = state.handles.remove(message.handle)
    if stream is None:
        raise Fault(FaultCode.NOT_FOUND, f"write {message.handle} is not open: it was finished or given up")
    if stream.blocks_waiting:
        stream.give_up()
        raise Fault(FaultCode.INVALID, f"{stream.blocks_waiting} blocks are not answered: finish after them")
    if stream.size not in {-1, stream.received_bytes}:
        stream.give_up()
        raise Fault(FaultCode.INVALID, f"{stream.received_bytes} bytes came, {stream.size} were announced")
    return Reply(await commit(state, stream, request))


async def put_one_block(state: SetState, request: Request) -> Reply:
    """Answer a `PutSmall` that needs a shard file, or is an upload part."""
    message = request.message
    assert isinstance(message, PutSmall)
    body = request.frames[0] if request.frames else b""
    geometry = await _geometry(state, message, message.info.storage_class, request.trace)
    stream = _new_stream(state, geometry, message, len(body))
    if body:
        await state.memory.taken(request, len(body))
        await stream.send_only(body)
    return Reply(await commit(state, stream, request))
