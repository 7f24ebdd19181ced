"""Which way a `Delete` takes, and the way of one that expects versions.

A key of which a version is expected takes turns with conditional writes, and its tombstone is committed as
they are: by every drive that still has exactly what it had when the version was found to be current.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import trio

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.conditional import Frames, commit_expecting, on_every_drive
from rustfs_node.erasureset.delete import BatchDelete, RowRemoval, deleted_of
from rustfs_node.erasureset.markers import add_markers
from rustfs_node.erasureset.state import SetState
from rustfs_proto.versions import Versioning
from rustfs_proto.wire.drive_ops import Commit, RowKind, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, DELETE_KEYS_MAX, Delete


def delete(state: SetState, request: Request) -> None:
    """Answer a `Delete`: nearly always by `BatchDelete`."""
    message = request.message
    assert isinstance(message, Delete)
    if len(message.keys) > DELETE_KEYS_MAX:
        request.fail(Fault(FaultCode.INVALID, f"{len(message.keys)} keys, at most {DELETE_KEYS_MAX}"))
    elif message.expects and len(message.expects) != len(message.keys):
        text = f"{len(message.expects)} stamps for {len(message.keys)} keys: send one for each, or none"
        request.fail(Fault(FaultCode.INVALID, text))
    elif message.versioning != Versioning.OFF:
        state.answer_later(request, add_markers)
    elif not message.expects:
        BatchDelete(state, request, message).start()
    else:
        state.answer_later(request, _delete_expected)


async def _delete_expected(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, Delete)
    outcomes: list[int | Fault] = [0] * len(message.keys)

    async def remove(waiting: Iterator[int]) -> None:
        for index in waiting:
            key, expect = message.keys[index], message.expects[index]
            try:
                outcomes[index] = await _remove(state, message.bucket, key, expect, request.trace)
            except Fault as fault:
                outcomes[index] = fault

    waiting = iter(range(len(message.keys)))
    async with trio.open_nursery() as nursery:
        for _ in range(min(len(message.keys), state.settings.delete_concurrency)):
            nursery.start_soon(remove, waiting)
    return Reply(deleted_of(outcomes))


async def _remove(state: SetState, bucket: str, key: bytes, expect: int, trace: str) -> int | Fault:
    """The stamp of the tombstone, 0 where nothing was there and any was expected."""
    if expect == ANY_STAMP:
        removed: Answer[int | Fault] = Answer()
        RowRemoval(state, Space.OBJECT, bucket, key, b"", removed.set).start(trace)
        return await removed.wait()

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        return on_every_drive(Commit(Space.OBJECT, bucket, key, stamp, RowKind.TOMBSTONE), expects)

    async with state.locks.hold((bucket, key)):
        written = await commit_expecting(state, state.geometry, bucket, key, expect, build, trace)
    return written.stamp
