"""A page of a listing: an ordered walk over the index that jumps over groups instead of walking through them.

Cost is proportional to the rows given, not to the keys a group holds. Only a group that begins with
tombstones is searched, by SQLite itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

import attrs
import msgspec

from rustfs_node.drive.index import Index, Row, SubKey
from rustfs_proto.wire.drive_ops import (
    ListUnsettled,
    RowKind,
    RowName,
    Scan,
    Scanned,
    ScanRow,
    UnsettledListed,
)

_key_and_sub = attrgetter("key", "sub")


def scan_page(index: Index, scan: Scan, limit: int, *, evidence: bool) -> Scanned:
    """The answer to a `Scan`, of at most `limit` rows."""
    page = _Page(index, scan, limit)
    at: SubKey | None = max((scan.start, scan.start_sub), (scan.prefix, b""))
    while at is not None:
        at = page.walk(at)
    return Scanned(tuple(page.rows[:limit]), len(page.rows) > limit, evidence)


def list_unsettled(index: Index, request: ListUnsettled, limit: int) -> UnsettledListed:
    """The answer to a `ListUnsettled`, which may look through `limit` versions and not more."""
    after = request.after
    limit = min(max(request.limit, 2), limit)
    rows, go_on = index.unsettled((after.space, after.bucket, after.key, after.sub), limit)
    return UnsettledListed(tuple(RowName(*row) for row in rows), None if go_on is None else RowName(*go_on))


def after_prefix(prefix: bytes) -> bytes | None:
    """The smallest key greater than every key with that prefix; None where there is none."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes((stem[-1] + 1,)) if stem else None


@attrs.define
class _Page:
    """A page that fills: one row more than asked for, to know whether there are more."""

    index: Index
    scan: Scan
    limit: int
    rows: list[ScanRow] = attrs.field(factory=list)

    def walk(self, first: SubKey) -> SubKey | None:
        """Add rows from `first` on up to and with the next group; where to go on, or None where the page is
        done.
        """
        scan = self.scan
        found = self.index.walk(scan.space, scan.bucket, first, after_prefix(scan.prefix))
        for (key, _), versions in groupby(found, _key_and_sub):
            if len(self.rows) > self.limit:
                return None
            group = self._group_of(key)
            if group:
                self.rows.append(self._row_of_group(group, versions))
                behind = after_prefix(group)
                return None if behind is None else (behind, b"")
            self.rows.append(_row_of(versions))
        return None

    def _group_of(self, key: bytes) -> bytes:
        """The common prefix under which the key is collapsed; empty for none."""
        if not self.scan.delimiter:
            return b""
        at = key.find(self.scan.delimiter, len(self.scan.prefix))
        return b"" if at < 0 else key[: at + len(self.scan.delimiter)]

    def _row_of_group(self, group: bytes, first: Iterator[Row]) -> ScanRow:
        """The group's first row whose newest version is a value, else its first row."""
        row = _row_of(first)
        candidate, versions = row, list[Row]()
        while candidate.kind != RowKind.VALUE:
            after = (candidate.key, candidate.sub + b"\0")
            at = self.index.next_value(self.scan.space, self.scan.bucket, after, after_prefix(group))
            if at is None:
                return msgspec.structs.replace(row, group=group)
            versions = self.index.versions((self.scan.space, self.scan.bucket, *at))
            candidate = _row_of(iter(versions))
        return msgspec.structs.replace(candidate, group=group)


def _row_of(versions: Iterator[Row]) -> ScanRow:
    """One row of the answer from all versions of a row, newest first."""
    newest = next(versions)
    priors = tuple(row.stamp for row in versions if row.version_id == newest.version_id)
    return ScanRow(
        newest.key,
        newest.stamp,
        newest.kind,
        newest.sub,
        newest.version_id,
        newest.head,
        b"",
        priors,
        bool(newest.missing),
    )
