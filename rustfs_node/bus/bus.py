"""The bus as its users see it: one call, notice or request at a time. Batches are made underneath."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import attrs
import outcome
import trio

from rustfs_node.bus.engine import Engine
from rustfs_node.bus.link import Link
from rustfs_node.bus.values import BusStatistics, Handler, OnReply, Reply
from rustfs_node.metering import Meter
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.bus import BusSettings
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.metrics_ops import Measure, Metrics, ProcessMetrics

_TOLD = ("calls", "timeouts", "expired", "notices_dropped", "turns", "messages_sent", "messages_received")
"""Which of the running counts an operator may make something of."""


class Bus:
    """Messages to and from other processes. Made by `open_bus`, or by `MemoryNet.open_bus`.

    Faults of the bus itself: PEER_DOWN, TIMEOUT, OVERLOADED (too much is under way to that peer), EXPIRED,
    INVALID (too large, or fields of wrong types), UNKNOWN_OP (the peer is of an earlier release, or serves
    nothing).
    """

    def __init__(
        self,
        own_name: str,
        incarnation: int,
        peers: Iterable[str],
        link: Link,
        settings: BusSettings,
        clock: Clock,
        remote: Collection[str] = (),
    ) -> None:
        """`remote` are those of the peers that are on other nodes."""
        self.own_name = own_name
        self._engine = Engine(own_name, incarnation, peers, link, settings, clock, remote)
        self.meter.add(self._measures)

    def ask(
        self,
        peer: str,
        request: object,
        frames: Sequence[bytes] = (),
        *,
        deadline_s: float,
        on_reply: OnReply,
        trace: str = "",
    ) -> int:
        """Call without a task: `on_reply` gets the `Reply` or the `Fault`, later and exactly once, unless
        `cancel` is called with the id returned here. It runs within the bus' turn: it must not await, and
        what it raises ends the process. `deadline_s` is in seconds from now. Once the bus has ended nobody is
        told anything any more.
        """
        return self._engine.asking.ask(peer, request, frames, deadline_s, on_reply, trace)

    def cancel(self, call_id: int) -> None:
        """Forget that call, if it is still under way; its effect is unknown."""
        self._engine.asking.forget(call_id)

    async def call(
        self, peer: str, request: object, frames: Sequence[bytes] = (), *, deadline_s: float, trace: str = ""
    ) -> Reply:
        """The same for a task that waits. Raises `Fault`."""
        task = trio.lowlevel.current_task()

        def on_reply(answer: Reply | Fault) -> None:
            trio.lowlevel.reschedule(task, outcome.Value(answer))

        def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
            self.cancel(call_id)
            return trio.lowlevel.Abort.SUCCEEDED

        if self._engine.asking.is_closed:
            raise Fault(FaultCode.PEER_DOWN, "this process is stopping")
        call_id = self.ask(peer, request, frames, deadline_s=deadline_s, on_reply=on_reply, trace=trace)
        answer: Reply | Fault = await trio.lowlevel.wait_task_rescheduled(abort)
        if isinstance(answer, Fault):
            raise answer
        return answer

    def notify(self, peer: str, notice: object, frames: Sequence[bytes] = (), trace: str = "") -> None:
        """Send without an answer; dropped where the peer is down or too much is under way to it."""
        self._engine.asking.notify(peer, notice, frames, trace)

    def is_up(self, peer: str) -> bool:
        """Whether a call would be sent now, to a peer that is not about to leave."""
        found = self._engine.peers.by_name.get(peer)
        return found is not None and found.outbox.is_open and not found.is_leaving

    def leave(self) -> None:
        """Ask those who dialled this process to choose others for what they begin. All goes on as before."""
        self._engine.answering.say_leaving()

    @property
    def unanswered(self) -> int:
        """Calls that the handler was given and has not answered yet."""
        return self._engine.answering.unanswered

    def serve(self, handler: Handler) -> None:
        """Hand requests to `handler`: all that came in with one turn in one list. Call before `run`."""
        self._engine.handler = handler
        self._engine.answering.serves = True

    def statistics(self) -> BusStatistics:
        """Counts since the start, and how things stand now."""
        counts = attrs.asdict(self._engine.counts)
        clients = len(self._engine.answering.clients)
        return BusStatistics(**counts, clients=clients, peers=self._engine.peers.statistics())

    @property
    def meter(self) -> Meter:
        """What this process counts; the bus tells it to whoever asks."""
        return self._engine.meter

    def ask_metrics_of(self, peers: Mapping[str, bool]) -> None:
        """Whoever wants more than this process' metrics gets those of `peers` too: of each alone, or with
        what it asks on itself.
        """
        self._engine.telling.onward = peers

    async def metrics_of(
        self, peers: Mapping[str, bool], patience_s: float, asked: Metrics | None = None
    ) -> dict[str, tuple[ProcessMetrics, ...]]:
        """What each of `peers` tells; of one that does not answer in time, why. `asked`: what is wanted
        beside what they count.
        """
        found: dict[str, tuple[ProcessMetrics, ...]] = {}
        is_done = trio.Event()

        def done(told: dict[str, tuple[ProcessMetrics, ...]]) -> None:
            found.update(told)
            is_done.set()

        self._engine.telling.gather(peers, patience_s, done, asked)
        await is_done.wait()
        return found

    def own_metrics(self, asked: Metrics) -> ProcessMetrics:
        """What this process itself answers."""
        return self._engine.telling.own(asked)

    def _measures(self) -> Iterator[Measure]:
        answering, counts = self._engine.answering, self._engine.counts
        for name in _TOLD:
            yield Measure(f"rustfs_bus_{name}_total", getattr(counts, name))
        for operation, count in answering.requests_by_operation.items():
            yield Measure("rustfs_bus_requests_total", count, {"operation": operation})
        for (operation, code), count in answering.faults_by_operation.items():
            labels = {"operation": operation, "code": code}
            yield Measure("rustfs_bus_failed_requests_total", count, labels)
        peers = self._engine.peers.by_name
        yield Measure("rustfs_bus_peers", len(peers))
        yield Measure("rustfs_bus_peers_up", sum(map(self.is_up, peers)))

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run until cancelled: `await nursery.start(bus.run)`. Raises `OSError` where it cannot listen.

        Cancelled, it sends what was queued, says goodbye, and fails the calls under way.
        """
        await self._engine.run(task_status)
