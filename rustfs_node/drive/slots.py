"""What a drive knows of its set's slots: the charter, of which it has the newest record in memory, and what
was changed in slots that are watched.

- A key in a slot that the set does not own, or that is frozen, does not change but on behalf of the mover
  that the charter names; and on its behalf nothing else does. Compared in each commit, so it holds for
  whatever messages are still under way when a slot moves. A write quorum of drives that have the charter is
  therefore enough: nothing that goes against it comes to a quorum any more.
- No slot is frozen while a rename is open at one of its keys, and none is opened in it afterwards.
- Whoever reads such a key is told that it is elsewhere.
- Where the charter's record is damaged nothing is known, so nothing changes and everything is elsewhere.

What belongs to the set itself, its charter and its lock clock, is in no slot.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import structlog

from rustfs_node.drive.renames import KeyName
from rustfs_proto.erasure.charter import CHARTER_KEY, Charter, CharterError, Hold, charter_of, unpack_slots
from rustfs_proto.objects import decode_meta
from rustfs_proto.s3.names import SYSTEM_BUCKET, is_of_set
from rustfs_proto.wire.drive_ops import Commit, Lookup, RowKind, SlotsWatched, Space, WatchSlots
from rustfs_proto.wire.envelope import UNREADABLE
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger("drive")

_NO_SLOTS: frozenset[int] = frozenset()


def is_charter(commit: Commit) -> bool:
    """Whether the row is the charter of the set."""
    return (
        commit.key == CHARTER_KEY
        and commit.bucket == SYSTEM_BUCKET
        and commit.space == Space.OBJECT
        and not commit.sub
    )


def read_charter(raw_meta: bytes) -> Charter | None:
    """The charter in that metadata, None where it is none."""
    try:
        return charter_of(decode_meta(raw_meta).user)
    except (CharterError, *UNREADABLE) as error:
        log.error("charter_unreadable", reason=str(error))  # noqa: TRY400 - the reason says it all
        return None


@attrs.define
class DriveSlots:
    """`stamp` is that of the newest charter here, 0 for none; `charter` None beside a stamp: it cannot be
    read. `changes_max` bounds the keys that a watch remembers.
    """

    changes_max: int = 0
    stamp: int = 0
    charter: Charter | None = None
    _watch: bytes = b""
    _watched: frozenset[int] = _NO_SLOTS
    _changed: dict[tuple[str, bytes, bool], None] = attrs.field(factory=dict)

    def take(self, stamp: int, charter: Charter | None) -> None:
        """A charter is durable here."""
        if stamp > self.stamp:
            self.stamp, self.charter = stamp, charter

    def refuse(self, commit: Commit, charter: Charter | None, stamp: int) -> Fault | None:
        """Why the commit may not be, under that charter."""
        if not stamp or commit.space == Space.HEAL or is_of_set(commit.bucket, commit.key):
            return Fault(FaultCode.INVALID, "nothing moves here") if commit.mover and not stamp else None
        if commit.space == Space.RENAME and commit.kind == RowKind.TOMBSTONE:
            return None
        hold = None if charter is None else charter.hold_of(charter.slot_of(commit.bucket, commit.key))
        if not commit.mover:
            return None if hold is Hold.OWNED else moved()
        is_movers = charter is not None and commit.mover == charter.mover
        return None if is_movers and hold is not Hold.OWNED else moved()

    def is_elsewhere(self, lookup: Lookup) -> bool:
        """Whether whoever looks, a mover aside, has to ask another set."""
        if not self.stamp or lookup.mover or lookup.space == Space.HEAL:
            return False
        return not self.has(lookup.bucket, lookup.key)

    def has(self, bucket: str, key: bytes) -> bool:
        """Whether the key is at home here, as far as this drive knows."""
        if not self.stamp or is_of_set(bucket, key):
            return True
        return self.charter is not None and self.charter.owns(self.charter.slot_of(bucket, key))

    def frozen_among(self, charter: Charter, names: Iterable[KeyName]) -> KeyName | None:
        """One of the keys whose slot that charter freezes, or gives away, though it is owned here until now;
        None where there is none.
        """
        for bucket, key in names:
            slot = charter.slot_of(bucket, key)
            before = Hold.OWNED if self.charter is None else self.charter.hold_of(slot)
            if before is Hold.OWNED and charter.hold_of(slot) is not Hold.OWNED:
                return bucket, key
        return None

    def note_change(self, commit: Commit) -> None:
        """The commit is durable here."""
        if not self._watch or self.charter is None or commit.space not in (Space.OBJECT, Space.UPLOAD):
            return
        if is_of_set(commit.bucket, commit.key):
            return
        if self.charter.slot_of(commit.bucket, commit.key) not in self._watched:
            return
        self._changed[commit.bucket, commit.key, commit.space == Space.UPLOAD] = None
        if len(self._changed) > self.changes_max:
            # Whoever watches has to look through everything once more.
            self._watch, self._changed = b"", {}

    def watched(self, message: WatchSlots) -> SlotsWatched:
        """The answer to a `WatchSlots`."""
        is_kept = self._watch == message.watch and not message.begins
        keys = tuple(self._changed) if is_kept else ()
        self._changed = {}
        if message.begins:
            self._watch, self._watched = message.watch, unpack_slots(message.slots)
        return SlotsWatched(keys, is_kept, self.stamp)


def moved() -> Fault:
    """The answer where the slot of a key moves, or has moved, to another set."""
    return Fault(FaultCode.MOVED, "the slot of the key moves to another set, or has moved there")
