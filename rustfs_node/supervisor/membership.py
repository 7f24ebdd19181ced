"""Which node of its cluster this one is: the one whose host is an address of this machine and whose port is
ours.

Names are resolved here and nowhere else before the workers run; a name service that starts beside this
program is waited for.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping, Sequence

import attrs
import structlog
import trio

from rustfs_node.config import Settings
from rustfs_node.supervisor.listening import parse_address
from rustfs_proto.topology.endpoints import NodeName, Topology

log = structlog.get_logger("supervisor")

_PAUSE_S = 0.5


class MembershipError(Exception):
    """It cannot be told which node this is; the text says what was looked at and what to set."""


@attrs.frozen
class Membership:
    """The cluster as one of its nodes sees it. `bind` is the address to listen at for the others."""

    topology: Topology
    own: int
    bind: str
    secret: bytes = attrs.field(repr=False)

    @property
    def own_name(self) -> NodeName:
        """Of this node."""
        return self.topology.nodes[self.own]

    def others(self) -> list[int]:
        """Numbers of the other nodes."""
        return [number for number in range(len(self.topology.nodes)) if number != self.own]


async def find_membership(topology: Topology, settings: Settings, secret: bytes) -> Membership:
    """Find out which node this is. Raises `MembershipError`."""
    host, port = parse_address(settings.acceptor.address)
    named = [str(name) for name in topology.nodes]
    deadline_s = trio.current_time() + settings.cluster.name_wait_s
    told: list[str] = []
    while True:
        listened = await _addresses_of(host) if host and not _is_any(host) else frozenset()
        if settings.cluster.own_endpoint:
            own = named.index(settings.cluster.own_endpoint)
            return Membership(topology, own, door(host, listened), secret)
        addresses = {name: await _addresses_of(name.host) for name in topology.nodes if name.port == port}
        found = own_node(topology.nodes, addresses, listened)
        if found is not None:
            return Membership(topology, found, door(host, listened), secret)
        unresolved = [str(name) for name, found in addresses.items() if not found]
        if not unresolved or trio.current_time() > deadline_s:
            raise MembershipError(_why_none(topology, settings.acceptor.address, unresolved))
        if unresolved != told:
            log.warning("names_unresolved", nodes=unresolved, wait_s=settings.cluster.name_wait_s)
            told = unresolved
        await trio.sleep(_PAUSE_S)


def own_node(
    nodes: Sequence[NodeName], addresses: Mapping[NodeName, Collection[str]], listened: Collection[str]
) -> int | None:
    """The number of the node that has one of these addresses: one of `listened`, where it listens at a
    certain address, else any of the machine. None: no node, or more than one, is ours.
    """
    ours = [
        number
        for number, name in enumerate(nodes)
        if any(one in listened if listened else _is_local(one) for one in addresses.get(name, ()))
    ]
    return ours[0] if len(ours) == 1 else None


def door(host: str, addresses: Collection[str]) -> str:
    """Where to listen for the other nodes, given the host of the node's own address and what that resolves
    to. At all addresses where none is named: a node of a cluster is there for others.
    """
    # The bus listens at one address: of a name's several, at the one that most networks have.
    address = min(addresses, key=lambda one: (":" in one, one), default=host) or "0.0.0.0"  # noqa: S104
    return f"[{address}]" if ":" in address else address


def mistakes_of_names(topology: Topology, settings: Settings) -> list[str]:
    """Why this can be none of the nodes, whatever their names resolve to."""
    named = ", ".join(map(str, topology.nodes))
    own, address = settings.cluster.own_endpoint, settings.acceptor.address
    if own and own not in map(str, topology.nodes):
        return [f"cluster.own_endpoint is {own!r}, the drives are on {named}: name one of these"]
    if not own and all(name.port != parse_address(address)[1] for name in topology.nodes):
        return [
            f"this node serves at {address}, the drives are on {named}: give --address one of these ports"
        ]
    return []


def _why_none(topology: Topology, address: str, unresolved: Sequence[str]) -> str:
    named = ", ".join(map(str, topology.nodes))
    if unresolved:
        return (
            f"it cannot be told which of the nodes {named} this is: {', '.join(unresolved)} cannot be"
            " resolved; mend the name service, or set cluster.own_endpoint"
        )
    return (
        f"of the nodes {named} not exactly one is at an address of this machine that --address {address}"
        " listens at: set cluster.own_endpoint, or name the host in --address"
    )


def _is_any(host: str) -> bool:
    return host in {"0.0.0.0", "::", "*"}  # noqa: S104 - compared, not bound


async def _addresses_of(host: str) -> frozenset[str]:
    """What a name resolves to; nothing where it does not."""
    try:
        found = await trio.socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(str(place[0]) for *_, place in found)


def _is_local(address: str) -> bool:
    """Whether the kernel would let us listen there, which it does for the machine's own addresses."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
