"""Requests of this node as they end, for an operator: `GET trace?listener=ID[&bucket=B][&operation=OP]
[&errors=true][&slower_ms=MS][&hops=true]` below `/minio/admin/v3/`.

The answer waits for a request to end, `acceptor.trace_wait_s` at most; whoever asks again by the same `ID`
misses none between. Which acceptor is asked does not matter: all of the node are. `hops` adds to each request
the messages that it took in other processes, of other nodes too: who asked whom for what, and how long the
answer took.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import trio

from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.ended import ended_requests, hops_of
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.target import Params
from rustfs_proto.tracing import Hop, parents_of
from rustfs_proto.wire.acceptor_ops import TraceRequests

TRACE = "trace"
_PAUSE_S = 0.25
_ID_MAX = 64
_ALL = 1.0


async def told_requests(params: Params, services: Services) -> dict[str, Any]:
    """What has ended since, by time; how many did not fit; and which processes did not answer. Raises
    `S3Error`, `Fault`.
    """
    asked, clock, wants_hops = _asked(params), services.clock, params.get("hops") == "true"
    until_s = clock.monotonic_s() + services.settings.trace_wait_s
    if wants_hops:
        # Nothing to ask for yet: they begin, or go on, to keep the times.
        await hops_of((), _ALL, services)
    while True:
        ended = await ended_requests(asked, services)
        if ended.requests or clock.monotonic_s() >= until_s or services.leaving.is_set():
            break
        await trio.sleep(_PAUSE_S)
    told: dict[str, Any] = {
        "requests": [msgspec.structs.asdict(one) for one in ended.requests],
        "dropped": ended.dropped,
        "silent": ended.silent,
    }
    if wants_hops and ended.requests:
        hops, silent = await hops_of(ended.requests, _ALL, services)
        told["silent"] = silent | ended.silent
        for one in told["requests"]:
            one["hops"] = _told_hops(hops.get(one["request_id"], ()))
    return told


def _told_hops(hops: Sequence[Hop]) -> list[dict[str, Any]]:
    """`within` is the place in this list of the message for which this one was asked; null for those that
    the acceptor asked.
    """
    return [
        {
            "process": hop.process,
            "asked_by": hop.span.peer,
            "operation": hop.span.operation,
            "began_ms": round(hop.span.began_ms, 3),
            "took_ms": round(hop.span.took_ms, 3),
            "fault": hop.span.fault,
            "within": parent,
        }
        for hop, parent in zip(hops, parents_of(hops), strict=True)
    ]


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
