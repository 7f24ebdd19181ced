"""The acceptor's way to the set workers: each key has one home set, and each call a deadline.

Every node that has drives of a set runs a worker of it, and any of them can do anything. What takes no turns
goes to the nearest. Writes that compare go to the key's lead, one worker that all acceptors choose alike
while they see the same workers up: there they queue, instead of upsetting each other's compare. That is for
progress only; where two acceptors choose differently the drives' compare decides.

Whoever asks gets the reply's message, typed, or a `Fault`. Nothing is tried again here, as a client that is
told 503 knows best; but where a rename is open at a key, it is ended, and then the call is made once more;
and where the slot of a key moves to another set, that is waited for, and the other set is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import trio

from rustfs_node.acceptor.download_memory import DownloadMemory
from rustfs_node.acceptor.homes import Homes
from rustfs_node.acceptor.renames import Renames
from rustfs_node.bus import Bus, Reply
from rustfs_node.plan import NodePlan, SetPlan
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.wire.faults import OPEN_RENAME, Fault, FaultCode
from rustfs_proto.wire.set_ops import PutFinish

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
        self.renames = Renames(self, clock)
        self.own_slots = tuple(frozenset(one.slot for one in plan.own_drives(each)) for each in plan.sets)
        self.homes = Homes(self, plan)
        self._clock = clock

    @property
    def names(self) -> tuple[str, ...]:
        """The nearest worker of each set, by index."""
        return tuple(map(self._first_up, self._workers))

    def index_of(self, bucket: str, key: bytes) -> int:
        """The set of a key."""
        return self.homes.layout.set_of(bucket, key)

    def home(self, bucket: str, key: bytes) -> str:
        """The nearest worker of the set of a key and of its uploads."""
        return self._first_up(self._workers[self.homes.layout.set_of(bucket, key)])

    def lead(self, bucket: str, key: bytes) -> str:
        """The worker of that set where writes of this key take turns."""
        workers = self._leads[self.homes.layout.set_of(bucket, key)]
        if len(workers) == 1:
            return workers[0]
        start = self.homes.layout.slot_of(bucket, key) % len(workers)
        return self._first_up((*workers[start:], *workers[:start]))

    def doer(self, index: int) -> str:
        """The worker of a set that does what is to be done once for all of it: with the sets, over nodes."""
        workers = self._leads[index]
        start = index % len(workers)
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
        """The reply and its payload, after renames that are open; raises `Fault`."""
        for rounds_left in range(self.settings.rename_rounds, -1, -1):
            try:
                return await self.ask_home(
                    peer, request, answer, trace=trace, frames=frames, deadline_s=deadline_s
                )
            except Fault as fault:
                if fault.code not in OPEN_RENAME or not rounds_left:
                    raise
                if not await self._settle(peer, request, trace):
                    raise
        raise AssertionError("unreachable: the last round raises or returns")

    async def _settle(self, peer: str, request: object, trace: str) -> bool:
        """End the renames that the call has met; False where the call cannot be made again."""
        if isinstance(request, PutFinish):
            # Its handle is spent.
            return False
        bucket, key, keys = (getattr(request, name, None) for name in ("bucket", "key", "keys"))
        assert isinstance(bucket, str), f"{type(request).__name__} is about no bucket"
        await self.renames.settle(peer, bucket, keys or (None if key is None else (key,)), trace)
        return True

    async def ask_home(
        self,
        peer: str,
        request: object,
        answer: type[M],
        *,
        trace: str,
        frames: Sequence[bytes] = (),
        deadline_s: float | None = None,
    ) -> tuple[M, tuple[bytes, ...]]:
        """`ask_once`, of the set to which the key's slot has moved where it does not belong to that of `peer`
        any more. While it moves it is waited for, `move_patience_s` at most.
        """
        until_s = self._clock.monotonic_s() + self.settings.move_patience_s
        while True:
            try:
                return await self.ask_once(
                    peer, request, answer, trace=trace, frames=frames, deadline_s=deadline_s
                )
            except Fault as fault:
                bucket, key = getattr(request, "bucket", None), getattr(request, "key", None)
                is_late = self._clock.monotonic_s() > until_s
                if fault.code is not FaultCode.MOVED or not isinstance(key, bytes) or is_late:
                    raise
                assert isinstance(bucket, str), request
                peer = await self.new_home(bucket, key, trace)

    async def new_home(self, bucket: str, key: bytes, trace: str) -> str:
        """Whom to ask for a key whose slot moves, after a moment where it has not moved yet."""
        before = self.homes.layout.set_of(bucket, key)
        await self.homes.learn(trace)
        if self.homes.layout.set_of(bucket, key) == before:
            await trio.sleep(self.settings.move_poll_s)
        return self.lead(bucket, key)

    async def ask_once(
        self,
        peer: str,
        request: object,
        answer: type[M],
        *,
        trace: str,
        frames: Sequence[bytes] = (),
        deadline_s: float | None = None,
    ) -> tuple[M, tuple[bytes, ...]]:
        """The reply and its payload, or the fault that an open rename or a moved slot is."""
        reply = await self.bus.call(
            peer, request, frames, deadline_s=deadline_s or self.settings.set_deadline_s, trace=trace
        )
        return typed(reply, answer), reply.frames

    async def ask_all(self, request: object, answer: type[M], *, trace: str) -> list[M]:
        """The same question to every set at once; their replies by index, which where slots move are of one
        moment. Raises the first `Fault`.
        """
        if len(self._workers) == 1:
            return [(await self.ask(self.names[0], request, answer, trace=trace))[0]]
        until_s = self._clock.monotonic_s() + self.settings.move_patience_s
        while True:
            outcomes = await self._ask_sets(request, trace)
            have_moved = any(isinstance(one, Fault) and one.code is FaultCode.MOVED for one in outcomes)
            if not have_moved or self._clock.monotonic_s() > until_s:
                answers = [_replied(outcome, answer) for outcome in outcomes]
                if self.homes.are_whole([getattr(one, "slots", b"") for one in answers]):
                    return answers
                if self._clock.monotonic_s() > until_s:
                    raise Fault(FaultCode.OVERLOADED, "slots move faster than the sets can be asked")
            await trio.sleep(self.settings.move_poll_s)

    async def _ask_sets(self, request: object, trace: str) -> list[Reply | Fault]:
        """What each set answers, after renames that are open."""
        outcomes: list[Reply | Fault] = []
        for _ in range(self.settings.rename_rounds):
            names = self.names
            outcomes = await self._ask_each(names, request, trace)
            met = [
                peer
                for peer, outcome in zip(names, outcomes, strict=True)
                if isinstance(outcome, Fault) and outcome.code in OPEN_RENAME
            ]
            if not met:
                break
            # All are asked again: what the others told may be of before.
            for peer in met:
                await self._settle(peer, request, trace)
        return outcomes

    async def _ask_each(self, names: Sequence[str], request: object, trace: str) -> list[Reply | Fault]:
        gathering = Gathering(len(names))
        for index, peer in enumerate(names):
            self.bus.ask(
                peer,
                request,
                deadline_s=self.settings.set_deadline_s,
                on_reply=gathering.taker(index),
                trace=trace,
            )
        return await gathering.outcomes()

    def tell_later(self, peer: str, request: object, *, trace: str) -> None:
        """Ask without waiting, whatever comes of it; safe during cancellation."""
        self.bus.ask(
            peer, request, deadline_s=self.settings.set_deadline_s, on_reply=lambda _: None, trace=trace
        )

    def notify_set(self, index: int, notice: object) -> None:
        """Tell all workers of a set; one that is away misses it."""
        for worker in self._workers[index]:
            self.bus.notify(worker, notice)

    async def status_of_all(self, request: object, answer: type[M], *, deadline_s: float) -> list[M | Fault]:
        """As `ask_all`, but a set that does not answer is told by its `Fault`."""
        return await self._status_of(self.names, request, answer, deadline_s)

    async def status_of_workers(
        self, request: object, answer: type[M], *, deadline_s: float
    ) -> dict[str, M | Fault]:
        """The same of every worker of every set, on all nodes, by name."""
        names = [name for workers in self._leads for name in workers]
        return dict(zip(names, await self._status_of(names, request, answer, deadline_s), strict=True))

    async def _status_of(
        self, peers: Sequence[str], request: object, answer: type[M], deadline_s: float
    ) -> list[M | Fault]:
        gathering = Gathering(len(peers))
        for index, peer in enumerate(peers):
            self.bus.ask(peer, request, deadline_s=deadline_s, on_reply=gathering.taker(index))
        outcomes = await gathering.outcomes()
        return [one if isinstance(one, Fault) else typed(one, answer) for one in outcomes]

    async def ask_workers(
        self, request: object, answer: type[M], *, deadline_s: float
    ) -> list[tuple[int, M | Fault]]:
        """What each worker of each set answers, with the index of its set."""
        workers = [(index, name) for index, names in enumerate(self._workers) for name in names]
        told = await self._status_of([name for _, name in workers], request, answer, deadline_s)
        return [(index, one) for (index, _), one in zip(workers, told, strict=True)]


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


def _replied(outcome: Reply | Fault, answer: type[M]) -> M:
    if isinstance(outcome, Fault):
        raise outcome
    return typed(outcome, answer)


def typed(reply: Reply, answer: type[M]) -> M:
    """The message of a reply; anything but an `answer` is a bug of the peer."""
    if not isinstance(reply.message, answer):
        raise Fault(FaultCode.INTERNAL, f"expected {answer.__name__}, got {type(reply.message).__name__}")
    return reply.message
