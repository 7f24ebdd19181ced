"""Rebuilds the drives of this node that are HEALING: formatted into a set that has something, or of a log
that was cut.

All rows that the drives of the set have are gone through in order; the drive is given what it lacks. Then
they are gone through once more, as a census: only after that the drive's absences may count again. A walk
over what is there already costs little, as rows are compared by their names and stamps, and only what is on
the drive itself is read. So there is no other record of how far a rebuild has come than what is on the drive:
whatever dies, the next walk passes over all that was done.

Before the first walk there is one that looks only for versions of which no more shards are left than reads
need, by their storage class or because other drives lack them as well: the drive is given those first. It
holds nothing in memory but a page, and leaves to the walks behind it whatever it cannot give.

Why it need not be known what is written meanwhile: every write goes to all drives, this one included. Where
it does not take one, others have acknowledged it, and it never claimed to have it.

Why two steps (`Rejoin`). What a HEALING drive lacks it may have had; so reads let it support a version that
is on too few others, and may show it. Once its absence counts, that version must be on the drive, or on a
write quorum without it. Before the last walk the drive therefore *joins*: from then on reads give it what
they show. What they showed before is on drives that the last walk asks, when it begins after every read has
ended that heard the drive before (`_JOINING_LOOKUPS`). One such walk that leaves nothing over is enough. One
that found something lacking is repeated all the same, in case that says something of the one before; but not
for ever, as on a busy set every walk meets writes that have not come to the drive yet.

What is in doubt counts as left over, and then the drive stays HEALING: rows that cannot be told because
drives are away, open renames, a version that cannot go below a newer one that nobody acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog
import trio

from rustfs_node.erasureset.heal_counts import Rebuild
from rustfs_node.erasureset.heal_key import heal_any
from rustfs_node.erasureset.heal_row import RowHealed
from rustfs_node.erasureset.heal_walk import RowWalk
from rustfs_node.erasureset.peers import Rank
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import outcomes_of
from rustfs_proto.wire.drive_ops import DriveState, RowName, Space
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


class Rebuilder:
    """`run` looks after the drives of this node."""

    def __init__(self, state: SetState) -> None:
        self._state = state
        own = next((one.node for one in state.plan.workers if one.name == state.plan.name), 0)
        self._slots = [plan.slot for plan in state.plan.drives if plan.node == own]
        self._retry_s = state.settings.heal_retry_s

    async def run(self) -> None:
        """Rebuild whatever is HEALING, one drive after the other, for ever."""
        settings = self._state.settings
        while True:
            await trio.sleep(settings.heal_pause_s)
            is_left = False
            for slot in filter(self._is_healing, self._slots):
                is_left |= not await self._rebuild(slot)
            if is_left:
                await trio.sleep(self._retry_s)
            self._retry_s = (
                min(2 * self._retry_s, settings.heal_retry_max_s) if is_left else settings.heal_retry_s
            )

    def _is_healing(self, slot: int) -> bool:
        condition = self._state.drives.conditions[slot]
        return (
            condition.rank is not Rank.AWAY
            and condition.status is not None
            and condition.status.state == DriveState.HEALING
        )

    async def _rebuild(self, slot: int) -> bool:
        """Whether the drive is whole now. What it has got stays, whatever the end."""
        state, plan = self._state, self._state.plan.drives[slot]
        rebuild = state.healing.rebuilds.setdefault(slot, Rebuild())
        if not rebuild.walks:
            log.info("rebuild_begun", set=state.plan.name, slot=slot, path=plan.path)
        try:
            await _Rebuilding(state, slot, rebuild).run()
        except Fault as fault:
            log.warning("rebuild_waits", set=state.plan.name, slot=slot, left=rebuild.left, reason=str(fault))
            return False
        log.info(
            "rebuild_done", set=state.plan.name, slot=slot, path=plan.path,
            rows=rebuild.given, size_bytes=rebuild.size_bytes,
        )  # fmt: skip
        del state.healing.rebuilds[slot]
        await state.drives.look_at(slot)
        return True


class _Rebuilding:
    """One drive being rebuilt. All of it raises `Fault` where it has to wait for something."""

    def __init__(self, state: SetState, slot: int, rebuild: Rebuild) -> None:
        self._state, self._slot, self._rebuild = state, slot, rebuild
        # With fewer an older version may be the one that was acknowledged last, whatever its parity is.
        self._enough = max(state.write_quorum, state.n - 1)
        self._left: dict[RowName, bool] = {}
        # Rows left over that are not remembered; rows that the drive was not given, one after the other.
        self._beyond = self._in_vain = 0
        self._token = state.randomness.token(_TOKEN_BYTES)

    async def run(self) -> None:
        """Give what is urgent; then walk, join, and walk again until nothing is found."""
        await self._give_urgent()
        await self._walk()
        await self._rejoin(is_rebuilt=False)
        await trio.sleep(_JOINING_LOOKUPS * self._state.settings.lookup_timeout_s)
        for _ in range(_CENSUSES_MAX):
            if not await self._walk():
                break
        await self._rejoin(is_rebuilt=True)

    async def _rejoin(self, *, is_rebuilt: bool) -> None:
        await self._state.drives.write(self._slot, Rejoin(self._token, is_rebuilt), ())

    async def _give_urgent(self) -> None:
        """The least protected versions, before all others. Raises `Fault`."""
        state, slot = self._state, self._slot
        walk = RowWalk(state, _FIRST)
        urgent: list[RowName] = []
        strides = state.heal_pace.strides()
        while (row := await walk.next()) is not None and row.name.space == Space.OBJECT:
            k = state.geometry_of(row.newest.storage_class).k
            if slot in walk.slots and row.lacks_urgently(slot, k):
                urgent.append(row.name)
            if len(urgent) >= state.settings.heal_page_rows:
                await self._give(urgent)
                urgent.clear()
            await strides.row_done()
        await self._give(urgent)

    async def _give(self, names: Sequence[RowName]) -> None:
        """What cannot be given is met again."""
        works = [partial(self._heal_row, name, is_torn=False) for name in names]
        await outcomes_of(works, self._state.settings.heal_at_once)

    async def _walk(self) -> bool:
        """Over all rows; whether there was something to do. Raises `Fault` where it is not all done."""
        rebuild = self._rebuild
        rebuild.begin_walk()
        self._left.clear()
        self._beyond = self._in_vain = 0
        walk = RowWalk(self._state, _FIRST, (self._slot,))
        torn: dict[RowName, bool] = {}
        strides = self._state.heal_pace.strides()
        while (row := await walk.next()) is not None:
            if self._slot not in walk.slots:
                raise Fault(FaultCode.PEER_DOWN, "the drive does not answer")
            if row.name.space != Space.HEAL and not row.is_surely_whole(self._slot, self._enough):
                await self._heal_before(row.name.space, torn)
                torn[row.name] = self._slot in row.held and row.held[self._slot].has_gaps
            await strides.row_done()
        await self._heal(torn)
        await self._try_again()
        return rebuild.found > 0

    async def _try_again(self) -> None:
        """What could not be rebuilt when it was met may only have been busy."""
        for _ in range(_TRIES):
            if not self._left or self._beyond:
                break
            await trio.sleep(self._state.settings.heal_retry_s)
            left, self._left, self._in_vain = self._left, {}, 0
            for space in Space:
                await self._heal({name: is_torn for name, is_torn in left.items() if name.space == space})
        if self._left:
            raise Fault(FaultCode.NO_QUORUM, f"{self._rebuild.left} rows cannot be rebuilt now")

    async def _heal_before(self, space: int, torn: dict[RowName, bool]) -> None:
        """Heal what is gathered, before rows of another kind, which depend on it, are gathered."""
        is_other = any(name.space != space for name in torn)
        if is_other or len(torn) >= self._state.settings.heal_page_rows:
            await self._heal(torn)
            torn.clear()

    async def _heal(self, torn: dict[RowName, bool]) -> None:
        works = [partial(self._heal_row, name, is_torn=is_torn) for name, is_torn in torn.items()]
        outcomes = await outcomes_of(works, self._state.settings.heal_at_once)
        for name, outcome in zip(torn, outcomes, strict=True):
            if isinstance(outcome, Fault):
                self._leave(name, is_torn=torn[name])
            elif self._slot in outcome.left:
                self._in_vain += 1
                self._leave(name, is_torn=torn[name])
            else:
                self._in_vain = 0
        self._rebuild.left = len(self._left) + self._beyond
        if self._in_vain > self._state.settings.heal_page_rows:
            raise Fault(FaultCode.NO_QUORUM, f"{self._in_vain} rows in a row did not come to the drive")

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

    async def _heal_row(self, name: RowName, *, is_torn: bool) -> RowHealed:
        if self._may_lack_object(name):
            return RowHealed(left={self._slot})
        healed = await heal_any(self._state, name, (self._slot,), (self._slot,) if is_torn else ())
        if self._slot in healed.given:
            self._rebuild.give(healed.size_bytes)
        await self._state.heal_pace.row_done()
        return healed
