"""The start of a node of a cluster, up to its plan: which node it is, then together with the others the
formation.

The bus between the supervisors stays open for as long as the node runs, for nodes that start later.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from importlib.metadata import version

import attrs
import trio

from rustfs_node.bus import open_bus
from rustfs_node.config import Settings
from rustfs_node.seams.clock import Clock
from rustfs_node.supervisor.assembly import Assembly, supervisor_name
from rustfs_node.supervisor.cluster_planning import supervisor_side
from rustfs_node.supervisor.formation import Former
from rustfs_node.supervisor.membership import Membership
from rustfs_node.supervisor.own_drives import OwnDrives
from rustfs_proto.topology.verdicts import Formation


@asynccontextmanager
async def assembled(
    member: Membership,
    former: Former,
    settings: Settings,
    clock: Clock,
    tell: Callable[[str], None],
    before_writing: Callable[[str], None],
) -> AsyncIterator[tuple[Formation, Assembly]]:
    """Form the deployment with the other nodes; while the context is open they are answered, and drives can
    be looked at again. Raises what `Assembly.form` does, and OSError where the bus cannot listen.
    """
    remote, peers = supervisor_side(member, settings.cluster.port_offset)
    # Nodes may be started hours apart: while one is not there, why is told from the first question on.
    patience = attrs.evolve(settings.bus, connect_grace_s=settings.cluster.ask_again_s)
    bus = open_bus(supervisor_name(member.own), None, peers, patience, clock, remote)
    assembly = Assembly(bus, OwnDrives(member, former), settings.cluster, clock, version("rustfs-node"), tell)
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        try:
            await nursery.start(bus.run)
            yield await assembly.form(before_writing), assembly
        # Out of the nursery it would come in a group, and whoever starts a node wants it as it is.
        except Exception as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


def labels_of(member: Membership, paths: Collection[str]) -> tuple[str, ...]:
    """The labels of this node's drives in those folders, in their order."""
    return tuple(
        member.topology.label(endpoint)
        for endpoint in member.topology.drives
        if endpoint.node == member.own and endpoint.path in paths
    )


def own_part(member: Membership, formation: Formation) -> Formation:
    """What it says of this node's drives."""
    own = tuple(
        verdict
        for verdict, endpoint in zip(formation.verdicts, member.topology.drives, strict=True)
        if endpoint.node == member.own
    )
    return attrs.evolve(formation, verdicts=own)
