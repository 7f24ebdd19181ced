"""What a set worker answers: the operations of one erasure set, as acceptors ask for them.

Bodies travel in payload frames and never inside messages. A body of at most one stripe goes with one call; a
larger one goes block by block: the sender keeps a bounded number of `PutBlock` calls open, the reader a
bounded number of `ReadBlock` calls, and that is all the flow control there is: memory is bounded at every hop
by those windows, and a client's slow socket slows the one who asks.
"""

from __future__ import annotations

import msgspec

from rustfs_proto.locking import ObjectLock, Retention
from rustfs_proto.objects import ObjectHead, ObjectMeta, Part
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
    lock: ObjectLock | None = None


class PartTarget(Message, frozen=True):
    """Where the bytes of an upload part belong."""

    upload_id: bytes
    number: int


class PutSmall(Message, frozen=True):
    """Store an object (or with `part` an upload part) whose whole body, at most one stripe, is frame 0 (no
    frame: empty).

    `expect` is the stamp that must be current (0: no such key) or ANY_STAMP. Faults: CONFLICT, NO_QUORUM,
    FULL, NOT_FOUND (no such upload).
    """

    bucket: str
    key: bytes
    info: ObjectInfo
    part: PartTarget | None = None
    expect: int = ANY_STAMP


class PutDone(Message, frozen=True):
    """The version is fsynced on a write quorum."""

    stamp: int


class PutOpen(Message, frozen=True):
    """Begin an object or part of more than one stripe. `size` in bytes or -1 where the client did not say."""

    bucket: str
    key: bytes
    size: int
    part: PartTarget | None = None


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
    """All blocks were sent; commit. Answered by `PutDone`."""

    handle: int
    info: ObjectInfo
    expect: int = ANY_STAMP


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
    """The current version of a key and, if `want_data`, the first block of `span` as frame 0. Without
    `from_files` the bytes of large objects stay where they are, for whoever has no memory for them now.

    Faults: NOT_FOUND (no such key), NO_QUORUM.
    """

    bucket: str
    key: bytes
    span: Span = Span()
    want_data: bool = True
    from_files: bool = True


class Got(Message, frozen=True):
    """Answer to `Get`. `offset` and `length` are the span resolved against the size (length 0 and offset -1:
    cannot be satisfied); frame 0, if any, holds its first bytes, up to the end of the stripe it begins in.
    """

    stamp: int
    head: ObjectHead
    meta: ObjectMeta
    offset: int
    length: int


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
    """Change what the current version of a key says of itself, without touching its bytes, ETag or time of
    modification. `tags` None leaves the tags as they are, `lock` None the lock.

    `expect` as in `PutSmall`, but never 0. Faults: NOT_FOUND (no such key), CONFLICT, NO_QUORUM, FULL,
    LOCKED (the retention must stay).
    """

    bucket: str
    key: bytes
    tags: dict[str, str] | None = None
    expect: int = ANY_STAMP
    lock: LockChange | None = None


class Amended(Message, frozen=True):
    """The amended version is fsynced on a write quorum; this is what it says."""

    stamp: int
    head: ObjectHead
    meta: ObjectMeta


class Delete(Message, frozen=True):
    """Remove the current version of each key, at most DELETE_KEYS_MAX. Answered by `Deleted`; keys that were
    not there count as removed.

    `expects[i]` is the stamp that must be current for `keys[i]`, or ANY_STAMP; empty: any for all of them. A
    key of which another version is current, or none, has the fault CONFLICT.
    """

    bucket: str
    keys: tuple[bytes, ...]
    expects: tuple[int, ...] = ()


class Deleted(Message, frozen=True):
    """`stamps[i]` is the stamp of the tombstone of `keys[i]` or 0 where nothing was there; `faults[i]` is
    empty or says why that key is not removed.
    """

    stamps: tuple[int, ...]
    faults: tuple[str, ...]


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
    """Answer to `List`. `more`: entries follow the last one."""

    entries: tuple[ListEntry, ...]
    more: bool


class UploadCreate(Message, frozen=True):
    """Begin a multipart upload of a key. `info.etag` and `info.checksums` are empty; `checksum_algorithm` is
    "" or e.g. "CRC32C".
    """

    bucket: str
    key: bytes
    info: ObjectInfo
    checksum_algorithm: str = ""


class UploadCreated(Message, frozen=True):
    """`upload_id` is 16 bytes that sort by time of initiation."""

    upload_id: bytes


class UploadGet(Message, frozen=True):
    """What the upload was created with. Fault NOT_FOUND: no such upload (or it was completed or given up)."""

    bucket: str
    key: bytes
    upload_id: bytes


class UploadGot(Message, frozen=True):
    """Answer to `UploadGet`. `stamp` tells the time of initiation."""

    stamp: int
    info: ObjectInfo
    checksum_algorithm: str


class UploadParts(Message, frozen=True):
    """Parts of an upload with numbers after `after`, at most `limit`. Fault NOT_FOUND."""

    bucket: str
    key: bytes
    upload_id: bytes
    after: int = 0
    limit: int = 1000


class UploadPartsListed(Message, frozen=True):
    """Answer to `UploadParts`, in order of number; `info` as of creation."""

    parts: tuple[Part, ...]
    more: bool
    info: ObjectInfo
    checksum_algorithm: str


class WantedPart(Message, frozen=True):
    """A part as the client names it when completing: `etag` without quotes; `checksums` may be empty."""

    number: int
    etag: str
    checksums: dict[str, str] = msgspec.field(default_factory=dict)


class UploadComplete(Message, frozen=True):
    """Make the parts, in this order, the object. Part checks happen under the key's lock.

    Faults: NOT_FOUND, INVALID_PART, INVALID_PART_ORDER, PART_TOO_SMALL, CONFLICT, NO_QUORUM.
    """

    bucket: str
    key: bytes
    upload_id: bytes
    parts: tuple[WantedPart, ...]
    part_bytes_min: int
    expect: int = ANY_STAMP


class UploadCompleted(Message, frozen=True):
    """Answer to `UploadComplete`."""

    stamp: int
    head: ObjectHead
    meta: ObjectMeta


class UploadAbort(Message, frozen=True):
    """Give an upload up with all its parts. Fault NOT_FOUND."""

    bucket: str
    key: bytes
    upload_id: bytes


class UploadList(Message, frozen=True):
    """A page of uploads of a bucket in order of (key, initiation): after (`after`, `after_upload`; an empty
    `after_upload` passes over the whole key).

    `after_group`, `prefix`, `delimiter`, `limit` as in `List`.
    """

    bucket: str
    prefix: bytes = b""
    after: bytes = b""
    after_upload: bytes = b""
    after_group: bool = False
    delimiter: bytes = b""
    limit: int = 1000


class UploadEntry(Message, frozen=True):
    """An upload, or where `upload_id` is empty a common prefix."""

    key: bytes
    upload_id: bytes = b""
    stamp: int = 0
    storage_class: str = "STANDARD"


class UploadsListed(Message, frozen=True):
    """Answer to `UploadList`."""

    entries: tuple[UploadEntry, ...]
    more: bool


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
