"""Which version of a key is current, from all that a drive has of it: as plainly as it can be said."""

from __future__ import annotations

from typing import Protocol

from rustfs_proto.objects import decode_head, written_of
from rustfs_proto.versions import NULL_VERSION, birth_of
from rustfs_proto.wire.drive_ops import Commit, RowKind


class HasCommit(Protocol):
    """A record."""

    commit: Commit


KeyRows = dict[bytes, dict[int, HasCommit]]
"""The records of a key by sub and stamp."""


def current_sub(rows: KeyRows) -> bytes:
    """The sub of the version born last of those that are not removed, else of one that is."""
    live = [sub for sub in rows if _newest(rows, sub).kind != RowKind.TOMBSTONE]
    if live:
        return max(live, key=lambda sub: _birth(rows, sub))
    return min(rows, default=NULL_VERSION)


def is_unsure(rows: KeyRows) -> bool:
    """Whether the removal of a version is not settled."""
    return len(rows) > 1 and any(
        len(rows[sub]) > 1 and _newest(rows, sub).kind == RowKind.TOMBSTONE for sub in rows
    )


def floor_of(rows: KeyRows) -> int:
    """What a new version must be above."""
    null = max(rows.get(NULL_VERSION, {}), default=0)
    return max([null, *(birth_of(sub) for sub in rows if sub)])


def _newest(rows: KeyRows, sub: bytes) -> Commit:
    return rows[sub][max(rows[sub])].commit


def _birth(rows: KeyRows, sub: bytes) -> int:
    if sub:
        return birth_of(sub)
    commit = _newest(rows, sub)
    return written_of(decode_head(commit.head), commit.stamp) if commit.head else commit.stamp
