"""What every process answers, whatever its role: what it has counted, and the last lines of its log.

A name and its labels mean what `rustfs_proto.metrics.families` says of the name.
"""

from __future__ import annotations

import msgspec

from rustfs_proto.wire.message import Message


class Metrics(Message, frozen=True):
    """Ask what a process has counted. `relays`: and those of its node that it alone reaches, or that were
    started with it. `lines_max`: and so many of the last lines of their logs, of at least `lines_level`.
    """

    relays: bool = False
    lines_max: int = 0
    lines_level: str = "info"


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


class ProcessMetrics(Message, frozen=True):
    """One process. A `fault` says why it did not answer; nothing is known of it then. `lines` are texts of
    JSON, the oldest first.
    """

    process: str
    measures: tuple[Measure, ...] = ()
    spreads: tuple[Spread, ...] = ()
    fault: str = ""
    lines: tuple[str, ...] = ()


class MetricsTold(Message, frozen=True):
    """Answer to `Metrics`: the process itself first, then those that it asked."""

    processes: tuple[ProcessMetrics, ...]
