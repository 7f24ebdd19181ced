"""A pool that is left, and then filled again, in the simulation: with clients all the while, and a process
killed, or cut off, at one of the messages. On one node, or on several.

Each client has keys of its own, so it knows what they must have: what it was told was done, or what it was
not told about, which may show at any time. Besides all of them count up some keys. In the end whatever was
killed lives again, everything has moved, and all objects are as they were left: small, in shard files, of
several versions, with tags.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

import attrs
import trio

from tests.kit.sim.client import Answer, Lost, S3Client
from tests.kit.sim.counters import Counter
from tests.kit.sim.determinism import run_seeded
from tests.kit.sim.node import Geometry
from tests.kit.sim.node_story import NodeStory

ONE_NODE = Geometry(3, 1, sets=2, moves=True)
THREE_NODES = Geometry(3, 1, sets=2, moves=True, nodes=3)
PLAIN, VERSIONED = "plain", "versioned"
DOWN_S = 0.4
LOOKS_MAX = 1000
PAUSE_S = 0.1
CLIENTS = 2
KEYS = 4
COUNTERS = 6
TOLD_S = 0.1
RECOVERY_S = 10.0
"""In which who was cut off is heard again."""
LARGE = bytes(range(256)) * 120
_ENABLED = (
    b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Status>Enabled</Status></VersioningConfiguration>"
)


@attrs.frozen
class Kill:
    """Which process dies at the how manieth message from the first one on that has that call. `who`: `all`,
    the name of a process, or `node` and a number for all of a node. After `down_s` it is started again.
    `is_cut`: it lives, and nothing comes from it or to it meanwhile.
    """

    who: str
    call: str
    step: int = 1
    down_s: float = DOWN_S
    is_cut: bool = False


@attrs.define
class Told:
    """What came of it."""

    failures: list[str]
    steps: int = 0
    killed: bool = False
    requests: int = 0
    refused: int = 0


def run_move(
    kill: Kill | None,
    seed: int = 1,
    *,
    geometry: Geometry = ONE_NODE,
    is_filled_again: bool = True,
    cancelled_s: float = 0.0,
) -> Told:
    """Simulate. With `cancelled_s` the first change is cancelled so long after it was ordered."""
    return run_seeded(seed, _Story(seed, geometry, kill, is_filled_again, cancelled_s).run)


@attrs.define
class _Key:
    """What a key has, None for nothing; and what it may have because nobody told."""

    body: bytes | None = None
    ghosts: set[bytes | None] = attrs.field(factory=set)


class _Story(NodeStory):
    def __init__(
        self, seed: int, geometry: Geometry, kill: Kill | None, is_filled_again: bool, cancelled_s: float
    ) -> None:
        self._is_filled_again, self._cancelled_s = is_filled_again, cancelled_s
        super().__init__(seed, geometry)
        self._kill = kill
        self._told = Told(self._world.failures)
        self._is_over = self._is_counting = False
        self._keys: dict[str, _Key] = {}
        self._away: set[str] = set()
        self._counters = [Counter(f"/{PLAIN}/counter{number}") for number in range(COUNTERS)]

    async def run(self) -> Told:
        await self.play()
        return self._told

    async def _phases(self) -> None:
        owner = self._client("owner")
        for bucket in (PLAIN, VERSIONED):
            await owner.request("PUT", f"/{bucket}")
        await owner.request("PUT", f"/{VERSIONED}", {"versioning": ""}, body=_ENABLED)
        versions = await self._store_versions(owner)
        self._node.net.on_send = self._count
        async with trio.open_nursery() as clients:
            for number in range(CLIENTS):
                clients.start_soon(self._work, number)
            await self._order(owner, "pools/decommission", {"pool": "1"})
            if self._is_filled_again:
                await self._order(owner, "rebalance/start", {"leaving": ""})
            self._is_over = True
        self._node.net.on_send = lambda _: None
        while self._away:  # noqa: ASYNC110 - nobody else waits for them
            await trio.sleep(0.1)
        await trio.sleep(RECOVERY_S if self._told.killed else 0)
        await self._judge(self._client("judge"), versions)

    async def _store_versions(self, owner: S3Client) -> list[tuple[str, str, bytes]]:
        """Objects that nobody changes: key, version and bytes, from the newest on."""
        stored: list[tuple[str, str, bytes]] = []
        for number in range(KEYS):
            key = f"key{number}"
            for body in (b"first", LARGE, b"last" * number):
                answer = await owner.request(
                    "PUT", f"/{VERSIONED}/{key}", headers={"x-amz-tagging": f"n={number}"}, body=body
                )
                stored.append((key, answer.headers["x-amz-version-id"], body))
        # Of each key from the newest on.
        stored.reverse()
        return sorted(stored, key=lambda version: version[0])

    # What is ordered

    async def _order(self, owner: S3Client, what: str, query: dict[str, str]) -> None:
        answer = await self._surely(owner, "POST", f"/minio/admin/v3/{what}", query)
        if answer.status != 200:
            self._world.fail(f"{what} was answered {answer.status} {answer.body[:200]!r}")
        wanted = "done"
        if self._cancelled_s:
            await trio.sleep(self._cancelled_s)
            await self._surely(owner, "POST", "/minio/admin/v3/rebalance/stop", {})
            self._cancelled_s, wanted = 0.0, "cancelled"
        change = await self._change(owner)
        for _ in range(LOOKS_MAX):
            if change["state"] in (wanted, "done"):
                await self._check_homes()
                return
            await trio.sleep(0.2)
            change = await self._change(owner)
        self._world.fail(f"{what} was not done: {change}")

    async def _check_homes(self) -> None:
        """Where nothing was killed all acceptors have been told where slots are."""
        if self._kill is not None or self._told.killed:
            return
        # A notice, and some calls.
        await trio.sleep(TOLD_S)
        known = {
            acceptor: self._node.services_of(acceptor).sets.homes.layout.owners
            for acceptor in self._node.acceptors()
        }
        if len(set(known.values())) > 1:
            self._world.fail(f"{sorted(known)} know {len(set(known.values()))} different homes of slots")

    async def _change(self, owner: S3Client) -> dict[str, object]:
        answer = await self._surely(owner, "GET", "/minio/admin/v3/layout", {})
        found: dict[str, object] = json.loads(answer.body)["change"]
        return found

    async def _surely(self, client: S3Client, method: str, path: str, query: dict[str, str]) -> Answer:
        """The first answer that is one."""
        while True:
            try:
                answer = await client.request(method, path, query)
            except Lost:
                answer = Answer(503, {}, b"")
            if answer.status < 500:
                return answer
            client.hang_up()
            await trio.sleep(0.1)

    # What dies

    def _count(self, frames: Sequence[bytes]) -> None:
        kill = self._kill
        self._is_counting |= kill is None or any(kill.call.encode() in frame for frame in frames)
        self._told.steps += self._is_counting
        if self._is_counting and kill is not None and self._told.steps == kill.step:
            self._told.killed = True
            for name in self._victims(kill.who):
                self._away.add(name)
                if kill.is_cut:
                    self._nursery.start_soon(self._cut_off, name, kill.down_s)
                else:
                    self._node.crash(name)
                    self._nursery.start_soon(self._revive, name, kill.down_s)

    def _victims(self, who: str) -> list[str]:
        if who == "all":
            return [*self._node.processes]
        return self._node.names_of(int(who[4:])) if who.startswith("node") else [who]

    async def _cut_off(self, name: str, for_s: float) -> None:
        others = [other for other in self._node.processes if other != name]
        wires = [wire for other in others for wire in ((name, other), (other, name))]
        for wire in wires:
            self._node.net.wire(*wire).is_cut = True
        await trio.sleep(for_s)
        for wire in wires:
            self._node.net.repair(*wire)
        self._away.discard(name)

    async def _revive(self, name: str, down_s: float) -> None:
        await trio.sleep(down_s)
        await self._node.start(name)
        self._away.discard(name)

    # What clients do

    async def _work(self, number: int) -> None:
        client, random = self._client(f"client{number}"), self._world.chance.fork(f"work{number}")
        names = [f"{number}/{at}" for at in range(KEYS)]
        self._keys |= {name: _Key() for name in names}
        while not self._is_over:
            name = random.choice(names)
            steps = [self._put, self._put, self._create, self._delete, self._get, self._list, self._count_up]
            step = random.choice(steps)
            try:
                await step(client, random, name)
            except Lost:
                client.hang_up()
            await trio.sleep(PAUSE_S)

    async def _ask(self, client: S3Client, method: str, name: str, **fields: object) -> Answer:
        self._told.requests += 1
        answer = await client.request(method, f"/{PLAIN}/{name}", **fields)  # type: ignore[arg-type]
        self._told.refused += answer.status >= 500
        return answer

    async def _change_key(self, client: S3Client, name: str, body: bytes | None, **fields: object) -> Answer:
        """A write, of which nobody knows what became where it is not told."""
        key = self._keys[name]
        is_ghost = body in key.ghosts
        key.ghosts.add(body)
        method = "DELETE" if body is None else "PUT"
        answer = await self._ask(client, method, name, body=body or b"", **fields)
        if answer.status < 500 and not is_ghost:
            key.ghosts.discard(body)
        if answer.status < 300:
            key.body = body
        return answer

    async def _put(self, client: S3Client, random: Random, name: str) -> None:
        body = b"%d" % random.getrandbits(60) + LARGE[: random.choice([0, 0, 9000, 20_000])]
        answer = await self._change_key(client, name, body)
        if answer.status not in (200, 503):
            self._world.fail(f"PUT {name} was answered {answer.status}")

    async def _create(self, client: S3Client, random: Random, name: str) -> None:
        """If there is nothing: that is known, as nobody else writes the key."""
        key = self._keys[name]
        body, before, are_known = b"%d" % random.getrandbits(60), key.body, not key.ghosts
        answer = await self._change_key(client, name, body, headers={"if-none-match": "*"})
        wanted = 200 if before is None else 412
        if answer.status != 503 and are_known and answer.status != wanted:
            self._world.fail(f"creation of {name} was answered {answer.status}, {wanted} was to be")

    async def _delete(self, client: S3Client, _random: Random, name: str) -> None:
        answer = await self._change_key(client, name, None)
        if answer.status not in (204, 503):
            self._world.fail(f"DELETE {name} was answered {answer.status}")

    async def _get(self, client: S3Client, _random: Random, name: str) -> None:
        answer = await self._ask(client, "GET", name)
        if answer.status != 503:
            self._check(name, answer)

    async def _count_up(self, client: S3Client, random: Random, _name: str) -> None:
        await random.choice(self._counters).count_up(client)

    def _check(self, name: str, answer: Answer) -> None:
        key = self._keys[name]
        found = answer.body if answer.status == 200 else None
        if answer.status not in (200, 404) or found not in {key.body, *key.ghosts}:
            self._world.fail(
                f"{name} was answered {answer.status} {answer.body[:40]!r}, not {key.body!r:.60}"
            )

    async def _list(self, client: S3Client, _random: Random, name: str) -> None:
        prefix = name.partition("/")[0] + "/"
        answer = await client.request("GET", f"/{PLAIN}", {"list-type": "2", "prefix": prefix})
        if answer.status != 503:
            self._check_listing(prefix, answer.texts("Key"))

    def _check_listing(self, prefix: str, listed: list[str]) -> None:
        if listed != sorted(set(listed)):
            self._world.fail(f"a listing showed {listed}")
        for name, key in self._keys.items():
            may_be = {key.body is not None, *(ghost is not None for ghost in key.ghosts)}
            if name.startswith(prefix) and (name in listed) not in may_be:
                self._world.fail(f"a listing showed {listed}, where {name} has {key.body!r:.40}")

    # What is in the end

    async def _judge(self, client: S3Client, versions: list[tuple[str, str, bytes]]) -> None:
        for name in self._keys:
            self._check(name, await client.request("GET", f"/{PLAIN}/{name}"))
        for counter in self._counters:
            await counter.count_up(client)
            for failure in counter.failures:
                self._world.fail(failure)
        listed = await client.request("GET", f"/{VERSIONED}", {"versions": ""})
        if listed.texts("VersionId") != [version for _, version, _ in versions]:
            self._world.fail(f"versions are listed as {listed.texts('VersionId')}")
        for key, version, body in versions:
            answer = await client.request("GET", f"/{VERSIONED}/{key}", {"versionId": version})
            if answer.body != body or answer.headers.get("x-amz-tagging-count") != "1":
                self._world.fail(f"version {version} of {key} was answered {answer.status}")
