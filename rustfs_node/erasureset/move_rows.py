"""What a mover learns of a set: which versions it has, and what was changed since.

A row on which the scanned drives agree is told as it stands; others are decided as reads are, on the mover's
behalf, so that what is on too few drives is written to the others first, frozen or not. A row that is found
not to be there, but of which drives have something, is told as a trace: where slots arrive nothing of it may
stay.
"""

from __future__ import annotations

from functools import partial

import trio

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.scan import RowScan
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import together
from rustfs_node.erasureset.version import version_of
from rustfs_proto.erasure.charter import unpack_slots
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.layout import slot_of
from rustfs_proto.erasure.listing import Merged, RowVerdict
from rustfs_proto.objects import decode_head
from rustfs_proto.s3.names import is_of_set
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.wire.drive_ops import Lookup, RowKind, ScanRow, SlotsWatched, Space, WatchSlots
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.move_ops import (
    MOVE_ROWS_MAX,
    MoveChanged,
    MoveChanges,
    MovePlace,
    MoveRow,
    MoveScan,
    MoveScanned,
)

_PASSED_MAX = 10 * MOVE_ROWS_MAX
"""Rows that one call passes over: most keys of a bucket may be in other slots."""


def scan(state: SetState, request: Request) -> None:
    """Answer a `MoveScan`."""
    state.answer_later(request, _scan)


def changes(state: SetState, request: Request) -> None:
    """Answer a `MoveChanges`."""
    state.answer_later(request, _changes)


async def _scan(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, MoveScan)
    if not 0 < message.limit <= MOVE_ROWS_MAX:
        raise Fault(FaultCode.INVALID, f"a limit of {message.limit} rows, at most {MOVE_ROWS_MAX}")
    slots = unpack_slots(message.slots)
    prefix = message.start.key if message.only else b""
    start = (message.start.key, message.start.sub)
    page_rows = state.settings.key_scan_rows if message.only else state.settings.scan_rows_max
    walk = RowScan(state, Space.OBJECT, message.bucket, prefix, start, b"", page_rows, request.trace)
    wanted: list[Merged] = []
    through: MovePlace | None = MovePlace(*start)
    passed = 0
    while through is not None and len(wanted) < message.limit and passed < _PASSED_MAX:
        rows = await walk.next_rows(message.limit - len(wanted))
        passed += len(rows)
        inside = [merged for merged in rows if _is_within(message, merged.row)]
        wanted += [merged for merged in inside if _is_wanted(message, slots, merged)]
        is_end = not rows or len(inside) < len(rows)
        through = None if is_end else MovePlace(rows[-1].row.key, rows[-1].row.sub)
    works = [partial(_told, state, message, merged, request.trace) for merged in wanted]
    found = await together(works, state.settings.lookup_concurrency)
    return Reply(MoveScanned(tuple(found), through))


def _is_within(message: MoveScan, row: ScanRow) -> bool:
    if message.only and row.key != message.start.key:
        return False
    return message.last is None or (row.key, row.sub) <= (message.last.key, message.last.sub)


def _is_wanted(message: MoveScan, slots: frozenset[int], merged: Merged) -> bool:
    bucket, key = message.bucket, merged.row.key
    if merged.verdict is RowVerdict.GONE or is_of_set(bucket, key):
        return False
    return slot_of(message.seed, bucket, key) in slots


async def _told(state: SetState, message: MoveScan, merged: Merged, trace: str) -> MoveRow:
    row = merged.row
    if merged.verdict is RowVerdict.PRESENT:
        return _row(row.key, row.sub, row.stamp, row.kind, row.head)
    lookup = Lookup(Space.OBJECT, message.bucket, row.key, row.sub, want_inline=False, mover=message.mover)
    read = await resolve(state, lookup, trace)
    assert read.decision is not None
    if read.decision.verdict is Verdict.ABSENT:
        return MoveRow(row.key, row.sub, NO_STAMP, RowKind.TOMBSTONE)
    version = await version_of(state, read, trace)
    return _row(row.key, row.sub, version.stamp, version.kind, version.raw_head)


def _row(key: bytes, sub: bytes, stamp: int, kind: int, raw_head: bytes) -> MoveRow:
    head = decode_head(raw_head)
    return MoveRow(key, sub, stamp, kind, head.origin, head.size)


async def _changes(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, MoveChanges)
    watch = WatchSlots(message.watch, message.slots, message.begins)
    keys: dict[tuple[str, bytes, bool], None] = {}
    drives: list[int] = []
    under_charter: list[int] = []

    async def ask(slot: int) -> None:
        try:
            reply = await state.drives.read(slot, watch, request.trace)
        except Fault:
            # Whether the others are enough is for the mover to say.
            return
        watched = reply.message
        assert isinstance(watched, SlotsWatched)
        keys.update(dict.fromkeys(watched.keys))
        if watched.is_kept or message.begins:
            drives.append(slot)
            if watched.charter_stamp == message.charter_stamp:
                under_charter.append(slot)

    async with trio.open_nursery() as nursery:
        for slot in range(state.n) if message.begins else message.drives:
            if slot < state.n:
                nursery.start_soon(ask, slot)
    told = MoveChanged(tuple(keys), tuple(sorted(drives)), len(under_charter), state.write_quorum)
    return Reply(told)
