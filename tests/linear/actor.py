"""One client: it does one operation after the other, each chosen by chance, on the key that all work on."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping

import attrs

from tests.linear.history import NULL, Kind, Op, Outcome
from tests.linear.keys import Key, Keys
from tests.linear.requests import Body, Requester
from tests.node.storm.client import Lost, Refused

REGISTER_WEIGHTS = {"put": 20, "put_large": 2, "copy": 4, "complete": 4, "get": 30, "head": 10}
WEIGHTS = REGISTER_WEIGHTS | {
    "create": 9, "replace": 9, "complete_new": 3, "delete": 7, "remove": 6, "erase": 2, "get_version": 2,
    "tag": 7, "read_tag": 6,
}  # fmt: skip
VERSIONED_WEIGHTS = WEIGHTS | {"erase": 8, "get_version": 8}

SMALL_BYTES = (20, 3000)
LARGE_BYTES = 1_100_000
"""More than the log of a drive takes: its shards are files."""

PAUSE_MAX_S = 0.3
"""Longest pause after failures in a row: those that start must not have to fight with those that ask."""


@attrs.define(eq=False, slots=False)
class Actor:
    """`number` of `count` clients. `answered` is told of every answer."""

    number: int
    count: int
    chance: random.Random
    keys: Keys
    requester: Requester
    stop: threading.Event
    answered: Callable[[], object]
    versioned: bool = False
    weights: Mapping[str, int] | None = None
    _bodies: int = 0

    def run(self) -> None:
        """Until every operation is begun, or something is wrong anywhere."""
        failures = 0
        while not self.stop.is_set() and (key := self.keys.begin()):
            op = self.act(key)
            if op is not None and op.outcome is Outcome.OK:
                failures = 0
                self.answered()
            else:
                self.stop.wait(min(0.02 * 2**failures, PAUSE_MAX_S))
                failures += 1

    def act(self, key: Key) -> Op | None:
        """One operation; None where what it needs could not be had."""
        usual = VERSIONED_WEIGHTS if self.versioned else WEIGHTS
        weights = self.weights or (REGISTER_WEIGHTS if key.is_register else usual)
        (name,) = self.chance.choices(list(weights), list(weights.values()))
        op = Op(self.number, Kind.PUT, time.monotonic(), note=name)
        try:
            getattr(self, name)(op, key)
        except (Lost, Refused):
            # Of what comes before the operation; the operation itself ends whatever happens.
            return None
        self.keys.end(key, op)
        return op

    def _body(self, size: int = 0) -> Body:
        self._bodies += 1
        number = self._bodies * self.count + self.number
        return Body(number, size or self.chance.randint(*SMALL_BYTES))

    # Writes

    def put(self, op: Op, key: Key) -> None:
        self.requester.put(op, key.name, self._body())

    def put_large(self, op: Op, key: Key) -> None:
        self.requester.put(op, key.name, self._body(LARGE_BYTES))

    def create(self, op: Op, key: Key) -> None:
        op.kind = Kind.CREATE
        self.requester.put(op, key.name, self._body())

    def replace(self, op: Op, key: Key) -> None:
        op.kind, op.expect = Kind.REPLACE, self._etag(key)
        self.requester.put(op, key.name, self._body())

    def copy(self, op: Op, key: Key) -> None:
        """Each copy has a source of its own, so that its ETag is its own too."""
        body = self._body()
        source = f"source-{body.number}"
        self.requester.prepare_source(source, body)
        self.requester.copy(op, key.name, source, body)

    def complete(self, op: Op, key: Key) -> None:
        body = self._body()
        upload_id = self.requester.prepare_upload(key.name, body)
        self.requester.complete(op, key.name, upload_id, body)

    def complete_new(self, op: Op, key: Key) -> None:
        """With If-None-Match."""
        op.kind = Kind.CREATE
        self.complete(op, key)

    def delete(self, op: Op, key: Key) -> None:
        op.kind = Kind.DELETE
        self.requester.delete(op, key.name)

    def remove(self, op: Op, key: Key) -> None:
        op.kind, op.expect = Kind.REMOVE, self._etag(key)
        self.requester.delete(op, key.name)

    def erase(self, op: Op, key: Key) -> None:
        if not key.may_erase:
            self.delete(op, key)
            return
        op.kind, op.asked = Kind.ERASE, self._version(key)
        self.requester.delete(op, key.name)

    def tag(self, op: Op, key: Key) -> None:
        """In a versioned bucket of a version that is named: see `search`."""
        op.kind, op.tag = Kind.TAG, f"tag-{self._body().number}"
        op.asked = self._version(key) if self.versioned else ""
        self.requester.tag(op, key.name)

    # Reads

    def get(self, op: Op, key: Key) -> None:
        op.kind = Kind.READ
        self.requester.read(op, key.name)

    def head(self, op: Op, key: Key) -> None:
        op.kind = Kind.READ
        self.requester.read(op, key.name, "HEAD")

    def get_version(self, op: Op, key: Key) -> None:
        op.kind, op.asked = Kind.READ_VERSION, self._version(key)
        self.requester.read(op, key.name)

    def read_tag(self, op: Op, key: Key) -> None:
        op.kind = Kind.READ_TAG
        self.requester.read_tag(op, key.name)

    def _etag(self, key: Key) -> str:
        """Mostly the one told last, which others take as well."""
        return self.chance.choice([*key.etags, *key.etags[-1:] * 2, "0" * 32])

    def _version(self, key: Key) -> str:
        return self.chance.choice(key.versions or [NULL]) if self.versioned else NULL
