"""Which node of a cluster this is, and where it listens for the others."""

from __future__ import annotations

import attrs
import pytest

from rustfs_node.config import Settings
from rustfs_node.supervisor.membership import MembershipError, door, find_membership, own_node
from rustfs_proto.topology.endpoints import NodeName, parse_topology

ONE, TWO = NodeName("one", 9000), NodeName("two", 9000)


def settings_of(address: str, **cluster: object) -> Settings:
    """A node at that address."""
    settings = Settings()
    return attrs.evolve(
        settings,
        acceptor=attrs.evolve(settings.acceptor, address=address),
        cluster=attrs.evolve(settings.cluster, **cluster),
    )


@pytest.mark.parametrize(
    ("host", "addresses", "wanted"),
    [
        ("", [], "0.0.0.0"),
        ("0.0.0.0", [], "0.0.0.0"),
        ("::", [], "[::]"),
        ("10.0.0.1", ["10.0.0.1"], "10.0.0.1"),
        ("node1", ["fd00::1", "10.0.0.2", "10.0.0.1"], "10.0.0.1"),
        ("node1", ["fd00::1"], "[fd00::1]"),
    ],
)
def test_where_it_listens_for_the_others(host, addresses, wanted):
    """At the address of its own, be that given by a name, and at all where none is given."""
    assert door(host, addresses) == wanted


@pytest.mark.parametrize(
    ("addresses", "listened", "own"),
    [
        ({ONE: ["127.0.0.5"], TWO: ["203.0.113.1"]}, [], 0),
        ({ONE: ["203.0.113.2"], TWO: ["203.0.113.1"]}, [], None),
        ({ONE: ["127.0.0.5"], TWO: ["127.0.0.6"]}, [], None),
        ({ONE: ["127.0.0.5"], TWO: ["127.0.0.6"]}, ["127.0.0.6"], 1),
        ({ONE: [], TWO: ["127.0.0.6"]}, ["127.0.0.5"], None),
    ],
)
def test_one_of_the_nodes(addresses, listened, own):
    """The one whose host is an address of this machine or, where it listens at certain ones, one of those."""
    assert own_node([ONE, TWO], addresses, listened) == own


async def test_an_address_that_is_a_name():
    """`--address localhost:9000` finds the node of that name, and listens for the others at an address."""
    topology = parse_topology(["http://localhost:9000/a", "http://203.0.113.1:9000/b"])
    member = await find_membership(topology, settings_of("localhost:9000"), b"")
    assert (member.own, member.bind) == (0, "127.0.0.1")
    named = settings_of("localhost:9000", own_endpoint="203.0.113.1:9000")
    assert (await find_membership(topology, named, b"")).own == 1


async def test_a_name_that_does_not_resolve():
    """After a while it is told which names those are, and what to set."""
    topology = parse_topology(["http://nowhere.invalid:9000/a", "http://203.0.113.1:9000/b"])
    with pytest.raises(MembershipError, match=r"nowhere\.invalid:9000 cannot be resolved; .*own_endpoint"):
        await find_membership(topology, settings_of(":9000", name_wait_s=0.01), b"")
