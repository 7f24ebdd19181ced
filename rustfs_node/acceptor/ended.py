"""The requests of this node as they end, from all its acceptors, and where their time went in other
processes.

Which acceptor gathers does not matter: each listener has a queue of its own in all of them (`tracing`), and
every process keeps the times of messages for all who ask (`bus.spans`).
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.sets import Gathering, typed
from rustfs_proto.tracing import Hop, by_request
from rustfs_proto.wire.acceptor_ops import RequestsTraced, TracedRequest, TraceRequests
from rustfs_proto.wire.faults import Fault


@attrs.frozen
class Ended:
    """By time; how many did not fit; which processes did not answer, and why."""

    requests: Sequence[TracedRequest]
    dropped: int
    silent: dict[str, str]


async def ended_requests(asked: TraceRequests, services: Services) -> Ended:
    """What has ended since this listener asked last. Raises `Fault` where too many listen here."""
    own = services.tracer.take(asked)
    others = await _ask_siblings(asked, services)
    told = [own, *(one for one in others.values() if isinstance(one, RequestsTraced))]
    return Ended(
        sorted((one for each in told for one in each.requests), key=lambda one: one.ended_ms),
        sum(each.dropped for each in told),
        {name: str(one) for name, one in others.items() if isinstance(one, Fault)},
    )


async def hops_of(
    requests: Sequence[TracedRequest], share: float, services: Services
) -> tuple[dict[str, list[Hop]], dict[str, str]]:
    """The messages of these requests in all processes, by the request's id; and who did not answer, and why.
    From now on they are kept for this share of all requests.
    """
    ids = tuple(one.request_id for one in requests)
    told = await services.monitor.spans_of(ids, share)
    hops = (Hop(one.process, span) for one in told for span in one.spans)
    return by_request(hops), {one.process: one.fault for one in told if one.fault}


async def _ask_siblings(asked: TraceRequests, services: Services) -> dict[str, RequestsTraced | Fault]:
    names, bus = services.monitor.siblings, services.sets.bus
    if not names:
        return {}
    gathering = Gathering(len(names))
    for index, name in enumerate(names):
        patience_s = services.settings.metrics_deadline_s
        bus.ask(name, asked, deadline_s=patience_s, on_reply=gathering.taker(index))
    outcomes = await gathering.outcomes()
    return {
        name: one if isinstance(one, Fault) else typed(one, RequestsTraced)
        for name, one in zip(names, outcomes, strict=True)
    }
