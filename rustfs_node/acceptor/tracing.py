"""Requests as they end, for operators who follow them.

Nothing is kept while nobody listens. Whoever listens asks again and again; what ended since is kept for each
by itself, in a queue that drops, and counts, what does not fit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import attrs

from rustfs_node.acceptor.counts import UNNAMED
from rustfs_node.acceptor.net.messages import HttpRequest
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.tracing import is_in_share
from rustfs_proto.wire.acceptor_ops import RequestsTraced, TracedRequest, TraceRequests
from rustfs_proto.wire.faults import Fault, FaultCode

OWN_OPERATIONS = frozenset({"Admin", "Health", "Metrics"})
"""Requests about the node, those of whoever listens among them: told only where they are asked for."""


@attrs.define(eq=False)
class _Listener:
    wanted: TraceRequests
    asked_s: float
    queue: deque[TracedRequest] = attrs.field(factory=deque)
    dropped: int = 0


class Tracer:
    """Of one acceptor."""

    def __init__(self, acceptor: str, settings: AcceptorSettings, clock: Clock) -> None:
        self._acceptor, self._settings, self._clock = acceptor, settings, clock
        self._listeners: dict[str, _Listener] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def note(self, request: HttpRequest, fields: Mapping[str, Any]) -> None:
        """A request has ended: what was found out about it, and what became of it."""
        self._forget_idle()
        one = _traced(self._acceptor, self._clock.wall_ms(), request, fields)
        for listener in self._listeners.values():
            if not matches(listener.wanted, one):
                continue
            if len(listener.queue) < self._settings.trace_queue:
                listener.queue.append(one)
            else:
                listener.dropped += 1

    def take(self, asked: TraceRequests) -> RequestsTraced:
        """What has ended since this listener asked last. Raises `Fault` OVERLOADED."""
        self._forget_idle()
        listener = self._listeners.pop(asked.listener, None)
        if listener is None and len(self._listeners) >= self._settings.trace_listeners_max:
            raise Fault(
                FaultCode.OVERLOADED,
                f"{len(self._listeners)} follow the requests already (acceptor.trace_listeners_max)",
            )
        self._listeners[asked.listener] = _Listener(asked, self._clock.monotonic_s())
        return RequestsTraced(*((tuple(listener.queue), listener.dropped) if listener else ((),)))

    def _forget_idle(self) -> None:
        limit_s = self._clock.monotonic_s() - self._settings.trace_idle_s
        for name in [name for name, one in self._listeners.items() if one.asked_s < limit_s]:
            del self._listeners[name]


def matches(wanted: TraceRequests, one: TracedRequest) -> bool:
    """Whether the listener wants to hear of it."""
    is_named = one.operation == wanted.operation if wanted.operation else one.operation not in OWN_OPERATIONS
    return (
        is_named
        and wanted.bucket in {"", one.bucket}
        and (one.status >= 400 or not wanted.only_errors)
        and one.duration_ms >= wanted.slower_ms
        and is_in_share(one.request_id, wanted.share)
    )


def _traced(acceptor: str, ended_ms: int, request: HttpRequest, fields: Mapping[str, Any]) -> TracedRequest:
    facts = request.facts
    return TracedRequest(
        ended_ms,
        acceptor,
        facts["request_id"],
        request.peer,
        facts.get("operation", UNNAMED),
        fields["status"],
        facts.get("bucket", ""),
        facts.get("key", ""),
        facts.get("code", ""),
        fields.get("bytes", 0),
        fields.get("received_bytes", 0),
        fields.get("first_byte_ms", 0.0),
        fields.get("duration_ms", 0.0),
        request.headers.get("traceparent", ""),
    )
