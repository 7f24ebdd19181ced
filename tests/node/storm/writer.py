"""One client of the storm: it does everything S3 offers to its own keys, in an order that chance decides, and
believes nothing that it cannot check.

What the node promises is checked here while processes die: a read finds the acknowledged state or one that is
in doubt, whole, and a listing every key that is certainly there and none that is certainly not.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable

import attrs

from tests.clients.content import INLINE_BYTES, MIB
from tests.kit.node import RunningNode
from tests.node.storm.client import Client, Lost, Refused
from tests.node.storm.model import ABSENT, Deaths, Key, Known, State
from tests.node.storm.uploads import Uploads

BUCKET = "storm"
SMALL_SIZES = (0, 1, 700, 4096, 40_000)
LARGE_SIZES = (INLINE_BYTES, INLINE_BYTES + 1, MIB, 2 * MIB + 3)
PAUSE_MAX_S = 0.3
"""Longest pause after failures in a row."""

KEYS = 8
"""Keys that a writer chooses from, beside those that it has to leave alone for now."""

WEIGHTS = {
    "put_small": 28, "put_large": 12, "delete": 12, "get": 20, "list": 5, "copy": 7, "head": 4,
    "delete_several": 3, "upload": 12,
}  # fmt: skip


class Wrong(AssertionError):
    """The node broke a promise."""


@attrs.define(eq=False, slots=False)
class Writer:
    """`number` of `writers`: what makes its keys, and its bytes, its own. `acknowledged` is told of every
    success. `reads_last`: what a read has found later ones find too, even of a write in doubt (the gap in
    docs/guarantees.md where k = m).
    """

    node: RunningNode
    number: int
    writers: int
    seed: int
    deaths: Deaths
    stop: threading.Event
    acknowledged: Callable[[], object]
    reads_last: bool
    pause_s: float = 0.0
    keys: list[Key] = attrs.field(factory=list)
    done: Counter[str] = attrs.field(factory=Counter)
    doubts: Counter[str] = attrs.field(factory=Counter)
    _ops: int = 0

    def __attrs_post_init__(self) -> None:
        self.client = Client(
            self.node, BUCKET, (lambda: self.stop.wait(self.pause_s)) if self.pause_s else None
        )
        self.chance = random.Random(f"{self.seed} {self.number}")
        self.uploads = Uploads(self)

    @property
    def prefix(self) -> str:
        return f"writer-{self.number}/"

    def run(self) -> None:
        """Work until told to stop. A node that is not there is waited for."""
        failures = 0
        while not self.stop.is_set():
            (name,) = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
            act = self.uploads.act if name == "upload" else getattr(self, name)
            try:
                act()
                failures = 0
            except (Lost, Refused):
                # As clients do: those that start must not have to fight with those that ask.
                self.stop.wait(min(0.02 * 2**failures, PAUSE_MAX_S))
                failures += 1
        self.client.close()

    def new_op(self) -> int:
        """A number that no other operation of any writer has."""
        self._ops += 1
        return self._ops * self.writers + self.number

    def succeeded(self, name: str) -> None:
        """Count an acknowledged operation."""
        self.done[name] += 1
        self.acknowledged()

    def key_to_write(self) -> Key:
        """One of the keys that may be written; new ones make up for those that may not."""
        free = [key for key in self.keys if key.may_be_written(self.deaths)]
        if len(free) < KEYS:
            # Names with characters that have to be escaped, in every way of escaping.
            free.append(Key(f"{self.prefix}{len(self.keys):04d} &+ü"))
            self.keys.append(free[-1])
        return self.chance.choice(free)

    # Writes

    def put_small(self) -> None:
        self.put(self.key_to_write(), self.chance.choice(SMALL_SIZES))

    def put_large(self) -> None:
        self.put(self.key_to_write(), self.chance.choice(LARGE_SIZES))

    def put(self, key: Key, size: int) -> None:
        op = self.new_op()
        state = State(op, ((op, size),))
        headers = {"x-amz-meta-op": str(op)}
        self.write(
            "put", key, state, lambda: self.client.request("PUT", key.name, body=state.body, headers=headers)
        )

    def delete(self) -> None:
        key = self.key_to_write()
        self.write("delete", key, ABSENT, lambda: self.client.request("DELETE", key.name))

    def copy(self) -> None:
        """A copy keeps the bytes of its source, and gets a number of its own."""
        sources = [key for key in self.keys if isinstance(key.acknowledged, State) and not key.tried]
        if not sources:
            return
        source, target = self.chance.choice(sources), self.key_to_write()
        assert isinstance(source.acknowledged, State)
        state = State(self.new_op(), source.acknowledged.pieces)
        headers = {
            "x-amz-copy-source": f"/{BUCKET}/{source.name}".replace("+", "%2B").replace("ü", "%C3%BC"),
            "x-amz-metadata-directive": "REPLACE",
            "x-amz-meta-op": str(state.op),
        }
        self.write("copy", target, state, lambda: self.client.request("PUT", target.name, headers=headers))

    def write(self, name: str, key: Key, state: Known, request: Callable[[], object]) -> None:
        """One write; without success its key is in doubt."""
        try:
            request()
        except (Lost, Refused) as error:
            self.must_be_a_failure(error)
            key.doubt(state, self.deaths)
            self.doubts[name] += 1
            raise
        key.acknowledge(state)
        self.succeeded(name)

    def delete_several(self) -> None:
        """A batch: each of its keys has an outcome of its own."""
        keys = list({id(key): key for key in (self.key_to_write() for _ in range(3))}.values())
        rows = "".join(f"<Object><Key>{key.name.replace('&', '&amp;')}</Key></Object>" for key in keys)
        body = f"<Delete>{rows}</Delete>".encode()
        try:
            answer = self.client.request("POST", query="delete=", body=body)
        except (Lost, Refused) as error:
            self.must_be_a_failure(error)
            for key in keys:
                key.doubt(ABSENT, self.deaths)
            self.doubts["delete_several"] += 1
            raise
        gone = {
            text.partition("</Key>")[0].removeprefix("<Key>").replace("&amp;", "&")
            for text in answer.texts("Deleted")
        }
        for key in keys:
            if key.name in gone:
                key.acknowledge(ABSENT)
            else:
                key.doubt(ABSENT, self.deaths)
        self.succeeded("delete_several")

    def must_be_a_failure(self, error: Exception) -> None:
        """What the storm asks is always right: the node may be unable, but it may not object."""
        if isinstance(error, Refused) and error.status != 503:
            raise Wrong(f"the node refused a request that is right: {error}") from error

    # Reads

    def get(self) -> None:
        if self.keys:
            self.check(self.chance.choice(self.keys))
            self.succeeded("get")

    def check(self, key: Key) -> Known:
        """Read a key, and judge what comes."""
        state = self.read(key, "GET")
        key.saw(state, is_lasting=self.reads_last)
        return state

    def head(self) -> None:
        if self.keys:
            key = self.chance.choice(self.keys)
            key.saw(self.read(key, "HEAD"), is_lasting=self.reads_last)
            self.succeeded("head")

    def read(self, key: Key, method: str) -> Known:
        """The state that a read finds: one of the candidates, and all of it."""
        try:
            answer = self.client.request(method, key.name)
        except Refused as error:
            if error.status != 404:
                self.must_be_a_failure(error)
                raise
            if ABSENT not in key.candidates():
                raise Wrong(f"{key.name} is not there, expected {key}") from error
            return ABSENT
        op = int(answer.headers["x-amz-meta-op"])
        state = next((one for one in key.candidates() if one is not ABSENT and one.op == op), None)
        if state is None:
            raise Wrong(f"{key.name} is in state {op}, expected {key}")
        if int(answer.headers["content-length"]) != state.size:
            raise Wrong(f"{key.name} has {answer.headers['content-length']} bytes, expected {state}")
        if method == "GET" and answer.body != state.body:
            raise Wrong(f"{key.name} has other bytes than {state}")
        return state

    def list(self) -> None:
        """All own keys, with their sizes."""
        self.check_listing(self.listing())
        self.succeeded("list")

    def listing(self) -> dict[str, int]:
        """Sizes by key, below the own prefix, in pages."""
        found: dict[str, int] = {}
        query = f"list-type=2&max-keys=50&prefix={self.prefix.replace('/', '%2F')}"
        after = ""
        while True:
            answer = self.client.request("GET", query=query + after)
            names = answer.texts("Key")
            if names != sorted(names, key=str.encode) or (found and names and names[0] <= max(found)):
                raise Wrong(f"a listing is out of order: {names}")
            found.update(zip(names, map(int, answer.texts("Size")), strict=True))
            if answer.texts("IsTruncated") != ["true"]:
                return found
            (token,) = answer.texts("NextContinuationToken")
            after = f"&continuation-token={token.replace('+', '%2B').replace('/', '%2F').replace('=', '%3D')}"

    def check_listing(self, found: dict[str, int]) -> None:
        """Every key that is certainly there is listed, and none that is certainly not."""
        for key in self.keys:
            sizes = {None if state is ABSENT else state.size for state in key.candidates()}
            if found.get(key.name) not in sizes:
                raise Wrong(f"{key.name} is listed with {found.get(key.name)} bytes, expected {key}")
        strangers = found.keys() - {key.name for key in self.keys}
        if strangers:
            raise Wrong(f"nobody wrote what is listed: {strangers}")
