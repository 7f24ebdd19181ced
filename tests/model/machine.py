"""The state machine: each rule draws an operation, does it to the server and to the model, and compares.

A machine is about one bucket of its own. At its end everything in it is listed, read back byte for byte,
deleted again, and the bucket itself is gone.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, precondition, rule

from tests.model import operations as ops
from tests.model import pools
from tests.model.duel import Duel
from tests.model.s3.model import MODEL, Model
from tests.model.s3.state import ObjectVersion
from tests.model.symbols import NULL, VersionId, When
from tests.model.wire import Wire

OTHER_ETAG = "0" * 32

_numbers = itertools.count()


class ObjectsMachine(RuleBasedStateMachine):
    """Objects: written, read, copied, tagged and deleted."""

    wire: ClassVar[Wire]
    model: ClassVar[Model] = MODEL
    is_versioned: ClassVar[bool] = False
    counted: ClassVar[Callable[[], object]]

    versions = Bundle("versions")
    uploads = Bundle("uploads")
    # The current version, the null version, or one that came at some time and may be gone.
    places = st.tuples(pools.keys, st.sampled_from([None, None, NULL])) | versions

    def __init__(self) -> None:
        super().__init__()
        self.duel = Duel(self.wire, self.model, f"m-{os.getpid()}-{next(_numbers)}")
        self.duel.begin()

    def teardown(self) -> None:
        """Compare all that is left, unless a difference was found already."""
        if not self.duel.is_lost:
            self.duel.check_everything()
            self.duel.end()

    def step(self, operation: ops.Operation) -> dict[str, object]:
        """Do one operation; the model's document."""
        type(self).counted()
        return self.duel.do(operation)

    def written(self, key: str) -> object:
        """Look at what a write has left, and name the version that is current now."""
        self.duel.look(key)
        version = self.duel.bucket.current(key)
        is_named = version is not None and isinstance(version.id, VersionId)
        return (key, version.id) if is_named else multiple()

    def etag(self, key: str, which: str | None) -> str | None:
        """The ETag that a condition names."""
        current = self.duel.bucket.current_object(key)
        named = {None: None, "*": "*", "other": OTHER_ETAG}
        return named[which] if which in named else current.etag if current is not None else OTHER_ETAG

    def on_read(self, drawn: tuple, key: str, version_id: ops.Version) -> ops.OnRead:
        """Conditions on a version; without its time where it has none."""
        match, none_match, modified, unmodified = drawn
        bucket = self.duel.bucket
        version = bucket.current(key) if version_id is None else bucket.find(key, version_id)
        return ops.OnRead(
            self.etag(key, match), self.etag(key, none_match), when(version, modified), when(version, unmodified)
        )

    @initialize(target=versions, status=st.sampled_from(["", "Enabled", "Suspended"]))
    def begin(self, status: str) -> object:
        if status and self.is_versioned:
            self.step(ops.PutVersioning(status))
        return multiple()

    @rule(
        target=versions,
        key=pools.keys,
        body=pools.bodies,
        carried=pools.carried,
        absent=pools.rarely,
        match=pools.etags,
        digest=pools.digests,
    )
    def put(self, key, body, carried, absent, match, digest) -> object:
        on = ops.OnWrite(absent) if absent else ops.OnWrite(if_match=self.etag(key, match))
        self.step(ops.Put(key, body, carried, on, digest))
        return self.written(key)

    @rule(place=places, is_head=st.booleans(), range_=pools.ranges, on=pools.on_reads)
    def read(self, place, is_head, range_, on) -> None:
        self.step(ops.Read(*place, is_head, range_, on=self.on_read(on, *place), shows_checksum=range_ is None))

    @rule(place=places, is_head=st.booleans(), number=st.integers(1, 3))
    def read_part(self, place, is_head, number) -> None:
        self.step(ops.Read(*place, is_head, part=number))

    @rule(
        target=versions,
        place=places,
        key=pools.keys,
        match=pools.etags,
        on=pools.on_reads,
        directives=st.tuples(*[st.sampled_from([None, False, True])] * 2),
        carried=pools.carried,
        algorithm=st.sampled_from(["", "", *pools.ALGORITHMS]),
    )
    def copy(self, place, key, match, on, directives, carried, algorithm) -> object:
        source, version = place
        on_write = ops.OnWrite(if_match=self.etag(key, match))
        on_source = self.on_read(on, source, version)
        self.step(
            ops.Copy(source, key, version, on_write, on_source, *directives, carried, algorithm)
        )
        return self.written(key)

    @rule(target=versions, key=pools.keys)
    def delete(self, key) -> object:
        self.step(ops.Delete(key))
        return self.written(key)

    @rule(place=versions | st.tuples(pools.keys, st.just(NULL)))
    def delete_version(self, place) -> None:
        self.step(ops.Delete(*place))
        self.duel.look(place[0])

    @rule(target=versions, key=pools.keys, match=pools.etags, size=st.sampled_from([None, 1, 5000]), at=pools.days)
    def delete_if(self, key, match, size, at) -> object:
        modified = when(self.duel.bucket.current_object(key), at)
        self.step(ops.Delete(key, None, self.etag(key, match), size, modified))
        return self.written(key)

    @rule(
        items=st.lists(places, min_size=1, max_size=4, unique_by=lambda place: place[0]),
        is_quiet=st.booleans(),
    )
    def delete_many(self, items, is_quiet) -> None:
        self.step(ops.DeleteMany(tuple(items), is_quiet))
        for key, _ in items:
            self.duel.look(key)

    @rule(place=places, tags=pools.tags)
    def put_tags(self, place, tags) -> None:
        key, version = place
        self.step(ops.PutTags(key, tags, version))

    @rule(place=places)
    def get_tags(self, place) -> None:
        self.step(ops.GetTags(*place))

    @rule(place=places)
    def delete_tags(self, place) -> None:
        self.step(ops.DeleteTags(*place))

    @rule(
        place=places,
        wanted=st.lists(st.sampled_from(pools.ATTRIBUTES), min_size=1, unique=True).map(tuple),
        after=st.integers(0, 2),
        limit=pools.limits,
    )
    def get_attributes(self, place, wanted, after, limit) -> None:
        key, version = place
        self.step(ops.GetAttributes(key, wanted, version, after, limit))

    @rule()
    def get_versioning(self) -> None:
        self.step(ops.GetVersioning())

    @precondition(lambda self: self.is_versioned)
    @rule(status=st.sampled_from(["Enabled", "Suspended"]))
    def put_versioning(self, status) -> None:
        self.step(ops.PutVersioning(status))


def when(version: ObjectVersion | None, days: int | None) -> When | None:
    """Some days from the time of a version, where there is one."""
    return None if version is None or days is None else When(version.made, days)
