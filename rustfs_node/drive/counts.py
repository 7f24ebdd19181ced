"""What a drive worker counts: its batches, how long its disk takes, bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from rustfs_node.metering import Distribution
from rustfs_proto.wire.metrics_ops import Measure, Spread

if TYPE_CHECKING:
    # The engine counts, and is asked how it is.
    from rustfs_node.drive.engine import DriveEngine

BATCH_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
"""Commits of one batch."""

SYNC_BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds of one sync: from an NVMe drive with its own cache to a disk that retries."""


@attrs.define(eq=False)
class DriveCounts:
    """Running counts since the drive was opened."""

    batch_commits: Distribution = attrs.field(factory=lambda: Distribution(BATCH_BOUNDS))
    sync_s: Distribution = attrs.field(factory=lambda: Distribution(SYNC_BOUNDS_S))
    log_written_bytes: int = 0
    shard_written_bytes: int = 0
    shard_read_bytes: int = 0
    read_errors: int = 0


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
    }
    for name, value in values.items():
        yield Measure(f"rustfs_drive_{name}", value, labels)
    yield counts.batch_commits.spread("rustfs_drive_batch_commits", labels)
    yield counts.sync_s.spread("rustfs_drive_sync_seconds", labels)
