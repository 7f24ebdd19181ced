"""The wires between the processes of a node, with seeded delays and the faults of `MemoryNet`.

A dead process is fenced: what it still sends goes nowhere, and the others learn of its end as the kernel
would tell them. What it sent before arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random

import xxhash

from rustfs_node.bus import Bus, BusSettings, MemoryNet
from rustfs_node.bus.link import LinkEvent, Route, Sent
from rustfs_node.bus.memory_link import MemoryLink
from rustfs_node.seams.clock import Clock
from tests.kit.sim.life import Life
from tests.kit.sim.world import World

MEAN_DELAY_S = 0.0003


class SimNet(MemoryNet):
    """`lag_s` is what a direction takes beyond the ordinary. `on_send` is told of every message before it
    leaves, and may end the life of its sender.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.lag_s: dict[tuple[str, str], float] = {}
        self.on_send: Callable[[Sequence[bytes]], None] = lambda _: None
        self._random = world.chance.fork("net")
        self._incarnations = 0

    def open_life(self, life: Life, peers: Iterable[str], settings: BusSettings, clock: Clock) -> Bus:
        """The bus of one life of a process."""
        self._incarnations += 1
        names = [*peers]
        link = SimLink(self, life, self._incarnations, names, self._random)
        return Bus(life.process, self._incarnations, names, link, settings, clock)

    def fence(self, life: Life) -> None:
        """Whoever was connected to the dead is told that the connection is lost."""
        if self.links.pop(life.process, None) is None:
            return
        for other in self.links.values():
            if life.process in other.peers:
                other.tell(LinkEvent(life.process, connected=False))

    def repair(self, source: str, target: str) -> None:
        """Undo every fault of that direction; what is under way keeps its order."""
        wire = self.wire(source, target)
        wire.is_cut = wire.is_full = False
        self.lag_s.pop((source, target), None)

    def repair_all(self) -> None:
        """No faults any more, also on wires of processes that are not there now."""
        for wire in [*self._wires]:
            self.repair(*wire)

    def pairs(self) -> list[tuple[str, str]]:
        """Who dials whom, of those that are there."""
        return [
            (name, peer) for name, link in self.links.items() for peer in link.peers if peer in self.links
        ]


class SimLink(MemoryLink):
    """The end of one life."""

    net: SimNet

    def __init__(
        self, net: SimNet, life: Life, incarnation: int, peers: Sequence[str], random: Random
    ) -> None:
        super().__init__(net, life.process, incarnation, peers)
        self._life = life
        self._random = random

    def open(self) -> None:
        if not self._life.is_over:
            super().open()

    def send(self, route: Route, frames: Sequence[bytes]) -> Sent:
        if not self._life.is_over:
            self.net.on_send(frames)
        if self._life.is_over:
            return Sent.SENT
        target = self._target(route)
        if target is None:
            return Sent.GONE
        wire = self.net.wire(self.own_name, target.own_name)
        lag_s = self.net.lag_s.get((self.own_name, target.own_name), 0.0)
        wire.delay_s = lag_s + self._random.expovariate(1 / MEAN_DELAY_S)
        sent = super().send(route, frames)
        digest = xxhash.xxh3_64()
        for frame in frames:
            digest.update(frame)
        lost = " lost" if wire.is_cut else ""
        self.net.world.trace.note(
            "send", self.own_name, target.own_name, sent.name + lost, digest.hexdigest()
        )
        return sent
