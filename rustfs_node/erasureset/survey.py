"""Looks at one row on all drives: what reads answer by, and each drive's shard of it.

What reads answer by is found out by a read (`resolve`), which like any other completes what is half written.
What was written a moment ago may still be on its way to slower drives: it is looked at once more before
anything of it counts as lacking.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial

import attrs
import trio
from msgspec.structs import replace

from rustfs_node.bus import Reply
from rustfs_node.erasureset.heal_key import is_over
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import outcomes_of
from rustfs_node.erasureset.version import version_of
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.durability import Damage
from rustfs_proto.erasure.surveying import GOOD, Look, shard_of, shard_of_removed
from rustfs_proto.objects import INLINE, ObjectMeta, decode_meta
from rustfs_proto.stamp import wall_ms_of
from rustfs_proto.wire.drive_ops import LookedUp, Lookup, RowKind, RowName, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.heal_ops import CheckRow, HeldRow, RowChecked

Spend = Callable[[int], Awaitable[None]]


async def survey_row(
    state: SetState, name: RowName, held: Mapping[int, HeldRow], reads: Collection[int], spend: Spend
) -> Look | None:
    """How the row is kept; None where reads find nothing, nor was anything removed. On drives in `reads`
    shard files are read to their end. `held` is what drives said of it when they verified it. Raises `Fault`
    where it cannot be told what the row is.
    """
    look = await _survey(state, name, held)
    if look is not None and look.damaged:
        age_s = (state.clock.wall_ms() - wall_ms_of(look.stamp)) / 1000
        fresh_s = state.settings.heal_fresh_s
        if 0 <= age_s < fresh_s:
            await trio.sleep(fresh_s - age_s)
            look = await _survey(state, name, held)
    return None if look is None else await read_files(state, look, reads, spend)


async def _survey(state: SetState, name: RowName, held: Mapping[int, HeldRow]) -> Look | None:
    lookup = Lookup(name.space, name.bucket, name.key, name.sub)
    read = await resolve(state, lookup)
    assert read.decision is not None
    stamp = read.decision.stamp
    if not stamp or (name.space == Space.PART and await is_over(state, name)):
        return None
    if read.decision.verdict is Verdict.ABSENT:
        found = await _found(state, lookup, stamp)
        shards = tuple(GOOD if one is None else shard_of_removed(one, stamp) for one in found)
        return Look(name, stamp, RowKind.TOMBSTONE, shards, state.k)
    version = await version_of(state, read, "")
    meta = decode_meta(version.raw_meta) if version.kind == RowKind.VALUE else None
    found = await _found(state, lookup, stamp)
    shards = tuple(
        Damage.AWAY if one is None else shard_of(one, stamp, held.get(slot)) for slot, one in enumerate(found)
    )
    k = state.k if meta is None else meta.geometry.k
    size_bytes = max((one.size_bytes for one in held.values() if one.stamp == stamp), default=0)
    return Look(name, stamp, version.kind, shards, k, _has_files(meta), size_bytes, version.head.size)


def _has_files(meta: ObjectMeta | None) -> bool:
    return meta is not None and any(part.data_id != INLINE for part in meta.parts)


async def _found(state: SetState, lookup: Lookup, stamp: int) -> list[LookedUp | None]:
    """What each drive has of that stamp, or the next older; None of one that does not answer."""
    works = [partial(_found_on, state, slot, lookup, stamp) for slot in range(state.n)]
    outcomes = await outcomes_of(works, state.n)
    return [None if isinstance(one, Fault) else one for one in outcomes]


async def _found_on(state: SetState, slot: int, lookup: Lookup, stamp: int) -> LookedUp:
    found = _looked_up(await state.drives.read(slot, lookup))
    if found.stamp > stamp:
        found = _looked_up(await state.drives.read(slot, replace(lookup, stamp=stamp)))
    return found


def _looked_up(reply: Reply) -> LookedUp:
    assert isinstance(reply.message, LookedUp)
    return reply.message


async def read_files(state: SetState, look: Look, reads: Collection[int], spend: Spend) -> Look:
    """The same after the files of its good shards were read to their end, on drives in `reads`."""
    slots = [slot for slot, shard in enumerate(look.shards) if shard == GOOD and slot in reads]
    if not slots or not look.has_files:
        return look
    works = [partial(_flaw_on, state, look, slot, spend) for slot in slots]
    shards = list(look.shards)
    for slot, outcome in zip(slots, await outcomes_of(works, len(works)), strict=True):
        shards[slot] = Damage.AWAY if isinstance(outcome, Fault) else outcome
    return attrs.evolve(look, shards=tuple(shards))


async def _flaw_on(state: SetState, look: Look, slot: int, spend: Spend) -> str:
    check = CheckRow(look.name, look.stamp)
    while True:
        try:
            checked = (await state.drives.read(slot, check)).message
        except Fault as fault:
            if fault.code is FaultCode.NOT_FOUND:
                # It was replaced since, and with it all that was to be read.
                return GOOD
            raise
        assert isinstance(checked, RowChecked)
        await spend(checked.size_bytes)
        if checked.flaw or not checked.data_id:
            return checked.flaw
        check = replace(check, data_id=checked.data_id, index=checked.index)
