"""Delete where a bucket has versions: nothing is removed, a delete marker becomes the current version."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.conditional import Frames, commit_expecting, on_every_drive
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.target import target_of
from rustfs_node.erasureset.together import outcomes_of
from rustfs_node.erasureset.write import WatchedWrite
from rustfs_proto.objects import ObjectHead, ObjectMeta, encode_head, encode_meta
from rustfs_proto.wire.drive_ops import Commit, RowKind, Space
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import ANY_STAMP, Delete, Deleted


async def add_markers(state: SetState, request: Request) -> Reply:
    """Answer a `Delete` of keys that have versions."""
    message = request.message
    assert isinstance(message, Delete)
    expects = message.expects or (ANY_STAMP,) * len(message.keys)
    works = [
        partial(_add_marker, state, message, key, expect, request.trace)
        for key, expect in zip(message.keys, expects, strict=True)
    ]
    outcomes = await outcomes_of(works, state.settings.delete_concurrency)
    return Reply(
        Deleted(
            tuple(0 if isinstance(outcome, Fault) else outcome.stamp for outcome in outcomes),
            tuple(outcome.code.value if isinstance(outcome, Fault) else "" for outcome in outcomes),
            tuple(b"" if isinstance(outcome, Fault) else outcome.sub for outcome in outcomes),
        )
    )


async def _add_marker(state: SetState, message: Delete, key: bytes, expect: int, trace: str) -> WatchedWrite:
    head, meta = encode_head(ObjectHead(0, "")), encode_meta(ObjectMeta(state.geometry))
    bucket, geometry = message.bucket, state.geometry

    def build(stamp: int, expects: list[int]) -> tuple[Sequence[Commit | None], Frames]:
        target = target_of(state, bucket, key, message.versioning, stamp)
        marker = Commit(
            Space.OBJECT, bucket, key, stamp, RowKind.MARKER, target.sub, head=head, meta=meta, of_key=True
        )
        return on_every_drive(marker, expects)

    if expect == ANY_STAMP and not state.locks.is_held((bucket, key)):
        return await commit_expecting(state, geometry, bucket, key, expect, build, trace)
    async with state.locks.hold((bucket, key)):
        return await commit_expecting(state, geometry, bucket, key, expect, build, trace)
