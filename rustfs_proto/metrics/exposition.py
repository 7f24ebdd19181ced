"""Prometheus' text format, version 0.0.4 (Exposition formats, "Text-based format").

Families in the order given, series in the order in which they came; a family without a series is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rustfs_proto.metrics.families import Family
from rustfs_proto.wire.metrics_ops import Measure, Spread

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(families: Iterable[Family], series: Iterable[Measure | Spread]) -> str:
    """The whole answer to a scrape."""
    by_name: dict[str, list[Measure | Spread]] = {}
    for one in series:
        by_name.setdefault(one.name, []).append(one)
    return "".join(
        line
        for family in families
        if family.name in by_name
        for line in _family(family, by_name[family.name])
    )


def _family(family: Family, series: list[Measure | Spread]) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind.value}\n"
    for one in series:
        if isinstance(one, Measure):
            yield f"{one.name}{_labels(one.labels)} {number(one.value)}\n"
        else:
            yield from _spread(one)


def _spread(spread: Spread) -> Iterator[str]:
    for bound, below in cumulated(spread):
        yield f"{spread.name}_bucket{_labels(spread.labels | {'le': bound})} {below}\n"
    yield f"{spread.name}_sum{_labels(spread.labels)} {number(spread.total)}\n"
    yield f"{spread.name}_count{_labels(spread.labels)} {sum(spread.counts)}\n"


def cumulated(spread: Spread) -> Iterator[tuple[str, int]]:
    """Each bound as text, and how many values are not above it."""
    below = 0
    bounds = (*map(number, spread.bounds), "+Inf")
    for bound, count in zip(bounds, spread.counts, strict=False):
        below += count
        yield bound, below


def number(value: float) -> str:
    """A value as text: whole numbers without a point."""
    return str(int(value)) if value == int(value) else repr(float(value))


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
