"""What drives' rows and answers say of how a version is kept: each drive's shard, as a `Damage` or good.

A drive that has something newer is judged by what it has below; what it lacks of a version that was removed
is nothing that it should have.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import attrs

from rustfs_proto.erasure.durability import Damage
from rustfs_proto.erasure.healing import WalkedRow
from rustfs_proto.wire.drive_ops import LookedUp, RowKind, RowName, RowState, Space
from rustfs_proto.wire.heal_ops import HeldRow
from rustfs_proto.wire.sequence_ops import Scope

GOOD = ""
_LIVE = frozenset({RowKind.VALUE, RowKind.MARKER})
_KEY_BYTES_MAX = 1024
_SUB_BEHIND_ALL = b"\xff" * 64


@attrs.frozen
class Look:
    """A row that was looked at. `stamp` and `kind` are what reads answer by; `shards` are `GOOD` or a
    `Damage` by slot; of a version that was removed a drive that is away is as good as any other. `has_files`:
    they are in files; with the record, each drive has `size_bytes` of an object of `object_bytes`.
    """

    name: RowName
    stamp: int
    kind: int
    shards: tuple[str, ...]
    k: int
    has_files: bool = False
    size_bytes: int = 0
    object_bytes: int = 0

    @property
    def is_version(self) -> bool:
        """Whether it is a version of a key, and not of an upload, nor removed."""
        return self.name.space == Space.OBJECT and self.kind in _LIVE

    @property
    def good(self) -> int:
        """How many shards are good."""
        return self.shards.count(GOOD)

    @property
    def damaged(self) -> dict[int, str]:
        """What is wrong, by slot, with drives that answer."""
        return {slot: shard for slot, shard in enumerate(self.shards) if shard not in (GOOD, Damage.AWAY)}


def look_of(row: WalkedRow, slots: Collection[int], n: int, enough: int, k: int) -> Look | None:
    """What can be told from the rows alone, of which those of drives in `slots` are known: all of them have
    the same, whole, and they are `enough` for reads to answer by it; or nothing is left but tombstones. None
    where it has to be asked. `k` where the row does not tell.
    """
    held = row.held.values()
    first = next(iter(held))
    if any(one.has_gaps for one in held):
        return None
    if row.name.space == Space.OBJECT and all(one.kind == RowKind.TOMBSTONE for one in held):
        return Look(row.name, first.stamp, RowKind.TOMBSTONE, (GOOD,) * n, k)
    is_alike = all(one.stamp == first.stamp for one in held) and len(row.held) == len(slots)
    if not is_alike or len(slots) < enough:
        return None
    return Look(
        row.name,
        first.stamp,
        first.kind,
        _shards(slots, n),
        first.k or k,
        first.files > 0,
        first.size_bytes,
        first.object_bytes,
    )


def _shards(slots: Collection[int], n: int) -> tuple[str, ...]:
    return tuple(GOOD if slot in slots else Damage.AWAY for slot in range(n))


def shard_of(found: LookedUp, stamp: int, held: HeldRow | None) -> str:
    """The shard of a drive that found this, of that stamp or older, of the version of that stamp; `held` is
    what the drive said of the row when it was last verified.
    """
    if found.stamp < stamp:
        return Damage.STALE if found.stamp else Damage.MISSING
    flaw = ""
    if held is not None and held.stamp == stamp and held.has_gaps:
        # A drive of an earlier release does not say which.
        flaw = held.flaw or Damage.MISSING
    if found.state == RowState.DAMAGED:
        return flaw or Damage.CORRUPT
    return flaw or (Damage.MISSING if found.no_files else GOOD)


def shard_of_removed(found: LookedUp, stamp: int) -> str:
    """The shard of a drive that found this, of a version that was removed by a tombstone of that stamp."""
    if found.stamp == stamp and found.state == RowState.DAMAGED:
        return Damage.CORRUPT
    is_older = 0 < found.stamp < stamp and found.kind != RowKind.TOMBSTONE
    return Damage.STALE if is_older else GOOD


def place_before(scope: Scope, space: int) -> RowName:
    """Behind which the rows of the scope in that space begin."""
    prefix = scope.prefix
    if not prefix:
        return RowName(space, scope.bucket)
    if not prefix[-1]:
        return RowName(space, scope.bucket, prefix[:-1], _SUB_BEHIND_ALL)
    return RowName(
        space, scope.bucket, prefix[:-1] + bytes([prefix[-1] - 1]) + b"\xff" * _KEY_BYTES_MAX
    )  # fmt: skip


def is_in(scope: Scope, name: RowName) -> bool:
    """Whether the row is of the scope."""
    if not scope.bucket:
        return True
    is_named = name.key == scope.prefix if scope.is_exact else name.key.startswith(scope.prefix)
    return name.bucket == scope.bucket and is_named


def is_behind(scope: Scope, space: int, name: RowName) -> bool:
    """Whether neither it nor any later row is of the scope in that space."""
    if not scope.bucket:
        return False
    if name.space != space or name.bucket != scope.bucket:
        return True
    return name.key > scope.prefix and not is_in(scope, name)


def counted(shards: Collection[str]) -> Mapping[str, int]:
    """How many of them are damaged in which way, drives that are away among them."""
    found: dict[str, int] = {}
    for shard in shards:
        if shard != GOOD:
            found[shard] = found.get(shard, 0) + 1
    return found
