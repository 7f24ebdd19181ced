"""How long this process took to answer what belongs to the request of a client: kept while somebody asks.

Each message of a request carries the request's id, through all processes. Of a share of all requests, or of
all, the time of each answer is kept under that id, the newest `bus.spans_kept` requests; whoever wants to
know asks by ids when the requests have ended. Nothing is kept, and next to nothing done, when nobody has
asked for `bus.spans_idle_s`.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from rustfs_node.bus.values import Reply, Request
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.bus import BusSettings
from rustfs_proto.tracing import is_in_share
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.metrics_ops import Span


@attrs.define(eq=False)
class Spans:
    """Of one process."""

    settings: BusSettings
    clock: Clock
    share: float = 0.0
    _until_s: float = 0.0
    _zero_ms: float = 0.0
    _kept: dict[str, list[Span]] = attrs.field(factory=dict)

    def note(self, request: Request, answer: Reply | Fault) -> None:
        """It is being answered. Called only where `share` is above 0."""
        now_s = self.clock.monotonic_s()
        if now_s > self._until_s:
            self._forget()
            return
        name = request.trace
        if not is_in_share(name, self.share):
            return
        spans = self._kept.get(name)
        if spans is None:
            if len(self._kept) >= self.settings.spans_kept:
                del self._kept[next(iter(self._kept))]
            spans = self._kept[name] = []
        if len(spans) < self.settings.spans_of_request:
            began_ms, took_ms = self._zero_ms + request.arrived_s * 1000, (now_s - request.arrived_s) * 1000
            fault = answer.code.value if isinstance(answer, Fault) else ""
            spans.append(Span(name, request.peer, type(request.message).__name__, began_ms, took_ms, fault))

    def take(self, share: float, requests: Iterable[str]) -> tuple[Span, ...]:
        """What is kept of these; from now on those of this share of all requests are kept."""
        now_s = self.clock.monotonic_s()
        # Two who ask for different shares both get what they want.
        self.share = max(share, self.share if now_s <= self._until_s else 0.0)
        self._zero_ms = self._zero_ms or self.clock.wall_ms() - now_s * 1000
        self._until_s = now_s + self.settings.spans_idle_s
        return tuple(span for name in requests for span in self._kept.get(name, ()))

    def _forget(self) -> None:
        self.share = self._zero_ms = 0.0
        self._kept.clear()
