"""What a sequence has counted so far, and the versions that somebody wants to hear of one by one."""

from __future__ import annotations

from collections import Counter, deque

import attrs

from rustfs_node.settings.erasureset import SetSettings
from rustfs_proto.erasure.durability import Protection, protection_of
from rustfs_proto.erasure.healing import WalkedRow
from rustfs_proto.erasure.surveying import GOOD, Look, counted
from rustfs_proto.wire.drive_ops import RowKind, RowName, Space
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.sequence_ops import KeyReason, SequenceItem


@attrs.define
class Tally:
    """The fields are those of `SequenceView`. `wants_items`: versions are kept until they are taken, as many
    as there is room for.
    """

    settings: SetSettings
    wants_items: bool
    objects: int = 0
    versions: int = 0
    rows: int = 0
    size_bytes: int = 0
    failed: int = 0
    found: Counter[str] = attrs.field(factory=Counter)
    repaired: Counter[str] = attrs.field(factory=Counter)
    protections: Counter[str] = attrs.field(factory=Counter)
    failures: list[KeyReason] = attrs.field(factory=list)
    items: deque[SequenceItem] = attrs.field(factory=deque)
    _last_key: tuple[str, bytes] = ("", b"")

    def has_room(self) -> bool:
        """Whether a further version can be kept for those who want to hear of it."""
        return len(self.items) < self.settings.heal_items_max

    def met(self, row: WalkedRow) -> None:
        """A row of the walk, whatever it is."""
        self.rows += 1
        name = (row.name.bucket, row.name.key)
        if name != self._last_key and _is_live(row):
            self.objects += 1
            self._last_key = name

    def treated(self, before: Look, after: Look, reason: str = "") -> None:
        """A row that was looked at, and again after it was healed; why it is not as it should be, if it could
        not be healed.
        """
        self.found.update(counted(before.shards))
        self.repaired.update(repaired(before, after))
        if reason:
            self.fail(before.name, reason)
        if not after.is_version:
            return
        self.versions += 1
        self.protections[protection_of(after.good, after.k, len(after.shards))] += 1
        if self.wants_items and self.has_room():
            self.items.append(_item(before, after, reason))

    def untold(self, row: WalkedRow, fault: Fault) -> None:
        """It cannot be told what the row is: no read of it can be answered now."""
        self.fail(row.name, str(fault))
        if _is_live(row):
            self.versions += 1
            self.protections[Protection.UNREADABLE] += 1

    def fail(self, name: RowName, reason: str) -> None:
        """It could not be healed, or told."""
        self.failed += 1
        if len(self.failures) < self.settings.heal_failures_kept:
            self.failures.append(KeyReason(name.bucket, name.key, name.sub, reason))

    def take_items(self, count: int) -> tuple[SequenceItem, ...]:
        """The first of them, which are forgotten."""
        return tuple(self.items.popleft() for _ in range(min(count, len(self.items))))


def repaired(before: Look, after: Look) -> list[str]:
    """What was wrong with each shard that is good now."""
    return [shard for slot, shard in before.damaged.items() if after.shards[slot] == GOOD]


def _is_live(row: WalkedRow) -> bool:
    """Whether some drive has a version of a key there."""
    return row.name.space == Space.OBJECT and any(one.kind != RowKind.TOMBSTONE for one in row.held.values())


def _item(before: Look, after: Look, reason: str) -> SequenceItem:
    name = after.name
    return SequenceItem(
        name.bucket, name.key, name.sub, after.k, before.shards, after.shards, after.object_bytes, reason
    )  # fmt: skip
