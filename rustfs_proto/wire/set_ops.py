"""What a set worker answers: the operations of one erasure set, as acceptors ask for them.

Bodies travel in payload frames and never inside messages. A body of at most one stripe goes with one call; a
larger one goes block by block: the sender keeps a bounded number of `PutBlock` calls open, the reader a
bounded number of `ReadBlock` calls, and that is all the flow control there is: memory is bounded at every hop
by those windows, and a client's slow socket slows the one who asks.
"""

from __future__ import annotations

import msgspec

from rustfs_proto.locking import ObjectLock, Retention
from rustfs_proto.objects import ObjectHead, ObjectMeta
from rustfs_proto.versions import NULL_VERSION, Versioning
from rustfs_proto.wire.heal_ops import HealView
from rustfs_proto.wire.message import Message

ANY_STAMP = -1
"""`expect` of a write that replaces whatever is there."""

DELETE_KEYS_MAX = 1000
"""Keys of one `Delete`: as many as one DeleteObjects may name."""


class ObjectInfo(Message, frozen=True):
    """What a writer says of an object beside its bytes; meaning as in `ObjectMeta` and `ObjectHead`."""

    etag: str = ""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    user: dict[str, str] = msgspec.field(default_factory=dict)
    checksums: dict[str, str] = msgspec.field(default_factory=dict)
    checksum_type: str = ""
    storage_class: str = "STANDARD"
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    modified_ms: int = 0
    lock: ObjectLock | None = None


class PartTarget(Message, frozen=True):
    """Where the bytes of an upload part belong."""

    upload_id: bytes
    number: int


class PutSmall(Message, frozen=True):
    """Store an object (or with `part` an upload part) whose whole body, at most one stripe, is frame 0 (no
    frame: empty).

    `versioning` is that of the bucket, a `Versioning`. `appends`: the bytes come behind those of the version
    that is current, whose stamp is `expect`, and what it says of itself stays. `expect` is the stamp of the
    version that must be current (0: no such key) or ANY_STAMP. Faults: CONFLICT, NO_QUORUM, FULL, NOT_FOUND
    (no such upload).
    """

    bucket: str
    key: bytes
    info: ObjectInfo
    part: PartTarget | None = None
    expect: int = ANY_STAMP
    versioning: int = Versioning.OFF
    appends: bool = False


class PutDone(Message, frozen=True):
    """The version is fsynced on a write quorum. `sub` tells which version of the key it is. Of a write that
    appends, `head` and `checksums` are those of the whole.
    """

    stamp: int
    sub: bytes = NULL_VERSION
    head: ObjectHead | None = None
    checksums: dict[str, str] = msgspec.field(default_factory=dict)


class PutOpen(Message, frozen=True):
    """Begin an object or part of more than one stripe. `size` in bytes or -1 where the client did not say.
    `appends` as in `PutSmall`. `storage_class` is that of the object: its `PutFinish` must name one that is
    stored alike. A part has that of its upload, what is appended that of what is there. With a `mover` it is
    a part of a version that is moved here by it, and of no upload: `part` names what it is kept under until a
    `MoveVersion` takes it.
    """

    bucket: str
    key: bytes
    size: int
    part: PartTarget | None = None
    appends: bool = False
    storage_class: str = "STANDARD"
    mover: bytes = b""


class PutOpened(Message, frozen=True):
    """`handle` names the unfinished write at this set worker; blocks must be exactly `stripe_bytes`, the last
    one may be shorter.

    A handle that sees no call for the idle limit is given up.
    """

    handle: int
    stripe_bytes: int


class PutBlock(Message, frozen=True):
    """Frame 0 is block `index`, in order from 0."""

    handle: int
    index: int


class PutBlockDone(Message, frozen=True):
    """The block's memory is free again and enough drives have taken it over."""


class PutFinish(Message, frozen=True):
    """All blocks were sent; commit. `expect` and `versioning` as in `PutSmall`. Answered by `PutDone`."""

    handle: int
    info: ObjectInfo
    expect: int = ANY_STAMP
    versioning: int = Versioning.OFF


class PutAbort(Message, frozen=True):
    """Give the write up; nothing of it remains."""

    handle: int


class Done(Message, frozen=True):
    """It is so now."""


class Span(Message, frozen=True):
    """Which bytes of an object: all of it, from `first` to `last` inclusive (`last` -1: to the end), or the
    last `suffix` bytes.
    """

    first: int = 0
    last: int = -1
    suffix: int = -1


class Get(Message, frozen=True):
    """A version of a key, the current one where `sub` is None, and, if `want_data`, the first block of `span`
    as frame 0. Without `from_files` the bytes of large objects stay where they are, for whoever has no memory
    for them now.

    Faults: NOT_FOUND (no such key or version), NO_QUORUM.
    """

    bucket: str
    key: bytes
    span: Span = Span()
    want_data: bool = True
    from_files: bool = True
    sub: bytes | None = None


class Got(Message, frozen=True):
    """Answer to `Get`. `offset` and `length` are the span resolved against the size (length 0 and offset -1:
    cannot be satisfied); frame 0, if any, holds its first bytes, up to the end of the stripe it begins in.
    `is_marker`: the version is a delete marker.
    """

    stamp: int
    head: ObjectHead
    meta: ObjectMeta
    offset: int
    length: int
    sub: bytes = NULL_VERSION
    is_marker: bool = False


class ReadBlock(Message, frozen=True):
    """Bytes `offset` to `offset + length - 1` of exactly that version as frame 0; at most as many as
    set.block_stripes_max stripes have. `stamp` is that of the write that brought the bytes (`written_of`), so
    that an `Amend` changes nothing. Fault NOT_FOUND: the version is gone.
    """

    bucket: str
    key: bytes
    stamp: int
    offset: int
    length: int
    sub: bytes = NULL_VERSION


class Block(Message, frozen=True):
    """Answer to `ReadBlock`: the bytes are frame 0."""


class LockChange(Message, frozen=True):
    """What an `Amend` does to the lock of a version: to its legal hold, if `legal_hold` says something, else
    to its retention, which None takes off. `bypass_governance`: the sender may pass over GOVERNANCE, and
    wants to.
    """

    retention: Retention | None = None
    legal_hold: bool | None = None
    bypass_governance: bool = False


class Amend(Message, frozen=True):
    """Change what a version of a key, the current one where `sub` is None, says of itself, without touching
    its bytes, ETag, place among the versions or time of modification. `tags` None leaves the tags as they
    are, `lock` None the lock.

    `expect` is the stamp that the version must have, or ANY_STAMP. Faults: NOT_FOUND (no such key or
    version), CONFLICT, INVALID (a delete marker), LOCKED (the retention must stay), NO_QUORUM, FULL.
    """

    bucket: str
    key: bytes
    tags: dict[str, str] | None = None
    expect: int = ANY_STAMP
    sub: bytes | None = None
    lock: LockChange | None = None


class Amended(Message, frozen=True):
    """The amended version is fsynced on a write quorum; this is what it says."""

    stamp: int
    head: ObjectHead
    meta: ObjectMeta
    sub: bytes = NULL_VERSION


class Delete(Message, frozen=True):
    """Delete each key, at most DELETE_KEYS_MAX, as `versioning` has it: remove the null version, add a delete
    marker, or put one in the place of the null version. Answered by `Deleted`; keys that were not there count
    as removed.

    `expects[i]` is the stamp of the version that must be current for `keys[i]`, or ANY_STAMP; empty: any for
    all of them. A key of which another version is current, or none, has the fault CONFLICT.
    """

    bucket: str
    keys: tuple[bytes, ...]
    expects: tuple[int, ...] = ()
    versioning: int = Versioning.OFF


class Deleted(Message, frozen=True):
    """`stamps[i]` is the stamp of the tombstone or delete marker of `keys[i]` or 0 where nothing was there;
    `faults[i]` is empty or says why that key is not removed. `subs[i]` is that of its delete marker, where
    the bucket has them.
    """

    stamps: tuple[int, ...]
    faults: tuple[str, ...]
    subs: tuple[bytes, ...] = ()


class RemoveVersions(Message, frozen=True):
    """Remove exactly these versions of keys, for good, at most DELETE_KEYS_MAX. Answered by
    `VersionsRemoved`; what was not there counts as removed.

    `expects` are the stamps that they must have, as in `Delete`. `bypass_governance` as in `LockChange`. A
    version whose lock forbids it has the fault LOCKED, or NO_QUORUM where the time to judge it by is not
    known.
    """

    bucket: str
    versions: tuple[tuple[bytes, bytes], ...]
    expects: tuple[int, ...] = ()
    bypass_governance: bool = False


class VersionsRemoved(Message, frozen=True):
    """Of each version, in order: `stamps` and `faults` as in `Deleted`, and whether it was a delete
    marker.
    """

    stamps: tuple[int, ...]
    faults: tuple[str, ...]
    were_markers: tuple[bool, ...]


class List(Message, frozen=True):
    """A page of current objects in key order: keys after `after` (exclusive; with `after_group` everything
    that begins with `after` is passed over) within `prefix`.

    With `delimiter` keys that hold it after the prefix are collapsed to one entry. At most `limit` entries.
    """

    bucket: str
    prefix: bytes = b""
    after: bytes = b""
    after_group: bool = False
    delimiter: bytes = b""
    limit: int = 1000


class ListEntry(Message, frozen=True):
    """An object, or where `head` is None a common prefix (`key` then ends with the delimiter)."""

    key: bytes
    stamp: int = 0
    head: ObjectHead | None = None


class Listed(Message, frozen=True):
    """Answer to `List`. `more`: entries follow the last one.

    `renames` are the newest stamps of renames in the bucket, by slot of the drives that were asked: as long
    as they stay the same no key was renamed. Empty where none was lately. `slots` are those that the set
    owns, packed, of whose keys alone it tells; empty: as the layout has it.
    """

    entries: tuple[ListEntry, ...]
    more: bool
    renames: tuple[tuple[int, int], ...] = ()
    slots: bytes = b""


class ListVersions(Message, frozen=True):
    """A page of versions, delete markers among them, by key and from the latest birth on: after version
    `after_sub` of `after`, or with None after the whole of that key.

    `after_group`, `prefix`, `delimiter`, `limit` as in `List`.
    """

    bucket: str
    prefix: bytes = b""
    after: bytes = b""
    after_sub: bytes | None = None
    after_group: bool = False
    delimiter: bytes = b""
    limit: int = 1000


class VersionEntry(Message, frozen=True):
    """A version, or where `head` is None a common prefix. `is_latest`: of its key it is current."""

    key: bytes
    sub: bytes = NULL_VERSION
    stamp: int = 0
    head: ObjectHead | None = None
    is_marker: bool = False
    is_latest: bool = False


class VersionsListed(Message, frozen=True):
    """Answer to `ListVersions`. `more`: entries follow the last one; `renames` and `slots` as in `Listed`."""

    entries: tuple[VersionEntry, ...]
    more: bool
    renames: tuple[tuple[int, int], ...] = ()
    slots: bytes = b""


class LockTime(Message, frozen=True):
    """What time is it by the lock clock of the set? Asked before a lock is given. Fault NO_QUORUM: it cannot
    be told now.
    """


class LockTimeTold(Message, frozen=True):
    """Answer to `LockTime`: milliseconds since 1970. By `now_ms` locks are judged; from `period_begin_ms` a
    retention of so many days is counted.
    """

    now_ms: int
    period_begin_ms: int


class SetStatus(Message, frozen=True):
    """Ask how the set is."""


class DriveView(Message, frozen=True):
    """A drive as the set worker sees it; `state` as `DriveState`, or -1 where it does not answer."""

    slot: int
    path: str
    state: int
    total_bytes: int = 0
    free_bytes: int = 0
    reason: str = ""


class SetStatusReply(Message, frozen=True):
    """`readable`/`writable`: enough drives answer for reads / writes now."""

    set_index: int
    k: int
    m: int
    write_quorum: int
    readable: bool
    writable: bool
    drives: tuple[DriveView, ...]
    healing: HealView = HealView()
