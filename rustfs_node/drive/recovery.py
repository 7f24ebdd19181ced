"""From what lies on the drive to an engine that can go on: at every start, after every kind of death.

The index says how far it has applied the log. The segment it stands in is read as a whole, everything behind
it is applied. What is not a whole record is one of two things:

- A torn tail: the end of the last batch, which was never acknowledged. It is overwritten with zeros, so that
  old bytes never follow new ones.
- Damage: something that was on stable storage once is no longer right. Known by the index having been there,
  or by records of a later batch behind it, or by a later segment. Then the drive no longer knows what it has
  lost: first its identity becomes `healing`, durably, so that its absences prove nothing; then what is whole
  in the segment is copied to the end of the log, and the segment goes to quarantine.

A missing or unusable index is made anew from the whole log. Rows whose record is lost stay in an index that
knew them: they answer DAMAGED with their stamp.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import structlog

from rustfs_node.drive import versions
from rustfs_node.drive.commit import Batch, Copy, in_batches
from rustfs_node.drive.identity_file import DriveAddress, DriveRefused, lay_out, mark_healing, read_identity
from rustfs_node.drive.index import Index, Position
from rustfs_node.drive.index_file import INDEX_ERRORS, IndexFile
from rustfs_node.drive.index_row import IndexDamaged, row_of_record
from rustfs_node.drive.log import Log, NoRoom
from rustfs_node.drive.log_scan import Found, SegmentScan
from rustfs_node.drive.quarantine import quarantine
from rustfs_node.seams.files import File, Files
from rustfs_node.settings.drive import MIB, DriveSettings
from rustfs_proto.disk.identity import DriveIdentity
from rustfs_proto.disk.layout import (
    LOG_FOLDER,
    QUARANTINE_FOLDER,
    SHARD_FOLDER,
    is_shard_subfolder,
    parse_segment_name,
    segment_name,
    shard_path,
)
from rustfs_proto.disk.place import DrivePlace, place_of
from rustfs_proto.disk.record import Flaw
from rustfs_proto.disk.segment import HEADER_BYTES, SegmentFlaw, SegmentHeader, decode_segment_header

log = structlog.get_logger("drive")

PAGE_BYTES = 4096
"""What a page cache writes at once, or several of them."""


@attrs.frozen
class Recovered:
    """What a drive starts with."""

    identity: DriveIdentity
    place: DrivePlace
    log: Log
    index: Index


def recover(
    files: Files, address: DriveAddress, settings: DriveSettings, index_file: IndexFile, now_ms: int
) -> Recovered:
    """Bring log and index of a drive together. Blocks; raises DriveRefused or OSError."""
    try:
        return _recover_once(files, address, settings, index_file, now_ms)
    except INDEX_ERRORS as error:
        # It opened, and broke when it was used. The log has all of it; a second failure is not its fault.
        drop_index(files, index_file, error)
    return _recover_once(files, address, settings, index_file, now_ms)


def _recover_once(
    files: Files, address: DriveAddress, settings: DriveSettings, index_file: IndexFile, now_ms: int
) -> Recovered:
    identity = lay_out(files, address.path, read_identity(files, address))
    index = open_index(files, index_file)
    place = place_of(identity)
    recovery = _Recovery(files, address.path, identity, place, settings, index, now_ms, index.position)
    try:
        return recovery.run()
    # Whatever it was, also the end of the process in a simulation: the descriptor must not outlive it.
    except BaseException:
        index.close()
        raise


def open_index(files: Files, index_file: IndexFile) -> Index:
    """The index as it was left, or an empty one where there is none that can be used."""
    try:
        return index_file.open(files)
    except INDEX_ERRORS as error:
        drop_index(files, index_file, error)
        return index_file.open(files)


def drop_index(files: Files, index_file: IndexFile, error: Exception) -> None:
    """Remove an index that cannot be used, and say why."""
    log.warning("index_dropped", path=index_file.path, reason=str(error))
    index_file.drop(files)


@attrs.define
class _Recovery:
    """One run of recovery.

    `applied` is where the index stood at first. `sequence` and `end` are of the last record found whole.
    `damaged` are segments to be taken apart, with the reason, which is empty where nothing acknowledged can
    be lost.
    """

    files: Files
    path: str
    identity: DriveIdentity
    place: DrivePlace
    settings: DriveSettings
    index: Index
    now_ms: int
    applied: Position
    sequence: int = 0
    end: int = HEADER_BYTES
    damaged: dict[int, str] = attrs.field(factory=dict)
    _touched: dict[bytes, None] = attrs.field(factory=dict)
    _pending: int = 0

    def run(self) -> Recovered:
        """All steps in order."""
        self._sync_folders()
        numbers = self._usable(self._numbers())
        self._refuse_unknown(numbers)
        self._find_lost_segments(numbers)
        self._sync_unapplied(numbers)
        self.index.begin()
        previous = 0
        for number in numbers:
            is_last = number == numbers[-1]
            if is_last or number >= self.applied.segment:
                self._take(number, previous, is_last=is_last)
                previous = number
        # Where the log ends before the index did, its last segment is not continued: a gap would look like
        # damage.
        is_whole = self.sequence >= self.applied.sequence
        self.sequence = max(self.sequence, self.applied.sequence)
        self._note_missing_files()
        if not self.applied.sequence:
            self.index.trust(self.settings.rebuilt_trust_s)
        last = numbers[-1] if numbers else 0
        self.index.commit(Position(last, self.end, self.sequence))
        opened = Log(self.files, self.path, self.place, self.settings, numbers)
        # The number of a lost segment is not used again: rows of the index still name it.
        opened.highest = max(opened.highest, *self.index.segments, self.applied.segment, 0)
        if last and is_whole and last not in self.damaged:
            self._cut_tail(last)
            opened.resume(last, self.end, self.sequence)
        else:
            opened.resume(0, 0, self.sequence)
        for number in self.damaged:
            try:
                self._take_apart(opened, number)
            except NoRoom as error:
                # What is whole in it can be read where it stands; compaction may find room for it later.
                log.warning("damaged_segment_stays", segment=number, reason=str(error))
        return Recovered(self.identity, self.place, opened, self.index)

    def _sync_folders(self) -> None:
        """Names that a killed process made may not be durable yet; from here on they are taken to be."""
        # The identity: what it says, healing above all, is not written a second time.
        self.files.sync_folder(self.path)
        # Before the others, as files may have gone there: a folder that lost a name must not be durable
        # first.
        self.files.sync_folder(f"{self.path}/{QUARANTINE_FOLDER}")
        shards = f"{self.path}/{SHARD_FOLDER}"
        for name in self.files.list_folder(shards):
            if is_shard_subfolder(name):
                self.files.sync_folder(f"{shards}/{name}")
        self.files.sync_folder(shards)
        self.files.sync_folder(f"{self.path}/{LOG_FOLDER}")

    def _sync_unapplied(self, numbers: list[int]) -> None:
        """A killed process may have left records that only the page cache holds. They must be on stable
        storage before the index says that they are there.
        """
        for number in numbers:
            if number >= self.applied.segment:
                file = self.files.open(self._path_of(number))
                try:
                    if number == numbers[-1]:
                        self._write_again(file, self.applied.offset if number == self.applied.segment else 0)
                    file.sync()
                finally:
                    file.close()

    @staticmethod
    def _write_again(file: File, offset: int) -> None:
        """What a failed sync left behind looks clean to the page cache and is on no disk: no other sync
        brings it there, only another write. It can only be in the last segment, as nothing follows a failed
        sync.
        """
        for start in range(offset - offset % PAGE_BYTES, file.size_bytes(), MIB):
            for at, found in _readable(file, start, MIB):
                if found.strip(b"\0"):
                    file.write_at(at, [found])

    def _numbers(self) -> list[int]:
        """Segment numbers in the log folder; whatever else lies there is strange."""
        numbers: list[int] = []
        for name in self.files.list_folder(f"{self.path}/{LOG_FOLDER}"):
            number = parse_segment_name(name)
            if number is None:
                target = quarantine(self.files, self.path, f"{self.path}/{LOG_FOLDER}/{name}")
                log.warning("strange_file", found=name, moved_to=target)
            else:
                numbers.append(number)
        return sorted(numbers)

    def _usable(self, numbers: list[int]) -> list[int]:
        """Without those at the end that hold nothing: prepared ahead, or begun by a batch that never got
        there.
        """
        while numbers and numbers[-1] > self.applied.segment:
            with self._open(numbers[-1]) as scan:
                header = self._header(scan, numbers[-1])
                if isinstance(header, SegmentHeader) or next(scan.all_from(HEADER_BYTES), None) is not None:
                    break
                if scan.unreadable_blocks:
                    # It holds nothing that can be read, which is not the same.
                    break
            # Not made durable: what a power cut brings back holds nothing again.
            self.files.remove(self._path_of(numbers.pop()))
        return numbers

    def _refuse_unknown(self, numbers: list[int]) -> None:
        """The index knows every segment up to where it stands. To replay one of them alone would bring back
        what later ones have ended.
        """
        unknown = [n for n in numbers if n <= self.applied.segment and n not in self.index.segments]
        if unknown:
            raise IndexDamaged(f"the index stands in segment {self.applied.segment} and lacks {unknown}")

    def _find_lost_segments(self, numbers: list[int]) -> None:
        """Segments that the index knows and the log lacks. One without live records was removed by
        compaction.
        """
        lost = [
            number
            for number, use in self.index.segments.items()
            if number not in numbers and (use.live_bytes > 0 or number == self.applied.segment)
        ]
        if lost:
            self._mark_healing(f"log segments {lost} are gone")

    def _take(self, number: int, previous: int, *, is_last: bool) -> None:
        """Read one segment, apply what the index does not have, and judge what is not whole."""
        with self._open(number) as scan:
            header = self._header(scan, number)
            self.end = HEADER_BYTES
            if isinstance(header, SegmentHeader):
                if 0 < previous == number - 1 and header.first_sequence != self.sequence + 1:
                    self._condemn(previous, f"it lacks records before sequence {header.first_sequence}")
                self.sequence = header.first_sequence - 1
                for found in scan.run_from(HEADER_BYTES, header.first_sequence):
                    self._apply(found, number)
                    self.sequence, self.end = found.record.sequence, found.end
            reason = self._judge(scan, header, number, is_last=is_last)
            if reason is not None:
                self._condemn(number, reason)
                for found in scan.all_from(self.end):
                    self._apply(found, number)
                    self.sequence = max(self.sequence, found.record.sequence)
            self.index.use_segment(number, self.end)

    def _judge(
        self, scan: SegmentScan, header: SegmentHeader | SegmentFlaw, number: int, *, is_last: bool
    ) -> str | None:
        """Why the segment cannot stay; None where it ends well or in a torn tail."""
        following = self.sequence + 1
        proof = next((found for found in scan.all_from(self.end) if found.record.batch > following), None)
        if proof is not None:
            return f"no whole record at {self.end}, but sequence {proof.record.sequence} at {proof.offset}"
        if number == self.applied.segment and self.sequence < self.applied.sequence:
            return f"it ends at sequence {self.sequence}, the index had {self.applied.sequence}"
        if scan.unreadable_blocks:
            return f"{scan.unreadable_blocks} blocks cannot be read"
        if not isinstance(header, SegmentHeader):
            return ""
        if not is_last and self.end < scan.size_bytes and scan.record_at(self.end) is not Flaw.BLANK:
            return f"no whole record at {self.end}, and later segments exist"
        return None

    def _condemn(self, number: int, reason: str) -> None:
        self.damaged[number] = reason
        if reason:
            self._mark_healing(f"log segment {number} is damaged: {reason}")

    def _mark_healing(self, reason: str) -> None:
        # Before the index moves past the damage: after a crash right here it must be found, or known, again.
        self.identity = mark_healing(self.files, self.path, self.identity, reason)
        log.error("drive_lost_data", path=self.path, reason=reason)

    def _apply(self, found: Found, number: int) -> None:
        if number == self.applied.segment and found.offset < self.applied.offset:
            return
        versions.add(self.index, row_of_record(found.record, number, found.offset), number, self.now_ms)
        self._touched.update(dict.fromkeys(found.record.files))
        self._pending += 1
        if self._pending >= self.settings.replay_records:
            self._pending = 0
            self.index.commit(Position(number, found.end, found.record.sequence))
            self.index.begin()

    def _note_missing_files(self) -> None:
        """Which shard files of the rows that were applied are here, and which not: the records may tell of
        another time.
        """
        for data_id in self._touched:
            is_here = self.files.exists(f"{self.path}/{shard_path(data_id)}")
            (versions.find_file if is_here else versions.lose_file)(self.index, data_id)

    def _cut_tail(self, number: int) -> None:
        """Zeros behind the last whole record."""
        file = self.files.open(self._path_of(number))
        try:
            scan = SegmentScan(file, self.place)
            if not scan.is_blank_from(self.end):
                log.info("torn_tail_cut", segment=number, offset=self.end)
                for offset in range(self.end, scan.size_bytes, MIB):
                    file.write_at(offset, [bytes(min(MIB, scan.size_bytes - offset))])
            file.sync()
            # Durable after this line: that what was torn is no record, and that what was read is one. A
            # process killed between write and sync leaves whole records that only the page cache holds.
        finally:
            file.close()

    def _take_apart(self, opened: Log, number: int) -> None:
        """Copy what is whole and alive to the end of the log, then move the segment to quarantine."""
        copies: list[Copy] = []
        copied_bytes = 0
        with self._open(number) as scan:
            for found in scan.all_from(HEADER_BYTES):
                if not is_live(self.index, found, number):
                    continue
                copies.append(Copy(found.record, found.prefix, found.data))
                copied_bytes += found.record.total_bytes
                if copied_bytes > MIB:
                    self._write_copies(opened, copies)
                    copies, copied_bytes = [], 0
            self._write_copies(opened, copies)
        opened.forget(number)
        target = quarantine(self.files, self.path, self._path_of(number))
        log.warning("segment_quarantined", segment=number, moved_to=target, reason=self.damaged[number])

    def _write_copies(self, opened: Log, copies: list[Copy]) -> None:
        for some in in_batches(copies, opened.record_bytes_max):
            batch = Batch(opened, self.index, self.place, True, self.now_ms, 0, (), (), some)
            batch.encode()
            batch.sync()
            batch.apply()
        self.index.flush()

    def _path_of(self, number: int) -> str:
        return f"{self.path}/{LOG_FOLDER}/{segment_name(number)}"

    @contextmanager
    def _open(self, number: int) -> Iterator[SegmentScan]:
        file = self.files.open(self._path_of(number), write=False)
        try:
            yield SegmentScan(file, self.place)
        finally:
            file.close()

    def _header(self, scan: SegmentScan, number: int) -> SegmentHeader | SegmentFlaw:
        header = decode_segment_header(scan.read(0, HEADER_BYTES), self.place, number)
        if header is SegmentFlaw.TOO_NEW:
            raise DriveRefused(
                f"{self._path_of(number)} was written by a later release: run that one, or a still later one"
            )
        return header


def _readable(file: File, offset: int, size_bytes: int) -> Iterator[tuple[int, bytes]]:
    """What can be read there, whole or page by page. A page that cannot is not in memory either."""
    try:
        yield offset, file.read_at(offset, size_bytes)
    except OSError:
        if size_bytes > PAGE_BYTES:
            for page in range(offset, offset + size_bytes, PAGE_BYTES):
                yield from _readable(file, page, PAGE_BYTES)


def is_live(index: Index, found: Found, segment: int) -> bool:
    """Whether the index points to this very record."""
    record = found.record
    row = index.version((record.space, record.bucket, record.key, record.sub), record.stamp)
    return row is not None and row.segment == segment and row.offset == found.offset
