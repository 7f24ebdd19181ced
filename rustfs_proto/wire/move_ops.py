"""What a set worker answers to a mover, who brings slots from one set to another.

Rows are addressed by (key, sub) and walked in that order. What a mover asks is answered whoever owns the
slot; what it changes is changed only while the charter names it (`mover`), and only in slots that are not the
set's to change (see `rustfs_proto.erasure.charter`).
"""

from __future__ import annotations

from rustfs_proto.objects import ObjectHead, ObjectMeta
from rustfs_proto.wire.message import Message

MOVE_ROWS_MAX = 1000
"""Rows of one `MoveScan` or `MoveRemove`."""


class MovePlace(Message, frozen=True):
    """A row among those of a bucket."""

    key: bytes = b""
    sub: bytes = b""


class MoveScan(Message, frozen=True):
    """The versions of a bucket's keys in these slots (packed), delete markers among them, from `start` on
    through `last` (None: to the end); with `only` those of the key of `start` alone. `seed` is the layout's.
    """

    bucket: str
    slots: bytes
    seed: int
    mover: bytes
    start: MovePlace = MovePlace()
    last: MovePlace | None = None
    only: bool = False
    limit: int = MOVE_ROWS_MAX


class MoveRow(Message, frozen=True):
    """A version. `origin` is the stamp that it had where it was moved from. `stamp` 0: there is none, but
    some drive has a trace of one.
    """

    key: bytes
    sub: bytes
    stamp: int
    kind: int
    origin: int = 0
    size: int = 0


class MoveScanned(Message, frozen=True):
    """Answer to `MoveScan`. `through` is the last row that was passed; None: there are no more."""

    rows: tuple[MoveRow, ...]
    through: MovePlace | None


class MoveVersion(Message, frozen=True):
    """Write a version as it was in another set, where it had that `stamp`. Its bytes are frame 0, at most one
    stripe (no frame: there are none), or those of its parts that are kept under `parts_id`, which end by
    this. Of one with a lock `lock_now_ms` is the time by the other set's lock clock, at which this set's
    begins where it has none yet. Answered by `Done`.
    """

    bucket: str
    key: bytes
    sub: bytes
    kind: int
    stamp: int
    head: ObjectHead
    meta: ObjectMeta
    mover: bytes
    parts_id: bytes = b""
    lock_now_ms: int = 0


class MoveRemove(Message, frozen=True):
    """Remove these rows and whatever traces there are of them, at most MOVE_ROWS_MAX. Answered by `Done`, or
    the first fault.
    """

    bucket: str
    rows: tuple[MovePlace, ...]
    mover: bytes


class MoveChanges(Message, frozen=True):
    """Which keys in these slots (packed) were changed since this was asked last under the name `watch`? It
    `begins` at all drives, and is asked of those in `drives` afterwards. `charter_stamp` is that of a charter
    of which is asked how many of them have it.
    """

    watch: bytes
    slots: bytes
    begins: bool = False
    drives: tuple[int, ...] = ()
    charter_stamp: int = 0


class MoveChanged(Message, frozen=True):
    """Answer to `MoveChanges`: `drives` have told all, and `under_charter` of them have that charter. `keys`
    as in `SlotsWatched`.
    """

    keys: tuple[tuple[str, bytes, bool], ...]
    drives: tuple[int, ...]
    under_charter: int
    write_quorum: int
