"""Rebuilds one drive.

All rows that the drives of the set have are gone through in order; the drive is given what it lacks, several
rows at a time. Then they are gone through once more, as a census: only after that the drive's absences may
count again. A walk over what is there already costs little, as rows are compared by their names and stamps,
and only what is on the drive itself is read.

Before the first walk there is one that looks only for versions of which no more shards are left than reads
need, by their storage class or because other drives lack them as well: the drive is given those first. It
leaves to the walks behind it whatever it cannot give.

How far it has come stands on the drive (`rebuild_marks`), never beyond a row that is under way or was left
over. So whatever dies, the next walk goes on there; and were the mark wrong, the census would find it.

Why it need not be known what is written meanwhile: every write goes to all drives, this one included. Where
it does not take one, others have acknowledged it, and it never claimed to have it.

Why two steps (`Rejoin`). What a HEALING drive lacks it may have had; so reads let it support a version that
is on too few others, and may show it. Once its absence counts, that version must be on the drive, or on a
write quorum without it. Before the last walk the drive therefore *joins*: from then on reads give it what
they show. What they showed before is on drives that the last walk asks, when it begins after every read has
ended that heard the drive before. Those of this worker are known; where others serve the set too they are
given the time of `_JOINING_LOOKUPS`. One such walk that leaves nothing over is enough. One that found
something lacking is repeated all the same, in case that says something of the one before; but not for ever,
as on a busy set every walk meets writes that have not come to the drive yet. It may be taken up by another
worker, as long as the drive is in the life in which it joined.

What is in doubt counts as left over, and then the drive stays HEALING: rows that cannot be told because
drives are away, open renames, a version that cannot go below a newer one that nobody acknowledged.
"""

from __future__ import annotations

from functools import partial

import structlog
import trio

from rustfs_node.erasureset.heal_counts import Rebuild
from rustfs_node.erasureset.heal_key import heal_any
from rustfs_node.erasureset.heal_row import RowHealed
from rustfs_node.erasureset.heal_walk import RowWalk
from rustfs_node.erasureset.rebuild_marks import RebuildMarks
from rustfs_node.erasureset.rebuild_window import Window
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import outcomes_of
from rustfs_proto.disk.rebuild_place import Stage
from rustfs_proto.erasure.healing import WalkedRow
from rustfs_proto.erasure.rebuilding import Progress
from rustfs_proto.wire.drive_ops import RowName, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.heal_ops import Rejoin

log = structlog.get_logger()

_TOKEN_BYTES = 16
_JOINING_LOOKUPS = 3
"""A read asks a drive at most so many questions, one after the other, before it decides or asks anew."""

_CENSUSES_MAX = 3
"""Walks after joining, where each of them finds something."""

_TRIES = 3
"""How often what a walk left over is tried again at its end."""

_FIRST = RowName()


class DriveRebuild:
    """The rebuild of the drive in `slot`. `run` raises `Fault` where it has to wait for something."""

    def __init__(self, state: SetState, slot: int, rebuild: Rebuild) -> None:
        self._state, self._slot, self._rebuild = state, slot, rebuild
        self._marks = RebuildMarks(state, slot, rebuild)
        # With fewer an older version may be the one that was acknowledged last, whatever its parity is.
        self._enough = max(state.write_quorum, state.n - 1)
        self._window = Window(state.settings.heal_rows_ahead)
        self._left: dict[RowName, bool] = {}
        # Rows left over that are not remembered; rows that the drive was not given, one after the other.
        self._beyond = self._in_vain = 0

    async def run(self) -> None:
        """Give what is urgent; then walk, join, and walk again until nothing is found. Each from where it
        was.
        """
        place, token = await self._marks.recall()
        if place.stage <= Stage.URGENT:
            await self._give_urgent(place.at)
        if place.stage <= Stage.GIVING:
            await self._walk(Stage.GIVING, place.at if place.stage == Stage.GIVING else _FIRST)
        if place.stage < Stage.CENSUS or not token:
            token, after = await self._join(), _FIRST
        else:
            after = place.at
        for _ in range(_CENSUSES_MAX):
            if not await self._walk(Stage.CENSUS, after):
                break
            after = _FIRST
        await self._rejoin(token, is_rebuilt=True)

    async def _join(self) -> bytes:
        """From now on reads give the drive what they show. Returns when those before have ended."""
        state = self._state
        token = state.randomness.token(_TOKEN_BYTES)
        await self._rejoin(token, is_rebuilt=False)
        with trio.move_on_after(_JOINING_LOOKUPS * state.settings.lookup_timeout_s):
            if state.is_alone:
                await state.open_reads.ended()
            else:
                await trio.sleep_forever()
        return token

    async def _rejoin(self, token: bytes, *, is_rebuilt: bool) -> None:
        await self._state.drives.write(self._slot, Rejoin(token, is_rebuilt), ())

    async def _give_urgent(self, after: RowName) -> None:
        """The least protected versions, before all others. What cannot be given is met again."""
        walk = RowWalk(self._state, after, is_long=True)
        await self._go_over(walk, Stage.URGENT, Progress(after))

    async def _walk(self, stage: Stage, after: RowName) -> bool:
        """Over all rows behind that one; whether there was something to do. Raises `Fault` where not all of
        it is done.
        """
        rebuild = self._rebuild
        rebuild.begin_walk()
        self._left.clear()
        self._beyond = self._in_vain = 0
        walk = RowWalk(self._state, after, (self._slot,), is_long=True)
        await self._go_over(walk, stage, Progress(after))
        await self._try_again()
        return rebuild.found > 0

    async def _go_over(self, walk: RowWalk, stage: Stage, progress: Progress) -> None:
        fault: Fault | None = None
        async with trio.open_nursery() as nursery:
            try:
                await self._take_rows(walk, stage, progress, nursery)
            except Fault as found:
                fault = found
        # What was under way has ended.
        await self._marks.keep(stage, progress.place)
        if fault is not None:
            raise fault

    async def _take_rows(
        self, walk: RowWalk, stage: Stage, progress: Progress, nursery: trio.Nursery
    ) -> None:
        strides = self._state.heal_pace.strides()
        space = progress.last.space
        while (row := await walk.next()) is not None:
            self._refuse_to_go_on(walk, stage)
            if row.name.space != space:
                if stage == Stage.URGENT:
                    return
                # Rows of another kind hang on those before.
                space = row.name.space
                await self._window.empty()
            if self._is_wanted(row, stage, walk):
                await self._window.take()
                progress.met(row.name)
                nursery.start_soon(self._heal, row, stage, progress)
            else:
                progress.passed(row.name)
            await strides.row_done()
            if self._marks.are_due:
                await self._marks.keep(stage, progress.place)

    def _refuse_to_go_on(self, walk: RowWalk, stage: Stage) -> None:
        if stage != Stage.URGENT and self._slot not in walk.slots:
            raise Fault(FaultCode.PEER_DOWN, "the drive does not answer")
        if self._in_vain > self._state.settings.heal_page_rows:
            raise Fault(FaultCode.NO_QUORUM, f"{self._in_vain} rows in a row did not come to the drive")

    def _is_wanted(self, row: WalkedRow, stage: Stage, walk: RowWalk) -> bool:
        if stage == Stage.URGENT:
            k = self._state.geometry_of(row.newest.storage_class).k
            return self._slot in walk.slots and row.lacks_urgently(self._slot, k)
        return row.name.space != Space.HEAL and not row.is_surely_whole(self._slot, self._enough)

    async def _heal(self, row: WalkedRow, stage: Stage, progress: Progress) -> None:
        """One row of a walk."""
        own = row.held.get(self._slot)
        is_torn = own is not None and own.has_gaps
        is_left = True
        try:
            healed = await self._heal_row(row.name, is_torn=is_torn, lacks=own is None)
        except Fault as fault:
            # What it should be cannot be told now; that says nothing of the drive.
            log.debug("row_not_rebuilt", bucket=row.name.bucket, slot=self._slot, reason=str(fault))
        else:
            is_left = self._slot in healed.left
            self._in_vain = self._in_vain + 1 if is_left else 0
        is_left = is_left and stage != Stage.URGENT
        if is_left:
            self._leave(row.name, is_torn=is_torn)
        progress.ended(row.name, is_done=not is_left)
        self._rebuild.left = len(self._left) + self._beyond
        self._window.give_back()

    async def _try_again(self) -> None:
        """What could not be rebuilt when it was met may only have been busy."""
        for _ in range(_TRIES):
            if not self._left or self._beyond:
                break
            await trio.sleep(self._state.settings.heal_retry_s)
            left, self._left = self._left, {}
            for space in Space:
                names = [name for name in left if name.space == space]
                works = [partial(self._heal_row, name, is_torn=left[name]) for name in names]
                outcomes = await outcomes_of(works, self._state.settings.heal_at_once)
                for name, outcome in zip(names, outcomes, strict=True):
                    if isinstance(outcome, Fault) or self._slot in outcome.left:
                        self._leave(name, is_torn=left[name])
            self._rebuild.left = len(self._left)
        if self._left:
            raise Fault(FaultCode.NO_QUORUM, f"{self._rebuild.left} rows cannot be rebuilt now")

    def _leave(self, name: RowName, *, is_torn: bool) -> None:
        """However many are lost for good, what lies behind them is given all the same."""
        if len(self._left) < self._state.settings.heal_page_rows:
            self._left[name] = is_torn
        else:
            self._beyond += 1

    def _may_lack_object(self, name: RowName) -> bool:
        """Whether the drive may be without the object of an upload: see `heal_key`. While it is, the upload's
        rows are left as they are.
        """
        if name.space not in {Space.UPLOAD, Space.PART}:
            return False
        key = (Space.OBJECT, name.bucket, name.key)
        return self._beyond > 0 or any((one.space, one.bucket, one.key) == key for one in self._left)

    async def _heal_row(self, name: RowName, *, is_torn: bool, lacks: bool = False) -> RowHealed:
        if self._may_lack_object(name):
            return RowHealed(left={self._slot})
        slots, torn = (self._slot,), (self._slot,) if is_torn else ()
        healed = await heal_any(self._state, name, slots, torn, lacking=slots if lacks else ())
        if self._slot in healed.given:
            self._rebuild.give(healed.size_bytes)
        await self._state.heal_pace.row_done()
        return healed
