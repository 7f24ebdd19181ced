"""The state machine: each rule draws an operation, does it to the server and to the model, and compares.

A machine is about one bucket of its own and a few keys, so that operations meet. At its end everything in it
is listed, read back byte for byte and deleted again, and the bucket itself is gone.
"""

from __future__ import annotations

import itertools
import os
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, precondition, rule

from tests.model import operations as ops
from tests.model import pools
from tests.model.answers import Tree
from tests.model.duel import Arena, Duel
from tests.model.s3.state import ObjectVersion
from tests.model.symbols import VersionId, When

OTHER_ETAG = "0" * 32

Place = tuple[str, ops.Version]
"""A key and a version of it."""

_numbers = itertools.count()


class BucketMachine(RuleBasedStateMachine):
    """A bucket and its keys; `arena` is set by whoever runs it."""

    arena: ClassVar[Arena]

    # Versions under ids of their own, also those that are gone by now.
    versions = Bundle("versions")

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []
        self.is_fixed = False
        self.duel = Duel(self.arena, f"m-{os.getpid()}-{next(_numbers)}")
        self.bucket = self.duel.bucket
        self.duel.begin()

    def teardown(self) -> None:
        """Compare all that is left, unless a difference was found already."""
        if not self.duel.is_lost:
            self.duel.check_everything()
            self.duel.end()

    @initialize(
        target=versions,
        keys=pools.key_sets,
        status=st.sampled_from(["", "Enabled", "Suspended"]),
        is_fixed=st.sampled_from([True, True, False]),
        bodies=st.lists(pools.bodies, max_size=4),
    )
    def begin(self, keys: list[str], status: str, is_fixed: bool, bodies: list[ops.Body]) -> object:
        """Choose the keys, whether the bucket keeps versions, and whether that changes; put some objects."""
        self.keys, self.is_fixed = keys, is_fixed
        if status:
            self.step(ops.PutVersioning(status))
        for key, body in zip(keys, bodies, strict=False):
            self.step(ops.Put(key, body))
            self.duel.look(key)
        return multiple()

    @precondition(lambda self: not self.is_fixed)
    @rule(status=st.sampled_from(["Enabled", "Suspended"]))
    def put_versioning(self, status) -> None:
        self.step(ops.PutVersioning(status))

    def step(self, operation: ops.Operation) -> Tree:
        """Do one operation; the model's document."""
        self.arena.steps += 1
        return self.duel.do(operation)

    def written(self, key: str) -> object:
        """Look at what a write has left, and name the version that is current now."""
        self.duel.look(key)
        version = self.bucket.current(key)
        is_named = version is not None and isinstance(version.id, VersionId)
        return (key, version.id) if is_named else multiple()

    def key(self, number: int) -> str:
        return self.keys[number % len(self.keys)]

    def place(self, aim: tuple) -> Place:
        """What an aim of the pools, or a version of the bundle, stands for."""
        number, version = aim
        if isinstance(number, str):
            return number, version
        key = self.key(number)
        if isinstance(version, int):
            found = self.bucket.versions.get(key, [])
            version = found[-1 - version].id if version < len(found) else None
        return key, version

    def etag(self, key: str, which: str | None) -> str | None:
        """The ETag that a condition names."""
        current = self.bucket.current_object(key)
        current_etag = OTHER_ETAG if current is None else current.etag
        return {"*": "*", "other": OTHER_ETAG, "current": current_etag}.get(which or "")

    def on_read(self, drawn: tuple, place: Place) -> ops.OnRead:
        """Conditions on a version; without its time where it is not there."""
        match, none_match, modified, unmodified = drawn
        key, version_id = place
        version = self.bucket.current(key) if version_id is None else self.bucket.find(key, version_id)
        etags = self.etag(key, match), self.etag(key, none_match)
        return ops.OnRead(*etags, when(version, modified), when(version, unmodified))

    def on_write(self, key: str, absent: bool, match: str | None) -> ops.OnWrite:
        """One condition on what a write replaces, or none."""
        return ops.OnWrite(if_none_match=True) if absent else ops.OnWrite(if_match=self.etag(key, match))


def when(version: ObjectVersion | None, days: int | None) -> When | None:
    """Some days from the time of a version, where there is one; of a delete marker nobody is told."""
    return None if version is None or version.is_marker or days is None else When(version.made, days)
