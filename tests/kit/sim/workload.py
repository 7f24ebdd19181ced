"""What clients do: seeded, all of them on the same few keys, every body unlike any other.

Each client checks at once what needs no history: that bytes are those of the ETag they came with, that no
answer is one that S3 would not give. What needs the others' view goes into the history.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random

import attrs
import trio

from tests.kit.sim.bodies import Body, joined, new_body
from tests.kit.sim.client import Answer, Lost, S3Client
from tests.kit.sim.history import ABSENT, History, Kind, Op, Outcome, Page, end
from tests.kit.sim.node import RRS, STRIPE_BYTES
from tests.kit.sim.world import World

BUCKET = "simulated"
SMALL_BYTES_MAX = 3000
LARGE_BYTES_MAX = 9 * STRIPE_BYTES
PART_BYTES_MIN = STRIPE_BYTES


@attrs.frozen
class Load:
    """How much is done: `pause_s` is the mean between two operations of one client."""

    clients: int = 5
    operations: int = 40
    keys: int = 6
    pause_s: float = 0.6


@attrs.define(eq=False)
class Uploads:
    """Upload ids that are over: those that became objects, and those that were given up."""

    completed: dict[str, None] = attrs.field(factory=dict)
    aborted: dict[str, None] = attrs.field(factory=dict)


@attrs.define(eq=False)
class Scene:
    """What the clients of a run share. `bodies` by ETag; `has_classes`: some of them get less parity."""

    world: World
    load: Load
    has_classes: bool = False
    history: History = attrs.field(factory=History)
    bodies: dict[str, Body] = attrs.field(factory=dict)
    uploads: Uploads = attrs.field(factory=Uploads)
    _count: int = 0

    @property
    def keys(self) -> list[str]:
        """All keys that may ever exist."""
        return [f"{'abc'[number % 3]}/{number}" for number in range(self.load.keys)]

    def class_of(self, name: str) -> dict[str, str]:
        """The header for the object with that ETag, or the upload of that key: a third has less parity."""
        is_reduced = self.has_classes and zlib.crc32(name.encode()) % 3 == 0
        return {"x-amz-storage-class": RRS} if is_reduced else {}

    def new_body(self, random: Random, size: int) -> Body:
        """A body that nobody else has."""
        self._count += 1
        body = new_body(random, f"body {self._count} ", size)
        self.bodies[body.etag] = body
        return body


class Actor:
    """One client at work."""

    def __init__(self, scene: Scene, client: S3Client) -> None:
        self._scene = scene
        self._client = client
        self._random = client.random
        self._history = scene.history
        self._seen: dict[str, str] = {}
        # fmt: off
        self._actions: list[tuple[int, Callable[[str], Awaitable[None]]]] = [
            (18, partial(self.put, SMALL_BYTES_MAX)), (9, partial(self.put, LARGE_BYTES_MAX)),
            (24, self.get), (6, self.get_range), (8, self.head), (10, self.delete), (3, self.delete_many),
            (5, self.create), (5, self.replace), (8, self.list), (6, self.upload), (4, self.copy),
        ]
        # fmt: on

    async def run(self) -> None:
        """Do as many operations as the load says."""
        weights = [weight for weight, _ in self._actions]
        for _ in range(self._scene.load.operations):
            await trio.sleep(self._random.expovariate(1 / self._scene.load.pause_s))
            if self._random.random() < 0.02:
                self._client.bytes_until_cut = self._random.randrange(20_000)
            (_, action) = self._random.choices(self._actions, weights)[0]
            await action(self._random.choice(self._scene.keys))
        self._client.hang_up()

    # Writes

    async def put(self, size_max: int, key: str) -> None:
        """A new object, or another body for the one that is there."""
        body = self._new_body(size_max)
        op = self._call(Kind.WRITE, key, body.etag, note="put")
        await self._write(op, "PUT", key, self._scene.class_of(body.etag), body.data)

    async def create(self, key: str) -> None:
        """If-None-Match: *."""
        body = self._new_body(SMALL_BYTES_MAX)
        op = self._call(Kind.CREATE, key, body.etag)
        headers = {"if-none-match": "*", **self._scene.class_of(body.etag)}
        await self._write(op, "PUT", key, headers, body.data)

    async def replace(self, key: str) -> None:
        """If-Match, with what this client last saw."""
        if key not in self._seen:
            return
        body = self._new_body(self._random.choice((SMALL_BYTES_MAX, LARGE_BYTES_MAX)))
        op = self._call(Kind.REPLACE, key, body.etag, expected=self._seen[key])
        headers = {"if-match": f'"{op.expected}"', **self._scene.class_of(body.etag)}
        await self._write(op, "PUT", key, headers, body.data)

    async def copy(self, key: str) -> None:
        """What this client last saw under another key, if it is still there."""
        source = self._random.choice([other for other in self._scene.keys if other != key])
        etag = self._seen.get(source, ABSENT)
        # The copy of an upload's object has another ETag, which only the answer would tell.
        if not etag or "-" in etag:
            return
        op = self._call(Kind.WRITE, key, etag, note="copy")
        headers = {"x-amz-copy-source": f"/{BUCKET}/{source}", "x-amz-copy-source-if-match": f'"{etag}"'}
        answer = await self._ask("PUT", key, headers=headers, may={404, 412})
        if answer is not None and answer.status < 500:
            end(op, Outcome.OK if answer.status == 200 else Outcome.FAIL)

    async def delete(self, key: str) -> None:
        """Whether there is something or not."""
        op = self._call(Kind.WRITE, key, ABSENT, note="delete")
        await self._write(op, "DELETE", key)

    async def delete_many(self, key: str) -> None:
        """Two keys in one request, each of which may fail alone."""
        keys = list(dict.fromkeys([key, self._random.choice(self._scene.keys)]))
        ops = {name: self._call(Kind.WRITE, name, ABSENT, note="delete of many") for name in keys}
        rows = "".join(f"<Object><Key>{name}</Key></Object>" for name in keys)
        body = f"<Delete>{rows}</Delete>".encode()
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        answer = await self._ask("POST", "", {"delete": ""}, {"content-md5": md5}, body)
        if answer is not None and answer.status == 200:
            for name in answer.texts("Deleted/{*}Key"):
                end(ops[name], Outcome.OK)

    # Reads

    async def get(self, key: str) -> None:
        """All of it."""
        op = self._call(Kind.READ, key, note="get")
        answer = await self._ask("GET", key, may={404})
        if answer is not None and self._ends_read(op, answer):
            self._compare(op, answer, 0, len(self._scene.bodies[op.value].data))

    async def get_range(self, key: str) -> None:
        """Some of it."""
        op = self._call(Kind.READ, key, note="range")
        first = self._random.randrange(SMALL_BYTES_MAX)
        last = first + self._random.randrange(LARGE_BYTES_MAX)
        answer = await self._ask("GET", key, headers={"range": f"bytes={first}-{last}"}, may={404, 416})
        if answer is not None and answer.status != 416 and self._ends_read(op, answer):
            self._compare(op, answer, first, last + 1)

    async def head(self, key: str) -> None:
        """What it is."""
        op = self._call(Kind.READ, key, note="head")
        answer = await self._ask("HEAD", key, may={404})
        if answer is not None and self._ends_read(op, answer) and op.value:
            said, size = int(answer.headers["content-length"]), len(self._scene.bodies[op.value].data)
            if said != size:
                self._scene.world.fail(f"{op}: {said} bytes, stored were {size}")

    async def list(self, _key: str) -> None:
        """All pages of a listing."""
        prefix = self._random.choice(("", "a/", "b/"))
        await self.list_all(prefix, self._random.choice((1, 2, 3, 1000)))

    async def list_all(self, prefix: str, page_keys: int) -> bool:
        """True when it came to its end."""
        token, after = "", ""
        while True:
            query = {"list-type": "2", "prefix": prefix, "max-keys": str(page_keys)}
            if token:
                query["continuation-token"] = token
            called_s = trio.current_time()
            answer = await self._ask("GET", "", query)
            if answer is None or answer.status != 200:
                return False
            found = dict(zip(answer.texts("Contents/{*}Key"), answer.texts("Contents/{*}ETag"), strict=True))
            token = answer.text("NextContinuationToken")
            page = {key: etag.strip('"') for key, etag in found.items()}
            until = max(page, default=after) if token else ""
            moments = (called_s, trio.current_time())
            self._history.pages.append(Page(self._client.name, *moments, prefix, after, until, page))
            if not token:
                return True
            after = until

    # Uploads

    async def upload(self, key: str) -> None:
        """Some parts, and then they are an object, or given up, or forgotten."""
        answer = await self._ask("POST", key, {"uploads": ""}, self._scene.class_of(key))
        if answer is None or answer.status != 200:
            return
        upload_id = answer.text("UploadId")
        parts: list[Body] = []
        for number in range(1, self._random.randrange(2, 5)):
            size = self._random.randrange(PART_BYTES_MIN, 3 * PART_BYTES_MIN)
            part = self._scene.new_body(self._random, size)
            query = {"partNumber": str(number), "uploadId": upload_id}
            answer = await self._ask("PUT", key, query, body=part.data)
            if answer is None or answer.status != 200:
                break
            if answer.etag != part.etag:
                self._scene.world.fail(f"part {number} of {upload_id} has the ETag {answer.etag}")
            parts.append(part)
        choice = self._random.random()
        if choice < 0.7 and parts:
            await self._complete(key, upload_id, parts)
        elif choice < 0.9:
            await self._abort(key, upload_id)

    async def _complete(self, key: str, upload_id: str, parts: list[Body]) -> None:
        whole = joined(parts)
        self._scene.bodies[whole.etag] = whole
        rows = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{part.etag}</ETag></Part>"
            for number, part in enumerate(parts, 1)
        )
        body = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
        for attempt in range(2):
            op = self._call(Kind.WRITE, key, whole.etag, note="complete")
            # What the first attempt left unknown may have used the upload up.
            may = {404, 400} if attempt else set()
            answer = await self._ask("POST", key, {"uploadId": upload_id}, body=body, may=may)
            if answer is None or answer.status >= 500:
                continue
            if answer.status != 200:
                end(op, Outcome.FAIL)
            else:
                end(op, Outcome.OK)
                self._scene.uploads.completed[upload_id] = None
                if answer.text("ETag").strip('"') != whole.etag:
                    self._scene.world.fail(f"{op}: the ETag is {answer.text('ETag')}")
            break

    async def _abort(self, key: str, upload_id: str) -> None:
        answer = await self._ask("DELETE", key, {"uploadId": upload_id})
        if answer is not None and answer.status == 204:
            self._scene.uploads.aborted[upload_id] = None

    # What all of them do

    def _new_body(self, size_max: int) -> Body:
        return self._scene.new_body(self._random, self._random.randrange(24, size_max))

    def _call(self, kind: Kind, key: str, value: str = ABSENT, **fields: str) -> Op:
        return self._history.call(self._client.name, kind, key, value, **fields)

    async def _write(
        self, op: Op, method: str, key: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        conditional = op.kind is not Kind.WRITE
        may = {409, 412, 404} if conditional else set()
        answer = await self._ask(method, key, headers=headers, body=body, may=may)
        if answer is None or answer.status >= 500:
            return
        if answer.status in (200, 204):
            end(op, Outcome.OK)
            self._remember(key, op.value)
            if op.value and answer.etag != op.value:
                self._scene.world.fail(f"{op}: the ETag is {answer.etag}")
        elif answer.status in (412, 404):
            end(op, Outcome.OK, Kind.REFUSED if op.kind is Kind.CREATE else Kind.MISMATCH)
        else:
            end(op, Outcome.FAIL)

    async def _ask(
        self,
        method: str,
        key: str,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        may: set[int] | frozenset[int] = frozenset(),
    ) -> Answer | None:
        """The answer, None where none came. An error of the client's own that is not in `may` is a
        failure.
        """
        path = f"/{BUCKET}/{key}" if key else f"/{BUCKET}"
        try:
            answer = await self._client.request(method, path, query, headers, body)
        except Lost:
            return None
        if 400 <= answer.status < 500 and answer.status not in may:
            where = f"{method} {path} {query or ''}"
            self._scene.world.fail(f"{where} was answered {answer.status} {answer.body[:300]!r}")
        return answer

    def _ends_read(self, op: Op, answer: Answer) -> bool:
        """Whether there is an object to look at."""
        if answer.status >= 500:
            return False
        if answer.status == 404:
            if op.note != "head" and answer.code != "NoSuchKey":
                self._scene.world.fail(f"{op} was answered {answer.code}")
            op.value = ABSENT
            end(op, Outcome.OK)
            self._remember(op.key, ABSENT)
            return False
        op.value = answer.etag
        end(op, Outcome.OK)
        if op.value not in self._scene.bodies:
            self._scene.world.fail(f"{op}: nobody ever wrote that")
            return False
        self._remember(op.key, op.value)
        return True

    def _remember(self, key: str, value: str) -> None:
        if value:
            self._seen[key] = value
        else:
            self._seen.pop(key, None)

    def _compare(self, op: Op, answer: Answer, first: int, last: int) -> None:
        if answer.body != self._scene.bodies[op.value].data[first:last]:
            self._scene.world.fail(f"{op}: bytes {first}-{last} are not those that were stored")
