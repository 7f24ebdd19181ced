"""What a drive worker answers to those who heal: its rows in order, and its return among the drives whose
absences count. And what a set worker says of its healing.
"""

from __future__ import annotations

from rustfs_proto.wire.drive_ops import RowName, ScrubProgress
from rustfs_proto.wire.message import Message

ASK = -1
"""No stage of a rebuild."""


class ListRows(Message, frozen=True):
    """Which rows does the drive have, of all spaces and buckets, in order of (space, bucket, key, sub)? At
    most `limit`, behind `after`. `verify`: each record is read, and it is looked whether its shard files are
    there and long enough, which takes longer: then the drive gives fewer at a time. `notes`: tombstones are
    passed over, as of heal notes, of which those that were taken back may be many more than the others.
    """

    after: RowName = RowName()
    limit: int = 1000
    verify: bool = False
    notes: bool = False


class HeldRow(Message, frozen=True):
    """A row by its newest version on the drive. `has_gaps`: of that version a shard file is not here, or,
    where it was verified, the record cannot be read. `storage_class` is that of an object, empty where it is
    STANDARD.

    Where it was verified `flaw` is what is wrong, in words of `rustfs_proto.erasure.durability`, and of the
    record: `k` as in its geometry, `files` how many shard files it names, `size_bytes` what it and they have,
    `object_bytes` the size of the object.
    """

    space: int
    bucket: str
    key: bytes
    sub: bytes
    stamp: int
    kind: int
    has_gaps: bool = False
    storage_class: str = ""
    flaw: str = ""
    k: int = 0
    files: int = 0
    size_bytes: int = 0
    object_bytes: int = 0


class RowsListed(Message, frozen=True):
    """Answer to `ListRows`. `more` is false when the drive has nothing behind the last row."""

    rows: tuple[HeldRow, ...]
    more: bool
    evidence: bool


class CheckRow(Message, frozen=True):
    """Read the shard files of that version to their end, each frame with its checksum: a piece at a time,
    from frame `index` of the file `data_id` on. Fault NOT_FOUND: the version is not here.
    """

    row: RowName
    stamp: int
    data_id: bytes = b""
    index: int = 0


class RowChecked(Message, frozen=True):
    """Answer to `CheckRow`. `size_bytes` were read; `flaw` as in `HeldRow`, empty where nothing is wrong so
    far. `data_id` and `index` are where to go on; an empty one: that was all.
    """

    size_bytes: int
    flaw: str = ""
    data_id: bytes = b""
    index: int = 0


class Rejoin(Message, frozen=True):
    """To a HEALING drive, twice. First: what it lacks shall no longer be taken for what it may have lost when
    a version is on too few drives, so that versions go to it as to others. Then, with `is_rebuilt`: it has
    all that it should have, and its absences count from now on, which it writes down. `token` is the same in
    both: what was rebuilt was rebuilt in this life of the drive, by whoever began last.

    A drive that is not HEALING has nothing to do. Faults: CONFLICT (the drive was started since, or somebody
    else has begun), DRIVE_FAULT.
    """

    token: bytes
    is_rebuilt: bool = False


class MarkRebuild(Message, frozen=True):
    """To a HEALING drive: its rebuild has come behind the row `at` in that `Stage`. It keeps that durably; a
    drive that loses something again forgets it. With stage `ASK` it only tells.
    """

    stage: int = ASK
    at: RowName = RowName()


class RebuildMarked(Message, frozen=True):
    """Answer to `MarkRebuild`: what is kept. `joined` is the token with which the drive has joined in this
    life, by `Rejoin`.
    """

    stage: int = 0
    at: RowName = RowName()
    joined: bytes = b""


class Rejoined(Message, frozen=True):
    """It is so now; with `is_rebuilt` durably."""


class FoundKey(Message, frozen=True):
    """A key of which the scrub found something damaged or missing."""

    bucket: str
    key: bytes


class TakeFindings(Message, frozen=True):
    """What has the drive's scrub found? `noted` are keys of the answer before, which are noted durably: the
    drive forgets them. All others are told again, so nothing is lost with whoever asked.
    """

    noted: tuple[FoundKey, ...] = ()


class FindingsTold(Message, frozen=True):
    """Answer to `TakeFindings`: some of the keys, those found first; none where there are no more."""

    found: tuple[FoundKey, ...]


class ScrubView(ScrubProgress, frozen=True):
    """The scrub of the drive in that slot."""

    slot: int = 0


class RebuildView(Message, frozen=True):
    """How far the rebuild of a drive has come: `rows` that it was given, `size_bytes` of shards with them,
    and about how many more rows other drives have.
    """

    slot: int
    rows: int
    size_bytes: int
    rows_left: int


class HealView(Message, frozen=True):
    """How a set heals. `notes`: about how many keys are noted, on the drive with the most. `healed` and
    `failed` count keys since the worker started, one that failed with each try; `rebuilds` are those that the
    worker does, `scrubs` those of all drives that answer.
    """

    notes: int = 0
    healed: int = 0
    failed: int = 0
    rebuilds: tuple[RebuildView, ...] = ()
    scrubs: tuple[ScrubView, ...] = ()
