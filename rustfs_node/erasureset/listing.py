"""List and UploadList: pages of what is current, in key order.

Rows on which the scanned drives agree are taken as they stand. The few that they dispute are decided as reads
are, side by side; a disputed group is there if any key in it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.scan import RowScan
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import together
from rustfs_node.erasureset.version import version_of
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.listing import Merged, Position, RowVerdict, after_prefix
from rustfs_proto.objects import decode_head
from rustfs_proto.wire.drive_ops import Lookup, RowKind, ScanRow, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import List, Listed, ListEntry, UploadEntry, UploadList, UploadsListed


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
    rows, more = await current_rows(state, Space.OBJECT, message, start, request.trace)
    return Reply(Listed(tuple(_entry(row) for row in rows), more))


def _entry(row: ScanRow) -> ListEntry:
    return ListEntry(row.group) if row.group else ListEntry(row.key, row.stamp, decode_head(row.head))


async def _list_uploads(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, UploadList)
    start = start_after(message.after, message.after_group)
    if message.after_upload:
        start = (message.after, message.after_upload + b"\0")
    rows, more = await current_rows(state, Space.UPLOAD, message, start, request.trace)
    return Reply(UploadsListed(tuple(_upload_entry(row) for row in rows), more))


def _upload_entry(row: ScanRow) -> UploadEntry:
    if row.group:
        return UploadEntry(row.group)
    return UploadEntry(row.key, row.sub, row.stamp, decode_head(row.head).storage_class)


def start_after(after: bytes, after_group: bool) -> Position:
    """Where a scan begins that passes over `after`, or over everything that begins with it."""
    if not after:
        return (b"", b"")
    if after_group and not after.strip(b"\xff"):
        raise Fault(FaultCode.INVALID, f"{after!r}: no key follows such a group")
    return (after_prefix(after) if after_group else after + b"\0", b"")


async def current_rows(
    state: SetState, space: Space, query: List | UploadList, start: Position, trace: str
) -> tuple[list[ScanRow], bool]:
    """At most `query.limit` current rows or groups from `start` on, and whether more follow."""
    if query.limit <= 0:
        return [], False
    page_rows = min(query.limit + 1, state.settings.scan_rows_max)
    scan = RowScan(state, space, query.bucket, query.prefix, start, query.delimiter, page_rows, trace)
    rows: list[ScanRow] = []
    is_end = False
    while len(rows) <= query.limit and not is_end:
        candidates, is_end = await _candidates(scan, query.limit + 1 - len(rows))
        settled = await _settle(state, space, query.bucket, candidates, start, trace)
        rows.extend(row for row in settled if row is not None)
    return rows[: query.limit], len(rows) > query.limit


async def _candidates(scan: RowScan, count: int) -> tuple[list[Merged], bool]:
    """The next rows that are not certainly gone, and whether the scan is at its end."""
    found: list[Merged] = []
    while len(found) < count:
        rows = await scan.next_rows(count - len(found))
        if not rows:
            return found, True
        found.extend(merged for merged in rows if merged.verdict is not RowVerdict.GONE)
    return found, False


async def _settle(
    state: SetState, space: Space, bucket: str, candidates: Sequence[Merged], start: Position, trace: str
) -> list[ScanRow | None]:
    """Each candidate as it is to be shown, or None."""

    async def settle(merged: Merged) -> ScanRow | None:
        row = merged.row
        if row.group:
            return await _settle_group(state, space, bucket, row, start, trace)
        return await _settle_row(state, space, bucket, row, trace)

    settled: list[ScanRow | None] = [merged.row for merged in candidates]
    disputed = [index for index, merged in enumerate(candidates) if merged.verdict is RowVerdict.DISPUTED]
    works = [partial(settle, candidates[index]) for index in disputed]
    outcomes = await together(works, state.settings.lookup_concurrency)
    for index, outcome in zip(disputed, outcomes, strict=True):
        settled[index] = outcome
    return settled


async def _settle_row(state: SetState, space: Space, bucket: str, row: ScanRow, trace: str) -> ScanRow | None:
    lookup = Lookup(space, bucket, row.key, row.sub, want_inline=False)
    try:
        read = await resolve(state, lookup, trace)
    except Fault:
        # It may be there and cannot be read now: leaving it out would say that it is gone.
        if row.kind == RowKind.TOMBSTONE:
            raise
        return row
    assert read.decision is not None
    if read.decision.verdict is Verdict.ABSENT:
        return None
    version = await version_of(state, read, trace)
    return ScanRow(row.key, version.stamp, RowKind.VALUE, row.sub, head=version.raw_head)


async def _settle_group(
    state: SetState, space: Space, bucket: str, row: ScanRow, start: Position, trace: str
) -> ScanRow | None:
    """A group is there if any row in it, from `start` on, is current."""
    query = List(bucket, prefix=row.group, limit=1)
    rows, _ = await current_rows(state, space, query, max(start, (row.group, b"")), trace)
    return row if rows else None
