"""What a drive worker counts: its batches, how long its disk takes, bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from rustfs_node.metering import Distribution
from rustfs_proto.wire.drive_ops import ScrubProgress
from rustfs_proto.wire.metrics_ops import Measure, Spread

if TYPE_CHECKING:
    # The engine counts, and is asked how it is.
    from rustfs_node.drive.engine import DriveEngine

BATCH_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
"""Commits of one batch."""

SYNC_BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds of one sync: from an NVMe drive with its own cache to a disk that retries."""


@attrs.define
class ScrubCounts:
    """What the scrub read and found since the drive was opened, by kind, and what of that was `repaired`; of
    the drive's life the `rounds` that ended, when the present or last one began and the last one ended (0:
    none did); and of the present round how far it is, and the moment from which its rate is counted.
    """

    rows: int = 0
    size_bytes: int = 0
    records_damaged: int = 0
    files_missing: int = 0
    files_damaged: int = 0
    rounds: int = 0
    began_ms: int = 0
    is_running: bool = False
    ended_ms: int = 0
    repaired: int = 0
    unrepaired: int = 0
    round_rows: int = 0
    is_ordered: bool = False
    is_flat_out: bool = False
    _paced_s: float = 0.0
    _paced_rows: int = 0

    def pace_from(self, now_s: float) -> None:
        """It goes at another rate from now on."""
        self._paced_s, self._paced_rows = now_s, self.round_rows

    @property
    def found(self) -> int:
        """All that was damaged or missing."""
        return self.records_damaged + self.files_missing + self.files_damaged

    def progress(self, rows_there: int, now_s: float) -> ScrubProgress:
        """As the drive tells it."""
        passed_s, read = now_s - self._paced_s, self.round_rows - self._paced_rows
        left = max(0, rows_there - self.round_rows)
        return ScrubProgress(
            rounds=self.rounds,
            began_ms=self.began_ms,
            is_running=self.is_running,
            rows=self.rows,
            size_bytes=self.size_bytes,
            found=self.found,
            ended_ms=self.ended_ms,
            repaired=self.repaired,
            unrepaired=self.unrepaired,
            round_rows=self.round_rows,
            rows_there=rows_there,
            left_s=round(left * passed_s / read) if self.is_running and read > 0 and passed_s > 0 else -1,
            ordered=self.is_ordered,
            flat_out=self.is_flat_out,
        )

    def measures(self, labels: dict[str, str]) -> Iterator[Measure]:
        """As metrics."""
        yield Measure("rustfs_drive_scrub_rounds_total", self.rounds, labels)
        yield Measure("rustfs_drive_scrub_rows_total", self.rows, labels)
        yield Measure("rustfs_drive_scrub_bytes_total", self.size_bytes, labels)
        if self.began_ms:
            yield Measure("rustfs_drive_scrub_start_time_seconds", self.began_ms / 1000, labels)
        kinds = {
            "record_damaged": self.records_damaged,
            "file_missing": self.files_missing,
            "file_damaged": self.files_damaged,
        }
        for kind, count in kinds.items():
            yield Measure("rustfs_drive_scrub_found_total", count, {**labels, "kind": kind})
        yield Measure("rustfs_drive_scrub_repaired_total", self.repaired, labels)


@attrs.define(eq=False)
class DriveCounts:
    """Running counts since the drive was opened."""

    batch_commits: Distribution = attrs.field(factory=lambda: Distribution(BATCH_BOUNDS))
    sync_s: Distribution = attrs.field(factory=lambda: Distribution(SYNC_BOUNDS_S))
    log_written_bytes: int = 0
    shard_written_bytes: int = 0
    shard_read_bytes: int = 0
    read_errors: int = 0
    identities_mended: int = 0
    usage_rows: int = 0
    scrub: ScrubCounts = attrs.field(factory=ScrubCounts)


def drive_measures(
    engine: DriveEngine, waiting_commits: int, labels: dict[str, str]
) -> Iterator[Measure | Spread]:
    """What is counted of one drive, and how it is. `waiting_commits`: those that no batch has taken yet."""
    status, counts = engine.status(), engine.counts
    values = {
        "state": status.state,
        "total_bytes": status.total_bytes,
        "free_bytes": status.free_bytes,
        "reserve_bytes": engine.settings.reserve_bytes,
        "rows": status.rows,
        "log_bytes": status.log_bytes,
        "log_garbage_bytes": status.garbage_bytes,
        "heal_notes": status.heal_notes,
        "waiting_commits": waiting_commits,
        "log_written_bytes_total": counts.log_written_bytes,
        "shard_written_bytes_total": counts.shard_written_bytes,
        "shard_read_bytes_total": counts.shard_read_bytes,
        "read_errors_total": counts.read_errors,
        "identities_mended_total": counts.identities_mended,
        "usage_rows_total": counts.usage_rows,
    }
    for name, value in values.items():
        yield Measure(f"rustfs_drive_{name}", value, labels)
    yield from counts.scrub.measures(labels)
    yield counts.batch_commits.spread("rustfs_drive_batch_commits", labels)
    yield counts.sync_s.spread("rustfs_drive_sync_seconds", labels)
