"""All rows of a set in order, whatever they are: merged from all drives that answer.

Enough of them must have kept all that they acknowledged, that every version which may have been acknowledged
is on one of them: as many as a listing asks. A drive that does not answer at first is left out. One that
fails on the way ends the walk by a `Fault`; it is begun anew behind the last row that it gave.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from rustfs_node.bus import Reply
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.peers import Rank
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import together
from rustfs_proto.erasure.geometry import voters_needed
from rustfs_proto.erasure.healing import RowCursor, WalkedRow, take_row
from rustfs_proto.wire.drive_ops import RowName
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.heal_ops import ListRows, RowsListed


class RowWalk:
    """A walk behind `after`. Rows of the drives in `verified` are read before they count as whole.
    `page_rows` are asked of a drive at a time (default: `set.heal_page_rows`). `notes` as in `ListRows`.
    `is_long`: it goes on to the end, so pages are asked for ahead.
    """

    def __init__(
        self,
        state: SetState,
        after: RowName,
        verified: Collection[int] = (),
        page_rows: int = 0,
        *,
        notes: bool = False,
        is_long: bool = False,
    ) -> None:
        self._state = state
        self._verified, self._notes, self._is_long = verified, notes, is_long
        self._ahead: dict[int, Answer[Reply | Fault]] = {}
        self._page_rows = page_rows or state.settings.heal_page_rows
        self._voters: dict[int, bool] = {}
        slots = [slot for slot in range(state.n) if state.drives.conditions[slot].rank is not Rank.AWAY]
        self._cursors = {slot: RowCursor(after) for slot in slots}

    @property
    def slots(self) -> frozenset[int]:
        """The drives that take part."""
        return frozenset(self._cursors)

    async def next(self) -> WalkedRow | None:
        """The next row; None at the end. Raises `Fault`."""
        while wanting := [slot for slot, cursor in self._cursors.items() if cursor.wants_page]:
            await together([partial(self._fetch, slot) for slot in wanting], len(wanting))
        voters = sum(self._voters.values())
        needed = voters_needed(self._state.k, self._state.m)
        if voters < needed:
            text = f"{voters} of {self._state.n} drives can tell what there is, {needed} must"
            raise Fault(FaultCode.NO_QUORUM, text)
        return take_row(self._cursors)

    async def _fetch(self, slot: int) -> None:
        cursor = self._cursors[slot]
        answer = await (self._ahead.pop(slot, None) or self._ask(slot)).wait()
        if isinstance(answer, Fault):
            if slot in self._voters:
                raise answer
            del self._cursors[slot]
            return
        listed = answer.message
        assert isinstance(listed, RowsListed)
        self._voters[slot] = listed.evidence
        cursor.feed(listed.rows, more=listed.more)
        if self._is_long and listed.more:
            self._ahead[slot] = self._ask(slot)

    def _ask(self, slot: int) -> Answer[Reply | Fault]:
        after = self._cursors[slot].resume
        request = ListRows(after, self._page_rows, slot in self._verified, self._notes)
        return self._state.drives.begin_read(slot, request)
