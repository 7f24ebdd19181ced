"""A sequence: goes over all rows of its scopes on all drives, counts how they are kept, and unless it is a
dry run has what lacks or is damaged healed.

The walk verifies each row on each drive (`ListRows.verify`). Where all drives have the same, whole, nothing
more is asked; everything else is looked at row by row (`survey`), and healed as notes are (`heal_any`), so
that a sequence can decide nothing that a read would not. What was healed is looked at once more: only what is
good then counts as repaired.

It rests and spends as all healing does (`heal_pace`). Stopped, it finishes the rows that it is at: a heal is
never cut off. It lives with its worker and is not taken up again by the next one; that what is healed is
healed makes a second one short.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial

import attrs
import structlog
import trio

from rustfs_node.erasureset.charters import read_charter
from rustfs_node.erasureset.heal_key import heal_any, heal_key
from rustfs_node.erasureset.heal_walk import RowWalk
from rustfs_node.erasureset.sequence_tally import Tally, repaired
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.survey import read_files, survey_row
from rustfs_node.erasureset.together import outcomes_of
from rustfs_proto.erasure.healing import WalkedRow
from rustfs_proto.erasure.surveying import GOOD, Look, is_behind, is_in, look_of, place_before
from rustfs_proto.wire.drive_ops import RowKind, RowName, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.sequence_ops import (
    ENDED,
    FAILED,
    FINISHED,
    RUNNING,
    STOPPED,
    WAITING,
    Scope,
    SequenceStart,
    SequenceView,
)

log = structlog.get_logger()

_LOOK_S = 0.1
"""How often it is looked whether items were taken."""

_SPACES = (Space.OBJECT, Space.UPLOAD, Space.PART)
"""Notes are each drive's own, and renames end by themselves."""

_MOVED = frozenset({FaultCode.MOVED, FaultCode.MOVED_UNKNOWN})


class Sequence:
    """One of them, in this set. `run` does it; all else may be asked at any time."""

    def __init__(self, state: SetState, order: SequenceStart) -> None:
        self.order = order
        self.state = WAITING
        self.tally = Tally(state.settings, order.items)
        self.ended_ms = self._began_ms = 0
        self._set = state
        self._reason = ""
        self._is_stopping = False
        # Whether those who want to hear of each version have taken some lately.
        self._is_heard = True
        self._at = RowName()
        self._pending: list[Callable[[], Awaitable[None]]] = []
        # Rows that were met, and not counted yet.
        self._uncounted = 0
        self._enough = max(state.write_quorum, state.n - 1)

    @property
    def has_ended(self) -> bool:
        """Whether it is over, one way or another."""
        return self.state in ENDED

    @property
    def is_of_all(self) -> bool:
        """Whether it goes over everything that the set has."""
        return not any(scope.bucket for scope in self.order.scopes)

    def stop(self) -> None:
        """Nothing new is begun from now on."""
        self._is_stopping = True
        if self.state == WAITING:
            self._end(STOPPED)

    async def run(self, turn: trio.Semaphore) -> None:
        """To its end, when it is its turn."""
        async with turn:
            if self.has_ended:
                return
            self.state, self._began_ms = RUNNING, self._set.clock.wall_ms()
            try:
                for scope in self.order.scopes:
                    for space in _SPACES if scope.bucket else _SPACES[:1]:
                        await self._go_over(scope, space)
            except Fault as fault:
                self._end(FAILED, str(fault))
            else:
                self._end(STOPPED if self._is_stopping else FINISHED)

    def _end(self, state: str, reason: str = "") -> None:
        self.state, self._reason = state, reason
        self.ended_ms = self._set.clock.wall_ms()
        tally = self.tally
        log.info(
            "sequence_ended", id=self.order.id, set=self._set.plan.name, state=state, reason=reason,
            versions=tally.versions, found=dict(tally.found), repaired=dict(tally.repaired),
            failed=tally.failed,
        )  # fmt: skip

    async def _go_over(self, scope: Scope, space: int) -> None:
        """All rows of the scope in that space and, where it is all there is, in those behind it. A drive that
        fails on the way is no reason to end, until for `heal_sequence_patience_s` nothing went on.
        """
        settings, clock = self._set.settings, self._set.clock
        self._at = place_before(scope, space)
        went_on_s = clock.monotonic_s()
        while not self._is_stopping:
            at = self._at
            try:
                await self._walk(scope, space)
            except Fault:
                went_on_s = went_on_s if self._at == at else clock.monotonic_s()
                if clock.monotonic_s() > went_on_s + settings.heal_sequence_patience_s:
                    raise
                await trio.sleep(settings.heal_retry_s)
            else:
                return

    async def _walk(self, scope: Scope, space: int) -> None:
        """From where it is to the end. Raises `Fault` where drives fail."""
        await read_charter(self._set, "")
        walk = RowWalk(self._set, self._at, range(self._set.n), is_long=True)
        try:
            await self._take_rows(walk, scope, space)
        except Fault:
            # They were met, and will not be again.
            await self._treat_pending()
            raise
        await self._treat_pending()

    async def _take_rows(self, walk: RowWalk, scope: Scope, space: int) -> None:
        strides = self._set.heal_pace.strides()
        at_once = self._set.settings.heal_page_rows
        kind = space
        while not self._is_stopping and (row := await walk.next()) is not None:
            if row.name.space not in _SPACES or is_behind(scope, space, row.name):
                return
            if row.name.space != kind or len(self._pending) >= at_once:
                # What becomes of uploads hangs on their objects.
                kind = row.name.space
                await self._treat_pending()
            self._at = row.name
            if is_in(scope, row.name):
                self._take(row, walk.slots)
            if await strides.row_done():
                await read_charter(self._set, "")
            await self._leave_room()

    async def _leave_room(self) -> None:
        """For a while those who want to hear of each version are waited for, and then no more."""
        if self.tally.has_room():
            self._is_heard = True
        elif self._is_heard:
            with trio.move_on_after(self._set.settings.heal_items_wait_s) as patience:
                while not self.tally.has_room() and not self._is_stopping:  # noqa: ASYNC110 - nobody tells
                    await trio.sleep(_LOOK_S)
            self._is_heard = not patience.cancelled_caught

    def _take(self, row: WalkedRow, slots: Collection[int]) -> None:
        """A row of the walk: count it, or put it aside to be looked at. Copies in slots that are another
        set's are counted there.
        """
        state = self._set
        if not state.charter.has(row.name.bucket, row.name.key):
            return
        self.tally.met(row)
        look = look_of(row, slots, state.n, self._enough, state.k)
        if look is None or (self.order.deep and look.has_files):
            self._pending.append(partial(self._treat, row, look))
            self._uncounted += 1
        else:
            self._count(look, look)

    async def _treat_pending(self) -> None:
        """Look at what was put aside, and heal it."""
        pending, self._pending = self._pending, []
        await outcomes_of(pending, self._set.settings.heal_at_once)

    async def _treat(self, row: WalkedRow, look: Look | None) -> None:
        await self._leave_room()
        if self._is_stopping:
            return
        await self._look_and_heal(row, look)
        self._uncounted -= 1

    async def _look_and_heal(self, row: WalkedRow, look: Look | None) -> None:
        state = self._set
        reads = range(state.n) if self.order.deep else ()
        try:
            if look is None:
                look = await survey_row(state, row.name, row.held, reads, self._spend)
            else:
                look = await read_files(state, look, reads, self._spend)
            if look is not None:
                is_to_heal = look.damaged and not self.order.dry_run
                after, reason = await self._heal(look) if is_to_heal else (look, "")
                self._count(look, after, reason)
        except Fault as fault:
            if fault.code not in _MOVED:
                self.tally.untold(row, fault)
        await state.heal_pace.row_done()

    async def _heal(self, look: Look) -> tuple[Look, str]:
        """How it is afterwards, and why it is not good where it is not."""
        state, name, slots = self._set, look.name, tuple(look.damaged)
        reasons: Mapping[int, str] = {}
        try:
            if name.space == Space.OBJECT:
                reasons = (await heal_any(state, name, slots, slots)).reasons
            else:
                # What becomes of uploads hangs on the object, and of parts on the upload.
                await heal_key(state, name.bucket, name.key)
        except Fault as fault:
            return look, str(fault)
        after = await survey_row(state, name, {}, slots, self._spend)
        if after is None:
            # It is gone, and so is what was wrong with it.
            return attrs.evolve(look, kind=RowKind.TOMBSTONE, shards=(GOOD,) * state.n), ""
        after = attrs.evolve(after, size_bytes=look.size_bytes)
        left = {slot: shard for slot, shard in after.damaged.items() if slot in slots}
        return after, "; ".join(f"drive {slot}: {reasons.get(slot, shard)}" for slot, shard in left.items())

    async def _spend(self, size_bytes: int) -> None:
        self.tally.size_bytes += size_bytes
        await self._set.heal_pace.spend(size_bytes)

    def _count(self, before: Look, after: Look, reason: str = "") -> None:
        if not self.order.deep:
            self.tally.size_bytes += after.size_bytes * after.good
        self.tally.treated(before, after, reason)
        self._set.healing.damage_found.update(before.damaged.values())
        self._set.healing.damage_repaired.update(repaired(before, after))

    def view(self) -> SequenceView:
        """How far it is."""
        order, tally = self.order, self.tally
        rows = [one.status.rows for one in self._set.drives.conditions if one.status is not None]
        return SequenceView(
            order.id,
            self._set.plan.index,
            self.state,
            asked_for=order.asked_for,
            client=order.client,
            dry_run=order.dry_run,
            deep=order.deep,
            sets=order.sets,
            reason=self._reason,
            began_ms=self._began_ms,
            ended_ms=self.ended_ms,
            objects=tally.objects,
            versions=tally.versions,
            rows=tally.rows - self._uncounted,
            rows_expected=max(rows, default=0) if self.is_of_all else 0,
            size_bytes=tally.size_bytes,
            found=dict(tally.found),
            repaired=dict(tally.repaired),
            protections=dict(tally.protections),
            failed=tally.failed,
            failures=tuple(tally.failures),
        )
