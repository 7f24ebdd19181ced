"""Asks the processes of this node, or of all nodes, what they have counted and how things stand.

Of another node its first acceptor is asked, which asks the rest of it. What does not answer in time is told
as such; nobody waits longer than `acceptor.metrics_deadline_s`.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from rustfs_node.bus import Bus
from rustfs_node.plan import CONTROL, NodePlan, acceptor_name
from rustfs_proto.metrics.reading import NodeReading, Series, series_of
from rustfs_proto.metrics.standing import AWAY, DriveStanding, Standing, standing_of, unseen_set
from rustfs_proto.wire.metrics_ops import Metrics, ProcessMetrics


@attrs.frozen
class View:
    """What was told: `names` are those of the deployment's nodes by number, of which `nodes` were asked;
    `planned` are the sets and drives that they should have told of.
    """

    readings: tuple[NodeReading, ...]
    nodes: tuple[int, ...]
    names: tuple[str, ...]
    planned: Standing
    series: list[Series] = attrs.field(init=False)
    standing: Standing = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "series", series_of(self.readings))
        object.__setattr__(self, "standing", standing_of(self.readings, self.series, self.planned))

    @property
    def starts_s(self) -> dict[int, float]:
        """When the oldest process of each node that answered began."""
        standings = zip(self.nodes, self.standing.nodes, strict=True)
        return {number: one.began_s for number, one in standings if one.began_s}

    @property
    def servers(self) -> dict[int, str]:
        """Number and name of each node that was asked."""
        return {number: self.names[number] for number in self.nodes}


class Monitor:
    """As seen from one acceptor. `siblings` are the others of its node."""

    def __init__(self, bus: Bus, plan: NodePlan) -> None:
        self._bus = bus
        self.plan = plan
        self._patience_s = plan.settings.acceptor.metrics_deadline_s
        self._own = plan.node_number
        self.names = tuple(one.name for one in plan.nodes) or (_own_name(plan.settings.acceptor.address),)
        acceptors = (acceptor_name(number, self._own) for number in range(plan.settings.node.acceptors))
        self.siblings = tuple(name for name in acceptors if name != bus.own_name)
        self._near = dict.fromkeys(self.siblings, False) | {
            worker.name: True for one in plan.sets if (worker := plan.own_worker(one)) is not None
        }
        self._contacts = {one.name: one.node for one in plan.contacts if one.node != self._own}
        bus.ask_metrics_of(self._near)

    async def of_node(self) -> View:
        """This node."""
        told = await self._bus.metrics_of(self._near, self._patience_s)
        return View((self._own_reading(told),), (self._own,), self.names, self._planned(self._own))

    async def of_cluster(self) -> View:
        """All nodes."""
        peers = self._near | dict.fromkeys(self._contacts, True)
        told = await self._bus.metrics_of(peers, self._patience_s)
        readings = {self._own: self._own_reading(told)}
        for name, number in self._contacts.items():
            processes = told[name]
            readings[number] = NodeReading(self.names[number], processes, processes[0].fault)
        numbers = sorted(readings)
        return View(
            tuple(readings[number] for number in numbers), tuple(numbers), self.names, self._planned(None)
        )

    async def logs_of_node(self, lines_max: int, level: str) -> tuple[ProcessMetrics, ...]:
        """Every process of this node with its last lines, the supervisor too."""
        asked = Metrics(lines_max=lines_max, lines_level=level)
        told = await self._bus.metrics_of(self._near | {CONTROL: False}, self._patience_s, asked)
        return (self._bus.own_metrics(asked), *(one for found in told.values() for one in found))

    async def spans_of(self, requests: tuple[str, ...], share: float) -> tuple[ProcessMetrics, ...]:
        """How long messages of these requests took, in every process of all nodes but this one."""
        peers = self._near | dict.fromkeys(self._contacts, True)
        asked = Metrics(spans_share=share, spans_of=requests)
        told = await self._bus.metrics_of(peers, self._patience_s, asked)
        return tuple(one for found in told.values() for one in found)

    def _planned(self, node: int | None) -> Standing:
        """The sets of which that node has a worker, or all, as nobody sees them."""
        plan = self.plan
        sets = [one for one in plan.sets if node is None or plan.own_worker(one) is not None]
        return Standing(
            (),
            tuple(unseen_set(one.index, one.k, one.m) for one in sets),
            tuple(
                DriveStanding(one.index, drive.slot, drive.path, drive.node, AWAY)
                for one in sets
                for drive in one.drives
            ),
        )

    def _own_reading(self, told: Mapping[str, tuple[ProcessMetrics, ...]]) -> NodeReading:
        processes = (self._bus.meter.read(), *(one for name in self._near for one in told[name]))
        return NodeReading(self.names[self._own], processes)


def _own_name(address: str) -> str:
    """What a node without a cluster is called: where it is reached from itself."""
    return f"localhost{address}" if address.startswith(":") else address
