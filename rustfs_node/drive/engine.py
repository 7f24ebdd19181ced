"""One drive, opened: everything the worker's tasks share, and the answers that need no waiting.

The engine knows no tasks. Its quick methods run in the event loop; those that block say so and run in a
thread. Log and index are changed only by batches, one at a time, and by the steps of compaction and sweep
between two of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import structlog

from rustfs_node.drive.commit import Batch, Copy, Waiting
from rustfs_node.drive.counts import DriveCounts
from rustfs_node.drive.fence import Fence
from rustfs_node.drive.findings import Findings
from rustfs_node.drive.identity_file import DriveAddress, mark_healing, mark_well, write_identity
from rustfs_node.drive.index import Index
from rustfs_node.drive.index_file import IndexFile, index_path
from rustfs_node.drive.log import Log
from rustfs_node.drive.read import Reader
from rustfs_node.drive.recovery import recover
from rustfs_node.drive.shard_reads import ShardReaders
from rustfs_node.drive.shards import ShardWriters
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.files import Files, Space
from rustfs_node.settings.drive import DriveSettings
from rustfs_proto.disk.identity import HEALING, DriveIdentity
from rustfs_proto.disk.place import DrivePlace
from rustfs_proto.disk.segment import HEADER_BYTES, SegmentHeader, decode_segment_header
from rustfs_proto.wire.drive_ops import DriveStatusReply, SettledRow

logger = structlog.get_logger("drive")


@attrs.define
class DriveEngine:
    """The storage engine of one drive."""

    files: Files
    address: DriveAddress
    settings: DriveSettings
    clock: Clock
    identity: DriveIdentity
    place: DrivePlace
    log: Log
    index: Index
    index_file: IndexFile
    fence: Fence
    reader: Reader
    shard_writers: ShardWriters
    shard_readers: ShardReaders
    device: int
    space: Space
    findings: Findings
    counts: DriveCounts = attrs.field(factory=DriveCounts)

    @classmethod
    def open(
        cls, files: Files, address: DriveAddress, settings: DriveSettings, clock: Clock, index_at: str = ""
    ) -> DriveEngine:
        """Recover the drive and open it. `index_at` overrides where the index lies. Blocks; DriveRefused,
        OSError.
        """
        path = address.path
        index_file = IndexFile(
            index_at or index_path(path, settings.index_dir, address.drive_id),
            address.drive_id.encode(),
            settings.index_cache_bytes,
            settings.index_wal_bytes,
            settings.index_check_rows,
        )
        found = recover(files, address, settings, index_file, clock.wall_ms())
        reader = Reader(found.log, found.index, found.place)
        found.index.slots.changes_max = settings.watched_changes_max
        reader.load_charter()
        return cls(
            files=files,
            address=address,
            settings=settings,
            clock=clock,
            identity=found.identity,
            place=found.place,
            log=found.log,
            index=found.index,
            index_file=index_file,
            fence=Fence(path, settings, found.identity.state == HEALING, found.identity.reason),
            reader=reader,
            shard_writers=ShardWriters(files, path, found.place, settings),
            shard_readers=ShardReaders(files, path, found.place, settings),
            device=files.stat(path).device,
            space=files.space(path),
            findings=Findings(settings.scrub_found_keys),
        )

    @property
    def has_room(self) -> bool:
        """Whether values may be stored. As of the last tick: the reserve is larger than what one tick can
        write.
        """
        return self.space.free_bytes > self.settings.reserve_bytes

    def batch(
        self, waiting: Sequence[Waiting], settled: Sequence[SettledRow] = (), copies: Sequence[Copy] = ()
    ) -> Batch:
        """The next batch; see `commit` for its steps."""
        now_ms = self.clock.wall_ms()
        renames_max = self.settings.renames_open_max
        return Batch(
            self.log, self.index, self.place, self.has_room, now_ms, renames_max, waiting, settled, copies
        )

    def run(
        self, waiting: Sequence[Waiting], settled: Sequence[SettledRow] = (), copies: Sequence[Copy] = ()
    ) -> None:
        """All steps of a batch on the spot: what the worker does with a thread in the middle. Blocks."""
        batch = self.batch(waiting, settled, copies)
        batch.decide(self.reader.is_whole)
        batch.encode()
        batch.sync()
        batch.apply()
        self.index.flush()
        batch.answer()

    def status(self) -> DriveStatusReply:
        """How the drive is."""
        index = self.index
        used = sum(use.used_bytes for use in index.segments.values())
        live = sum(use.live_bytes for use in index.segments.values())
        now_s = self.clock.monotonic_s()
        return DriveStatusReply(
            drive_id=self.address.drive_id,
            state=self.fence.state(now_s),
            newest_stamp=index.newest_stamp,
            total_bytes=self.space.total_bytes,
            free_bytes=self.space.free_bytes,
            rows=index.rows,
            log_bytes=used,
            garbage_bytes=max(0, used - live - HEADER_BYTES * len(index.segments)),
            heal_notes=index.heal_notes,
            reason=self.fence.reason_at(now_s),
            scrub=self.counts.scrub.progress(index.rows, now_s),
        )

    def look_around(self) -> Space:
        """Free space, and whether the mount is still there. Blocks."""
        if lost := self.fence.check_mount(self.files, self.address, self.device):
            self._mend_identity(lost)
        if self.fence.is_fenced:
            # What is there now may be another disk.
            return self.space
        return self.files.space(self.address.path)

    def _mend_identity(self, reason: str) -> None:
        """Write rustfs.json again, if this is the drive that was opened: its newest segment says so."""
        if not self._is_own_log():
            self.fence.trip(reason)
            return
        while True:
            written = self.identity
            write_identity(self.files, self.address.path, written)
            # Durable after this line: who the drive is. It may have changed meanwhile.
            if self.identity is written:
                break
        self.counts.identities_mended += 1
        logger.warning("identity_mended", path=self.address.path, reason=reason)

    def _is_own_log(self) -> bool:
        if not self.log.numbers:
            return False
        newest = self.log.numbers[-1]
        try:
            file = self.files.open(self.log.path_of(newest), write=False)
        except OSError:
            return False
        try:
            block = file.read_at(0, HEADER_BYTES)
        finally:
            file.close()
        return isinstance(decode_segment_header(block, self.place, newest), SegmentHeader)

    def mark_healing(self, reason: str) -> None:
        """The drive lost something: from now on its absences prove nothing. Blocks."""
        self.identity = mark_healing(self.files, self.address.path, self.identity, reason)
        self.fence.is_healing, self.fence.reason = True, self.identity.reason

    def mark_well(self) -> None:
        """The drive has all that it should have: from now on its absences count. Blocks; raises OSError
        (fence the drive).
        """
        self.identity = mark_well(self.files, self.address.path, self.identity)
        # Durable after this line: only now anybody may rely on what the drive lacks.
        self.fence.is_healing, self.fence.joins, self.fence.reason = False, b"", ""

    def close(self) -> None:
        """Release everything. Nothing is lost by not calling it."""
        self.shard_readers.close()
        self.log.close()
        self.index.close()
