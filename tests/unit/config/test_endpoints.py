"""What the arguments of `serve` name: pools, drives, nodes; and the ports that nodes listen at for each
other.
"""

from __future__ import annotations

import pytest

from rustfs_proto.topology.ellipses import EllipsesError
from rustfs_proto.topology.endpoints import NodeName, PoolShape, check_folders, parse_topology
from rustfs_proto.topology.ports import PortsError, ports_of


def test_folders_are_drives_of_a_nameless_node():
    """Without URLs nothing is a cluster, and a drive's label is its folder."""
    topology = parse_topology(["/data{1...4}"])
    assert not topology.is_cluster
    assert topology.labels() == ("/data1", "/data2", "/data3", "/data4")
    assert topology.pools == (PoolShape(4),)


def test_hosts_vary_fastest():
    """Drives that follow each other are on different nodes, which are numbered as they appear."""
    topology = parse_topology(["http://node{1...3}:9000/data{1...2}"])
    assert topology.is_cluster
    assert topology.nodes == tuple(NodeName(f"node{number}", 9000) for number in (1, 2, 3))
    assert [(one.node, one.path) for one in topology.drives] == [
        (0, "/data1"), (1, "/data1"), (2, "/data1"), (0, "/data2"), (1, "/data2"), (2, "/data2"),
    ]  # fmt: skip
    assert topology.pools == (PoolShape(6, 3),)


def test_patterns_are_pools_and_single_urls_one_pool():
    """Each argument with a range is a pool; arguments without any make one together."""
    pools = parse_topology(["http://a{1...2}/d{1...4}", "http://b{1...4}/d{1...4}"]).pools
    assert pools == (PoolShape(8, 2), PoolShape(16, 4))
    assert parse_topology(["/a{1...4}", "/b{1...2}"]).pools == (PoolShape(4), PoolShape(2))
    assert parse_topology(["http://a/d", "http://b/d", "http://c/d"]).pools == (PoolShape(3),)


def test_ports_and_addresses():
    """A port that is not given is the one that this node serves at; addresses of both kinds are hosts."""
    nodes = parse_topology(["http://10.0.0.1/d", "http://[fe80::1]:9100/d"], 9443).nodes
    assert list(map(str, nodes)) == ["10.0.0.1:9443", "[fe80::1]:9100"]
    assert parse_topology(["https://a/d"]).is_secure


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], "no drives given"),
        ([" "], "name a folder"),
        (["http://a/d", "/d"], "of different kinds"),
        (["http://a/d", "https://b/d"], "of different kinds"),
        (["http://a{1...2}/d", "http://b/d"], "has no range while other arguments have"),
        (["http://a"], "names no folder"),
        (["http://a/"], "names no folder"),
        (["http://a/x/../y"], "names no folder"),
        (["ftp://a/d"], "http://host:port/folder"),
        (["http://a:99999/d"], "port 99999"),
        (["http:///d"], "http://host:port/folder"),
    ],
)
def test_what_names_no_drives(arguments, wanted):
    """Each mistake is quoted, with what to write instead."""
    with pytest.raises(EllipsesError, match=wanted):
        parse_topology(arguments)


def test_a_folder_twice_on_one_node():
    """The same folder on two nodes is two drives; on one node it is a mistake that names the node."""
    check_folders(parse_topology(["http://a{1...2}:9000/d"]))
    with pytest.raises(EllipsesError, match=r"^a:9000: /d is named twice"):
        check_folders(parse_topology(["http://a:9000/d", "http://a:9000/d"]))


def test_ports_of_nodes():
    """After the supervisor come the drives in their order, then the sets that have drives on the node."""
    topology = parse_topology(["http://node{1...4}:9000/data{1...8}"])
    first, *others = ports_of(topology, (16, 16), 10000)
    assert (first.base, first.last) == (19000, 19010)
    assert first.drives == {
        0: 19001,
        4: 19002,
        8: 19003,
        12: 19004,
        16: 19005,
        20: 19006,
        24: 19007,
        28: 19008,
    }
    assert first.sets == {0: 19009, 1: 19010}
    assert [ports.base for ports in others] == [19000] * 3


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["http://h:9000/a", "http://h:9002/b"], r"4 or more apart|3 or more apart"),
        (["http://h:60000/a", "http://g:9000/b"], "lower cluster.port_offset"),
    ],
)
def test_ports_that_do_not_exist(arguments, wanted):
    """Nodes of one host need room for all their ports, and no port is beyond the last."""
    with pytest.raises(PortsError, match=wanted):
        ports_of(parse_topology(arguments), (2,), 10000)
