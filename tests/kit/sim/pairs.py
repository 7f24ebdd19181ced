"""Clients that write, read, remove and rename two objects onto each other, while processes are killed; and an
order of all they did that explains every answer, if there is one.

The state is what each key has. A request without a certain answer may take effect at any time after it was
made, or never. A listing sees both keys at one moment, as far as renames go; it is judged by that alone.
"""

from __future__ import annotations

from random import Random

import attrs
import trio

from tests.kit.sim.client import Answer, Lost, S3Client
from tests.kit.sim.determinism import run_seeded
from tests.kit.sim.node import Geometry, SimNode
from tests.kit.sim.renames import BUCKET, keys_of
from tests.kit.sim.trace import Trace
from tests.kit.sim.world import World, watched_log

State = tuple[int, int]
"""What the two keys have; 0 is nothing."""
UNCERTAIN = frozenset({0, 409, 500, 503})


@attrs.frozen
class Op:
    """What was asked of key `key` (0 or 1), when, and what was answered. `value` is what was written, or was
    read; of a rename `key` is its source. `status` 0: no answer. An uncertain one has no end.
    """

    kind: str
    key: int
    value: int
    status: int
    begin: float
    end: float

    def after(self, state: State) -> State | None:
        """The state that it leaves; None where its answer does not fit."""
        here, there = state[self.key], state[1 - self.key]
        match self.kind:
            case "get":
                return state if here == self.value else None
            case "put":
                return self._pair(self.value, there)
            case "delete":
                return self._pair(0, there)
        if self.status == 404:
            return None if here else state
        if not here:
            # Without an answer it may be one that found nothing.
            return state if self.status != 200 else None
        return self._pair(0, here)

    def _pair(self, here: int, there: int) -> State:
        return (here, there) if self.key == 0 else (there, here)


def explained(ops: list[Op]) -> bool:
    """Whether one order of the operations explains all answers. Tries those first that ended first."""
    ops = sorted(ops, key=lambda op: (op.end, op.begin))
    everything = sum(1 << number for number, op in enumerate(ops) if op.end != float("inf"))
    seen: set[tuple[int, State]] = set()
    stack: list[tuple[int, State]] = [(0, (0, 0))]
    while stack:
        done, state = stack.pop()
        if done & everything == everything:
            return True
        if (done, state) in seen:
            continue
        seen.add((done, state))
        left = [(number, op) for number, op in enumerate(ops) if not done >> number & 1]
        first_end = min(op.end for _, op in left)
        for number, op in left:
            if op.begin <= first_end and (after := op.after(state)) is not None:
                stack.append((done | 1 << number, after))
    return False


@attrs.define
class Seen:
    """What came of a run: failures, and how many renames were acknowledged."""

    failures: list[str]
    renamed: int = 0
    ops: list[Op] = attrs.field(factory=list)


def run_pairs(seed: int, *, clients: int = 3, operations: int = 12, deaths: int = 4) -> Seen:
    """Simulate, and judge."""
    return run_seeded(seed, _Pairs(seed, clients, operations, deaths).run)


class _Pairs:
    def __init__(self, seed: int, clients: int, operations: int, deaths: int) -> None:
        self._world = World(seed, Trace(2000))
        self._clients, self._operations, self._deaths = clients, operations, deaths
        self._random = self._world.chance.fork("pairs")
        self._keys = keys_of(same_set=self._random.random() < 0.4)
        self._seen = Seen(self._world.failures)
        self._last_value = 0

    async def run(self) -> Seen:
        with watched_log(self._world):
            async with trio.open_nursery() as nursery:
                self._node = SimNode(self._world, Geometry(3, 1, sets=2, acceptors=2), nursery)
                await self._node.start_all()
                await trio.sleep(3.0)
                await self._work()
                self._node.crash_all()
                for process in self._node.processes.values():
                    await process.ended()
        if not explained(self._seen.ops):
            self._world.fail("no order of the operations explains their answers")
        return self._seen

    async def _work(self) -> None:
        owner = self._client("owner")
        await owner.request("PUT", f"/{BUCKET}")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._kill)
            for number in range(self._clients):
                nursery.start_soon(self._act, self._client(f"client{number}"))
        await trio.sleep(3.0)
        # The acceptor that it knew may be dead.
        owner.hang_up()
        for key in (0, 1):
            if await self._do(owner, "get", key) in UNCERTAIN:
                self._world.fail("after all is well again a key cannot be read")

    def _client(self, name: str) -> S3Client:
        return S3Client(self._node, name, self._world.chance.fork(name))

    async def _kill(self) -> None:
        names = [*self._node.processes]
        for _ in range(self._deaths):
            await trio.sleep(self._random.uniform(0.0, 0.05))
            name = self._random.choice(names)
            self._node.crash(name)
            await trio.sleep(self._random.uniform(0.0, 0.1))
            await self._node.start(name)

    async def _act(self, client: S3Client) -> None:
        random: Random = client.random
        for _ in range(self._operations):
            kinds = ("put", "get", "get", "delete", "rename", "rename", "rename")
            status = await self._do(client, random.choice(kinds), random.randrange(2))
            await trio.sleep(random.uniform(0.0, 0.1 if status in UNCERTAIN else 0.01))

    async def _do(self, client: S3Client, kind: str, key: int) -> int:
        value = 0
        if kind == "put":
            value = self._last_value = self._last_value + 1
        begin = trio.current_time()
        try:
            answer = await self._ask(client, kind, key, value)
        except Lost:
            answer = Answer(0, {}, b"")
        if kind == "get":
            if answer.status not in (200, 404):
                return answer.status
            value = int(answer.body) if answer.status == 200 else 0
        end = float("inf") if answer.status in UNCERTAIN else trio.current_time()
        if kind == "rename" and answer.status == 409:
            # It is certain that it was given up.
            return answer.status
        self._seen.renamed += kind == "rename" and answer.status == 200
        self._seen.ops.append(Op(kind, key, value, answer.status, begin, end))
        return answer.status

    async def _ask(self, client: S3Client, kind: str, key: int, value: int) -> Answer:
        path, other = f"/{BUCKET}/{self._keys[key]}", f"/{BUCKET}/{self._keys[1 - key]}"
        if kind == "rename":
            headers = {"x-amz-rename-source": path}
            return await client.request("PUT", other, {"renameObject": ""}, headers)
        method = {"get": "GET", "put": "PUT", "delete": "DELETE"}[kind]
        return await client.request(method, path, body=b"%d" % value if kind == "put" else b"")
