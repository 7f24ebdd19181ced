"""Tells drives which versions are on a write quorum, so that they drop what those replaced.

Everything that was acknowledged within `settle_delay_s` goes to each drive in one notice. A notice may be
lost: the drive then keeps the older version a little longer, and reads of that key ask all drives until the
next write of it is settled.
"""

from __future__ import annotations

import trio

from rustfs_node.erasureset.peers import Drives
from rustfs_proto.wire.drive_ops import Commit, Settle, SettledRow

ROWS_MAX = 1000
"""Rows of one notice: keeps a notice after a large batch delete well below a frame."""


class Settler:
    """Collects settled versions; `run` sends them. `marks`: drives shall remember which they were, because k
    of them alone must be able to tell.
    """

    def __init__(self, drives: Drives, delay_s: float, *, marks: bool) -> None:
        self._drives = drives
        self._delay_s = delay_s
        self.marks = marks
        self._rows: dict[tuple[int, str, bytes, bytes, int], SettledRow] = {}
        self._has_rows = trio.Event()

    def add(self, commit: Commit, *, complete: bool) -> None:
        """That version is on a write quorum; `complete`: on all drives."""
        row = SettledRow(
            commit.space, commit.bucket, commit.key, commit.stamp, commit.sub, complete, self.marks
        )
        self._rows[row.space, row.bucket, row.key, row.sub, row.stamp] = row
        self._has_rows.set()

    async def run(self) -> None:
        """Send what is collected, a moment after the first of it."""
        while True:
            await self._has_rows.wait()
            await trio.sleep(self._delay_s)
            self._send()

    def _send(self) -> None:
        rows = tuple(self._rows.values())
        self._rows.clear()
        self._has_rows = trio.Event()
        for first in range(0, len(rows), ROWS_MAX):
            notice = Settle(rows[first : first + ROWS_MAX])
            for slot in range(len(self._drives.plans)):
                self._drives.tell(slot, notice)
