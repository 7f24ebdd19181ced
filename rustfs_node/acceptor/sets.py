"""The acceptor's way to the set workers: each key has one home set, and each call a deadline.

Every node that has drives of a set runs a worker of it, and any of them can do anything. What takes no turns
goes to the nearest. Writes that compare go to the key's lead, one worker that all acceptors choose alike
while they see the same workers up: there they queue, instead of upsetting each other's compare. That is for
progress only; where two acceptors choose differently the drives' compare decides.

Whoever asks gets the reply's message, typed, or a `Fault`. Nothing is tried again here: a client that is told
503 knows best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import trio

from rustfs_node.acceptor.download_memory import DownloadMemory
from rustfs_node.bus import Bus, Reply
from rustfs_node.plan import NodePlan, SetPlan
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.erasure.layout import make_layout
from rustfs_proto.wire.faults import Fault, FaultCode

M = TypeVar("M")


class Sets:
    """The erasure sets of the deployment, as seen from one acceptor. `put_blocks` is held for each block of
    an upload under way, `downloads` is what those hold or have asked for. `own_slots` are those of each set
    whose drives are on this node.
    """

    def __init__(self, bus: Bus, plan: NodePlan, settings: AcceptorSettings, clock: Clock) -> None:
        self.bus = bus
        self.settings = settings
        self.put_blocks = trio.Semaphore(settings.put_blocks_max)
        self.downloads = DownloadMemory(settings.get_bytes_max, settings.get_slow_s, clock)
        self.stripe_bytes = plan.settings.set.stripe_bytes
        self._workers = tuple(_nearest_first(one) for one in plan.sets)
        self._leads = tuple(tuple(worker.name for worker in one.workers) or (one.name,) for one in plan.sets)
        self.own_slots = tuple(frozenset(one.slot for one in plan.own_drives(each)) for each in plan.sets)
        self._layout = make_layout(plan.deployment_id, [one.k + one.m for one in plan.sets])

    @property
    def names(self) -> tuple[str, ...]:
        """The nearest worker of each set, by index."""
        return tuple(map(self._first_up, self._workers))

    def home(self, bucket: str, key: bytes) -> str:
        """The nearest worker of the set of a key and of its uploads."""
        return self._first_up(self._workers[self._layout.set_of(bucket, key)])

    def lead(self, bucket: str, key: bytes) -> str:
        """The worker of that set where writes of this key take turns."""
        workers = self._leads[self._layout.set_of(bucket, key)]
        if len(workers) == 1:
            return workers[0]
        start = self._layout.slot_of(bucket, key) % len(workers)
        return self._first_up((*workers[start:], *workers[:start]))

    def _first_up(self, workers: tuple[str, ...]) -> str:
        """The first that can be asked just now; the first of all where none can."""
        if len(workers) == 1:
            return workers[0]
        return next(filter(self.bus.is_up, workers), workers[0])

    async def ask(
        self,
        peer: str,
        request: object,
        answer: type[M],
        *,
        trace: str,
        frames: Sequence[bytes] = (),
        deadline_s: float | None = None,
    ) -> tuple[M, tuple[bytes, ...]]:
        """The reply and its payload; raises `Fault`."""
        reply = await self.bus.call(
            peer, request, frames, deadline_s=deadline_s or self.settings.set_deadline_s, trace=trace
        )
        return typed(reply, answer), reply.frames

    async def ask_all(self, request: object, answer: type[M], *, trace: str) -> list[M]:
        """The same question to every set at once; their replies by index. Raises the first `Fault`."""
        names = self.names
        if len(names) == 1:
            return [(await self.ask(names[0], request, answer, trace=trace))[0]]
        gathering = Gathering(len(names))
        for index, peer in enumerate(names):
            self.bus.ask(
                peer,
                request,
                deadline_s=self.settings.set_deadline_s,
                on_reply=gathering.taker(index),
                trace=trace,
            )
        return [typed(reply, answer) for reply in await gathering.replies()]

    async def status_of_all(self, request: object, answer: type[M], *, deadline_s: float) -> list[M | Fault]:
        """As `ask_all`, but a set that does not answer is told by its `Fault`."""
        gathering = Gathering(len(self._workers))
        for index, peer in enumerate(self.names):
            self.bus.ask(peer, request, deadline_s=deadline_s, on_reply=gathering.taker(index))
        outcomes = await gathering.outcomes()
        return [one if isinstance(one, Fault) else typed(one, answer) for one in outcomes]


def set_workers(plan: NodePlan) -> dict[str, tuple[int, str]]:
    """Every set worker of the deployment: name to number of its node and endpoint."""
    workers = {one.name: (plan.node_number, one.endpoint) for one in plan.sets}
    return workers | {
        worker.name: (worker.node, worker.endpoint) for one in plan.sets for worker in one.workers
    }


def _nearest_first(one: SetPlan) -> tuple[str, ...]:
    """The names of its workers, the plan's choice first."""
    others = (worker.name for worker in one.workers if worker.name != one.name)
    return (one.name, *others)


class Gathering:
    """Waits for the answers to several calls that are open at once; costs no task."""

    def __init__(self, count: int) -> None:
        self._outcomes: list[Reply | Fault | None] = [None] * count
        self._missing = count
        self._all_here = trio.Event()

    def taker(self, index: int) -> Callable[[Reply | Fault], None]:
        """The `on_reply` of the call whose answer belongs at `index`."""

        def take(outcome: Reply | Fault) -> None:
            self._outcomes[index] = outcome
            self._missing -= 1
            if self._missing == 0:
                self._all_here.set()

        return take

    async def outcomes(self) -> list[Reply | Fault]:
        """All answers, faults among them."""
        await self._all_here.wait()
        return [outcome for outcome in self._outcomes if outcome is not None]

    async def replies(self) -> list[Reply]:
        """All answers; raises the first `Fault`."""
        replies: list[Reply] = []
        for outcome in await self.outcomes():
            if isinstance(outcome, Fault):
                raise outcome
            replies.append(outcome)
        return replies


def typed(reply: Reply, answer: type[M]) -> M:
    """The message of a reply; anything but an `answer` is a bug of the peer."""
    if not isinstance(reply.message, answer):
        raise Fault(FaultCode.INTERNAL, f"expected {answer.__name__}, got {type(reply.message).__name__}")
    return reply.message
