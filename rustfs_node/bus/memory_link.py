"""Links within one process, for tests and simulations: deterministic, and with faults at the turn of a
switch.

Messages are delivered in the order in which they were sent between two buses, after a delay on trio's clock.
Nothing here depends on real time or chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import attrs
import trio

from rustfs_node.bus.bus import Bus
from rustfs_node.bus.link import Arrival, LinkEvent, Route, Sent
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.bus import BusSettings

_EPOCH_MS = 1_700_000_000_000


class TrioClock:
    """Trio's own clock, real or mocked, as both clocks of a process; wall time begins at a fixed moment."""

    def wall_ms(self) -> int:
        return _EPOCH_MS + int(trio.current_time() * 1000)

    def monotonic_s(self) -> float:
        return trio.current_time()


@attrs.define
class _Wire:
    """One direction between two buses."""

    is_cut: bool = False
    is_full: bool = False
    delay_s: float = 0.0
    busy_until: float = -math.inf


class MemoryNet:
    """Connects buses by name. A bus is reachable from when it runs until it is cancelled."""

    def __init__(self) -> None:
        self.links: dict[str, MemoryLink] = {}
        self._wires: dict[tuple[str, str], _Wire] = {}
        self._lives = 0

    def open_bus(
        self,
        own_name: str,
        peers: Iterable[str] = (),
        settings: BusSettings | None = None,
        clock: Clock | None = None,
        remote: Iterable[str] = (),
    ) -> Bus:
        """A bus that dials `peers`, whether they are there yet or not, and those of `remote` as on another
        node.
        """
        self._lives += 1
        far = frozenset(remote)
        names = [*peers, *sorted(far)]
        link = MemoryLink(self, own_name, self._lives, names)
        return Bus(own_name, self._lives, names, link, settings or BusSettings(), clock or TrioClock(), far)

    def cut(self, one: str, other: str) -> None:
        """Messages between the two vanish, in both directions, and neither is told."""
        self.wire(one, other).is_cut = self.wire(other, one).is_cut = True

    def cut_one_way(self, source: str, target: str) -> None:
        """Messages from `source` to `target` vanish."""
        self.wire(source, target).is_cut = True

    def mend(self, one: str, other: str) -> None:
        """Undo cuts, delays and stalls between the two."""
        for pair in ((one, other), (other, one)):
            self._wires.pop(pair, None)
            if pair[1] in self.links:
                self.links[pair[1]].wake()

    def delay(self, source: str, target: str, delay_s: float) -> None:
        """What is sent from now on arrives that many seconds later."""
        self.wire(source, target).delay_s = delay_s

    def stall(self, source: str, target: str) -> None:
        """The queue from `source` to `target` is full until `mend`."""
        self.wire(source, target).is_full = True

    def disconnect(self, dialler: str, peer: str) -> None:
        """The connection breaks, what is under way on it is lost, and it is made again at once."""
        link = self.links[dialler]
        link.lose(peer)
        link.dial(peer)

    def wire(self, source: str, target: str) -> _Wire:
        """The switches of one direction."""
        return self._wires.setdefault((source, target), _Wire())


class MemoryLink:
    """See `rustfs_node.bus.link`."""

    def __init__(self, net: MemoryNet, own_name: str, life: int, peers: Sequence[str]) -> None:
        self.net, self.own_name, self.peers = net, own_name, peers
        self.token = f"{own_name}#{life}".encode()
        self._inbox: list[tuple[float, Arrival]] = []
        self._events: list[LinkEvent] = []
        self._waiting = trio.Event()

    def open(self) -> None:
        if self.own_name in self.net.links:
            raise OSError(f"{self.own_name} is already on this net")
        self.net.links[self.own_name] = self
        for peer in self.peers:
            self.dial(peer)
        for other in self.net.links.values():
            if other is not self and self.own_name in other.peers:
                other.dial(self.own_name)

    def dial(self, peer: str) -> None:
        """Connect where the peer is there; when it comes later, it does so itself."""
        if peer in self.net.links:
            self.tell(LinkEvent(peer, connected=True))

    def lose(self, peer: str) -> None:
        """The connection to a dialled peer is lost with what is under way on it."""
        self.discard(peer)
        if peer in self.net.links:
            self.net.links[peer].discard(self.token)
        self.tell(LinkEvent(peer, connected=False))

    def discard(self, route: Route) -> None:
        """What is under way from there is lost."""
        self._inbox = [(due, arrival) for due, arrival in self._inbox if arrival.route != route]

    def send(self, route: Route, frames: Sequence[bytes]) -> Sent:
        target = self._target(route)
        if target is None:
            return Sent.GONE
        wire = self.net.wire(self.own_name, target.own_name)
        if wire.is_full:
            return Sent.BLOCKED
        if not wire.is_cut:
            # What was sent earlier arrives earlier, even if the delay was shortened since.
            wire.busy_until = max(wire.busy_until, trio.current_time() + wire.delay_s)
            sender: Route = self.token if isinstance(route, str) else self.own_name
            target.put(wire.busy_until, Arrival(sender, [bytes(frame) for frame in frames]))
        return Sent.SENT

    def receive(self, limit: int) -> tuple[list[Arrival], list[LinkEvent]]:
        events, self._events = self._events, []
        now = trio.current_time()
        arrivals: list[Arrival] = []
        later: list[tuple[float, Arrival]] = []
        for due, arrival in self._inbox:
            if due <= now and len(arrivals) < limit:
                arrivals.append(arrival)
            else:
                later.append((due, arrival))
        self._inbox = later
        return arrivals, events

    def pending(self) -> bool:
        return bool(self._events) or self._next_due() <= trio.current_time()

    def reset(self, peer: str) -> None:
        self.dial(peer)

    async def attend(self) -> None:
        # Nothing is to be looked up, and nothing is dialled in vain.
        await trio.lowlevel.checkpoint()

    async def wait(self) -> None:
        if not self.pending():
            self._waiting = trio.Event()
            with trio.move_on_at(self._next_due()):
                await self._waiting.wait()
        await trio.lowlevel.checkpoint()

    def wake(self) -> None:
        """Let the bus look for itself."""
        self._waiting.set()

    def close(self) -> None:
        if self.net.links.get(self.own_name) is not self:
            return
        del self.net.links[self.own_name]
        for other in self.net.links.values():
            if self.own_name in other.peers:
                other.tell(LinkEvent(self.own_name, connected=False))

    def _target(self, route: Route) -> MemoryLink | None:
        if isinstance(route, str):
            return self.net.links.get(route)
        found = self.net.links.get(route.partition(b"#")[0].decode())
        return found if found is not None and found.token == route else None

    def put(self, due: float, arrival: Arrival) -> None:
        """Let that message arrive at `due`."""
        self._inbox.append((due, arrival))
        self._waiting.set()

    def tell(self, event: LinkEvent) -> None:
        """Let the bus hear of a connection."""
        self._events.append(event)
        self._waiting.set()

    def _next_due(self) -> float:
        return min((due for due, _ in self._inbox), default=math.inf)
