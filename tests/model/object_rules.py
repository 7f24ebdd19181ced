"""Rules about objects: written, read, copied, renamed, tagged and deleted."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model import operations as ops
from tests.model import pools
from tests.model.machine import BucketMachine, when
from tests.model.symbols import MADE_UP


class ObjectRules(BucketMachine):
    """`places` are a key and one of its versions, or a version that may be gone."""

    versions = BucketMachine.versions
    places = pools.aims | versions

    @rule(
        target=versions,
        number=pools.keys,
        body=pools.bodies,
        carried=pools.carried,
        absent=pools.rarely,
        match=pools.rare_etags,
        digest=pools.digests,
    )
    def put(self, number, body, carried, absent, match, digest) -> object:
        key = self.key(number)
        self.step(ops.Put(key, body, carried, self.on_write(key, absent, match), digest))
        return self.written(key)

    @rule(target=versions, number=pools.keys, body=pools.bodies, carried=pools.carried)
    def put_plainly(self, number, body, carried) -> object:
        key = self.key(number)
        self.step(ops.Put(key, body, carried))
        return self.written(key)

    @rule(aim=places, is_head=st.booleans(), wanted=pools.ranges)
    def read(self, aim, is_head, wanted) -> None:
        self.step(ops.Read(*self.place(aim), is_head, wanted, shows_checksum=wanted is None))

    @rule(aim=places, is_head=st.booleans(), wanted=pools.ranges, on=pools.on_reads)
    def read_if(self, aim, is_head, wanted, on) -> None:
        place = self.place(aim)
        self.step(ops.Read(*place, is_head, wanted, on=self.on_read(on, place)))

    @rule(aim=places, is_head=st.booleans(), part=pools.part_numbers)
    def read_part(self, aim, is_head, part) -> None:
        self.step(ops.Read(*self.place(aim), is_head, part=part))

    @rule(
        target=versions,
        aim=places,
        number=pools.keys,
        absent=pools.rarely,
        match=pools.rare_etags,
        on=pools.on_sources,
        directives=st.tuples(*[st.sampled_from([None, False, True])] * 2),
        carried=pools.carried,
        algorithm=st.sampled_from(["", "", *pools.ALGORITHMS]),
    )
    def copy(self, aim, number, absent, match, on, directives, carried, algorithm) -> object:
        (source, version), key = self.place(aim), self.key(number)
        conditions = self.on_write(key, absent, match), self.on_read(on, (source, version))
        self.step(ops.Copy(source, key, version, *conditions, *directives, carried, algorithm))
        return self.written(key)

    @rule(number=pools.keys, other=pools.keys, on=pools.on_sources, on_source=pools.on_sources)
    def rename(self, number, other, on, on_source) -> None:
        source, key = self.key(number), self.key(other)
        conditions = self.on_read(on, (key, None)), self.on_read(on_source, (source, None))
        self.step(ops.Rename(source, key, *conditions))
        self.duel.look(key)

    @rule(target=versions, aim=places)
    def delete(self, aim) -> object:
        key, version = self.place(aim)
        self.step(ops.Delete(key, version))
        return self.written(key)

    @rule(
        target=versions,
        number=pools.keys,
        match=pools.etags,
        size=st.sampled_from([None, None, 1, 5000]),
        at=pools.days,
    )
    def delete_if(self, number, match, size, at) -> object:
        key = self.key(number)
        current = self.bucket.current_object(key)
        modified = when(current, at)
        if current is None:
            # S3 has this condition only where there are no versions, and says nothing of it over a marker.
            size = None
        self.step(ops.Delete(key, None, self.etag(key, match), size, modified))
        return self.written(key)

    @rule(aims=st.lists(places, min_size=1, max_size=2), is_quiet=pools.rarely)
    def delete_many(self, aims, is_quiet) -> None:
        # One line for a key, so that their order does not matter.
        items = {key: None if version == MADE_UP else version for key, version in map(self.place, aims)}
        self.step(ops.DeleteMany(tuple(items.items()), is_quiet))
        for key in items:
            self.duel.look(key)

    @rule(aim=places, verb=st.sampled_from(["get", "put", "put", "delete"]), tags=pools.tags)
    def tag(self, aim, verb, tags) -> None:
        key, version = self.place(aim)
        if verb == "put":
            self.step(ops.PutTags(key, tags, version))
        else:
            self.step(ops.GetTags(key, version) if verb == "get" else ops.DeleteTags(key, version))

    @rule(
        aim=places,
        wanted=st.lists(st.sampled_from(pools.ATTRIBUTES), min_size=1, unique=True).map(tuple),
        after=st.integers(0, 2),
        limit=pools.limits,
    )
    def get_attributes(self, aim, wanted, after, limit) -> None:
        key, version = self.place(aim)
        self.step(ops.GetAttributes(key, wanted, version, after, limit))
