"""A cluster that grows and shrinks while it serves: real programs, with all that they have killed amid it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.load import Load
from tests.kit import own_places
from tests.kit.cluster import PORT, free_hosts
from tests.kit.growing import QUICK, check, ctl, store, wait_until_moved
from tests.kit.node import START_S, RunningNode

NODES = 3
WHY_NOT = own_places.why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "never")


class Cluster:
    """Three nodes with two drives each, and one that is there for the second pool alone, of one drive of
    each. A pattern names the same folders on every node, so each sees its own in their place.
    """

    def __init__(self, folder: Path) -> None:
        hosts = free_hosts(NODES + 1)
        place = folder / "drives"
        place.mkdir()
        network = hosts[0].rpartition(".")[0]
        self.pools = [
            f"http://{network}.{{1...{NODES}}}:{PORT}{place}/a{{1...2}}",
            f"http://{network}.{{1...{NODES + 1}}}:{PORT}{place}/b",
        ]
        self.nodes = [
            RunningNode(
                folder / f"n{number}",
                environment=QUICK,
                address=(host, PORT),
                volumes=self.pools[:1],
                launcher=own_places.launcher(folder / f"n{number}", place),
            )
            for number, host in enumerate(hosts)
        ]

    def start(self, numbers: range) -> None:
        """Start these nodes and wait until every set can be written to through each."""
        for number in numbers:
            self.nodes[number].spawn()
        for number in numbers:
            self.nodes[number].wait_notice("READY=1", START_S)
        for number in numbers:
            self.nodes[number].wait_healthy()

    def grow(self) -> None:
        """Stop all nodes, and start them with the second pool, the new one among them."""
        for node in self.nodes[:NODES]:
            assert node.stop() == 0
        for node in self.nodes:
            node.volumes = list(self.pools)
        self.start(range(NODES, -1, -1))

    def kill_all(self) -> None:
        """SIGKILL of everything."""
        for node in self.nodes:
            node.kill_all()

    def kill_worker(self, number: int, name: str) -> None:
        """SIGKILL of a process that its supervisor starts again."""
        os.kill(self.nodes[number].worker_pids()[name], signal.SIGKILL)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Of one pool."""
    cluster = Cluster(tmp_path)
    monkeypatch.setenv("RUSTFS_ACCESS_KEY", cluster.nodes[0].access_key)
    monkeypatch.setenv("RUSTFS_SECRET_KEY", cluster.nodes[0].secret_key)
    with contextlib.ExitStack() as stack:
        for node in cluster.nodes:
            stack.callback(node.close)
        cluster.start(range(NODES))
        yield cluster


@pytest.mark.long
def test_a_pool_is_added_filled_and_left(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    """Every version, tag and lock is as it was, clients that retry as SDKs do see no failure, and every node
    tells the same of how it goes, whatever is killed.
    """
    first, second, _, new = cluster.nodes
    stored = store(first.boto3())
    cluster.grow()
    slots = [(one["pool"], one["slots"]) for one in ctl(new, capsys, "layout", "show")["sets"]]
    assert slots == [(0, 4096), (1, 0)]
    with Load(second.url, clients=2) as load:
        ctl(new, capsys, "pool", "rebalance")
        cluster.kill_worker(0, "acceptor-0")
        cluster.kill_worker(3, "set-1.3")
        told = wait_until_moved(second, capsys)
        assert [one["slots"] for one in told["sets"]] == [2458, 1638]
        assert all(ctl(node, capsys, "layout", "status") == told for node in cluster.nodes)
    assert load.failures == []
    check(new.boto3(), stored)
    ctl(second, capsys, "pool", "decommission", "0")
    cluster.kill_all()
    cluster.start(range(NODES + 1))
    told = wait_until_moved(first, capsys)
    assert [one["slots"] for one in told["sets"]] == [0, 4096] and told["change"]["leaving"] == [0]
    check(new.boto3(), stored)
    for tally in load.tallies:
        for key, body in tally.kept.items():
            assert first.boto3().get_object(Bucket="load", Key=key)["Body"].read() == body, key
