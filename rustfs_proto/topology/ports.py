"""Which TCP port each process of a node listens at for other nodes: the same answer on every node, so that
nothing has to be announced and a firewall knows what to let through.

    base              the supervisor: who is there, and the forming of a deployment
    base + 1 ...      one for each drive of the node, in the order of the arguments
    after them        one for each erasure set that has drives on the node, in the order of the sets

`base` is the port of the node's endpoint plus an offset that is the same on all nodes.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import attrs

from rustfs_proto.topology.endpoints import Topology

PORT_MAX = 65535


class PortsError(ValueError):
    """These nodes cannot all listen; the text says why and what to change."""


@attrs.frozen
class NodePorts:
    """Of one node: by number of the drive in the topology, and by index of the set."""

    base: int
    drives: dict[int, int]
    sets: dict[int, int]

    @property
    def last(self) -> int:
        """The greatest in use."""
        return self.base + len(self.drives) + len(self.sets)


def ports_of(topology: Topology, sizes: Sequence[int], offset: int) -> tuple[NodePorts, ...]:
    """The ports of every node, by its number; `sizes` are those of the sets. Raises `PortsError`."""
    set_of_drive = [index for index, size in enumerate(sizes) for _ in range(size)]
    assert len(set_of_drive) == len(topology.drives), (sizes, len(topology.drives))
    found = []
    for number, name in enumerate(topology.nodes):
        own = [at for at, endpoint in enumerate(topology.drives) if endpoint.node == number]
        own_sets = sorted({set_of_drive[at] for at in own})
        base = name.port + offset
        drives = {drive: base + 1 + place for place, drive in enumerate(own)}
        sets = {index: base + 1 + len(own) + place for place, index in enumerate(own_sets)}
        found.append(NodePorts(base, drives, sets))
    _check(topology, found)
    return tuple(found)


def _check(topology: Topology, found: Sequence[NodePorts]) -> None:
    """Ports exist, and nodes that share a host share none."""
    for name, ports in zip(topology.nodes, found, strict=True):
        if ports.last > PORT_MAX:
            raise PortsError(
                f"node {name} would listen at ports {ports.base} to {ports.last} for the other nodes, the"
                f" last port is {PORT_MAX}: lower cluster.port_offset on all nodes"
            )
    named = sorted(zip(topology.nodes, found, strict=True), key=lambda pair: (pair[0].host, pair[1].base))
    for (one, ports), (other, others) in itertools.pairwise(named):
        if one.host == other.host and ports.last >= others.base:
            raise PortsError(
                f"nodes {one} and {other} would both listen at port {others.base} for the other nodes: on one"
                f" host give them ports that are {ports.last - ports.base + 1} or more apart"
            )
