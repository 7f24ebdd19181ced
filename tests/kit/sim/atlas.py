"""Which faults are fair. The atlas keeps every run within what is promised, so that each failing seed is a
bug.

Two modes, drawn per seed:

    transient   everything may crash, hang, lose power, be cut off, fail to read or sync, at any moment and
                all at once; nothing that was on stable storage is ever lost.
    loss        up to m drives of each set are victims from the beginning to the end: whatever is done to
                drives is done to them, and they may be emptied, and have bytes flipped and files removed.
                Other drives, and the wires to them, are left alone; set workers and acceptors may still
                crash.

Why not more: a write is acknowledged when W drives have it. Where a drive that is no victim missed a write,
the version has only W - k shards to lose until it is healed, which takes a quiet time. So damage for good and
misses must hit the same drives, for ever.

Sets with k = m have a gap that is known (docs/guarantees.md, "A write that was not acknowledged"): what k
drives hold and no others may be read, and k = n - k other drives may say something else later. Nothing tells
such a version from one that is acknowledged and whose other holders are away. So in these sets no more than n
- W drives are disturbed at one time, which lets every read complete what it finds, until that gap is closed.
All may still crash or lose power together, and set workers in the transient mode at any moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import attrs
import trio

from rustfs_node.plan import set_name
from rustfs_proto.erasure.geometry import write_quorum
from tests.kit.sim.node import Geometry, SimNode

GEOMETRIES = (
    Geometry(4, 2),
    Geometry(4, 2, acceptors=2),
    Geometry(3, 1),
    Geometry(5, 2),
    Geometry(6, 2),
    Geometry(6, 3),
    Geometry(2, 1),
    Geometry(1, 0),
    Geometry(3, 1, sets=2),
)

RECOVERY_S = 10.0
"""Until a set worker has found a drive again: more than the silence after which the bus connects anew."""


@attrs.frozen
class Swarm:
    """The options of one seed. `kinds` are the faults that it knows, `pause_s` the mean time between two."""

    geometry: Geometry
    is_loss: bool
    kinds: tuple[str, ...]
    pause_s: float

    def __str__(self) -> str:
        one = self.geometry
        mode = "loss" if self.is_loss else "transient"
        return f"{one.sets}x({one.drives - one.parity}+{one.parity}) {mode} {' '.join(self.kinds)}"


@attrs.define
class Atlas:
    """Who may be harmed, and how."""

    node: SimNode
    swarm: Swarm
    victims: list[str]
    disturbed: dict[str, int] = attrs.field(factory=dict)

    @classmethod
    def draw(cls, node: SimNode, swarm: Swarm, random: Random) -> Atlas:
        """Choose the victims of a run."""
        if not swarm.is_loss:
            return cls(node, swarm, [*node.disks])
        victims: list[str] = []
        for set_plan in node.plan.sets:
            victims += random.sample([drive.name for drive in set_plan.drives], set_plan.m)
        for name in victims:
            node.disks[name].loses_data = True
        return cls(node, swarm, sorted(victims))

    def killable(self) -> list[str]:
        """Processes that may crash beside drives."""
        others = [name for name in self.node.processes if name not in self.node.disks]
        if self.swarm.is_loss and self._has_gap:
            sets = {set_name(index) for index in range(self.swarm.geometry.sets)}
            others = [name for name in others if name not in sets]
        return others

    def wires(self) -> list[tuple[str, str]]:
        """Connections that may fail."""
        return [
            (dialler, peer)
            for dialler, peer in self.node.net.pairs()
            if peer in self.victims or (peer not in self.node.disks and not self.swarm.is_loss)
        ]

    def grants(self, name: str) -> bool:
        """Whether that drive may be disturbed now, beside those that are. Nothing limits other processes."""
        if name not in self.node.disks or not self._has_gap:
            return True
        others = [other for other in self.disturbed if other != name and _set_of(other) == _set_of(name)]
        one = self.swarm.geometry
        return len(others) < one.drives - write_quorum(one.drives - one.parity, one.parity)

    @asynccontextmanager
    async def disturbing(self, name: str) -> AsyncIterator[bool]:
        """Whether it may be done; afterwards the others are left alone until the drive is found again."""
        is_granted = self.grants(name)
        if is_granted:
            self.disturbed[name] = self.disturbed.get(name, 0) + 1
        yield is_granted
        if is_granted:
            await trio.sleep(RECOVERY_S)
            self.disturbed[name] -= 1
            if not self.disturbed[name]:
                del self.disturbed[name]

    @property
    def _has_gap(self) -> bool:
        return 0 < 2 * self.swarm.geometry.parity == self.swarm.geometry.drives


def _set_of(drive: str) -> str:
    return drive.rpartition("-")[0]
