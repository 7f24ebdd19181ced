"""Nodes are restarted one after the other as docs/deployment.md says, and clients that retry as SDKs do
notice nothing.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cluster.load import Load
from tests.docs.pages import read_page
from tests.docs.program import environment
from tests.kit.balancer import Balancer, free_place
from tests.kit.cluster import PORT, RunningCluster

LEAVE_S = 1.5
"""What haproxy needs to notice: two of its checks."""


def block(first_line: str) -> str:
    """The commands of the document that begin so."""
    (found,) = [one for one in read_page("docs/deployment.md").blocks if one.text.startswith(first_line)]
    return found.text


class Remote:
    """Stands for ssh: what the document's loop asks of a node waits here until the test has done it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._asked, self._done = folder / "asked", folder / "done"
        os.mkfifo(self._asked)
        os.mkfifo(self._done)
        self.program = folder / "ssh"
        self.program.write_text(f'#!/bin/sh\necho "$@" > {self._asked}\nexec cat {self._done}\n')
        self.program.chmod(0o755)

    def next(self) -> str:
        """The words of the next command."""
        return self._asked.read_text().strip()

    def answer(self) -> None:
        """Let it end."""
        self._done.write_text("")


@pytest.mark.long
def test_a_rolling_restart_fails_no_request(tmp_path):
    """While haproxy drains a node, and each of four is then stopped and started in its turn, every request
    succeeds and what was written meanwhile is read.
    """
    leaving = {"RUSTFS_ACCEPTOR_LEAVE_S": str(LEAVE_S)}
    with RunningCluster(tmp_path, nodes=4, drives=1, environment=leaving) as cluster:
        host = cluster.nodes[0].host
        places = [f"{node.host}:{node.port}" for node in cluster.nodes]
        with Balancer(tmp_path, host, free_place(host), places) as balancer:
            balancer.wait_status("/minio/health/cluster", 200)
            with Load(balancer.url, clients=2) as load:
                for line in block('echo "set server').splitlines():
                    balancer.tell(line.split('"')[1])
                restart_all(cluster, tmp_path / "remote")
    assert load.failures == []
    assert sum(tally.requests for tally in load.tallies) > 50


def restart_all(cluster: RunningCluster, folder: Path) -> None:
    """Run the document's loop, and do what it asks of the nodes."""
    remote = Remote(folder)
    names = " ".join(node.host for node in cluster.nodes)
    script = block("for node in node1").replace("node1 node2 node3 node4", names)
    script = script.replace(":9000", f":{PORT}")
    env = environment(folder)
    with subprocess.Popen(["bash", "-euc", script], env=env, stdout=subprocess.PIPE) as loop:
        for node in cluster.nodes:
            assert remote.next() == f"{node.host} systemctl restart rustfs-node"
            node.restart()
            remote.answer()
        said = loop.communicate(timeout=30)[0].decode()
    assert loop.returncode == 0
    assert said.count("maintenance  ok  every erasure set can be written without this node") == 4
