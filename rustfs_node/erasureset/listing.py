"""List and UploadList: pages of what is there, in key order.

Rows on which the scanned drives agree are taken as they stand. The few that they dispute are decided as reads
are, side by side; a disputed group is there if any key in it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.charters import KnownCharter, read_charter
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.row_read import open_rename
from rustfs_node.erasureset.scan import RowScan
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import together
from rustfs_node.erasureset.version import version_of
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.listing import Merged, Position, RowVerdict, after_prefix
from rustfs_proto.objects import decode_head
from rustfs_proto.stamp import wall_ms_of
from rustfs_proto.wire.drive_ops import Lookup, RowKind, ScanRow, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    List,
    Listed,
    ListEntry,
    ListVersions,
)
from rustfs_proto.wire.upload_ops import UploadEntry, UploadList, UploadsListed


def list_objects(state: SetState, request: Request) -> None:
    """Answer a `List`."""
    state.answer_later(request, _list_objects)


def list_uploads(state: SetState, request: Request) -> None:
    """Answer an `UploadList`."""
    state.answer_later(request, _list_uploads)


async def _list_objects(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, List)
    start = start_after(message.after, message.after_group)
    there = await rows_there(state, Space.OBJECT, message, start, request.trace, current=True)
    return Reply(Listed(tuple(_entry(row) for row in there.rows), there.more, there.renames, there.slots))


def _entry(row: ScanRow) -> ListEntry:
    return ListEntry(row.group) if row.group else ListEntry(row.key, row.stamp, decode_head(row.head))


async def _list_uploads(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, UploadList)
    start = start_after(message.after, message.after_group)
    if message.after_upload:
        start = (message.after, message.after_upload + b"\0")
    there = await rows_there(state, Space.UPLOAD, message, start, request.trace)
    return Reply(UploadsListed(tuple(_upload_entry(row) for row in there.rows), there.more, there.slots))


def _upload_entry(row: ScanRow) -> UploadEntry:
    if row.group:
        return UploadEntry(row.group)
    head = decode_head(row.head)
    return UploadEntry(
        row.key, row.sub, row.stamp, head.storage_class, head.checksum_algorithm, head.checksum_type
    )


def start_after(after: bytes, after_group: bool) -> Position:
    """Where a scan begins that passes over `after`, or over everything that begins with it."""
    if not after:
        return (b"", b"")
    if after_group and not after.strip(b"\xff"):
        raise Fault(FaultCode.INVALID, f"{after!r}: no key follows such a group")
    return (after_prefix(after) if after_group else after + b"\0", b"")


@attrs.frozen
class There:
    """Rows or groups that are there, and whether more follow. `renames` and `slots` as in `Listed`."""

    rows: list[ScanRow]
    more: bool
    renames: tuple[tuple[int, int], ...] = ()
    slots: bytes = b""


async def rows_there(
    state: SetState,
    space: Space,
    query: List | ListVersions | UploadList,
    start: Position,
    trace: str,
    *,
    current: bool = False,
) -> There:
    """At most `query.limit` rows or groups that are there, from `start` on. With `current` the current
    version of each key, where it is no delete marker. Raises `Fault`, UNRESOLVED where a rename is open among
    them.
    """
    if query.limit <= 0:
        return There([], more=False)
    page = _PageOf(state, space, query, start, trace, current)
    for _ in range(state.settings.version_rounds):
        known = state.charter
        there, charter_stamp = await page.rows_under(known)
        # What a newer charter gives away may have gone from here before it was listed. Where a drive has one
        # that is nobody else's, it gives nothing away.
        if charter_stamp == known.stamp or (await read_charter(state, trace)).stamp == known.stamp:
            return there
    raise Fault(FaultCode.OVERLOADED, "slots of the set move faster than they can be listed")


@attrs.frozen
class _PageOf:
    """What `rows_there` is asked for."""

    state: SetState
    space: Space
    query: List | ListVersions | UploadList
    start: Position
    trace: str
    current: bool

    async def rows_under(self, known: KnownCharter) -> tuple[There, int]:
        """The page, of keys that are the set's by that charter; and the stamp of the newest charter met."""
        state, query, start = self.state, self.query, self.start
        page_rows = min(query.limit + 1, state.settings.scan_rows_max)
        scan = RowScan(
            state,
            self.space,
            query.bucket,
            query.prefix,
            start,
            query.delimiter,
            page_rows,
            self.trace,
            current=self.current,
        )
        settling = _Settling(state, self.space, query.bucket, start, self.current, self.trace)
        rows: list[ScanRow] = []
        is_end = False
        while len(rows) <= query.limit and not is_end:
            wanted = query.limit + 1 - len(rows)
            candidates, is_end = await _candidates(scan, query.bucket, wanted, known)
            rows.extend(row for row in await settling.settle(candidates) if row is not None)
        if scan.is_renamed:
            raise open_rename()
        is_more = len(rows) > query.limit
        there = There(rows[: query.limit], is_more, _recent(state, scan), known.packed)
        return there, scan.charter_stamp


def _recent(state: SetState, scan: RowScan) -> tuple[tuple[int, int], ...]:
    newest_ms = wall_ms_of(max((stamp for _, stamp in scan.rename_stamps), default=0))
    if newest_ms < state.clock.wall_ms() - state.settings.rename_recent_s * 1000:
        return ()
    return tuple(sorted(scan.rename_stamps))


async def _candidates(
    scan: RowScan, bucket: str, count: int, known: KnownCharter
) -> tuple[list[Merged], bool]:
    """The next rows that are not certainly gone, and at home here; and whether the scan is at its end."""
    found: list[Merged] = []
    while len(found) < count:
        rows = await scan.next_rows(count - len(found))
        if not rows:
            return found, True
        there = [merged for merged in rows if merged.verdict is not RowVerdict.GONE]
        if known.charter is not None:
            there = [one for merged in there if (one := _at_home(merged, bucket, known)) is not None]
        found.extend(there)
    return found, False


def _at_home(merged: Merged, bucket: str, known: KnownCharter) -> Merged | None:
    """The row, if its key is; of a group whose first key is not nobody knows yet."""
    if known.has(bucket, merged.row.key):
        return merged
    return Merged(RowVerdict.DISPUTED, merged.row) if merged.row.group else None


@attrs.frozen
class _Settling:
    """Finds out what rows are that drives dispute. `start` is where the listing begins."""

    state: SetState
    space: Space
    bucket: str
    start: Position
    current: bool
    trace: str

    async def settle(self, candidates: Sequence[Merged]) -> list[ScanRow | None]:
        """Each candidate as it is to be shown, or None."""
        settled = [self._shown(merged.row) for merged in candidates]
        disputed = [at for at, merged in enumerate(candidates) if merged.verdict is RowVerdict.DISPUTED]
        works = [partial(self._decide, candidates[at].row) for at in disputed]
        outcomes = await together(works, self.state.settings.lookup_concurrency)
        for at, outcome in zip(disputed, outcomes, strict=True):
            settled[at] = outcome
        return settled

    def _shown(self, row: ScanRow) -> ScanRow | None:
        return None if self.current and row.kind == RowKind.MARKER else row

    async def _decide(self, row: ScanRow) -> ScanRow | None:
        return await (self._decide_group(row) if row.group else self._decide_row(row))

    async def _decide_row(self, row: ScanRow) -> ScanRow | None:
        lookup = Lookup(self.space, self.bucket, row.key, row.sub, want_inline=False, current=self.current)
        try:
            read = await resolve(self.state, lookup, self.trace)
        except Fault:
            # It may be there and cannot be read now: leaving it out would say that it is gone.
            if row.kind != RowKind.VALUE:
                raise
            return row
        assert read.decision is not None
        if read.decision.verdict is Verdict.ABSENT:
            return None
        version = await version_of(self.state, read, self.trace)
        return self._shown(
            ScanRow(row.key, version.stamp, version.kind, row.sub, version.sub, version.raw_head)
        )

    async def _decide_group(self, row: ScanRow) -> ScanRow | None:
        """A group is there if any row in it, from where the listing begins, is."""
        query = List(self.bucket, prefix=row.group, limit=1)
        start = max(self.start, (row.group, b""))
        there = await rows_there(self.state, self.space, query, start, self.trace, current=self.current)
        return row if there.rows else None
