"""Slots of one set that move to one other.

    look        which keys have open uploads: their slots wait until those have ended
    COMING      at the target: it takes copies, from this mover alone
    watch       at the source: from now on its drives tell which keys are changed
    copy        all versions of all keys, while clients read and write them; then what was changed meanwhile
    FROZEN      at the source, a few slots at a time: their keys are read, and who would change one waits
    copy        what was changed since, which is little
    NONE        at the source: **the slots have moved**
    OWNED       at the target: it serves them
    remove      what the source still has of them

Where this ends before NONE, nothing has moved: the source owns the slots, and copies are removed or made use
of by the next mover. Where it ends after, the next mover begins by what is left.

What the drives must have told before a slot may leave: that all of those which were asked at first were
heard each time, without one of them having begun anew, and that a write quorum of them had the slot frozen
when they were heard last. A write that was acknowledged came to a write quorum as well, of which one drive is
among these; and it took the write before it was frozen, as it takes none afterwards. Before the first copy is
made it is waited for as long as a commit may take, so that no write is half on drives that were not watched
yet and half to come.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs
import structlog
import trio

from rustfs_node.acceptor.moves.copying import Way
from rustfs_node.acceptor.moves.registers import Charters
from rustfs_node.acceptor.moves.side_by_side import for_each
from rustfs_proto.erasure.charter import MOVER_BYTES, Hold, pack_slots
from rustfs_proto.wire.faults import OPEN_RENAME, Fault, FaultCode
from rustfs_proto.wire.move_ops import MoveChanged, MoveChanges
from rustfs_proto.wire.upload_ops import UploadEntry, UploadList, UploadsListed

log = structlog.get_logger()

_FEW = 64
"""Changed keys that are copied while their slots are frozen."""

_MANY = 1000
"""Changed keys that are not left until the end."""

_KEYS_AT_ONCE = 16
"""Changed keys that are looked at together; each has few calls under way."""

_ROUNDS_MAX = 10
_PAGE = 1000
_Name = tuple[str, bytes]


class WatchLost(Exception):
    """Drives do not know any more what was changed: everything has to be looked through again."""


@attrs.define
class SlotsMove:
    """The slots of `way`. `at_once`: how many are frozen together. `settle_s`: how long a commit may take.
    `moved` is told of each group that has moved, and may raise to end it all.
    """

    way: Way
    charters: Charters
    slots: Sequence[int]
    buckets: Sequence[str]
    at_once: int
    settle_s: float
    _watch: bytes = b""
    _drives: tuple[int, ...] = ()
    _changed: dict[_Name, bool] = attrs.field(factory=dict)
    _uploading: set[_Name] = attrs.field(factory=set)
    _is_lost: bool = False

    async def leave_out_waiting(self) -> int:
        """Leave out the slots that have to wait, before anything is copied; how many."""
        self._uploading = await self._open_uploads()
        waiting = self.waiting()
        self.slots = [slot for slot in self.slots if slot not in waiting]
        self.way = attrs.evolve(self.way, slots=pack_slots(self.slots))
        self._uploading.clear()
        return len(waiting)

    async def copy(self) -> None:
        """Everything up to the first freeze. Raises `Fault`, `Overtaken`."""
        way, charters = self.way, self.charters
        await charters.write(way.target, charters[way.target].with_holds(self.slots, Hold.COMING))
        for rounds_left in range(_ROUNDS_MAX - 1, -1, -1):
            try:
                await self._begin_watch()
                await trio.sleep(self.settle_s)
                self._uploading = await self._open_uploads()
                await self._copy_all()
                await self._catch_up()
                return
            except WatchLost:
                if not rounds_left:
                    raise Fault(FaultCode.NO_QUORUM, "drives forget too often what was changed") from None

    async def _copy_all(self) -> None:
        """All keys, which may take days; what is changed meanwhile is heard all the time, because drives
        remember only so much. Raises `WatchLost`, `Fault`.
        """
        failure: Fault | None = None
        self._is_lost = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen, nursery.cancel_scope)
            try:
                for bucket in self.buckets:
                    await self.way.sync_bucket(bucket, self._sync_backlog)
            # Out of the nursery it would come in a group.
            except Fault as fault:
                failure = fault
            nursery.cancel_scope.cancel()
        if self._is_lost:
            raise WatchLost
        if failure is not None:
            raise failure

    async def _listen(self, scope: trio.CancelScope) -> None:
        while True:
            await trio.sleep(self.way.sets.settings.move_listen_s)
            try:
                await self._hear()
            except (WatchLost, Fault):
                # An answer that is lost had changes in it.
                self._is_lost = True
                scope.cancel()
                return

    async def _sync_backlog(self) -> None:
        if len(self._changed) > _MANY:
            await self._sync_all(list(self._changed))

    async def move_group(self, group: Collection[int]) -> frozenset[int]:
        """Move those of these slots that can be; which these were. Raises `Fault`, `Overtaken`."""
        way, charters = self.way, self.charters
        free = frozenset(group) - self.waiting()
        if not free:
            return free
        try:
            await charters.write(way.source, charters[way.source].with_holds(free, Hold.FROZEN))
            with way.pace.hurrying():
                free = await self._copy_frozen(free)
        # Whatever it was, a cancelled task included: whoever writes must not wait for what does not come.
        except BaseException:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + self.settle_s):
                await self._unfreeze(group)
            raise
        if free != frozenset(group):
            await self._unfreeze(frozenset(group) - free)
        if not free:
            return free
        await charters.write(way.source, charters[way.source].with_holds(free, Hold.NONE))
        # They have moved.
        await charters.write(way.target, charters[way.target].with_holds(free, Hold.OWNED))
        await way.sets.homes.learn()
        return free

    def waiting(self) -> frozenset[int]:
        """Slots with keys of which uploads are open."""
        return frozenset(self._slot_of(name) for name in self._uploading)

    async def look_again(self) -> None:
        """Copy what was changed meanwhile, and see which uploads have ended."""
        await self._catch_up()
        for name in list(self._uploading):
            if not await self.way.has_uploads(*name):
                self._uploading.discard(name)

    async def _copy_frozen(self, slots: frozenset[int]) -> frozenset[int]:
        """Copy what was changed before they were frozen; those of them of which nothing waits."""
        await self._hear(self.charters.kept[self.way.source].stamp)
        await self._sync_all([name for name in self._changed if self._slot_of(name) in slots])
        return slots - self.waiting()

    async def _unfreeze(self, slots: Collection[int]) -> None:
        """Whatever has become of the freeze: some drives may have it of which no quorum has."""
        charter = self.charters[self.way.source]
        frozen = [slot for slot in slots if charter.hold_of(slot) is Hold.FROZEN]
        await self.charters.write(self.way.source, charter.with_holds(frozen, Hold.OWNED))

    def _slot_of(self, name: _Name) -> int:
        return self.way.sets.homes.layout.slot_of(*name)

    async def _begin_watch(self) -> None:
        self._watch = self.way.randomness.token(MOVER_BYTES)
        self._changed.clear()
        told = await self._ask(begins=True)
        if len(told.drives) < told.write_quorum:
            raise Fault(FaultCode.NO_QUORUM, f"{len(told.drives)} drives of the set can be watched")
        self._drives = told.drives

    async def _hear(self, charter_stamp: int = 0) -> None:
        """Take over what was changed since the last time. Raises `WatchLost`."""
        told = await self._ask(charter_stamp=charter_stamp)
        for bucket, key, is_upload in told.keys:
            self._changed[bucket, key] = is_upload or self._changed.get((bucket, key), False)
        if told.drives != self._drives:
            raise WatchLost
        if charter_stamp and told.under_charter < told.write_quorum:
            raise Fault(FaultCode.NO_QUORUM, "too few drives that are watched have the slots frozen")

    async def _ask(self, *, begins: bool = False, charter_stamp: int = 0) -> MoveChanged:
        request = MoveChanges(self._watch, pack_slots(self.slots), begins, self._drives, charter_stamp)
        sets = self.way.sets
        told, _ = await sets.ask_once(sets.names[self.way.source], request, MoveChanged, trace="")
        return told

    async def _catch_up(self) -> None:
        """Copy what was changed until little is left to be."""
        for _ in range(_ROUNDS_MAX):
            await self._hear()
            names = list(self._changed)
            await self._sync_all(names)
            if len(names) <= _FEW:
                return

    async def _sync_all(self, names: Sequence[_Name]) -> None:
        """Copy these keys as they are now. Raises `Fault`; what was not copied counts as changed then."""
        await for_each(names, _KEYS_AT_ONCE, self._sync)

    async def _sync(self, name: _Name) -> None:
        # Before it is looked at: what is changed meanwhile is told once more.
        is_upload = self._changed.pop(name)
        try:
            await self.way.sync_key(*name)
            if is_upload and await self.way.has_uploads(*name):
                self._uploading.add(name)
            elif is_upload:
                self._uploading.discard(name)
        # Whatever it was: it is as if nobody had looked.
        except BaseException:
            self._changed[name] = is_upload
            raise

    async def _open_uploads(self) -> set[_Name]:
        found: set[_Name] = set()
        sets, slots = self.way.sets, frozenset(self.slots)
        for bucket in self.buckets:
            last, more = UploadEntry(b""), True
            while more:
                request = UploadList(bucket, after=last.key, after_upload=last.upload_id, limit=_PAGE)
                page, _ = await sets.ask_once(sets.names[self.way.source], request, UploadsListed, trace="")
                found.update(
                    (bucket, entry.key)
                    for entry in page.entries
                    if self._slot_of((bucket, entry.key)) in slots
                )
                more = page.more and bool(page.entries)
                last = page.entries[-1] if page.entries else last
        return found


def are_open_renames(fault: Fault) -> bool:
    """Whether slots could not be frozen because renames were open at their keys."""
    return fault.code in OPEN_RENAME
