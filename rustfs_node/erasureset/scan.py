"""Rows of a bucket in order, merged from scans of as many drives as must not be missing.

N - W + 1 voters are scanned: every acknowledged row is on at least one of them. A drive that fails on the way
is replaced by another, from where the merge stands. Pages are fetched when they are needed, from all drives
that need one together.
"""

from __future__ import annotations

from functools import partial

import attrs
import msgspec

from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import together
from rustfs_proto.erasure.geometry import voters_needed
from rustfs_proto.erasure.listing import (
    Merged,
    Position,
    RowVerdict,
    ScanCursor,
    after_row,
    take_alike,
    take_next,
)
from rustfs_proto.wire.drive_ops import Scan, Scanned, Space
from rustfs_proto.wire.faults import Fault, FaultCode


@attrs.define(eq=False)
class _DriveScan:
    """The scan of one drive, and how many rows its next page has."""

    slot: int
    cursor: ScanCursor
    page_rows: int


class RowScan:
    """A merge under way. Rows from `start` on; `page_rows` is how many are asked of a drive at first. Pages
    grow from one to the next, as most of their rows may be of keys that are deleted. `current` as in `Scan`.
    `is_renamed` and `rename_stamps` are what drives said of renames, the latter by slot; `charter_stamp` is
    that of the newest charter which one of them had.
    """

    def __init__(
        self,
        state: SetState,
        space: Space,
        bucket: str,
        prefix: bytes,
        start: Position,
        delimiter: bytes,
        page_rows: int,
        trace: str = "",
        *,
        current: bool = False,
    ) -> None:
        self._state = state
        self._scan = Scan(space, bucket, prefix, delimiter=delimiter, limit=page_rows, current=current)
        self._position = start
        self._trace = trace
        # The best drives for the bucket's name: listings of different buckets meet different drives.
        self._spare = list(reversed(state.drives.order(bucket, b"")))
        self._faults: list[Fault] = []
        self.is_renamed = False
        self.charter_stamp = 0
        self.rename_stamps: set[tuple[int, int]] = set()
        needed = voters_needed(state.k, state.m)
        self._scans = [
            _DriveScan(self._spare.pop(), ScanCursor(start, by_key=current), page_rows) for _ in range(needed)
        ]

    async def next_rows(self, count: int) -> list[Merged]:
        """The next rows, at most `count` and at least one; none at the end.

        Raises `Fault` NO_QUORUM when too few drives can vote.
        """
        while rows := await self._take(count):
            behind = after_row(rows[-1].row, by_key=self._scan.current)
            # Else it is of a group that another drive has shown: this one took longer to find something in
            # it.
            if behind > self._position:
                self._position = behind
                break
        return rows

    async def _take(self, count: int) -> list[Merged]:
        while wanting := [scan for scan in self._scans if scan.cursor.wants_page]:
            await together([partial(self._fetch, scan) for scan in wanting], len(wanting))
        cursors = [scan.cursor for scan in self._scans]
        rows = [Merged(RowVerdict.PRESENT, row) for row in take_alike(cursors, count)]
        if not rows and (merged := take_next(cursors)) is not None:
            rows = [merged]
        return rows

    async def _fetch(self, scan: _DriveScan) -> None:
        """One page, from this drive or its replacement."""
        while True:
            key, sub = scan.cursor.resume
            page = msgspec.structs.replace(self._scan, start=key, start_sub=sub, limit=scan.page_rows)
            try:
                reply = await self._state.drives.read(scan.slot, page, self._trace)
            except Fault as fault:
                self._faults.append(fault)
            else:
                scanned = reply.message
                assert isinstance(scanned, Scanned)
                if scanned.is_renamed:
                    self.is_renamed = True
                self.charter_stamp = max(self.charter_stamp, scanned.charter_stamp)
                if scanned.evidence:
                    self.rename_stamps.add((scan.slot, scanned.rename_stamp))
                    scan.cursor.feed(scanned.rows, more=scanned.more)
                    scan.page_rows = max(
                        scan.page_rows, min(2 * scan.page_rows, self._state.settings.scan_rows_max)
                    )
                    return
            self._replace(scan)

    def _replace(self, scan: _DriveScan) -> None:
        if not self._spare:
            seen = (
                ", ".join(sorted({fault.code.value for fault in self._faults})) or "drives are being healed"
            )
            raise Fault(FaultCode.NO_QUORUM, f"too few drives can be listed ({seen})")
        scan.slot = self._spare.pop()
        scan.cursor = ScanCursor(self._position, by_key=self._scan.current)
