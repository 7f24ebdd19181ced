"""The row of a rename at one of its keys: what each drive has of it, and its end.

It is judged drive by drive and not by a quorum read: what counts is on how many drives it is open, and on how
many it has ended for good.
"""

from __future__ import annotations

import attrs
import trio

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.delete import RowRemoval
from rustfs_node.erasureset.row_read import has_moved
from rustfs_node.erasureset.state import SetState
from rustfs_proto.objects import Rename, decode_meta
from rustfs_proto.wire.drive_ops import (
    ListRenames,
    LookedUp,
    Lookup,
    RenamesHeld,
    RowKind,
    RowName,
    RowState,
    Space,
)
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.rename_ops import OpenRename, RenamesListed, RenamesOpen


@attrs.frozen
class RowStates:
    """What the drives that answered have of the row, by slot."""

    found: dict[int, LookedUp]

    @property
    def open(self) -> list[LookedUp]:
        """The records of those on which it is open and can be read."""
        return [
            one
            for one in self.found.values()
            if one.state == RowState.FOUND and one.kind != RowKind.TOMBSTONE
        ]

    @property
    def has_open(self) -> bool:
        """Whether it is open anywhere, be its record readable or not."""
        return any(one.stamp and one.kind != RowKind.TOMBSTONE for one in self.found.values())

    @property
    def voters(self) -> list[LookedUp]:
        """What those drives say that have kept all that they acknowledged."""
        return [one for one in self.found.values() if one.evidence]

    @property
    def ended(self) -> int:
        """On how many voters it has ended. A tombstone that cannot be read any more is one."""
        return sum(bool(one.stamp) and one.kind == RowKind.TOMBSTONE for one in self.voters)

    def is_on_quorum(self, quorum: int, voters_needed: int) -> bool:
        """Whether it is open on so many drives. Those that have lost something count only where enough others
        answer and none of them says otherwise.
        """
        open_voters = sum(one.evidence for one in self.open)
        is_undisputed = open_voters == len(self.voters) >= voters_needed
        return open_voters >= quorum or (is_undisputed and len(self.open) >= quorum)

    @property
    def newest_stamp(self) -> int:
        """The newest stamp of the row anywhere."""
        return max((one.stamp for one in self.found.values()), default=0)


async def row_states(state: SetState, bucket: str, key: bytes, rename_id: bytes, trace: str) -> RowStates:
    """Ask every drive."""
    lookup = Lookup(Space.RENAME, bucket, key, rename_id, want_inline=False)
    replies = await _ask_drives(state, lookup, trace)
    found: dict[int, LookedUp] = {}
    for slot, reply in replies.items():
        assert isinstance(reply.message, LookedUp)
        found[slot] = reply.message
    if any(one.is_elsewhere for one in found.values()):
        raise has_moved()
    return RowStates(found)


async def end_row(state: SetState, bucket: str, key: bytes, rename_id: bytes, above: int, trace: str) -> None:
    """A tombstone on a write quorum of drives: the row is never opened again. Raises `Fault`."""
    answered: Answer[int | Fault] = Answer()
    removal = RowRemoval(state, Space.RENAME, bucket, key, rename_id, answered.set)
    removal.start(trace, known_stamp=above or 1)
    outcome = await answered.wait()
    if isinstance(outcome, Fault):
        raise outcome


def renames_open(state: SetState, request: Request) -> None:
    """Answer a `RenamesOpen`."""
    state.answer_later(request, _renames_open)


async def _renames_open(state: SetState, request: Request) -> Reply:
    message, trace = request.message, request.trace
    assert isinstance(message, RenamesOpen)
    replies = await _ask_drives(state, ListRenames(message.bucket), trace)
    rows: dict[RowName, None] = {}
    for reply in replies.values():
        assert isinstance(reply.message, RenamesHeld)
        rows |= dict.fromkeys(reply.message.rows)
    found = [await _open_rename(state, row, trace) for row in rows]
    # The two rows of a rename may be at home here both.
    return Reply(RenamesListed(tuple(dict.fromkeys(one for one in found if one is not None))))


async def _open_rename(state: SetState, row: RowName, trace: str) -> OpenRename | None:
    """What the row says; None where it has ended meanwhile."""
    rows = await row_states(state, row.bucket, row.key, row.sub, trace)
    if rows.open:
        return OpenRename(row.sub, rename_of(rows.open[0]))
    if rows.has_open:
        # Its record is damaged where it is open. It can be told to have ended only by the other drives.
        if rows.ended < state.write_quorum:
            raise Fault(FaultCode.NO_QUORUM, "no drive can tell any more of a rename that is open")
        await end_row(state, row.bucket, row.key, row.sub, rows.newest_stamp, trace)
    return None


def rename_of(found: LookedUp) -> Rename:
    """What the record of a row says of its rename."""
    rename = decode_meta(found.meta).rename
    assert rename is not None, "rows of renames say which"
    return rename


async def _ask_drives(state: SetState, message: Lookup | ListRenames, trace: str) -> dict[int, Reply]:
    """The answers of the drives that answer, by slot. Once a write quorum has, the others get a moment more:
    a drive that hangs must not keep both keys of a rename waiting.
    """
    replies: dict[int, Reply] = {}

    async def ask(slot: int) -> None:
        try:
            replies[slot] = await state.drives.read(slot, message, trace)
        except Fault:
            # Whether the others are enough is for the caller to say.
            return
        if len(replies) == state.write_quorum:
            nursery.cancel_scope.deadline = trio.current_time() + state.settings.complete_wait_s

    async with trio.open_nursery() as nursery:
        for slot in range(state.n):
            nursery.start_soon(ask, slot)
    return replies
