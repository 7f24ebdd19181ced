"""What operators ask of the layout, and order."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from rustfs_node.acceptor.moves.registers import KeptChange, read_change, write_change
from rustfs_node.acceptor.sets import Sets
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.randomness import Randomness
from rustfs_proto.erasure.charter import Charter, Hold, owners_of
from rustfs_proto.erasure.rebalancing import (
    Change,
    ChangeState,
    RebalanceError,
    balanced,
    moves_of,
)
from rustfs_proto.wire.faults import Fault, FaultCode

_ID_BYTES = 8


@attrs.frozen
class Standing:
    """How the layout stands. `owners` by slot."""

    owners: tuple[int, ...]
    charters: dict[int, Charter]
    kept: KeptChange

    @property
    def slots_left(self) -> int:
        """Slots that have not moved yet, of an open change."""
        change = self.kept.change
        if change is None or not change.state.is_open:
            return 0
        return sum(owner != target for owner, target in zip(self.owners, change.targets, strict=True))


@attrs.frozen
class Layouts:
    """The way to it. `weights` are the drives of each set, `pools` the number of each set's pool."""

    sets: Sets
    clock: Clock
    randomness: Randomness
    weights: Sequence[int]
    pools: Sequence[int]

    async def standing(self, trace: str) -> Standing:
        """How it stands now. Raises `Fault`."""
        homes = self.sets.homes
        charters: dict[int, Charter] = {}
        for index in range(len(self.weights)):
            kept = await homes.read(index, trace)
            if kept.charter is not None:
                charters[index] = kept.charter
        return Standing(owners_of(homes.base, charters), charters, await read_change(self.sets, trace))

    def sets_of(self, pools: Collection[int]) -> frozenset[int]:
        """The sets of these pools; raises `RebalanceError` for one that is not there."""
        unknown = sorted(set(pools) - set(self.pools))
        if unknown:
            raise RebalanceError(f"there is no pool {unknown[0]}: pools are 0 to {max(self.pools)}")
        return frozenset(index for index, pool in enumerate(self.pools) if pool in pools)

    def planned(self, standing: Standing, leaving: frozenset[int] | None) -> Change:
        """The change that would be made; `leaving` None: the sets that are to be left empty already. Raises
        `RebalanceError`.
        """
        before = standing.kept.change
        if leaving is None:
            leaving = frozenset() if before is None else before.leaving
        targets = balanced(standing.owners, self.weights, leaving)
        moving = sum(map(len, moves_of(standing.owners, targets).values()))
        return Change(
            self.randomness.token(_ID_BYTES).hex(),
            ChangeState.MOVING,
            targets,
            leaving,
            self.clock.wall_ms(),
            moving,
        )

    async def begin(self, leaving: frozenset[int] | None, trace: str) -> Change:
        """Order a change. Raises `RebalanceError` while another is open, or `Fault`."""
        standing = await self.standing(trace)
        before = standing.kept.change
        if before is not None and before.state.is_open:
            raise RebalanceError("slots are being moved already: wait for the end, or cancel that first")
        change = self.planned(standing, leaving)
        await write_change(self.sets, standing.kept, change, trace)
        return change

    async def cancel(self, trace: str) -> Change:
        """End the open change: what has moved stays where it is. Raises `RebalanceError` where there is none,
        or `Fault`.
        """
        while True:
            kept = await read_change(self.sets, trace)
            if kept.change is None or not kept.change.state.is_open:
                raise RebalanceError("no slots are being moved")
            # A pool that was to be left is one like the others again.
            change = attrs.evolve(kept.change, state=ChangeState.CANCELLING, leaving=frozenset())
            try:
                await write_change(self.sets, kept, change, trace)
            except Fault as fault:
                # The mover writes it, too, to tell how far it is.
                if fault.code is not FaultCode.CONFLICT:
                    raise
            else:
                return change

    def told(self, standing: Standing) -> dict[str, object]:
        """The standing as it is told to people and programs."""
        counts = [standing.owners.count(index) for index in range(len(self.weights))]
        sets = [
            {"set": index, "pool": pool, "drives": drives, "slots": slots}
            for index, (pool, drives, slots) in enumerate(zip(self.pools, self.weights, counts, strict=True))
        ]
        frozen = sum(bytes(charter.holds).count(Hold.FROZEN) for charter in standing.charters.values())
        change = standing.kept.change
        told = None if change is None else self.told_change(change, standing.slots_left, frozen)
        return {"sets": sets, "change": told}

    def told_change(self, change: Change, slots_left: int, frozen: int = 0) -> dict[str, object]:
        """A change, and what is left of it."""
        moved = max(0, change.slots_begun - slots_left)
        rate = change.size_bytes / change.busy_s if change.busy_s else 0.0
        left_s = change.busy_s / moved * slots_left if moved and change.state.is_open else None
        return {
            "id": change.change_id,
            "state": change.state.value,
            "leaving": sorted({self.pools[index] for index in change.leaving}),
            "begun_ms": change.begun_ms,
            "slots": change.slots_begun,
            "slots_left": slots_left,
            "slots_frozen": frozen,
            "slots_waiting_for_uploads": change.waiting,
            "objects": change.objects,
            "bytes": change.size_bytes,
            "bytes_per_s": round(rate),
            "left_s": None if left_s is None else round(left_s),
        }
