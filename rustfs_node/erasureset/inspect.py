"""Inspect: where the shards of a key are and how each is, for an operator who wants to see.

Every drive is asked for every version, those too that reads have no need of. What reads make of a version is
told beside it; where they cannot tell, the newest that any drive has is what the others are compared with.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.key_versions import KeyVersions
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.shard_check import is_readable
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import outcomes_of
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.inspection import FILE_DAMAGED, NO_ANSWER, WHOLE, state_of
from rustfs_proto.erasure.placement import shard_of_slot
from rustfs_proto.objects import INLINE, ObjectMeta, decode_head, decode_meta
from rustfs_proto.versions import NULL_VERSION
from rustfs_proto.wire.drive_ops import LookedUp, Lookup, RowKind, RowState, Space
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.inspect_ops import Inspect, Inspected, ShardView, VersionView


def inspect(state: SetState, request: Request) -> None:
    """Answer an `Inspect`."""
    state.answer_later(request, _inspect)


async def _inspect(state: SetState, request: Request) -> Reply:
    message, trace = request.message, request.trace
    assert isinstance(message, Inspect)
    subs, more = await _subs(state, message, trace)
    views = [await _view(state, message, sub, trace) for sub in subs]
    return Reply(Inspected(tuple(view for view in views if view is not None), more))


async def _subs(state: SetState, message: Inspect, trace: str) -> tuple[list[bytes], bool]:
    """Those of the newest versions, and whether there are more."""
    versions = KeyVersions(state, message.bucket, message.key, trace)
    subs = [NULL_VERSION]
    while (listed := await versions.next()) is not None:
        if len(subs) > state.settings.inspect_versions:
            return subs, True
        subs.append(listed.sub)
    return subs, False


async def _view(state: SetState, message: Inspect, sub: bytes, trace: str) -> VersionView | None:
    """None where no drive knows of such a version."""
    lookup = Lookup(Space.OBJECT, message.bucket, message.key, sub)
    # First: what is half written is completed by whoever asks what reads make of it.
    found = await _found(state, lookup, trace)
    stamp, verdict = await _verdict(state, lookup, trace)
    stamp = stamp or max((one.stamp for one in found.values()), default=0)
    if not stamp:
        return None
    record = next((one for one in found.values() if one.stamp == stamp and one.state == RowState.FOUND), None)
    has_bytes = record is not None and record.kind == RowKind.VALUE
    meta = decode_meta(record.meta) if record is not None and has_bytes else None
    drives = [await _shard(state, message, meta, stamp, slot, found.get(slot)) for slot in range(state.n)]
    if record is None or meta is None:
        return VersionView(sub, stamp, record.kind if record else 0, verdict, tuple(drives))
    head, geometry = decode_head(record.head), meta.geometry
    return VersionView(
        sub, stamp, record.kind, verdict, tuple(drives), head.size, head.etag, geometry.k, geometry.m
    )  # fmt: skip


async def _verdict(state: SetState, lookup: Lookup, trace: str) -> tuple[int, str]:
    """The stamp that reads decide upon, 0 where they cannot, and what they make of it."""
    try:
        read = await resolve(state, lookup, trace)
    except Fault as fault:
        return 0, f"cannot be told: {fault.message}"
    assert read.decision is not None
    is_there = read.decision.verdict is Verdict.CURRENT
    return read.decision.stamp, "current" if is_there else "removed"


async def _found(state: SetState, lookup: Lookup, trace: str) -> Mapping[int, LookedUp]:
    """What each drive that answers has."""
    works = [partial(state.drives.read, slot, lookup, trace) for slot in range(state.n)]
    outcomes = enumerate(await outcomes_of(works, state.n))
    replies = [(slot, outcome.message) for slot, outcome in outcomes if isinstance(outcome, Reply)]
    return {slot: message for slot, message in replies if isinstance(message, LookedUp)}


async def _shard(
    state: SetState, message: Inspect, meta: ObjectMeta | None, stamp: int, slot: int, found: LookedUp | None
) -> ShardView:
    shard = shard_of_slot(message.bucket, message.key, slot, state.n)
    if found is None:
        return ShardView(slot, shard, NO_ANSWER)
    state_word = state_of(found, stamp)
    if state_word == WHOLE and message.deep and meta is not None:
        state_word = await _deep(state, message, meta, slot)
    return ShardView(slot, shard, state_word, found.stamp)


async def _deep(state: SetState, message: Inspect, meta: ObjectMeta, slot: int) -> str:
    """The same after all of its shard files were read."""
    key_name = (message.bucket, message.key)
    for part in meta.parts:
        try:
            if part.data_id != INLINE and not await is_readable(state, key_name, meta, part, slot):
                return FILE_DAMAGED
        except Fault:
            return FILE_DAMAGED
    return WHOLE
