"""What every process answers, whatever its role: what it has counted, the last lines of its log, and how long
it took to answer messages.

A name and its labels mean what `rustfs_proto.metrics.families` says of the name.
"""

from __future__ import annotations

import msgspec

from rustfs_proto.wire.message import Message


class Metrics(Message, frozen=True):
    """Ask what a process has counted. `relays`: and those of its node that it alone reaches, or that were
    started with it. `lines_max`: and so many of the last lines of their logs, of at least `lines_level`.

    With a `spans_share` nothing of that is told, but the times of messages that belong to the requests
    `spans_of`. They are kept from then on for a while, for this share of all requests (0 to 1) as
    `rustfs_proto.tracing.is_in_share` chooses them.
    """

    relays: bool = False
    lines_max: int = 0
    lines_level: str = "info"
    spans_share: float = 0.0
    spans_of: tuple[str, ...] = ()


class Measure(Message, frozen=True):
    """One value of one name: a count since the process began, or how things stand now."""

    name: str
    value: float
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class Spread(Message, frozen=True):
    """How values of one name are spread: `counts[i]` of them were at most `bounds[i]` and above the bound
    before, the last of the counts above all bounds. `total` is their sum.
    """

    name: str
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class Span(Message, frozen=True):
    """One message that a process answered: of which request of a client, who asked what, when it arrived
    (milliseconds of wall time), how long until it was answered, and the code of the fault if with one.
    """

    request_id: str
    peer: str
    operation: str
    began_ms: float
    took_ms: float
    fault: str = ""


class ProcessMetrics(Message, frozen=True):
    """One process. A `fault` says why it did not answer; nothing is known of it then. `lines` are texts of
    JSON, the oldest first.
    """

    process: str
    measures: tuple[Measure, ...] = ()
    spreads: tuple[Spread, ...] = ()
    fault: str = ""
    lines: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()


class MetricsTold(Message, frozen=True):
    """Answer to `Metrics`: the process itself first, then those that it asked."""

    processes: tuple[ProcessMetrics, ...]
