"""ListVersions: pages of versions, by key and from the latest birth on.

Drives list the null version of a key before its others, whenever it was born; here it takes its place among
them. A page that begins amid the versions of a key looks the null version up, because the scan begins
behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import msgspec

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.listing import rows_there, start_after
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.version import version_of
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.listing import Position
from rustfs_proto.objects import decode_head, written_of
from rustfs_proto.versions import NULL_VERSION, birth_of, is_sub, older_than
from rustfs_proto.wire.drive_ops import Lookup, RowKind, ScanRow, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ListVersions, VersionEntry, VersionsListed


def list_versions(state: SetState, request: Request) -> None:
    """Answer a `ListVersions`."""
    state.answer_later(request, _list_versions)


@attrs.frozen
class _Begin:
    """Where a page begins. Amid the versions of `key`, the null version follows as `null` if it was born
    before those that were shown.
    """

    start: Position
    key: bytes = b""
    null: ScanRow | None = None


async def _list_versions(state: SetState, request: Request) -> Reply:
    message = request.message
    assert isinstance(message, ListVersions)
    begin = await _begin(state, message, request.trace)
    # The null version may have to be passed over, when it belongs behind the page.
    query = msgspec.structs.replace(message, limit=message.limit + 1 if message.limit > 0 else 0)
    there = await rows_there(state, Space.OBJECT, query, begin.start, request.trace)
    in_order = in_order_of_birth(there.rows, begin.null, more=there.more)
    entries = list(_entries(in_order, begin.key))
    is_more = there.more or len(entries) > message.limit > 0
    shown = tuple(entries[: max(message.limit, 0)])
    return Reply(VersionsListed(shown, is_more, there.renames, there.slots))


async def _begin(state: SetState, message: ListVersions, trace: str) -> _Begin:
    key, sub = message.after, message.after_sub
    if sub is None or not key:
        return _Begin(start_after(key, message.after_group))
    if not is_sub(sub):
        raise Fault(FaultCode.INVALID, f"no version of a key is called {sub.hex()}")
    null = await _null_version(state, message, trace)
    if sub:
        is_next = null is not None and _birth(null) < birth_of(sub)
        return _Begin((key, sub + b"\0"), key, null if is_next else None)
    if null is None:
        # It was removed since it was shown, and nobody knows where it stood: rather all versions once more
        # than too few.
        return _Begin((key, b""))
    return _Begin((key, older_than(_birth(null))), key)


async def _null_version(state: SetState, message: ListVersions, trace: str) -> ScanRow | None:
    lookup = Lookup(Space.OBJECT, message.bucket, message.after, NULL_VERSION, want_inline=False)
    try:
        read = await resolve(state, lookup, trace)
    except Fault as fault:
        if fault.code is FaultCode.MOVED:
            # The key is another set's, which is asked as well.
            return None
        raise
    assert read.decision is not None
    if read.decision.verdict is Verdict.ABSENT:
        return None
    version = await version_of(state, read, trace)
    return ScanRow(message.after, version.stamp, version.kind, head=version.raw_head)


def in_order_of_birth(rows: Sequence[ScanRow], null: ScanRow | None, *, more: bool) -> Iterator[ScanRow]:
    """The rows with each null version in its place. `null` is that of the key amid which they begin. Where
    `more` follow, a null version whose place is not certain to be here is left out: its place is behind them.
    """
    for row in rows:
        if null is not None and (row.group or row.key != null.key or _birth(null) > birth_of(row.sub)):
            yield null
            null = None
        if row.group or row.sub:
            yield row
        else:
            null = row
    if null is not None and not more:
        yield null


def _birth(row: ScanRow) -> int:
    return written_of(decode_head(row.head), row.stamp)


def _entries(rows: Iterator[ScanRow], begun_key: bytes) -> Iterator[VersionEntry]:
    """The entries of rows; versions of `begun_key` follow others of that key."""
    last = begun_key
    for row in rows:
        if row.group:
            yield VersionEntry(row.group)
        else:
            yield VersionEntry(
                row.key,
                row.sub,
                row.stamp,
                decode_head(row.head),
                is_marker=row.kind == RowKind.MARKER,
                is_latest=row.key != last,
            )
            last = row.key
