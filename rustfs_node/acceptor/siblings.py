"""The other acceptors of the deployment, which cache what they know of buckets: told of each change, so that
it is in force everywhere when the request that made it is answered. They are told of slots that have moved as
well, and asked how busy they are.

Those of this node are told directly, those of another by its first acceptor. One that does not answer may be
stopped, or cut off: what it knows expires by itself, and whoever tells of a bucket has to wait for that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import trio

from rustfs_node.acceptor.tracing import Tracer
from rustfs_node.bus import Bus, Request
from rustfs_node.plan import NodePlan, acceptor_name
from rustfs_proto.wire.acceptor_ops import (
    AskLoad,
    BucketChanged,
    BucketNoted,
    LoadTold,
    SlotsMoved,
    TraceRequests,
)
from rustfs_proto.wire.faults import Fault, FaultCode

if TYPE_CHECKING:
    # It tells its siblings, and they tell it.
    from rustfs_node.acceptor.buckets import Buckets
    from rustfs_node.acceptor.call import Services


class Siblings:
    """As seen from the acceptor whose bus this is: `near` on this node, `contacts` one on each other node.
    Whoever is told has `patience_s` to answer.
    """

    def __init__(self, bus: Bus, near: Iterable[str], contacts: Iterable[str], patience_s: float) -> None:
        self._bus = bus
        self._near = tuple(near)
        self._contacts = tuple(contacts)
        self._patience_s = patience_s
        self._services: Services | None = None
        self._nursery: trio.Nursery | None = None

    @classmethod
    def of_plan(cls, bus: Bus, plan: NodePlan) -> Siblings:
        """Those that the plan tells of."""
        numbers = range(plan.settings.node.acceptors)
        own = (acceptor_name(number, plan.node_number) for number in numbers)
        others = (one.name for one in plan.contacts if one.node != plan.node_number)
        near = (name for name in own if name != bus.own_name)
        return cls(bus, near, others, plan.settings.acceptor.bucket_cache_s)

    @property
    def are_there(self) -> bool:
        """Whether this acceptor has any."""
        return bool(self._near or self._contacts)

    def begin(self, services: Services, nursery: trio.Nursery) -> None:
        """From now on what they tell changes what is known here."""
        self._services, self._nursery = services, nursery

    async def tell(self, bucket: str, *, ends_writes: bool) -> bool:
        """Tell all of them that a bucket has changed; whether all have answered in time."""
        near = dict.fromkeys(self._near, BucketChanged(bucket, ends_writes))
        far = dict.fromkeys(self._contacts, BucketChanged(bucket, ends_writes, relays=True))
        return await self._tell_all(near | far)

    def tell_moved(self) -> None:
        """Tell all of them that slots have moved. Nobody waits for that: where it is not heard the sets say
        so.
        """
        for name in self._near:
            self._bus.notify(name, SlotsMoved())
        for name in self._contacts:
            self._bus.notify(name, SlotsMoved(relays=True))

    async def load(self) -> int:
        """How many requests they are answering, as far as they tell."""
        questions = dict.fromkeys(self._near, AskLoad()) | dict.fromkeys(self._contacts, AskLoad(relays=True))
        return sum(await self._ask_load(questions))

    async def _ask_load(self, questions: Mapping[str, AskLoad]) -> Sequence[int]:
        told: list[int] = []

        async def ask(name: str, question: AskLoad) -> None:
            # Who is away serves nobody.
            with contextlib.suppress(Fault):
                reply = await self._bus.call(name, question, deadline_s=self._patience_s)
                assert isinstance(reply.message, LoadTold)
                told.append(reply.message.requests)

        async with trio.open_nursery() as nursery:
            for name, question in questions.items():
                nursery.start_soon(ask, name, question)
        return told

    def handle(self, requests: list[Request]) -> None:
        """Answer theirs."""
        for request in requests:
            message, services = request.message, self._services
            if self._nursery is None or services is None:
                request.fail(Fault(FaultCode.OVERLOADED, "this acceptor is still starting"))
            elif isinstance(message, BucketChanged):
                self._nursery.start_soon(self._note, request, message, services.buckets)
            elif isinstance(message, TraceRequests):
                _answer(request, services.tracer, message)
            elif isinstance(message, AskLoad):
                self._nursery.start_soon(self._tell_load, request, message, services.load.requests)
            elif isinstance(message, SlotsMoved):
                for name in self._near if message.relays else ():
                    self._bus.notify(name, SlotsMoved())
                self._nursery.start_soon(services.sets.homes.learn_anew)
            else:
                operation = type(message).__name__
                request.fail(Fault(FaultCode.UNKNOWN_OP, f"an acceptor does not answer {operation}"))

    async def _tell_load(self, request: Request, question: AskLoad, own: int) -> None:
        near = await self._ask_load(dict.fromkeys(self._near, AskLoad())) if question.relays else ()
        request.reply(LoadTold(own + sum(near)))

    async def _note(self, request: Request, change: BucketChanged, buckets: Buckets) -> None:
        buckets.forget(change.bucket)
        have_heard = True
        if change.relays:
            onward = BucketChanged(change.bucket, change.ends_writes)
            have_heard = await self._tell_all(dict.fromkeys(self._near, onward))
        if change.ends_writes:
            with trio.move_on_after(self._patience_s):
                await buckets.own_writes_ended(change.bucket)
        if have_heard:
            request.reply(BucketNoted())
        else:
            request.fail(Fault(FaultCode.OVERLOADED, "an acceptor of this node did not answer"))

    async def _tell_all(self, changes: Mapping[str, BucketChanged]) -> bool:
        heard: list[str] = []

        async def tell(name: str, change: BucketChanged) -> None:
            # Whoever asked waits until what this one knows has expired.
            with contextlib.suppress(Fault):
                await self._bus.call(name, change, deadline_s=2 * self._patience_s)
                heard.append(name)

        async with trio.open_nursery() as nursery:
            for name, change in changes.items():
                nursery.start_soon(tell, name, change)
        return len(heard) == len(changes)


def _answer(request: Request, tracer: Tracer, asked: TraceRequests) -> None:
    try:
        request.reply(tracer.take(asked))
    except Fault as fault:
        request.fail(fault)
