"""What a set worker answers to an operator who wants to know where the shards of a key are."""

from __future__ import annotations

from rustfs_proto.wire.message import Message


class Inspect(Message, frozen=True):
    """Where are the shards of this key's versions, the newest first, and how are they? `deep`: shard files
    are read to their end. Fault NO_QUORUM: too few drives answer to tell which versions there are.
    """

    bucket: str
    key: bytes
    deep: bool = False


class ShardView(Message, frozen=True):
    """One drive's part in a version; `state` as in `rustfs_proto.erasure.inspection`. `shard` is the one that
    the placement gives it, `stamp` of what it has newest.
    """

    slot: int
    shard: int
    state: str
    stamp: int = 0


class VersionView(Message, frozen=True):
    """`verdict`: what reads make of it: `current` (it is there), `removed`, or why they cannot tell. `kind`
    is a `RowKind`; size, ETag and geometry where some drive has a record of it.
    """

    sub: bytes
    stamp: int
    kind: int
    verdict: str
    drives: tuple[ShardView, ...]
    size_bytes: int = 0
    etag: str = ""
    k: int = 0
    m: int = 0


class Inspected(Message, frozen=True):
    """Answer to `Inspect`. `more`: the key has further, older versions."""

    versions: tuple[VersionView, ...]
    more: bool = False


class ListLocks(Message, frozen=True):
    """Which keys have their turn taken in this worker: the `count` that have it longest."""

    count: int


class LockView(Message, frozen=True):
    """A key whose turn was taken `held_s` ago, and how many requests wait for it."""

    bucket: str
    key: bytes
    held_s: float
    waiting: int


class LocksListed(Message, frozen=True):
    """Answer to `ListLocks`: the longest held first; `total` is how many there are."""

    locks: tuple[LockView, ...]
    total: int
