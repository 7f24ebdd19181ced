"""One rename in the simulation, with a process killed at one of its messages, and readers all the while.

A reader that looks at one key after the other may see the object at both, or at neither, only in the order in
which it moves: at the target and then still at the source never, nor gone from the source and then not at the
target. A listing shows exactly one of the two. After that whatever was killed lives again, and so it stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs
import trio

from rustfs_proto.erasure.layout import make_layout
from tests.kit.sim.client import Answer, Lost, S3Client
from tests.kit.sim.determinism import run_seeded
from tests.kit.sim.node import DEPLOYMENT, Geometry
from tests.kit.sim.node_story import NodeStory

BUCKET = "bucket"
MOVED = b"moved"
REPLACED = b"replaced"
GEOMETRY = Geometry(3, 1, sets=2)
DOWN_S = 0.4
"""How long a killed process stays away: a little less than whoever meets a rename waits for it."""
CALM_S = 2.5
"""Until everybody has ended what was left, after the last of a process' starts."""
PAUSE_S, CALM_PAUSE_S = 0.003, 0.2
"""Between two looks of a reader: while the rename is under way, and afterwards."""


@attrs.frozen
class Kill:
    """Which process dies at the how manieth message after the rename was asked for, or with `call` from the
    first message on that has that call. `who`: `acceptor`, `source` or `target` (the set workers), `all`, or
    the name of a process.
    """

    who: str
    step: int
    call: str = ""


@attrs.define
class Told:
    """What came of it. `steps` are the messages that were sent until the end."""

    failures: list[str]
    steps: int = 0
    status: int = 0
    is_moved: bool = False


def keys_of(*, same_set: bool) -> tuple[str, str]:
    """A source and a target with one home, or with two."""
    layout = make_layout(DEPLOYMENT, [GEOMETRY.drives] * GEOMETRY.sets)
    source = "source"
    home = layout.set_of(BUCKET, source.encode())
    names = (f"target{number}" for number in range(100))
    return source, next(name for name in names if (layout.set_of(BUCKET, name.encode()) == home) is same_set)


def run_rename(
    kill: Kill | None, *, same_set: bool, body: bytes = MOVED, replaces: bool = True, seed: int = 1
) -> Told:
    """Simulate."""
    return run_seeded(seed, _Story(seed, kill, body, replaces, *keys_of(same_set=same_set)).run)


class _Story(NodeStory):
    def __init__(
        self, seed: int, kill: Kill | None, body: bytes, replaces: bool, source: str, target: str
    ) -> None:
        super().__init__(seed, GEOMETRY)
        self._kill, self._body, self._replaces = kill, body, replaces
        self._source, self._target = source, target
        self._told = Told(self._world.failures)
        self._is_over = self._is_counting = False
        self._pause_s = PAUSE_S

    async def run(self) -> Told:
        await self.play()
        return self._told

    async def _phases(self) -> None:
        owner = self._client("owner")
        await owner.request("PUT", f"/{BUCKET}")
        await owner.request("PUT", f"/{BUCKET}/{self._source}", body=self._body)
        if self._replaces:
            await owner.request("PUT", f"/{BUCKET}/{self._target}", body=REPLACED)
        async with trio.open_nursery() as readers:
            readers.start_soon(self._read, "leaving", self._source, self._target)
            readers.start_soon(self._read, "coming", self._target, self._source)
            readers.start_soon(self._list)
            await self._rename()
            self._pause_s = CALM_PAUSE_S
            await trio.sleep(CALM_S)
            self._is_over = True
        await self._judge(owner)

    async def _rename(self) -> None:
        async with trio.open_nursery() as nursery:
            self._node.net.on_send = partial(self._count, nursery)
            headers = {"x-amz-rename-source": f"{BUCKET}/{self._source}"}
            try:
                answer = await self._client("renamer").request(
                    "PUT", f"/{BUCKET}/{self._target}", {"renameObject": ""}, headers
                )
                self._told.status = answer.status
            except Lost:
                # Its acceptor died. What became of it is seen below.
                self._told.status = 0
            self._node.net.on_send = lambda _: None

    def _count(self, nursery: trio.Nursery, frames: Sequence[bytes]) -> None:
        kill = self._kill
        self._is_counting |= kill is None or any(kill.call.encode() in frame for frame in frames)
        self._told.steps += self._is_counting
        if self._is_counting and kill is not None and self._told.steps == kill.step:
            for name in self._victims():
                if self._node.processes[name].is_running:
                    self._node.crash(name)
                    nursery.start_soon(self._revive, name)

    def _victims(self) -> list[str]:
        assert self._kill is not None
        layout = make_layout(DEPLOYMENT, [GEOMETRY.drives] * GEOMETRY.sets)
        named = {
            "acceptor": "acceptor-0",
            "source": f"set-{layout.set_of(BUCKET, self._source.encode())}",
            "target": f"set-{layout.set_of(BUCKET, self._target.encode())}",
        }
        who = self._kill.who
        return [*self._node.processes] if who == "all" else [named.get(who, who)]

    async def _revive(self, name: str) -> None:
        await trio.sleep(DOWN_S)
        await self._node.start(name)

    # What is seen

    async def _look(self, client: S3Client, key: str) -> bool | None:
        """Whether the object that is renamed is at the key; None where no answer came."""
        try:
            answer = await client.request("GET", f"/{BUCKET}/{key}")
        except Lost:
            return None
        return self._is_at(key, answer)

    def _is_at(self, key: str, answer: Answer) -> bool | None:
        if answer.status == 503:
            return None
        if answer.status == 404 and (key == self._source or not self._replaces):
            return False
        if answer.status == 200 and answer.body == self._body:
            return True
        if not (answer.status == 200 and answer.body == REPLACED and key == self._target):
            self._world.fail(f"{key} was answered {answer.status} {answer.body[:100]!r}")
        return False

    async def _read(self, name: str, first: str, second: str) -> None:
        client = self._client(name)
        while not self._is_over:
            seen = await self._look(client, first), await self._look(client, second)
            await trio.sleep(self._pause_s)
            if None in seen:
                continue
            if seen == (True, True) and first == self._target:
                self._world.fail("the object was at its target, and then still at its source")
            elif seen == (False, False) and first == self._source:
                self._world.fail("the object was gone from its source, and then not at its target")

    async def _list(self) -> None:
        client = self._client("lister")
        while not self._is_over:
            try:
                answer = await client.request("GET", f"/{BUCKET}", {"list-type": "2"})
            except Lost:
                answer = Answer(503, {}, b"")
            if answer.status != 503:
                self._check_listing(answer)
            await trio.sleep(self._pause_s)

    def _check_listing(self, answer: Answer) -> None:
        sizes = dict(zip(answer.texts("Key"), map(int, answer.texts("Size")), strict=True))
        is_at = self._source in sizes, sizes.get(self._target) == len(self._body)
        if is_at[0] is is_at[1]:
            self._world.fail(f"a listing showed {sizes}")

    async def _judge(self, client: S3Client) -> None:
        """All is well again: the object is at one of the keys, and either can be written."""
        # The acceptor that it knew may be dead.
        client.hang_up()
        is_at = await self._look(client, self._source), await self._look(client, self._target)
        if None in is_at or is_at[0] is is_at[1]:
            self._world.fail(f"in the end: at the source {is_at[0]}, at the target {is_at[1]}")
        self._told.is_moved = bool(is_at[1])
        if self._told.status == 200 and not self._told.is_moved:
            self._world.fail("the rename was acknowledged and has not happened")
        if self._told.status not in (0, 200, 503):
            self._world.fail(f"the rename was answered {self._told.status}")
        for method, status in (("PUT", 200), ("DELETE", 204)):
            for key in (self._source, self._target):
                answer = await client.request(method, f"/{BUCKET}/{key}", body=b"")
                if answer.status != status:
                    self._world.fail(f"in the end {method} {key} was answered {answer.status}")
        self._check_listing_is_empty(await client.request("GET", f"/{BUCKET}", {"list-type": "2"}))

    def _check_listing_is_empty(self, answer: Answer) -> None:
        if answer.status != 200 or answer.texts("Key"):
            self._world.fail(f"in the end a listing was answered {answer.status} {answer.texts('Key')}")
