"""The other acceptors of the deployment, which cache what they know of buckets: told of each change, so that
it is in force everywhere when the request that made it is answered.

Those of this node are told directly, those of another by its first acceptor. One that does not answer may be
stopped, or cut off: what it knows expires by itself, and whoever tells has to wait for that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import trio

from rustfs_node.acceptor.tracing import Tracer
from rustfs_node.bus import Bus, Request
from rustfs_node.plan import NodePlan, acceptor_name
from rustfs_proto.wire.acceptor_ops import BucketChanged, BucketNoted, TraceRequests
from rustfs_proto.wire.faults import Fault, FaultCode

if TYPE_CHECKING:
    # It tells its siblings, and they tell it.
    from rustfs_node.acceptor.buckets import Buckets


class Siblings:
    """As seen from the acceptor whose bus this is: `near` on this node, `contacts` one on each other node.
    Whoever is told has `patience_s` to answer.
    """

    def __init__(self, bus: Bus, near: Iterable[str], contacts: Iterable[str], patience_s: float) -> None:
        self._bus = bus
        self._near = tuple(near)
        self._contacts = tuple(contacts)
        self._patience_s = patience_s
        self._buckets: Buckets | None = None
        self._tracer: Tracer | None = None
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

    def begin(self, buckets: Buckets, tracer: Tracer, nursery: trio.Nursery) -> None:
        """From now on what they tell changes `buckets`, and they may follow the requests of `tracer`."""
        self._buckets, self._tracer, self._nursery = buckets, tracer, nursery

    async def tell(self, bucket: str, *, ends_writes: bool) -> bool:
        """Tell all of them that a bucket has changed; whether all have answered in time."""
        near = dict.fromkeys(self._near, BucketChanged(bucket, ends_writes))
        far = dict.fromkeys(self._contacts, BucketChanged(bucket, ends_writes, relays=True))
        return await self._tell_all(near | far)

    def handle(self, requests: list[Request]) -> None:
        """Answer theirs."""
        for request in requests:
            if isinstance(request.message, TraceRequests) and self._tracer is not None:
                _answer(request, self._tracer, request.message)
            elif not isinstance(request.message, BucketChanged):
                operation = type(request.message).__name__
                request.fail(Fault(FaultCode.UNKNOWN_OP, f"an acceptor does not answer {operation}"))
            elif self._nursery is None or self._buckets is None:
                request.fail(Fault(FaultCode.OVERLOADED, "this acceptor is still starting"))
            else:
                self._nursery.start_soon(self._note, request, request.message, self._buckets)

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
