"""What is stored, counted: how a set worker asks a drive for it, and an acceptor a set worker.

Sizes are those of objects as clients know them, not of shards.
"""

from __future__ import annotations

from rustfs_proto.wire.message import Message


class Counted(Message, frozen=True):
    """What is stored somewhere. `objects` are keys whose current version is no delete marker, `versions` all
    versions that are none, `size_bytes` theirs together. `sizes` are the objects by size of their current
    version, see `rustfs_proto.usage.SIZE_BOUNDS`; empty where there are none.
    """

    objects: int = 0
    versions: int = 0
    delete_markers: int = 0
    size_bytes: int = 0
    sizes: tuple[int, ...] = ()


class NamedCount(Message, frozen=True):
    """A bucket, or a prefix of one: the part of its keys up to the first slash; empty for keys without."""

    name: str
    counted: Counted
    bucket: str = ""


class Usage(Message, frozen=True):
    """All that a set has, as one of its drives counted it, which took `took_s`. `total` is everything;
    `buckets_left` and `prefixes_left` are so many of which nothing is told by name: of buckets the last ones
    by name, of prefixes the smallest of all buckets.
    """

    total: Counted
    buckets: tuple[NamedCount, ...] = ()
    prefixes: tuple[NamedCount, ...] = ()
    buckets_left: int = 0
    prefixes_left: int = 0
    took_s: float = 0.0


class CountUsage(Message, frozen=True):
    """To a drive: count what you have, if the last count is older than `drive.usage_period_s`, and tell of
    the last one. A drive that nobody asks does not count.
    """


class UsageCounted(Message, frozen=True):
    """Answer to `CountUsage`: the last count, and how long ago it was finished. None: there is none yet, or
    the drive is not to count, or it is HEALING and has not everything.
    """

    usage: Usage | None = None
    age_s: float = 0.0


class SetUsage(Message, frozen=True):
    """To a set worker: what is stored in the set? `bucket`: of prefixes those of this bucket are told; else
    none are.
    """

    bucket: str = ""


class SetUsageTold(Message, frozen=True):
    """Answer to `SetUsage`, as `UsageCounted`."""

    usage: Usage | None = None
    age_s: float = 0.0
