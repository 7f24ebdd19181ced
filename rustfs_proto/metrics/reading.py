"""What the processes of nodes told, put together: one list of series whose labels say whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import msgspec

from rustfs_proto.wire.metrics_ops import Measure, ProcessMetrics, Spread

Series = Measure | Spread


@attrs.frozen
class NodeReading:
    """One node: its name, its processes, and a `fault` where the node as a whole could not be asked."""

    node: str
    processes: tuple[ProcessMetrics, ...] = ()
    fault: str = ""


def series_of(readings: Iterable[NodeReading]) -> list[Series]:
    """Everything, with the labels `node` and `process`, and for each process whether it answered."""
    return [one for reading in readings for one in _of_node(reading)]


def _of_node(reading: NodeReading) -> Iterator[Series]:
    for process in reading.processes:
        whose = {"node": reading.node, "process": process.process}
        yield Measure("rustfs_up", not process.fault, whose)
        for measure in process.measures:
            yield msgspec.structs.replace(measure, labels=measure.labels | whose)
        for spread in process.spreads:
            yield msgspec.structs.replace(spread, labels=spread.labels | whose)


def total(series: Iterable[Series], name: str) -> float:
    """The sum of all measures of that name."""
    return sum(one.value for one in series if isinstance(one, Measure) and one.name == name)
