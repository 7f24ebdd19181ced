"""Whether a rename has happened: decided once, the same for all who ask.

A rename is given up by the row of its mark: a tombstone where there is nothing yet. Each drive takes either
the mark or the tombstone first, and none takes the mark after a tombstone. Two write quorums meet, so not
both can be acknowledged; which of them is can be told of the drives at any time, by anybody.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import trio
from msgspec.structs import replace

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.rename_rows import RowStates, end_row, rename_of, row_states
from rustfs_node.erasureset.state import SetState
from rustfs_proto.erasure.geometry import voters_needed
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.wire.drive_ops import Commit, RowKind, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.rename_ops import RenameDecide, RenameDecided, RenameState
from rustfs_proto.wire.set_ops import ANY_STAMP


def decide(state: SetState, request: Request) -> None:
    """Answer a `RenameDecide`."""
    state.answer_later(request, _decide)


async def _decide(state: SetState, request: Request) -> Reply:
    message, trace = request.message, request.trace
    assert isinstance(message, RenameDecide)
    for _ in range(state.settings.steady_reads):
        rows = await _rows(state, message, trace)
        if rows.open and rows.ended < voters_needed(state.k, state.m):
            await _mark_again(state, message, rows, trace)
            rows = await _rows(state, message, trace)
        decided = await _judge(state, message, rows, trace)
        if decided is not None:
            return Reply(RenameDecided(decided))
        # On some drives there is nothing yet: what is put there now decides, unless a mark comes first.
        await _end_where_empty(state, message, rows, trace)
    raise Fault(FaultCode.NO_QUORUM, "too few drives answer to tell whether the rename has happened")


async def _rows(state: SetState, message: RenameDecide, trace: str) -> RowStates:
    return await row_states(state, message.bucket, message.key, message.rename_id, trace)


async def _judge(state: SetState, message: RenameDecide, rows: RowStates, trace: str) -> RenameState | None:
    """What became of the rename; None where it has to be given up first."""
    needed = voters_needed(state.k, state.m)
    if rows.ended >= needed:
        if rows.has_open or rows.ended < state.write_quorum:
            # Too few drives are left that could ever have the mark: what some have of it never counted, or
            # has done its work.
            bucket, key = message.bucket, message.key
            await end_row(state, bucket, key, message.rename_id, rows.newest_stamp, trace)
        return RenameState.ENDED
    if rows.is_on_quorum(state.write_quorum, needed):
        return RenameState.MOVED
    if rows.has_open or rows.ended or message.gives_up:
        return None
    if len(rows.voters) < state.write_quorum:
        raise Fault(FaultCode.NO_QUORUM, f"{len(rows.voters)} of {state.n} drives can tell")
    return RenameState.OPEN


async def _mark_again(state: SetState, message: RenameDecide, rows: RowStates, trace: str) -> None:
    """Give the mark that some drives have to the others: the very same, compared as at first. Only where a
    drive has lost something it cannot be compared.
    """
    found = rows.open[0]
    mark = Commit(
        Space.RENAME,
        message.bucket,
        message.key,
        found.stamp,
        RowKind.VALUE,
        message.rename_id,
        head=found.head,
        meta=found.meta,
        expect=rename_of(found).stamp,
        of_key=True,
    )
    blind = replace(mark, expect=ANY_STAMP, of_key=False)
    commits = {slot: mark if one.evidence else blind for slot, one in rows.found.items() if not one.stamp}
    await _offer(state, commits, trace)


async def _end_where_empty(state: SetState, message: RenameDecide, rows: RowStates, trace: str) -> None:
    """A tombstone on each voter that has nothing of the rename. What others lack proves nothing."""
    stamp = state.new_stamp(rows.newest_stamp)
    end = Commit(
        Space.RENAME,
        message.bucket,
        message.key,
        stamp,
        RowKind.TOMBSTONE,
        message.rename_id,
        expect=NO_STAMP,
    )
    await _offer(state, {slot: end for slot, one in rows.found.items() if one.evidence}, trace)


async def _offer(state: SetState, commits: Mapping[int, Commit], trace: str) -> None:
    """Send the commits, by slot. What each drive then has is looked at afterwards."""

    async def put(slot: int, commit: Commit) -> None:
        with contextlib.suppress(Fault):
            await state.drives.write(slot, commit, (), trace)

    async with trio.open_nursery() as nursery:
        for slot, commit in commits.items():
            nursery.start_soon(put, slot, commit)
