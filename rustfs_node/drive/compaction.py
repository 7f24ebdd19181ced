"""Giving back what dead records occupy: a sealed segment that is mostly dead is read once, what lives in it
is copied to the end of the log, and the segment goes.

In this order: copies durable and indexed (an ordinary batch), index folded, segment removed. The index is
folded before, because an index that a power cut threw back to before the copies would look for them in the
segment that is gone.

A live record that cannot be read is never given up: its segment stays as it is, until the row is written
again by a heal.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import structlog

from rustfs_node.drive.commit import Copy
from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.log_scan import Found, SegmentScan
from rustfs_node.drive.recovery import is_live
from rustfs_node.seams.files import File
from rustfs_proto.disk.segment import HEADER_BYTES
from rustfs_proto.stamp import wall_ms_of

log = structlog.get_logger("drive")


@attrs.define
class Budget:
    """A token bucket: bytes that may be read now. Holds at most one second's worth."""

    bytes_per_s: int
    bytes: float = 0.0
    filled_s: float = 0.0

    def fill(self, now_s: float) -> None:
        """Add what the time since the last call is worth."""
        gained = (now_s - self.filled_s) * self.bytes_per_s
        self.bytes = min(float(self.bytes_per_s), self.bytes + gained)
        self.filled_s = now_s


def choose_segment(
    uses: Sequence[tuple[int, int, int]],
    active: int,
    live_ratio: float,
    *,
    garbage_bytes_max: int = 0,
    oldest_at_any_price: bool,
) -> int | None:
    """Which sealed segment to rewrite, from (number, used bytes, live bytes): the one with the least life in
    it. While there is little garbage in all only a segment without any life, which costs nothing: one that is
    still dying is cheaper later.
    """
    sealed = [(live / max(used, 1), number) for number, used, live in uses if number != active]
    if not sealed:
        return None
    if oldest_at_any_price:
        return min(number for _, number in sealed)
    ratio, number = min(sealed)
    garbage_bytes = sum(used - live for other, used, live in uses if other != active)
    if ratio and garbage_bytes <= garbage_bytes_max:
        return None
    return number if ratio < live_ratio else None


class Compaction:
    """The segment being rewritten, if any, and those that are left alone because a live record in them is
    damaged.
    """

    def __init__(self, engine: DriveEngine) -> None:
        self.segment: int | None = None
        self.budget = Budget(engine.settings.compact_bytes_per_s)
        self._engine = engine
        self._file: File | None = None
        self._offset = HEADER_BYTES
        self._left_alone: dict[int, int] = {}

    def begin(self) -> bool:
        """Choose a segment, if none is under way; False where there is nothing to do."""
        if self.segment is not None:
            return True
        engine, settings = self._engine, self._engine.settings
        uses = [
            (number, use.used_bytes, use.live_bytes)
            for number, use in engine.index.segments.items()
            if self._left_alone.get(number) != use.live_bytes and number in engine.log.numbers
        ]
        at_any_price = engine.index.settled_count() > settings.tombstones_waiting
        is_tight = engine.space.free_bytes < settings.reserve_bytes + settings.compact_garbage_bytes
        self.segment = choose_segment(
            uses,
            engine.log.segment,
            settings.compact_live_ratio,
            garbage_bytes_max=0 if is_tight else settings.compact_garbage_bytes,
            oldest_at_any_price=at_any_price,
        )
        self._offset = HEADER_BYTES
        return self.segment is not None

    def read(self) -> list[Found]:
        """The next records of the segment, none at its end. Blocks."""
        assert self.segment is not None
        if self._engine.index.segments[self.segment].live_bytes == 0:
            return []
        if self._file is None:
            self._file = self._engine.files.open(self._engine.log.path_of(self.segment), write=False)
        scan = SegmentScan(self._file, self._engine.place)
        found: list[Found] = []
        limit = self._offset + self._engine.settings.compact_step_bytes
        for record in scan.all_from(self._offset):
            found.append(record)
            self.budget.bytes -= record.record.total_bytes
            self._offset = record.end
            if record.end >= limit:
                break
        return found

    def copies(self, found: Sequence[Found]) -> list[Copy]:
        """Those of the records that are alive now: nothing may change before they are in a batch."""
        assert self.segment is not None
        live = [record for record in found if is_live(self._engine.index, record, self.segment)]
        return [Copy(record.record, record.prefix, record.data) for record in live]

    def end(self) -> bool:
        """All records were read: whether the segment may go, which it may not while something in it seems
        alive.
        """
        assert self.segment is not None
        use = self._engine.index.segments.get(self.segment)
        if use is not None and use.live_bytes > 0:
            log.error("segment_has_damage", segment=self.segment, live_bytes=use.live_bytes)
            self._left_alone[self.segment] = use.live_bytes
            self._close()
            return False
        return True

    def remove(self) -> None:
        """Remove the segment, durably. Blocks."""
        assert self.segment is not None
        engine = self._engine
        # After this line no power cut brings back an index that points into the segment.
        engine.index_file.fold_now()
        engine.files.remove(engine.log.path_of(self.segment))
        engine.files.sync_folder(engine.log.folder)

    def forget(self) -> None:
        """The segment is gone."""
        assert self.segment is not None
        engine = self._engine
        engine.log.forget(self.segment)
        engine.index.begin()
        engine.index.forget_segment(self.segment)
        engine.index.commit(engine.index.position)
        log.info("segment_compacted", segment=self.segment)
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self.segment = None


def drop_tombstones(engine: DriveEngine, limit: int) -> int:
    """Forget settled tombstones that nothing in the log needs any more; how many were looked at."""
    oldest = min(engine.log.numbers, default=engine.log.segment)
    old_ms = engine.clock.wall_ms() - int(engine.settings.tombstone_grace_s * 1000)
    found = engine.index.settled(oldest, limit)
    ready = [entry for entry in found if wall_ms_of(entry[2]) <= old_ms]
    if not ready:
        return 0
    engine.index.begin()
    for floor, row_key, stamp in ready:
        row = engine.index.version(row_key, stamp)
        if row is not None:
            engine.index.drop(row, engine.clock.wall_ms())
        engine.index.forget_settled(floor, row_key, stamp)
    engine.index.commit(engine.index.position)
    return len(ready)
