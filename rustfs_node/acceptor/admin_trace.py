"""Requests of this node as they end, for an operator: `GET trace?listener=ID[&bucket=B][&operation=OP]
[&errors=true][&slower_ms=MS]` below `/minio/admin/v3/`.

The answer waits for a request to end, `acceptor.trace_wait_s` at most; whoever asks again by the same `ID`
misses none between. Which acceptor is asked does not matter: all of the node are.
"""

from __future__ import annotations

from typing import Any

import msgspec
import trio

from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.sets import Gathering, typed
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.target import Params
from rustfs_proto.wire.acceptor_ops import RequestsTraced, TraceRequests
from rustfs_proto.wire.faults import Fault

TRACE = "trace"
_PAUSE_S = 0.25
_ID_MAX = 64


async def told_requests(params: Params, services: Services) -> dict[str, Any]:
    """What has ended since, by time; how many did not fit; and which acceptors did not answer. Raises
    `S3Error`, `Fault`.
    """
    asked, clock = _asked(params), services.clock
    until_s = clock.monotonic_s() + services.settings.trace_wait_s
    while True:
        own = services.tracer.take(asked)
        others = await _ask_siblings(asked, services)
        told = [own, *(one for one in others.values() if isinstance(one, RequestsTraced))]
        requests = sorted((one for each in told for one in each.requests), key=lambda one: one.ended_ms)
        if requests or clock.monotonic_s() >= until_s or services.leaving.is_set():
            break
        await trio.sleep(_PAUSE_S)
    return {
        "requests": [msgspec.structs.asdict(one) for one in requests],
        "dropped": sum(each.dropped for each in told),
        "silent": {name: str(one) for name, one in others.items() if isinstance(one, Fault)},
    }


def _asked(params: Params) -> TraceRequests:
    listener, slower = params.get("listener", ""), params.get("slower_ms", "0")
    if not 0 < len(listener) <= _ID_MAX:
        raise S3Error(
            "InvalidArgument", f"listener={listener!r}: name yourself, in at most {_ID_MAX} characters"
        )
    if not slower.replace(".", "", 1).isdecimal():
        raise S3Error("InvalidArgument", f"slower_ms={slower!r}: write milliseconds")
    return TraceRequests(
        listener,
        params.get("bucket", ""),
        params.get("operation", ""),
        params.get("errors") == "true",
        float(slower),
    )


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
