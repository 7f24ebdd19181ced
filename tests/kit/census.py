"""A shard census: what the drives of one set hold, counted offline from their logs and shard files alone.

    found = take(drives)                 drives by slot; None for one that is not there
    found.versions[version][slot]        `Holding`: the record and every shard file of that version
    found.current()                      of every row its newest version, tombstones included
    found.lacking(found.current())       what is not good of them: {} where every drive has its whole shard
    found.count(found.current())         how many shards are good, damaged, missing
    found.leftovers[slot]                shard files that no whole record of that drive names
    found.garbage[slot]                  shard files that only replaced or removed versions name

Every piece is judged by itself: a record by its checksums, its drive, and the shard that the placement
demands; a shard file by its header, its identity, its length, and by every frame with its digest and place.
What size and kind they must be is learnt from the whole records of all drives together. So GOOD means: these
bytes can be used to read the object. DAMAGED means that something is there under the right name which is not
that.

The index is not looked at. Heal notes are no shards, and not counted. The drives must be at rest, or belong
to a simulation that stands still; nothing is changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import attrs

from rustfs_proto.objects import ObjectMeta
from rustfs_proto.wire.drive_ops import RowKind, Space
from tests.kit.at_rest import Drive, at_rest
from tests.kit.census_drive import Holding, Look, Row, State, Version, holding, look_at

__all__ = ["Census", "Holding", "Row", "State", "Version", "take"]


@attrs.frozen
class Census:
    """What `take` found. `kinds` and `metas` are what whole records say; a version of which no drive has one
    is in neither. `away` are slots without a drive that says who it is.
    """

    away: tuple[int, ...]
    versions: Mapping[Version, tuple[Holding, ...]]
    kinds: Mapping[Version, int]
    metas: Mapping[Version, ObjectMeta]
    leftovers: Mapping[int, tuple[str, ...]]
    garbage: Mapping[int, tuple[str, ...]]

    def newest(self, space: int, bucket: str, key: bytes, sub: bytes = b"") -> Version | None:
        """The newest version of a row that any drive has a whole record of."""
        row = (space, bucket, key, sub)
        return max((version for version in self.kinds if version.row == row), default=None)

    def current(self, space: int | None = None) -> list[Version]:
        """The newest version of every row, or of every row of that space, in order of row. Parts are left out
        where their upload is over.
        """
        return [
            version for version in current_of(self.kinds).values() if space is None or version.space == space
        ]

    def values(self, space: int = Space.OBJECT) -> list[Version]:
        """Those of `current` that are no tombstones."""
        return [version for version in self.current(space) if self.kinds[version] == RowKind.VALUE]

    def good(self, version: Version) -> list[int]:
        """The slots that have a good shard of it."""
        return [slot for slot, held in enumerate(self.versions[version]) if held.state is State.GOOD]

    def count(self, versions: Iterable[Version]) -> Counter[State]:
        """How many shards of those versions are in which state, over all drives."""
        return Counter(held.state for version in versions for held in self.versions[version])

    def lacking(self, versions: Iterable[Version]) -> dict[Version, dict[int, Holding]]:
        """What is not good, by version and slot."""
        found = {
            version: {
                slot: held for slot, held in enumerate(self.versions[version]) if held.state is not State.GOOD
            }
            for version in versions
        }
        return {version: slots for version, slots in found.items() if slots}


def take(drives: Sequence[Drive | None]) -> Census:
    """Count what the drives of a set hold, given by slot."""
    looks = [None if drive is None else look_at(at_rest(drive)) for drive in drives]
    present = {slot: look for slot, look in enumerate(looks) if look is not None}
    kinds: dict[Version, int] = {}
    metas: dict[Version, ObjectMeta] = {}
    for look in present.values():
        for version, found in look.whole.items():
            kinds[version] = found.record.kind
            if (meta := look.meta_of(version)) is not None:
                metas[version] = meta
    claimed = dict.fromkeys(version for look in present.values() for version in (*look.whole, *look.torn))
    versions = {
        version: tuple(
            holding(look, slot, len(drives), version, kinds.get(version), metas.get(version))
            for slot, look in enumerate(looks)
        )
        for version in sorted(claimed)
    }
    live = {
        part.data_id
        for version in current_of(kinds).values()
        if version in metas
        for part in metas[version].parts
    }
    return Census(
        away=tuple(slot for slot in range(len(drives)) if slot not in present),
        versions=versions,
        kinds=kinds,
        metas=metas,
        leftovers={slot: _unnamed(look) for slot, look in present.items()},
        garbage={slot: _dead(look, live) for slot, look in present.items()},
    )


def current_of(kinds: Mapping[Version, int]) -> dict[Row, Version]:
    """By row its newest version."""
    newest: dict[Row, Version] = {version.row: version for version in sorted(kinds)}
    ended = {
        (bucket, key, sub)
        for (space, bucket, key, sub), version in newest.items()
        if space == Space.UPLOAD and kinds[version] == RowKind.TOMBSTONE
    }
    # The rows of an upload's parts go with its tombstone, without any of their own.
    return {
        row: version
        for row, version in newest.items()
        if version.space != Space.PART or (version.bucket, version.key, version.sub[:-2]) not in ended
    }


def _unnamed(look: Look) -> tuple[str, ...]:
    named = {data_id for found in look.whole.values() for data_id in found.record.files}
    return tuple(path for path, data_id in look.files.items() if data_id is None or data_id not in named)


def _dead(look: Look, live: set[bytes]) -> tuple[str, ...]:
    unnamed = _unnamed(look)
    return tuple(path for path, data_id in look.files.items() if path not in unnamed and data_id not in live)
