"""Which version of a key is current on this drive.

What is here alone counts: whether a write quorum says the same is for others to find out. The rows of a key
lie together, the null version first and then the others from the latest birth on (see
`rustfs_proto.versions`), so however many there are, few of them are looked at. Removed versions are passed
over by SQLite itself.
"""

from __future__ import annotations

import attrs

from rustfs_node.drive.index import Index
from rustfs_node.drive.index_row import Row
from rustfs_proto.objects import decode_head, written_of
from rustfs_proto.versions import NULL_VERSION, birth_of
from rustfs_proto.wire.drive_ops import RowKind, Space

_LOOK = 8
"""Records of a key that are looked at together: nearly every key has fewer."""


@attrs.frozen
class Current:
    """`rows` are the records of the current version, newest first; of a key without one those of a removed
    version, if there is any. `others` and `unsure` as in `LookedUp`.
    """

    rows: list[Row]
    others: bool = False
    unsure: bool = False

    @property
    def stamp(self) -> int:
        """The stamp of its newest record; 0 where there is none."""
        return self.rows[0].stamp if self.rows else 0


def current_of(index: Index, bucket: str, key: bytes) -> Current:
    """The current version of an object's key."""
    found = index.of_key(bucket, key, _LOOK)
    if not found or (not found[-1].sub and len(found) < _LOOK):
        # Only the null version: so it is wherever versioning was never enabled.
        return Current(found)
    null = index.versions((Space.OBJECT, bucket, key, NULL_VERSION)) if not found[0].sub else []
    version, unsure = _newest_live(index, bucket, key, [row for row in found if row.sub])
    if null and _is_live(null) and (not _is_live(version) or _birth(null[0]) > birth_of(version[0].sub)):
        return Current(null, bool(version), unsure)
    unsure = unsure or (len(null) > 1 and not _is_live(null))
    return Current(version if _is_live(version) or not null else null, True, unsure)


def floor_of(index: Index, bucket: str, key: bytes) -> int:
    """Whatever is to be current must be newer than this: the newest record of the null version, the latest
    birth of the others.
    """
    sub = index.newest_version(bucket, key)
    return max(index.newest((Space.OBJECT, bucket, key, NULL_VERSION)), birth_of(sub) if sub else 0)


def _newest_live(index: Index, bucket: str, key: bytes, ahead: list[Row]) -> tuple[list[Row], bool]:
    """The records of the version born last of those that are not removed, else of any; and whether the
    removal of one before it is not settled. `ahead` are the first records of the key's versions, or none.
    """
    if ahead and ahead[0].kind != RowKind.TOMBSTONE:
        return index.versions(ahead[0].row_key), False
    live, unsure = index.live_version(bucket, key)
    if live is not None:
        return index.versions((Space.OBJECT, bucket, key, live)), unsure
    return (index.versions(ahead[0].row_key) if ahead else []), unsure


def _is_live(rows: list[Row]) -> bool:
    return bool(rows) and rows[0].kind != RowKind.TOMBSTONE


def _birth(row: Row) -> int:
    return written_of(decode_head(row.head), row.stamp)
