"""docs/deployment.md and etc/cluster: shapes, ports and settings are those of the code, and its commands
work.
"""

from __future__ import annotations

import re
import stat

import pytest

from rustfs_node.config import Settings, load
from rustfs_node.supervisor.cluster_secret import cluster_secret
from rustfs_node.supervisor.credentials import cluster_credentials
from rustfs_node.supervisor.preflight import mistakes, mistakes_of_cluster
from rustfs_proto.erasure.geometry import write_quorum
from rustfs_proto.topology.endpoints import Topology, parse_topology
from rustfs_proto.topology.first_start import parities_of, sizes_of
from rustfs_proto.topology.ports import ports_of
from tests.docs.pages import ROOT, read_page
from tests.docs.program import environment, run_script
from tests.kit.cluster import free_hosts

PAGE = "docs/deployment.md"
FILES = ROOT / "etc" / "cluster"
SECRETS = ("access-key", "secret-key", "cluster-secret")


def shape(drives: str) -> tuple[Topology, tuple[int, ...], list[int]]:
    """Topology, sizes of its sets and their parities."""
    topology = parse_topology(drives.split())
    sizes = sizes_of(topology.pools, 0)
    return topology, sizes, list(parities_of(sizes, -1, "node.parity"))


def drives_on_one_node(topology: Topology, sizes: tuple[int, ...]) -> int:
    """The most that a set has on a node."""
    nodes = [endpoint.node for endpoint in topology.drives]
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    sets = [nodes[start : start + size] for start, size in zip(starts, sizes, strict=True)]
    return max(one.count(node) for one in sets for node in one)


@pytest.mark.parametrize("row", read_page(PAGE).rows("drives")[1:], ids=lambda row: row[0])
def test_the_table_of_shapes(row):
    """Sets, code and drives on a node; whether writes go on without a node, and reads of what was written
    meanwhile without another one.
    """
    topology, sizes, parities = shape(row[0].strip("`"))
    n, m = sizes[0], parities[0]
    assert len(set(sizes)) == 1 and len(set(parities)) == 1
    on_one = drives_on_one_node(topology, sizes)
    writes = n - on_one >= write_quorum(n - m, m)
    restarts = "yes" if m >= 2 * on_one else "with a gap"
    said = [f"{len(sizes)} of {n}", f"{n - m}+{m}", str(on_one)]
    assert row[1:] == [*said, "yes" if writes else "no", restarts if writes else "no"]


@pytest.mark.parametrize("row", read_page(PAGE).rows("node of")[1:], ids=lambda row: row[0])
def test_the_table_of_ports(row):
    """Which ports a firewall lets through for a node."""
    topology, sizes, _ = shape(row[0].strip("`"))
    (ports,) = {
        (len(one.drives), len(one.sets), f"{one.base}-{one.last}")
        for one in ports_of(topology, sizes, Settings().cluster.port_offset)
    }
    assert row[1:] == [str(ports[0]), str(ports[1]), ports[2]]


def test_the_example(tmp_path):
    """The commands make secrets of mode 0600; with them, and the files of etc/cluster, each of four nodes
    would start with a set of 8+8 that writes, and reads, without any two nodes' worth of shards.
    """
    (block,) = [one for one in read_page(PAGE).blocks if "openssl" in one.text]
    run_script(block.text.replace("/etc/rustfs-node", str(tmp_path / "etc")), tmp_path, environment(tmp_path))
    for name in SECRETS:
        assert stat.S_IMODE((tmp_path / "etc" / name).stat().st_mode) == 0o600
    drop_in = (FILES / "drop-in.conf").read_text().replace("/etc/rustfs-node", str(tmp_path / "etc"))
    loaded = dict(re.findall(r"(?m)^LoadCredential=([\w-]+):(.+)$", drop_in))
    assert set(loaded) == set(SECRETS)
    given = dict(re.findall(r"(?m)^Environment=(\w+)=%d/([\w-]+)$", drop_in))
    settings = load(
        (FILES / "rustfs-node.toml").read_bytes(), {name: loaded[file] for name, file in given.items()}, {}
    )
    topology = parse_topology(settings.node.volumes)
    assert [*mistakes(settings, topology.pools), *mistakes_of_cluster(settings, topology)] == []
    assert len(cluster_secret(settings.cluster, cluster_credentials(settings.node))) >= 32
    sizes = sizes_of(topology.pools, settings.node.set_drives)
    assert (sizes, parities_of(sizes, settings.node.parity, "node.parity")) == ((16,), [8])
    assert settings.node.parity >= 2 * drives_on_one_node(topology, sizes)
    assert settings.acceptor.leave_s + settings.acceptor.drain_deadline_s < settings.node.stop_deadline_s
    folders = sorted({endpoint.path for endpoint in topology.drives})
    for name in ("ReadWritePaths", "RequiresMountsFor"):
        assert re.findall(rf"(?m)^{name}=(.+)$", drop_in) == [" ".join(folders)]


@pytest.mark.slow
def test_the_trial_on_one_machine(tmp_path):
    """The lines of "Try it on one machine", pasted, make four nodes that are well."""
    (block,) = [one for one in read_page(PAGE).blocks if "trial-secret-key" in one.text]
    network = free_hosts(4)[0].removesuffix(".1")
    small = "RUSTFS_NODE_FORMAT_FREE_BYTES_MIN=0 RUSTFS_DRIVE_SEGMENT_ZERO_FILL=false"
    before = f"export {small} XDG_STATE_HOME=$PWD/state\ntrap 'kill $(jobs -p); wait' EXIT\n"
    script = before + block.text.replace("127.0.0", network)
    said = run_script(script, tmp_path, environment(tmp_path / "programs"))
    checks = [line.split() for line in said.splitlines() if re.match(r"(live|ready|write|read) ", line)]
    assert [words[1] for words in checks[-4:]] == ["ok"] * 4
    # It may be well before the last of the nodes has come.
    assert "4 nodes, 1 set, 4 drives" in said and "set 0: " in said
