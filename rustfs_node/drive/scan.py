"""A page of a listing: an ordered walk over the index that jumps over groups instead of walking through them.

Cost is proportional to the rows given, not to the keys a group holds, nor to the versions a key has. Only a
group that begins with tombstones is searched, by SQLite itself; and groups whose keys have delete markers are
searched key by key, a bounded number for each page: it ends where that is used up.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice
from operator import attrgetter

import attrs
import msgspec

from rustfs_node.drive.current import current_of
from rustfs_node.drive.index import Index
from rustfs_node.drive.index_row import Row, SubKey
from rustfs_proto.wire.drive_ops import (
    ListUnsettled,
    RowKind,
    RowName,
    Scan,
    Scanned,
    ScanRow,
    Space,
    UnsettledListed,
)

_key_and_sub = attrgetter("key", "sub")
_key = attrgetter("key")

_KEYS_PASSED_MIN = 100
"""Deleted keys of groups that a page passes over, or as many as it may have rows if those are more."""

_VERSIONS_PASSED = 4
"""Records of a key that are read before the walk begins anew behind the key."""


def scan_page(index: Index, scan: Scan, limit: int, *, evidence: bool) -> Scanned:
    """The answer to a `Scan`, of at most `limit` rows."""
    page = _CurrentPage(index, scan, limit) if scan.current else _Page(index, scan, limit)
    at: SubKey | None = max((scan.start, scan.start_sub), (scan.prefix, b""))
    while at is not None:
        at = page.walk(at)
    scanned = Scanned(tuple(page.rows[:limit]), page.is_cut or len(page.rows) > limit, evidence)
    if index.slots.stamp:
        scanned = msgspec.structs.replace(scanned, charter_stamp=index.slots.stamp)
    stamp = index.renames.stamp_of(scan.bucket) if scan.space == Space.OBJECT else 0
    if not stamp:
        return scanned
    is_renamed = any(row.key.startswith(scan.prefix) for row in open_renames(index, scan.bucket))
    return msgspec.structs.replace(scanned, is_renamed=is_renamed, rename_stamp=stamp)


def open_renames(index: Index, bucket: str) -> tuple[RowName, ...]:
    """The rows of renames that are open at keys of the bucket which are at home here. What is left of one
    that never came to a quorum before its slot moved away is nobody's.
    """
    return tuple(row for row in index.renames.of_bucket(bucket) if index.slots.has(bucket, row.key))


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
    """A page that fills: one row more than asked for, to know whether there are more. `is_cut`: it ends
    before it is full.
    """

    index: Index
    scan: Scan
    limit: int
    rows: list[ScanRow] = attrs.field(factory=list)
    is_cut: bool = False

    def walk(self, first: SubKey) -> SubKey | None:
        """Add rows from `first` on up to and with the next group; where to go on, or None where the page is
        done.
        """
        for (key, _), versions in groupby(self._found(first), _key_and_sub):
            if len(self.rows) > self.limit:
                return None
            group = self._group_of(key)
            if group:
                return self._add_group(group, _row_of(versions))
            self.rows.append(_row_of(versions))
        return None

    def _found(self, first: SubKey) -> Iterator[Row]:
        scan = self.scan
        return self.index.walk(scan.space, scan.bucket, first, after_prefix(scan.prefix))

    def _group_of(self, key: bytes) -> bytes:
        """The common prefix under which the key is collapsed; empty for none."""
        if not self.scan.delimiter:
            return b""
        at = key.find(self.scan.delimiter, len(self.scan.prefix))
        return b"" if at < 0 else key[: at + len(self.scan.delimiter)]

    def _add_group(self, group: bytes, first: ScanRow) -> SubKey | None:
        """Add the group, of which that is the first row; where to go on behind it."""
        self.rows.append(self._row_of_group(group, first))
        behind = after_prefix(group)
        return None if behind is None else (behind, b"")

    def _row_of_group(self, group: bytes, row: ScanRow) -> ScanRow:
        """The group's first row that is no tombstone, else its first row."""
        candidate = row
        while candidate.kind == RowKind.TOMBSTONE:
            after = (candidate.key, candidate.sub + b"\0")
            at = self.index.next_live(self.scan.space, self.scan.bucket, after, after_prefix(group))
            if at is None:
                return msgspec.structs.replace(row, group=group)
            candidate = _row_of(iter(self.index.versions((self.scan.space, self.scan.bucket, *at))))
        return msgspec.structs.replace(candidate, group=group)


@attrs.define
class _CurrentPage(_Page):
    """A page of current versions: one row for each key. `keys_left` of groups may still be passed over."""

    keys_left: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.keys_left = max(self.limit, _KEYS_PASSED_MIN)

    def walk(self, first: SubKey) -> SubKey | None:
        for key, versions in groupby(self._found(first), _key):
            if len(self.rows) > self.limit:
                return None
            ahead = list(islice(versions, _VERSIONS_PASSED))
            row = self._row_of_key(key, ahead)
            group = self._group_of(key)
            if group:
                return self._add_current_group(group, row)
            self.rows.append(row)
            if len(ahead) == _VERSIONS_PASSED:
                return key + b"\0", b""
        return None

    def _row_of_key(self, key: bytes, ahead: list[Row]) -> ScanRow:
        """The key's row; `ahead` are its first records, or all of them."""
        if len(ahead) == 1:
            return _row_of(iter(ahead), is_current=True)
        current = current_of(self.index, self.scan.bucket, key)
        return _row_of(iter(current.rows), is_current=True, unsure=current.unsure)

    def _add_current_group(self, group: bytes, first: ScanRow) -> SubKey | None:
        """Add the group by its first key whose current version is a value. Where none of the next keys has
        such a one, add the last of those as what it is and end the page: the group may follow behind it.
        """
        row = first
        while row.kind != RowKind.VALUE and not row.priors and not row.unsure:
            if not self.keys_left:
                self.rows.append(row)
                self.is_cut = True
                return None
            self.keys_left -= 1
            at = self.index.next_live(
                self.scan.space, self.scan.bucket, (row.key + b"\0", b""), after_prefix(group), markers=False
            )
            if at is None:
                row = first
                break
            row = self._row_of_key(at[0], self.index.of_key(self.scan.bucket, at[0], 2))
        return self._add_group(group, row)

    def _row_of_group(self, group: bytes, row: ScanRow) -> ScanRow:
        return msgspec.structs.replace(row, group=group)


def _row_of(versions: Iterator[Row], *, is_current: bool = False, unsure: bool = False) -> ScanRow:
    """One row of the answer from all versions of a row, newest first."""
    newest = next(versions)
    return ScanRow(
        newest.key,
        newest.stamp,
        newest.kind,
        b"" if is_current else newest.sub,
        newest.sub if is_current else b"",
        newest.head,
        b"",
        tuple(row.stamp for row in versions),
        bool(newest.missing),
        unsure,
    )
