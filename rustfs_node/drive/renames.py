"""Which renames are open at keys of this drive: read when the index is opened, kept beside it from then on.

Open is a row of a rename whose newest record is no tombstone. There are few at any time, as each is there for
as long as its rename takes, or until somebody meets what a crash has left of it. While a rename is open at a
key, nothing of the key changes here but on behalf of it.
"""

from __future__ import annotations

import attrs

from rustfs_proto.wire.drive_ops import RowKind, RowName, Space

KeyName = tuple[str, bytes]
"""Bucket and key."""


@attrs.define
class OpenRenames:
    """Ids of open renames by key, and the newest stamp of any row of a rename by bucket."""

    _open: dict[KeyName, set[bytes]] = attrs.field(factory=dict)
    _stamps: dict[str, int] = attrs.field(factory=dict)
    count: int = 0

    def note(self, bucket: str, key: bytes, rename_id: bytes, *, stamp: int, kind: int | None) -> None:
        """The newest record of that row has this stamp and kind; kind None: there is none any more."""
        self._stamps[bucket] = max(stamp, self._stamps.get(bucket, 0))
        ids = self._open.setdefault((bucket, key), set())
        self.count -= len(ids)
        if kind in (None, RowKind.TOMBSTONE):
            ids.discard(rename_id)
        else:
            ids.add(rename_id)
        self.count += len(ids)
        if not ids:
            del self._open[bucket, key]

    def is_open(self, bucket: str, key: bytes, aside: bytes = b"") -> bool:
        """Whether a rename other than `aside` is open at the key."""
        if not self._open:
            return False
        ids = self._open.get((bucket, key))
        return ids is not None and ids != {aside}

    def of_bucket(self, bucket: str) -> tuple[RowName, ...]:
        """The rows of renames that are open at keys of the bucket."""
        return tuple(
            RowName(Space.RENAME, bucket, key, rename_id)
            for (named, key), ids in self._open.items()
            if named == bucket
            for rename_id in sorted(ids)
        )

    def names(self) -> tuple[KeyName, ...]:
        """All keys at which a rename is open."""
        return tuple(self._open)

    def stamp_of(self, bucket: str) -> int:
        """The newest stamp of any row of a rename in the bucket, 0 for none."""
        return self._stamps.get(bucket, 0)
