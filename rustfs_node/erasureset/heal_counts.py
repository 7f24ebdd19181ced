"""What this worker has healed since it started, for those who ask how the set is."""

from __future__ import annotations

from collections import Counter

import attrs

from rustfs_proto.disk.rebuild_place import RebuildPlace


@attrs.define
class Rebuild:
    """A drive that is being rebuilt: `walks` begun; of all of them the rows `given` to the drive, of so many
    bytes; of this one those `found` lacking and given, and those `left` over. `place`: the stage, and behind
    which row, as was last marked.
    """

    walks: int = 0
    given: int = 0
    size_bytes: int = 0
    found: int = 0
    left: int = 0
    place: RebuildPlace = attrs.field(factory=RebuildPlace)

    def begin_walk(self) -> None:
        """From the first row on."""
        self.walks += 1
        self.found = self.left = 0

    def give(self, size_bytes: int) -> None:
        """The drive has one row more."""
        self.given += 1
        self.found += 1
        self.size_bytes += size_bytes


@attrs.define
class HealCounts:
    """Keys of notes: `healed` for good, and `failed` attempts, of keys that are tried again. `rebuilds` by
    slot. Of sequences: shards that were `damage_found` and `damage_repaired`, by `Damage`.
    """

    healed: int = 0
    failed: int = 0
    rebuilds: dict[int, Rebuild] = attrs.field(factory=dict)
    damage_found: Counter[str] = attrs.field(factory=Counter)
    damage_repaired: Counter[str] = attrs.field(factory=Counter)
