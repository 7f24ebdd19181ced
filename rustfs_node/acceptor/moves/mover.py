"""The mover: works through the change of the layout, for as long as one is open.

It keeps nothing that cannot be lost. Whoever begins, after a crash or because the one before is not heard of
(`rustfs_proto.erasure.tenure`), puts a name of its own into the change and then into all charters, brings
what nobody owns to where it was about to arrive, and goes on from what the charters say: slots that have
moved are moved, of the others nothing has. The first acceptor of any node does this; were there two at it,
the one that wrote its name last could go on and the other could not.
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
from rustfs_node.acceptor.siblings import Siblings
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.randomness import Randomness
from rustfs_proto.erasure.charter import MOVER_BYTES, Hold, ownerless, owners_of, pack_slots
from rustfs_proto.erasure.rebalancing import Change, ChangeState, moves_of
from rustfs_proto.erasure.tenure import Tenure, is_overtaken
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger()


@attrs.define
class Mover:
    """`settle_s`: how long a commit may take. `own_load`: how many requests this acceptor is answering."""

    sets: Sets
    buckets: Buckets
    siblings: Siblings
    clock: Clock
    randomness: Randomness
    settle_s: float
    own_load: Callable[[], int]
    tenure: Tenure
    _name: bytes = attrs.field(default=b"", init=False)
    _charters: Charters = attrs.field(init=False)
    _kept: KeptChange = attrs.field(init=False)
    _before: Change = attrs.field(init=False)
    _pace: Pace = attrs.field(init=False)
    _begun_s: float = attrs.field(default=0.0, init=False)
    _others_load: int = attrs.field(default=0, init=False)
    _telling: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    async def run(self) -> None:
        """Look for changes for ever."""
        while True:
            try:
                self._kept = await read_change(self.sets)
                now_s, own = self.clock.monotonic_s(), self._name.hex()
                if self.tenure.may_begin(self._kept.stamp, self._kept.change, own, now_s):
                    await self._begin()
            except (Fault, Overtaken, WatchLost) as error:
                log.warning("move_interrupted", reason=str(error) or type(error).__name__)
            await trio.sleep(self.sets.settings.move_look_s)

    @property
    def _change(self) -> Change:
        assert self._kept.change is not None
        return self._kept.change

    async def _begin(self) -> None:
        """Take the change over and work through it, with signs of life all the time."""
        self._name = self.randomness.token(MOVER_BYTES)
        try:
            change = attrs.evolve(self._change, mover=self._name.hex())
            self._kept = await write_change(self.sets, self._kept, change)
        except Fault as fault:
            if fault.code is not FaultCode.CONFLICT:
                raise
            # Another one was first.
            return
        self._before, self._begun_s = change, self.clock.monotonic_s()
        self._pace = Pace(self.clock, self.sets.settings.move_bytes_per_s, self._is_busy)
        self._charters = Charters(self.sets, self._name)
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._show_life, nursery.cancel_scope)
            nursery.start_soon(self._feel_load)
            try:
                await self._work()
            # Out of the nursery it would come in a group.
            except (Fault, Overtaken, WatchLost) as error:
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure

    def _is_busy(self) -> bool:
        return self.own_load() + self._others_load > 0

    async def _feel_load(self) -> None:
        while True:
            self._others_load = await self.siblings.load()
            await trio.sleep(self.sets.settings.move_feel_s)

    async def _show_life(self, work: trio.CancelScope) -> None:
        """Tell how far it is now and then; end the work of a mover that is none any more."""
        while True:
            await trio.sleep(self.sets.settings.move_tell_s)
            try:
                await self._tell()
            except Fault as fault:
                log.info("move_not_told", reason=str(fault))
            except Overtaken as overtaken:
                log.warning("move_interrupted", reason=str(overtaken))
                work.cancel()

    async def _work(self) -> None:
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
                self.siblings.tell_moved()
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

    async def _tell(self, *, state: ChangeState | None = None, waiting: int | None = None) -> None:
        """Write down how far it is; raises `Overtaken` where somebody has ordered otherwise meanwhile, or
        moves instead.
        """
        async with self._telling:
            before, is_ended = self._before, not self._change.state.is_open
            if is_ended:
                return
            found = await read_change(self.sets)
            if is_overtaken(self._change, found.change):
                raise Overtaken("the change was cancelled, another one was ordered, or another node moves")
            change = attrs.evolve(
                self._change,
                state=state or self._change.state,
                objects=before.objects + self._pace.objects,
                size_bytes=before.size_bytes + self._pace.size_bytes,
                busy_s=before.busy_s + self.clock.monotonic_s() - self._begun_s,
                waiting=self._change.waiting if waiting is None else waiting,
            )
            self._kept = await write_change(self.sets, found, change)
