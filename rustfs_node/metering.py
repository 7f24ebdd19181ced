"""What a process counts, and the one place where all of it is read.

Counting is on the way of every request, so it is plain arithmetic on plain fields: no lock, no library, no
text. Names and labels are put to the numbers only when somebody asks (`Meter.read`), which is every few
seconds at most.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable

import attrs

from rustfs_proto.wire.metrics_ops import Measure, ProcessMetrics, Spread

Source = Callable[[], Iterable[Measure | Spread]]


@attrs.define(eq=False)
class Distribution:
    """How values are spread between `bounds`, which rise."""

    bounds: tuple[float, ...]
    total: float = 0.0
    counts: list[int] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """One more value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def spread(self, name: str, labels: dict[str, str]) -> Spread:
        """As it is told."""
        return Spread(name, self.bounds, tuple(self.counts), self.total, labels)


class Meter:
    """Everything that one process counts."""

    def __init__(self, process: str) -> None:
        self.process = process
        self._sources: list[Source] = []

    def add(self, source: Source) -> None:
        """From now on `source` is read whenever somebody asks."""
        self._sources.append(source)

    def read(self) -> ProcessMetrics:
        """All of it, as it stands now."""
        found = [one for source in self._sources for one in source()]
        return ProcessMetrics(
            self.process,
            tuple(one for one in found if isinstance(one, Measure)),
            tuple(one for one in found if isinstance(one, Spread)),
        )
