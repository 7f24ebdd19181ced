"""A simulated node of which something is asked, from its start to the moment when all of it is crashed."""

from __future__ import annotations

import trio

from tests.kit.sim.client import S3Client
from tests.kit.sim.node import Geometry, SimNode
from tests.kit.sim.trace import Trace
from tests.kit.sim.world import World, watched_log


class NodeStory:
    """`play` it; what happens in it is `_phases`."""

    def __init__(self, seed: int, geometry: Geometry) -> None:
        self._world = World(seed, Trace(2000))
        self._geometry = geometry

    async def play(self) -> None:
        """Once."""
        with watched_log(self._world):
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                self._node = SimNode(self._world, self._geometry, nursery)
                await self._node.start_all()
                await trio.sleep(3.0)
                await self._phases()
                self._node.crash_all()
                for process in self._node.processes.values():
                    await process.ended()

    async def _phases(self) -> None:
        raise NotImplementedError

    def _client(self, name: str) -> S3Client:
        return S3Client(self._node, name, self._world.chance.fork(name))
