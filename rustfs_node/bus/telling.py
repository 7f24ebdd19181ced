"""Answers `Metrics`, for every process alike, and asks on: for what is counted, for lines of the log, and for
how long messages took.

Whoever asks a node asks one of its acceptors, which asks the others and the set workers, and each of these
its node's drive workers: so no process has to dial one that it has nothing else to say to. One that does not
answer in time is told with the reason, and keeps nobody from hearing of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import structs

from rustfs_node import logs
from rustfs_node.bus.asking import Asking
from rustfs_node.bus.spans import Spans
from rustfs_node.bus.values import Reply, Request
from rustfs_node.metering import Meter
from rustfs_node.seams.clock import Clock
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.metrics_ops import Metrics, MetricsTold, ProcessMetrics

_SHARE = 0.7
"""Of the time that whoever asks will wait, what those get who are asked on: the rest is for the way back."""

_LINES_BYTES_MAX = 128 * 1024
"""Of one process' log: a set worker answers for up to 16 drives in one message."""

Told = Callable[[dict[str, tuple[ProcessMetrics, ...]]], None]


class Telling:
    """`onward`: the peers that are asked for their part, and whether these ask on themselves."""

    def __init__(self, meter: Meter, asking: Asking, clock: Clock, spans: Spans) -> None:
        self.onward: Mapping[str, bool] = {}
        self._meter, self._asking, self._clock, self._spans = meter, asking, clock, spans

    def take(self, request: Request) -> None:
        """Answer a `Metrics`."""
        message = request.message
        assert isinstance(message, Metrics)
        if not message.relays:
            request.reply(MetricsTold((self.own(message),)))
            return
        left_s = request.deadline - self._clock.monotonic_s()

        def reply(found: dict[str, tuple[ProcessMetrics, ...]]) -> None:
            told = (one for told in found.values() for one in told)
            request.reply(MetricsTold((self.own(message), *told)))

        self.gather(self.onward, left_s * _SHARE, reply, message)

    def own(self, asked: Metrics) -> ProcessMetrics:
        """What this process tells."""
        if asked.spans_share:
            spans = self._spans.take(asked.spans_share, asked.spans_of)
            return ProcessMetrics(self._meter.process, spans=spans)
        told = self._meter.read()
        if not asked.lines_max:
            return told
        lines = logs.recent(asked.lines_max, asked.lines_level, _LINES_BYTES_MAX)
        return structs.replace(told, lines=lines)

    def gather(
        self, peers: Mapping[str, bool], patience_s: float, done: Told, asked: Metrics | None = None
    ) -> None:
        """`done` gets what each of `peers` told, when all have answered or failed. `asked`: what is wanted
        beside what they count.
        """
        wanted = asked or Metrics()
        found: dict[str, tuple[ProcessMetrics, ...]] = {}

        def take(peer: str, answer: Reply | Fault) -> None:
            found[peer] = _told(peer, answer)
            if len(found) == len(peers):
                done({name: found[name] for name in peers})

        for peer, relays in peers.items():
            message = structs.replace(wanted, relays=relays)
            self._asking.ask(peer, message, (), patience_s, partial(take, peer), "")
        if not peers:
            done({})


def _told(peer: str, answer: Reply | Fault) -> tuple[ProcessMetrics, ...]:
    if isinstance(answer, Fault):
        return (ProcessMetrics(peer, fault=str(answer)),)
    assert isinstance(answer.message, MetricsTold)
    return answer.message.processes
