"""What a drive worker answers: one request class and one reply class per operation.

A row is addressed by (space, bucket, key, sub) and has versions by stamp. Requests that carry bytes say so:
they travel as the call's payload frames, never inside the message. Frames are `bytes`.
"""

from __future__ import annotations

from enum import IntEnum

from rustfs_proto.wire.message import Message


class Space(IntEnum):
    """Which kind of thing a row is. `sub` tells rows of one key apart."""

    OBJECT = 0  # sub = which version of the key, see `rustfs_proto.versions`
    UPLOAD = 1  # sub = upload id; one row per multipart upload that is under way
    PART = 2  # sub = upload id followed by the part number as two bytes, big end first
    HEAL = 3  # sub empty; this drive's note that (bucket, key) wants healing
    RENAME = 4  # sub = rename id; at the key that an object leaves, and at the one that it goes to


RENAME_ID_BYTES = 16


class RowKind(IntEnum):
    """What a record says of its row."""

    VALUE = 1
    TOMBSTONE = 2  # there is no such row any more
    MARKER = 3  # a version of a key, without bytes, that says: while this is current there is no such key


class DriveState(IntEnum):
    """How far a drive can be trusted; see the architecture's table."""

    ONLINE = 0
    SUSPECT = 1  # slow or erring: reads avoid it, writes do not wait for it
    HEALING = 2  # what it holds is evidence, what it lacks is not
    FAULTY = 3  # fenced until an operator acts


class Commit(Message, frozen=True):
    """Make one version of one row durable. Frame 0, if there is one, is the inline shard.

    `head` and `meta` are the encoded `ObjectHead` and `ObjectMeta` (empty for tombstones). `shard` is the
    number of the shard this drive holds, 0 to n-1. `inline_check` is the xxh3-128 digest of frame 0, computed
    where the shard was encoded. `files` are the data ids whose shard files must be durable before the record
    is. `expect` is the stamp that must be the newest (0: no row), or -1 for any. `of_key`: this is to be the
    current version of its key, so `expect` is the stamp of the version that is current on the drive, and
    every version there must be older. `whole`: not without all of `files`, because a record alone would speak
    for a version that it cannot help to read.

    While a rename is open at a key, nothing of the key changes but on behalf of that rename, whose id is
    `rename`. A row of a rename is compared by `of_key` with the current version of its key, too, and one that
    has ended is never opened again.

    Nothing changes in a slot that the set does not own, or that is frozen, but on behalf of the mover with
    the name `mover`; and on its behalf nothing in any other. Faults: STALE, CONFLICT, FULL, DAMAGED (a
    checksum did not match on arrival), NOT_FOUND (a file, where `whole`; a rename that has ended), UNRESOLVED
    (another rename is open), OVERLOADED (too many renames are), MOVED, DRIVE_FAULT.
    """

    space: int
    bucket: str
    key: bytes
    stamp: int
    kind: int
    sub: bytes = b""
    shard: int = 0
    head: bytes = b""
    meta: bytes = b""
    inline_check: bytes = b""
    files: tuple[bytes, ...] = ()
    expect: int = -1
    of_key: bool = False
    whole: bool = False
    rename: bytes = b""
    mover: bytes = b""


class Committed(Message, frozen=True):
    """The version is on stable storage. `missing` are data ids for which this drive holds no whole shard
    file.

    `replaced`: an older version of the row is kept until a `Settle`. False spares the notice, so a drive that
    does not say counts as true.
    """

    missing: tuple[bytes, ...] = ()
    replaced: bool = True


class Settle(Message, frozen=True):
    """A notice without a reply: these versions are on a write quorum, so what they replaced may be dropped.

    `complete` adds that all n drives have it: a tombstone need not be kept for a drive that was away.
    """

    rows: tuple[SettledRow, ...]


class SettledRow(Message, frozen=True):
    """One version of `Settle`. `complete`: it is on all drives. `marks`: remember that it is on a write
    quorum, which matters where fewer drives than those can read.
    """

    space: int
    bucket: str
    key: bytes
    stamp: int
    sub: bytes = b""
    complete: bool = False
    marks: bool = False


class Lookup(Message, frozen=True):
    """Ask for the newest version of a row, or with `stamp` for exactly that one, or with `current` for the
    row of the key that is its current version (`sub` is empty then). `want_inline`: send the inline shard
    along as frame 0. `rename` is the id of the rename on whose behalf is asked, if any, `mover` the name of
    the mover.
    """

    space: int
    bucket: str
    key: bytes
    sub: bytes = b""
    stamp: int = 0
    want_inline: bool = True
    current: bool = False
    rename: bytes = b""
    mover: bytes = b""


class RowState(IntEnum):
    """What a drive knows of a row."""

    ABSENT = 0
    FOUND = 1
    DAMAGED = 2  # a version with this stamp was committed here, but its record no longer checks


class LookedUp(Message, frozen=True):
    """Answer to `Lookup`. `priors` are stamps of older versions still kept because this one is not settled,
    newest first.

    `evidence` is false on a HEALING drive: its absence, or an older version, proves nothing. `no_files` lists
    those data ids of the version whose shard file is not on this drive, `never_had` those of them that were
    not when it was committed: a drive that acknowledged without a file cannot have lost it.

    Of a lookup of the current version `sub` says which it is, and `others` that the key has further rows.
    `unsure`: a version that would come before it was removed, which is not settled. `on_quorum`: this drive
    was told that a write quorum has the version. `is_renamed`: a rename, another than the one asked for, is
    open at the key: this may be about to change, or have changed. `joins`: a drive without evidence that is
    nearly rebuilt, and will have some soon: what it lacks does not support a version. `is_elsewhere`: the
    key's slot is not the set's, so this is no answer to anybody but a mover.
    """

    state: int
    evidence: bool
    stamp: int = 0
    kind: int = RowKind.VALUE
    sub: bytes = b""
    shard: int = 0
    head: bytes = b""
    meta: bytes = b""
    inline_check: bytes = b""
    priors: tuple[int, ...] = ()
    no_files: tuple[bytes, ...] = ()
    never_had: tuple[bytes, ...] = ()
    others: bool = False
    unsure: bool = False
    on_quorum: bool = False
    is_renamed: bool = False
    is_elsewhere: bool = False
    joins: bool = False


class Scan(Message, frozen=True):
    """A page of rows of one bucket in order of (key, sub), newest version of each, tombstones included.

    Starts at (`start`, `start_sub`) inclusive and stays within `prefix`. With `delimiter`, keys that hold it
    after the prefix are collapsed: the first key of each such group whose newest version is a value is given
    with `group` set, and the rest of the group is skipped; a group whose keys are all tombstones is still
    given, by its first tombstone. At most `limit` rows.

    `current`: of each key only the version that is current, with an empty `sub`, and of a key without any its
    newest tombstone; a group shows a key whose current version is no delete marker.
    """

    space: int
    bucket: str
    prefix: bytes = b""
    start: bytes = b""
    start_sub: bytes = b""
    delimiter: bytes = b""
    limit: int = 1000
    current: bool = False


class ScanRow(Message, frozen=True):
    """One row of `Scanned`. `group` is the common prefix, delimiter included; empty for a row of its own.
    `has_gaps`: some of its shard files are not here. `version` and `unsure` are `LookedUp.sub` and
    `LookedUp.unsure` of a scan of current versions.
    """

    key: bytes
    stamp: int
    kind: int
    sub: bytes = b""
    version: bytes = b""
    head: bytes = b""
    group: bytes = b""
    priors: tuple[int, ...] = ()
    has_gaps: bool = False
    unsure: bool = False


class Scanned(Message, frozen=True):
    """Answer to `Scan`. `more` is false when the drive has nothing after the last row.

    Of objects: `is_renamed`: a rename is open in the bucket; `rename_stamp` is the newest stamp that a row of
    a rename has in the bucket, 0 for none. `charter_stamp` is that of the set's charter as the drive has it,
    0 for none.
    """

    rows: tuple[ScanRow, ...]
    more: bool
    evidence: bool
    is_renamed: bool = False
    rename_stamp: int = 0
    charter_stamp: int = 0


class RowName(Message, frozen=True):
    """Names a row, whichever its versions are."""

    space: int = 0
    bucket: str = ""
    key: bytes = b""
    sub: bytes = b""


class ListUnsettled(Message, frozen=True):
    """Which rows does the drive keep older versions of? It looks through at most `limit` versions, of the
    rows after `after`, in an order of its own.
    """

    after: RowName = RowName()
    limit: int = 2000


class UnsettledListed(Message, frozen=True):
    """Answer to `ListUnsettled`. `after` is where to go on; None when all rows were looked through."""

    rows: tuple[RowName, ...]
    after: RowName | None = None


class ListRenames(Message, frozen=True):
    """Which renames are open at keys of the bucket?"""

    bucket: str


class RenamesHeld(Message, frozen=True):
    """Answer to `ListRenames`: the rows, which may have ended on other drives."""

    rows: tuple[RowName, ...]


class WatchSlots(Message, frozen=True):
    """Which keys in these slots (packed) were changed since this was asked last under the name `watch`? With
    `begins` the watch begins. A drive keeps one.
    """

    watch: bytes
    slots: bytes
    begins: bool = False


class SlotsWatched(Message, frozen=True):
    """Answer to `WatchSlots`. `is_kept`: all changes since the last time are told: bucket, key, and whether
    it was one of an upload. `charter_stamp` as in `Scanned`.
    """

    keys: tuple[tuple[str, bytes, bool], ...]
    is_kept: bool
    charter_stamp: int


class ShardIdentity(Message, frozen=True):
    """Whose bytes a shard file holds: written into its header and checked at every read."""

    bucket: str
    key: bytes
    shard: int
    k: int
    m: int
    stripe_bytes: int


class ShardWrite(Message, frozen=True):
    """Frame 0 is the fragment of stripe `index`; `check` its xxh3-128 digest. Index 0 brings `identity` and
    creates the file. `replaces`: the file that is there cannot be used, so it goes however long it is; else a
    longer one stays, because versions share files.

    Fragments arrive in order. They are durable only after a `Commit` that names the data id. Faults: FULL,
    DAMAGED, NOT_FOUND, DRIVE_FAULT.
    """

    data_id: bytes
    index: int
    check: bytes
    identity: ShardIdentity | None = None
    replaces: bool = False


class ShardWritten(Message, frozen=True):
    """The fragment was taken over; the memory of its frame is free again."""


class ShardDrop(Message, frozen=True):
    """A notice without a reply: forget the unfinished shard file of an upload that was given up."""

    data_id: bytes


class ShardRead(Message, frozen=True):
    """Fragments `index` to `index + count - 1` of a shard file, one frame each, verified by the drive.
    `fragment_bytes` are their sizes.

    Faults: NOT_FOUND (no such file), DAMAGED (checksum, identity or length), DRIVE_FAULT.
    """

    data_id: bytes
    bucket: str
    key: bytes
    shard: int
    index: int
    count: int = 1


class ShardFragments(Message, frozen=True):
    """Answer to `ShardRead`: `checks` are the digests of the frames, for the reader to verify again."""

    checks: tuple[bytes, ...]


class DriveStatus(Message, frozen=True):
    """Ask how the drive is."""


class ScrubProgress(Message, frozen=True):
    """How far the scrub of a drive is: `rounds` ended, the present or last one began at `began_ms` (0: there
    was none), the last one ended at `ended_ms` (0: not known). Since the worker started it has read so many
    rows and bytes, and found so much damaged or missing, of which `repaired` reads well again and
    `unrepaired` does not; the rest was replaced or removed since, or is more than the drive remembers.

    While a round goes on: `round_rows` of it are read of `rows_there`, the rest takes about `left_s` at the
    present rate (-1: not known yet); it is `ordered`, or had its time, and keeps to its budget or goes
    `flat_out`.
    """

    rounds: int = 0
    began_ms: int = 0
    is_running: bool = False
    rows: int = 0
    size_bytes: int = 0
    found: int = 0
    ended_ms: int = 0
    repaired: int = 0
    unrepaired: int = 0
    round_rows: int = 0
    rows_there: int = 0
    left_s: int = -1
    ordered: bool = False
    flat_out: bool = False


class DriveStatusReply(Message, frozen=True):
    """How the drive is. `newest_stamp` is the greatest it ever committed; sizes in bytes."""

    drive_id: str
    state: int
    newest_stamp: int
    total_bytes: int
    free_bytes: int
    rows: int
    log_bytes: int
    garbage_bytes: int
    heal_notes: int
    reason: str = ""
    scrub: ScrubProgress = ScrubProgress()
