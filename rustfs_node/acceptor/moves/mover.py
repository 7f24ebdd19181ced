"""The mover: works through the change of the layout, for as long as one is open.

It keeps nothing that cannot be lost. Whoever begins, after a crash or because the one before is not heard of,
puts a name of its own into all charters, brings what nobody owns to where it was about to arrive, and goes on
from what the charters say: slots that have moved are moved, of the others nothing has. One acceptor of a
deployment does this, the first of its first node; were there two, the one that wrote its name last could go
on and the other could not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import structlog
import trio

from rustfs_node.acceptor.buckets import Buckets
from rustfs_node.acceptor.moves.copying import Way
from rustfs_node.acceptor.moves.pace import Pace
from rustfs_node.acceptor.moves.registers import (
    Charters,
    KeptChange,
    Overtaken,
    read_change,
    write_change,
)
from rustfs_node.acceptor.moves.slots import SlotsMove, WatchLost, are_open_renames
from rustfs_node.acceptor.sets import Sets
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.randomness import Randomness
from rustfs_proto.erasure.charter import MOVER_BYTES, Hold, ownerless, owners_of, pack_slots
from rustfs_proto.erasure.rebalancing import Change, ChangeState, moves_of
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.wire.faults import Fault

log = structlog.get_logger()


@attrs.define
class Mover:
    """`settle_s`: how long a commit may take. `is_busy` as in `Pace`."""

    sets: Sets
    buckets: Buckets
    clock: Clock
    randomness: Randomness
    settle_s: float
    is_busy: Callable[[], bool]
    _charters: Charters = attrs.field(init=False)
    _kept: KeptChange = attrs.field(init=False)
    _pace: Pace = attrs.field(init=False)
    _told_objects: int = attrs.field(default=0, init=False)
    _told_bytes: int = attrs.field(default=0, init=False)
    _told_at_s: float = attrs.field(default=0.0, init=False)

    async def run(self) -> None:
        """Look for changes for ever."""
        settings = self.sets.settings
        while True:
            try:
                self._kept = await read_change(self.sets)
                if self._kept.change is not None and self._kept.change.state.is_open:
                    await self._work()
            except (Fault, Overtaken, WatchLost) as error:
                log.warning("move_interrupted", reason=str(error) or type(error).__name__)
            await trio.sleep(settings.move_look_s)

    @property
    def _change(self) -> Change:
        assert self._kept.change is not None
        return self._kept.change

    async def _work(self) -> None:
        settings = self.sets.settings
        self._pace = Pace(self.clock, settings.move_bytes_per_s, self.is_busy)
        self._told_objects = self._told_bytes = 0
        self._told_at_s = self.clock.monotonic_s()
        self._charters = Charters(self.sets, self.randomness.token(MOVER_BYTES))
        await self._charters.take_over()
        await self._bring_home()
        log.info("move_begun", change=self._change.change_id, state=self._change.state.value)
        waiting = 0
        if self._change.state is ChangeState.MOVING:
            owners = owners_of(self.sets.homes.base, self._charters.all())
            for (source, target), slots in moves_of(owners, self._change.targets).items():
                waiting += await self._move(source, target, slots)
        await self._tidy()
        if self._change.state is ChangeState.CANCELLING:
            await self._tell(state=ChangeState.CANCELLED, waiting=0)
        elif waiting:
            await self._tell(waiting=waiting)
        else:
            await self._tell(state=ChangeState.DONE, waiting=0)
        log.info("move_paused" if waiting else "move_ended", change=self._change.change_id, waiting=waiting)

    async def _bring_home(self) -> None:
        """After this each slot has an owner, and nothing is on its way."""
        charters = self._charters
        for index, slots in ownerless(self.sets.homes.base, charters.all()).items():
            await charters.write(index, charters[index].with_holds(slots, Hold.OWNED))
        for index in charters.all():
            coming = charters[index].slots_with(Hold.COMING)
            if coming:
                await charters.write(index, charters[index].with_holds(coming, Hold.NONE))
        await self.sets.homes.learn()

    async def _move(self, source: int, target: int, slots: Sequence[int]) -> int:
        """Move these slots; how many of them wait for uploads to end."""
        settings = self.sets.settings
        way = self._way(source, target, slots)
        move = SlotsMove(
            way, self._charters, slots, await self._bucket_names(), settings.move_slots_at_once, self.settle_s
        )
        waiting = await move.leave_out_waiting()
        left = list(move.slots)
        is_copied = False
        while left:
            try:
                if not is_copied:
                    await move.copy()
                    is_copied = True
                moved = await self._move_groups(move, left)
            except WatchLost:
                is_copied = False
                continue
            left = [slot for slot in left if slot not in moved]
            if not moved:
                break
        return waiting + len(left)

    async def _move_groups(self, move: SlotsMove, slots: Sequence[int]) -> frozenset[int]:
        moved: set[int] = set()
        try:
            for begin in range(0, len(slots), move.at_once):
                await move.look_again()
                group = slots[begin : begin + move.at_once]
                moved |= await self._move_group(move, group)
                await self._tell(waiting=len(move.waiting()))
        except WatchLost:
            if not moved:
                raise
        return frozenset(moved)

    async def _move_group(self, move: SlotsMove, group: Sequence[int]) -> frozenset[int]:
        for rounds_left in range(self.sets.settings.rename_rounds, -1, -1):
            try:
                return await move.move_group(group)
            except Fault as fault:
                if not are_open_renames(fault) or not rounds_left:
                    raise
                for bucket in move.buckets:
                    await self.sets.renames.settle(self.sets.names[move.way.source], bucket, None, "")
        raise AssertionError("unreachable: the last round raises or returns")

    async def _tidy(self) -> None:
        """Remove from each set what is at home in another."""
        await self._bring_home()
        buckets = await self._bucket_names()
        for index, charter in self._charters.all().items():
            foreign = charter.slots_with(Hold.NONE)
            way = self._way(index, index, foreign)
            for bucket in buckets if foreign else ():
                await way.remove_all(index, bucket)

    def _way(self, source: int, target: int, slots: Sequence[int]) -> Way:
        return Way(
            self.sets,
            self.clock,
            self.randomness,
            self._pace,
            self._charters.mover,
            source,
            target,
            pack_slots(slots),
            self.sets.settings.move_objects_at_once,
        )

    async def _bucket_names(self) -> list[str]:
        records = await self.buckets.all("")
        return [SYSTEM_BUCKET, *(record.name for record in records)]

    async def _tell(self, *, state: ChangeState | None = None, waiting: int) -> None:
        """Write down how far it is; raises `Overtaken` where somebody has ordered otherwise meanwhile."""
        now_s = self.clock.monotonic_s()
        objects, size_bytes = self._pace.objects, self._pace.size_bytes
        change = attrs.evolve(
            self._change,
            state=state or self._change.state,
            objects=self._change.objects + objects - self._told_objects,
            size_bytes=self._change.size_bytes + size_bytes - self._told_bytes,
            busy_s=self._change.busy_s + now_s - self._told_at_s,
            waiting=waiting,
        )
        found = await read_change(self.sets)
        if found.stamp != self._kept.stamp:
            raise Overtaken("the change was cancelled, or another one was ordered")
        self._kept = await write_change(self.sets, self._kept, change)
        self._told_objects, self._told_bytes, self._told_at_s = objects, size_bytes, now_s
