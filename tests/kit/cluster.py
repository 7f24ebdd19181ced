"""A whole cluster on one machine: each node is the real program at an address of its own.

All of 127.0.0.0/8 is the machine's, so every node can have the same port, as on machines of their own, and
clusters of tests that run side by side have networks of their own. With a `Network` each node is in a
namespace of it, and with `clocks` each has a wall clock that can be set.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.kit import own_places
from tests.kit.netns import Network
from tests.kit.node import START_S, RunningNode
from tests.kit.wall_clock import WallClock

PORT = 9180
"""Not the one that a node without --address takes."""
BUS_PORT = PORT + 10000


class RunningCluster:
    """`nodes` nodes of `drives` drives each below `folder`, started together and stopped at the end of the
    `with` block. Drives are named node by node within each row, as an ellipsis over hosts names them. With
    several `pools` each node has so many drives in each of them. With `patterns`, which several pools need,
    drives are named by ellipses over hosts and drives, and each node sees its own at the same path.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        nodes: int = 3,
        drives: int = 1,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        network: Network | None = None,
        clocks: bool = False,
        pools: int = 1,
        patterns: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self.network = network
        self.hosts = [network.host(one) for one in range(nodes)] if network else free_hosts(nodes)
        self.clocks = [WallClock(self.folder / f"clock{number}") for number in range(nodes)]
        clock_environment = [clock.make() if clocks else {} for clock in self.clocks]
        self.volumes = [
            f"http://{host}:{PORT}{self.folder}/n{number}/d{drive}"
            for drive in range(1, drives + 1)
            for number, host in enumerate(self.hosts)
        ]
        patterns = patterns or pools > 1
        if patterns:
            self.volumes = self._patterns(nodes, drives, pools)
        self.nodes = [
            RunningNode(
                self.folder / f"n{number}",
                drives=drives,
                arguments=arguments,
                environment={**(environment or {}), **clock_environment[number]},
                address=(host, PORT),
                volumes=self.volumes,
                launcher=[
                    *(network.launcher(number) if network else ()),
                    *(own_places.launcher(self.folder / f"n{number}", self._place) if patterns else ()),
                ],
            )
            for number, host in enumerate(self.hosts)
        ]

    @property
    def _place(self) -> Path:
        """Where each node sees its own folder."""
        return self.folder / "place"

    def _patterns(self, nodes: int, drives: int, pools: int) -> list[str]:
        self._place.mkdir(exist_ok=True)
        hosts = f"{self.hosts[0].rpartition('.')[0]}.{{1...{nodes}}}"
        return [f"http://{hosts}:{PORT}{self._place}/p{pool}d{{1...{drives}}}" for pool in range(pools)]

    def __enter__(self) -> Self:
        try:
            self.start()
        # A test that is interrupted leaves no node behind.
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def start(self, order: Sequence[int] | None = None) -> None:
        """Start all nodes at once, in that order, and wait until each serves and sees all drives."""
        for number in order or range(len(self.nodes)):
            self.nodes[number].spawn()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until every node serves with all workers, and the cluster can be written to through each."""
        for node in self.nodes:
            node.wait_notice("READY=1", START_S)
        self.wait_healthy()

    def wait_healthy(self) -> None:
        """Wait until every set can be written to through each node."""
        for node in self.nodes:
            node.wait_healthy()

    def close(self) -> None:
        """End every node."""
        with contextlib.ExitStack() as stack:
            for node in self.nodes:
                stack.callback(node.close)

    def logs(self, lines: int = 30) -> str:
        """The ends of all logs."""
        return "\n".join(
            f"-- {node.host}\n{node.log_tail(lines)}" for node in self.nodes if node.log_path.exists()
        )


def free_hosts(count: int) -> list[str]:
    """Addresses of a network of 127.0.0.0/8 at which nobody listens."""
    chance = random.Random(os.urandom(8))
    while True:
        network = f"127.{chance.randrange(1, 255)}.{chance.randrange(256)}"
        hosts = [f"{network}.{number}" for number in range(1, count + 1)]
        if all(_is_free(host, port) for host in hosts for port in (PORT, BUS_PORT)):
            return hosts


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
