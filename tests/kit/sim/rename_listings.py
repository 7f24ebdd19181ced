"""An object that goes to and fro between two keys of two sets, and a listing that hears one of the sets later
than the other.

The lister has an acceptor of its own, whose calls to one set take longer than a rename. So between what the
two sets tell it there is nearly always one.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import trio

from tests.kit.sim.client import S3Client
from tests.kit.sim.determinism import run_seeded
from tests.kit.sim.node import Geometry, SimNode
from tests.kit.sim.renames import BUCKET, keys_of
from tests.kit.sim.trace import Trace
from tests.kit.sim.world import World, watched_log

LAG_S = 0.05
PAUSE_S = 0.4
"""Between two renames: longer than three looks of the lister."""
RENAMES = 3


class _Chooses(Random):
    """Always the one of that index."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self._index = index

    def choice(self, seq: Sequence[Any]) -> Any:
        return seq[self._index]


def run_listings(seed: int) -> tuple[list[str], int]:
    """Simulate: failures, and how many listings were answered, first of keys and then of versions."""
    return run_seeded(seed, _Listings(seed).run)


class _Listings:
    def __init__(self, seed: int) -> None:
        self._world = World(seed, Trace(2000))
        self._query = {"list-type": "2"}
        self._keys = keys_of(same_set=False)
        self._is_over = False
        self._answered = 0

    async def run(self) -> tuple[list[str], int]:
        with watched_log(self._world):
            async with trio.open_nursery() as nursery:
                node = SimNode(self._world, Geometry(2, 1, sets=2, acceptors=2), nursery)
                await node.start_all()
                await trio.sleep(3.0)
                node.net.lag_s = {("acceptor-0", "set-0"): LAG_S}
                await self._phase(node)
                node.net.lag_s = {("acceptor-0", "set-1"): LAG_S}
                self._query = {"versions": ""}
                await self._phase(node)
                node.crash_all()
                for process in node.processes.values():
                    await process.ended()
        return self._world.failures, self._answered

    async def _phase(self, node: SimNode) -> None:
        renamer = S3Client(node, "renamer", _Chooses(1))
        await renamer.request("PUT", f"/{BUCKET}")
        source, target = self._keys
        await renamer.request("PUT", f"/{BUCKET}/{source}", body=b"object")
        self._is_over = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._list, S3Client(node, "lister", _Chooses(0)))
            for _ in range(RENAMES):
                headers = {"x-amz-rename-source": f"{BUCKET}/{source}"}
                answer = await renamer.request("PUT", f"/{BUCKET}/{target}", {"renameObject": ""}, headers)
                if answer.status != 200:
                    self._world.fail(f"a rename was answered {answer.status}")
                source, target = target, source
                await trio.sleep(PAUSE_S)
            self._is_over = True
        await renamer.request("DELETE", f"/{BUCKET}/{source}")

    async def _list(self, client: S3Client) -> None:
        while not self._is_over:
            answer = await client.request("GET", f"/{BUCKET}", self._query)
            if answer.status == 200:
                self._answered += 1
                if len(answer.texts("Key")) != 1:
                    self._world.fail(f"a listing showed {answer.texts('Key')}")
