"""What the scrub found, until it reads well again: so an operator is told what was repaired, and not only
that somebody was asked to.

A little of it is read again now and then, what was found first before the others. What was replaced or
removed meanwhile is neither repaired nor damaged, and is forgotten. In memory alone, and bounded: after a
start, or beyond `scrub_found_keys`, it is not known what became of a finding.
"""

from __future__ import annotations

from functools import partial

import attrs
import trio

from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.index_row import Row, RowKey
from rustfs_node.drive.scrub_read import WantedFile, read_piece
from rustfs_node.seams.threads import Threads
from rustfs_proto.disk.record import split_ids

_Name = tuple[RowKey, int, bytes]
"""Row, stamp, and the data id of a file; empty for the record."""


@attrs.define(eq=False)
class Repairs:
    """`run` looks again. `wanted` of a finding is the file, from frame `at` on, or None for the record."""

    engine: DriveEngine
    threads: Threads
    _found: dict[_Name, tuple[Row, WantedFile | None, int]] = attrs.field(factory=dict)

    def add(self, row: Row, wanted: WantedFile | None = None, at: int = 0) -> None:
        """That is damaged or missing now."""
        name = (row.row_key, row.stamp, wanted.data_id if wanted else b"")
        if name in self._found or len(self._found) < self.engine.settings.scrub_found_keys:
            self._found[name] = (row, wanted, at)
        self._tell()

    async def run(self) -> None:
        """Until cancelled. Raises one of INDEX_ERRORS."""
        while True:
            await trio.sleep(self.engine.settings.scrub_look_again_s)
            if not self.engine.fence.is_fenced:
                await self.look()

    async def look(self) -> None:
        """Once at some of it."""
        for name in list(self._found)[: self.engine.settings.scrub_look_again]:
            row, wanted, at = self._found.pop(name)
            is_well = await self._reads_well(row, wanted, at)
            if is_well is False:
                # Behind the others.
                self._found.setdefault(name, (row, wanted, at))
            elif is_well:
                self.engine.counts.scrub.repaired += 1
            self._tell()

    async def _reads_well(self, row: Row, wanted: WantedFile | None, at: int) -> bool | None:
        """None where it is not wanted any more."""
        engine = self.engine
        if wanted is not None and self._wants(row, wanted):
            read = partial(read_piece, engine, wanted, at, engine.settings.scrub_step_bytes)
            is_well = (await self.threads.run(read)).fault is None
            return is_well if self._wants(row, wanted) else None
        now = engine.index.version(row.row_key, row.stamp)
        if now is None or wanted is not None:
            return None
        is_well = engine.reader.is_whole(now)
        # The scrub has counted that error.
        engine.reader.read_errors = 0
        return is_well

    def _wants(self, row: Row, wanted: WantedFile) -> bool:
        now = self.engine.index.version(row.row_key, row.stamp)
        return now is not None and wanted.data_id in split_ids(now.files)

    def _tell(self) -> None:
        self.engine.counts.scrub.unrepaired = len(self._found)
