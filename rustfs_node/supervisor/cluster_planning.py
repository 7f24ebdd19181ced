"""The plan of a node of a cluster: its own processes as those of any node, the others' by their ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from rustfs_node.bus import KeyPair, RemotePeer, RemoteSide, node_keys
from rustfs_node.config import Settings
from rustfs_node.plan import (
    BusKeys,
    Credentials,
    DrivePlan,
    NodePlan,
    PeerNode,
    ProcessPlan,
    SetPlan,
    acceptor_name,
    drive_name,
    endpoint_of,
    set_name,
)
from rustfs_node.supervisor.assembly import supervisor_name
from rustfs_node.supervisor.membership import Membership
from rustfs_node.supervisor.planning import RuntimeFolderError, own_drive, pool_of_each_set
from rustfs_proto.erasure.storage_classes import class_parities
from rustfs_proto.topology.ports import NodePorts, ports_of
from rustfs_proto.topology.verdicts import Formation, Verdict


def supervisor_side(member: Membership, offset: int) -> tuple[RemoteSide, dict[str, RemotePeer]]:
    """How this node's supervisor is reached, and how it reaches the others."""
    keys = _all_keys(member)
    peers = {
        supervisor_name(number): RemotePeer(
            f"tcp://{member.topology.nodes[number].host}:{member.topology.nodes[number].port + offset}",
            keys[number].public,
        )
        for number in member.others()
    }
    allowed = frozenset(keys[number].public for number in member.others())
    listen = f"tcp://{member.bind}:{member.own_name.port + offset}"
    return RemoteSide(keys[member.own], listen, allowed), peers


def make_cluster_plan(
    formation: Formation, member: Membership, settings: Settings, runtime_dir: str, credentials: Credentials
) -> NodePlan:
    """The plan of this node. Raises `RuntimeFolderError` where a socket's path would be too long."""
    sizes = formation.deployment.sizes()
    ports = ports_of(member.topology, sizes, settings.cluster.port_offset)
    pools = pool_of_each_set(member.topology.pools, sizes)
    planner = _Planner(member, formation, runtime_dir, ports, settings.storage_class.by_name(), pools)
    try:
        sets = tuple(planner.set_plan(index) for index in range(len(sizes)))
    except ValueError as error:
        raise RuntimeFolderError(str(error)) from error
    keys = _all_keys(member)
    own = keys[member.own]
    return NodePlan(
        deployment_id=formation.deployment.deployment_id,
        node_number=member.own,
        settings=settings,
        sets=sets,
        runtime_dir=runtime_dir,
        credentials=credentials,
        nodes=tuple(
            PeerNode(str(name), pair.public) for name, pair in zip(member.topology.nodes, keys, strict=True)
        ),
        keys=BusKeys(own.public, own.secret),
        contacts=tuple(planner.contact(number) for number in range(len(keys))),
    )


def _all_keys(member: Membership) -> list[KeyPair]:
    return [node_keys(member.secret, str(name)) for name in member.topology.nodes]


@attrs.frozen
class _Planner:
    member: Membership
    formation: Formation
    runtime_dir: str
    ports: tuple[NodePorts, ...]
    classes: Mapping[str, str]
    pools: Sequence[int]

    def set_plan(self, index: int) -> SetPlan:
        record = self.formation.deployment.sets[index]
        verdicts = [(at, one) for at, one in enumerate(self.formation.verdicts) if one.set_index == index]
        drives = tuple(self._drive(at, verdict) for at, verdict in verdicts)
        workers = tuple(self._worker(index, node) for node in sorted({drive.node for drive in drives}))
        # A node without drives of the set asks one of those that have some, each node another.
        asked = next(
            (one for one in workers if one.node == self.member.own), workers[self.member.own % len(workers)]
        )
        parity, classes = record.parity, class_parities(self.classes, record.parity)
        return SetPlan(
            index,
            asked.name,
            asked.endpoint,
            len(drives) - parity,
            parity,
            drives,
            tuple(classes.items()),
            workers,
            is_added=self.formation.deployment.is_added(index),
            pool=self.pools[index],
        )

    def _drive(self, at: int, verdict: Verdict) -> DrivePlan:
        endpoint = self.member.topology.drives[at]
        port = self.ports[endpoint.node].drives[at]
        if endpoint.node != self.member.own:
            record = self.formation.deployment.sets[verdict.set_index].slots[verdict.slot]
            # What its own node makes of it shows when it is asked.
            return DrivePlan(
                slot=verdict.slot,
                name=drive_name(verdict.set_index, verdict.slot),
                endpoint=self._dialled(endpoint.node, port),
                path=endpoint.path,
                drive_id=record.drive_id,
                node=endpoint.node,
            )
        return own_drive(verdict, endpoint.path, self.runtime_dir, endpoint.node, self._listened(port))

    def contact(self, node: int) -> ProcessPlan:
        """The first acceptor of a node."""
        name, port = acceptor_name(0, node), self.ports[node].acceptor
        if node != self.member.own:
            return ProcessPlan(node, name, self._dialled(node, port))
        return ProcessPlan(node, name, endpoint_of(self.runtime_dir, name), self._listened(port))

    def _worker(self, index: int, node: int) -> ProcessPlan:
        name = set_name(index, node)
        port = self.ports[node].sets[index]
        if node != self.member.own:
            return ProcessPlan(node, name, self._dialled(node, port))
        return ProcessPlan(node, name, endpoint_of(self.runtime_dir, name), self._listened(port))

    def _dialled(self, node: int, port: int) -> str:
        return f"tcp://{self.member.topology.nodes[node].host}:{port}"

    def _listened(self, port: int) -> str:
        return f"tcp://{self.member.bind}:{port}"
