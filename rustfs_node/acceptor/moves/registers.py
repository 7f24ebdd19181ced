"""What a mover writes down: charters and the change. Each is an object of a set, and every write compares.

A write whose effect is unknown is looked at afterwards: either it is there, or it is made again, or somebody
else has written meanwhile, and then this mover is none any more.
"""

from __future__ import annotations

import attrs
import trio

from rustfs_node.acceptor.homes import Kept, read_fields
from rustfs_node.acceptor.sets import Sets
from rustfs_proto.erasure.charter import CHARTER_KEY, Charter, charter_fields, first_charter
from rustfs_proto.erasure.rebalancing import CHANGE_KEY, Change, RebalanceError, change_fields, change_of
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ObjectInfo, PutDone, PutSmall

_WRITES_TRIED = 10
CHANGE_SET = 0
"""The set that keeps the change."""


class Overtaken(Exception):
    """Somebody else moves slots now, or the change is another one."""


@attrs.frozen
class KeptChange:
    """The change with the stamp of its version; stamp 0 and None where none was ever made."""

    stamp: int
    change: Change | None


async def read_change(sets: Sets, trace: str = "") -> KeptChange:
    """The change as it is now. Raises `Fault`."""
    stamp, fields = await read_fields(sets, CHANGE_SET, CHANGE_KEY, trace)
    try:
        return KeptChange(stamp, change_of(fields) if stamp else None)
    except RebalanceError as error:
        raise Fault(FaultCode.DAMAGED, str(error)) from error


async def write_change(sets: Sets, kept: KeptChange, change: Change, trace: str = "") -> KeptChange:
    """Put a change in the place of another. Raises `Fault`, CONFLICT where somebody else did."""
    request = PutSmall(SYSTEM_BUCKET, CHANGE_KEY, ObjectInfo(user=change_fields(change)), expect=kept.stamp)
    done, _ = await sets.ask_once(sets.names[CHANGE_SET], request, PutDone, trace=trace)
    return KeptChange(done.stamp, change)


@attrs.define
class Charters:
    """Those of all sets as this mover has written them. `mover` is its name."""

    sets: Sets
    mover: bytes
    kept: dict[int, Kept] = attrs.field(factory=dict)

    def __getitem__(self, index: int) -> Charter:
        charter = self.kept[index].charter
        assert charter is not None, index
        return charter

    def all(self) -> dict[int, Charter]:
        """By the index of the set."""
        return {index: self[index] for index in self.kept}

    async def take_over(self) -> None:
        """Write this mover's name into all of them, one after the other; only then is anything read of them
        that matters, and whoever moved slots before can write none any more.
        """
        homes = self.sets.homes
        for index in range(len(self.sets.names)):
            while True:
                kept = await homes.read(index, "")
                charter = kept.charter or first_charter(homes.layout.seed, homes.base, index)
                try:
                    await self._put(index, kept.stamp, charter.taken_over(self.mover))
                    break
                except Fault as fault:
                    if fault.code is not FaultCode.CONFLICT:
                        raise

    async def write(self, index: int, charter: Charter) -> None:
        """Put that charter in the place of the one that is known. Raises `Overtaken`, or `Fault`: then what
        is known here is what is there.
        """
        for tries_left in range(_WRITES_TRIED - 1, -1, -1):
            try:
                await self._put(index, self.kept[index].stamp, charter)
                return
            except Fault as fault:
                found = await self.sets.homes.read(index, "")
                if found.charter is None or found.charter.mover != self.mover:
                    raise Overtaken from fault
                self.kept[index] = found
                if found.charter == charter:
                    return
                if not tries_left or fault.code is FaultCode.UNRESOLVED:
                    raise
                await trio.sleep(self.sets.settings.move_poll_s)

    async def _put(self, index: int, expect: int, charter: Charter) -> None:
        request = PutSmall(
            SYSTEM_BUCKET, CHARTER_KEY, ObjectInfo(user=charter_fields(charter)), expect=expect
        )
        done, _ = await self.sets.ask_once(self.sets.names[index], request, PutDone, trace="")
        self.kept[index] = Kept(done.stamp, charter)
