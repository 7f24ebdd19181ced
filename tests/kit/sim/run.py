"""One seed, from beginning to end.

safety   clients work while faults happen
heal     no faults any more; after a while everything must work again
proof    what clients saw, what lies on the drives, what still runs
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import trio

import rustfs_node.acceptor.s3.multipart as multipart_room
from tests.kit.sim.atlas import Atlas, Swarm
from tests.kit.sim.checks import check_drives, check_healed, check_history, check_tasks, tasks_of
from tests.kit.sim.client import Lost, S3Client
from tests.kit.sim.determinism import run_seeded
from tests.kit.sim.history import Outcome
from tests.kit.sim.nemesis import Nemesis, draw_swarm, explained
from tests.kit.sim.node import SimNode
from tests.kit.sim.trace import Trace
from tests.kit.sim.workload import BUCKET, PART_BYTES_MIN, Actor, Load, Scene
from tests.kit.sim.world import World, watched_log

CALM_S = 45.0
"""Until the last timeout of the faulty time is over: what is asked then must succeed."""
SWEEP_S = 110.0
"""Until whatever was left behind is old enough to be swept, and was."""


@attrs.frozen
class Result:
    """What came of a seed; good without `failures`."""

    seed: int
    swarm: Swarm
    failures: list[str]
    digest: str
    events: int
    virtual_s: float
    outcomes: dict[Outcome, int]
    faults: dict[str, int]
    trace: Trace = attrs.field(repr=False)

    def __str__(self) -> str:
        outcomes = " ".join(f"{count} {outcome.value}" for outcome, count in self.outcomes.items())
        return f"seed {self.seed}: {self.swarm}: {self.events} events, {outcomes}, hash {self.digest}"


def run_seed(
    seed: int, swarm: Swarm | None = None, load: Load | None = None, keep: int | None = 2000
) -> Result:
    """Simulate. `swarm` and `load` are drawn from the seed where they are not given."""
    with _small_parts():
        return run_seeded(seed, Run(seed, swarm, load or Load(), keep).run)


@contextmanager
def _small_parts() -> Iterator[None]:
    """Parts of an upload may be small: the 5 MiB of S3 would be most of what is simulated."""
    before = multipart_room.PART_BYTES_MIN
    multipart_room.PART_BYTES_MIN = PART_BYTES_MIN
    try:
        yield
    finally:
        multipart_room.PART_BYTES_MIN = before


class Run:
    """The three phases."""

    def __init__(self, seed: int, swarm: Swarm | None, load: Load, keep: int | None) -> None:
        self._world = World(seed, Trace(keep))
        self._swarm = swarm or draw_swarm(self._world.chance.fork("swarm"))
        # What has little parity does not bear the losses of a run with losses.
        has_classes = not self._swarm.is_loss and self._swarm.geometry.parity > 1
        self._scene = Scene(self._world, load, has_classes)
        self._world.expected_errors = explained(self._swarm)

    async def run(self) -> Result:
        """See the module."""
        with watched_log(self._world):
            async with trio.open_nursery() as nursery:
                node = SimNode(self._world, self._swarm.geometry, nursery)
                await self._phases(node)
                node.crash_all()
                for process in node.processes.values():
                    await process.ended()
                check_drives(node, self._atlas, self._scene)
        check_history(self._scene)
        history = self._scene.history
        return Result(
            seed=self._world.seed,
            swarm=self._swarm,
            failures=self._world.failures,
            digest=self._world.trace.digest,
            events=self._world.trace.events,
            virtual_s=trio.current_time(),
            outcomes={outcome: history.count(outcome) for outcome in Outcome},
            faults=self._nemesis.happened,
            trace=self._world.trace,
        )

    async def _phases(self, node: SimNode) -> None:
        await node.start_all()
        await trio.sleep(3.0)
        tasks = tasks_of(node)
        self._atlas = Atlas.draw(node, self._swarm, self._world.chance.fork("atlas"))
        self._nemesis = Nemesis(node, self._atlas, self._world.chance.fork("nemesis"))
        await self._expect(node, "PUT", f"/{BUCKET}")
        await self._safety(node)
        await self._nemesis.heal()
        await trio.sleep(CALM_S)
        await self._audit(node, "after healing")
        await trio.sleep(SWEEP_S)
        await check_tasks(node, tasks)
        check_healed(node, self._scene)
        if not self._swarm.is_loss:
            # Drives that lost what they had for good are on their own here: see the atlas.
            node.cut_all_power()
            await node.start_all()
            await trio.sleep(3.0)
        await self._audit(node, "in the end")

    async def _safety(self, node: SimNode) -> None:
        async with trio.open_nursery() as faults:
            faults.start_soon(self._nemesis.run)
            async with trio.open_nursery() as clients:
                for number in range(self._scene.load.clients):
                    clients.start_soon(Actor(self._scene, self._client(node, f"client{number}")).run)
            faults.cancel_scope.cancel()

    def _client(self, node: SimNode, name: str) -> S3Client:
        return S3Client(node, name, self._world.chance.fork(name))

    async def _expect(self, node: SimNode, method: str, path: str) -> None:
        client = self._client(node, "owner")
        answer = await client.request(method, path)
        client.hang_up()
        if answer.status != 200:
            self._world.fail(f"{method} {path} was answered {answer.status} {answer.body!r}")

    async def _audit(self, node: SimNode, when: str) -> None:
        """Everything works: each key can be read, listed and written."""
        client = self._client(node, f"auditor {when}")
        actor = Actor(self._scene, client)
        before = len(self._scene.history.ops)
        for key in self._scene.keys:
            await actor.get(key)
        if not await actor.list_all("", 1000):
            self._world.fail(f"a listing failed {when}")
        for key in self._scene.keys[:2]:
            await actor.put(2000, key)
            await actor.get(key)
        for op in self._scene.history.ops[before:]:
            if op.outcome is not Outcome.OK:
                self._world.fail(f"{when}, this failed: {op}")
        await self._check_uploads(client)
        client.hang_up()

    async def _check_uploads(self, client: S3Client) -> None:
        try:
            answer = await client.request("GET", f"/{BUCKET}", {"uploads": ""})
        except Lost:
            self._world.fail("uploads cannot be listed")
            return
        over = dict(self._scene.uploads.aborted)
        # Where an upload cannot be removed after its object was made, that is told to the log and to nobody
        # else.
        if not self._world.told["upload_not_removed"]:
            over |= self._scene.uploads.completed
        for upload_id in answer.texts("Upload/{*}UploadId"):
            if upload_id in over:
                self._world.fail(f"upload {upload_id} is over and still listed")
