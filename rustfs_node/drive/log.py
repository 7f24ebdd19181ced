"""The log of a drive: append-only segments, one of them open for writing.

Rules of this file:

- Batches are strictly serial: the next one is written only after the one before is on stable storage.
- A batch never spans segments. A segment's name is durable before its first record is.
- A failed write or sync is final (OSError): the caller fences the drive and never appends again. The one
  exception is a segment that could not be made for want of space: NoRoom, and nothing has changed.

Knows positions and bytes; what records mean is `rustfs_proto.disk.record`'s business.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import NoReturn

import attrs

from rustfs_node.seams.files import Buffer, File, Files
from rustfs_node.settings.drive import MIB, DriveSettings
from rustfs_proto.disk.layout import LOG_FOLDER, segment_name
from rustfs_proto.disk.place import DrivePlace
from rustfs_proto.disk.segment import HEADER_BYTES, SegmentHeader, encode_segment_header

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_ZEROS = bytes(MIB)


class NoRoom(Exception):
    """There is no space for another segment; nothing was changed."""


@attrs.frozen
class Reservation:
    """Where the next batch will stand. `is_new`: it is the first of its segment and brings the header
    along.
    """

    segment: int
    offset: int
    sequence: int
    is_new: bool


@attrs.define
class Prepared:
    """A segment that exists, durably and full of zeros, and has not been used."""

    number: int
    file: File


class Log:
    """The open log. `append` blocks and belongs in a thread; everything else is quick."""

    def __init__(
        self,
        files: Files,
        drive_path: str,
        place: DrivePlace,
        settings: DriveSettings,
        numbers: Sequence[int],
    ) -> None:
        self.folder = f"{drive_path}/{LOG_FOLDER}"
        self.numbers = sorted(numbers)
        self.highest = max(self.numbers, default=0)
        self.segment = 0
        self.offset = 0
        self.sequence = 0
        self._limit = 0
        self._file: File | None = None
        self._prepared: Prepared | None = None
        self._readers: dict[int, File] = {}
        self._files = files
        self._place = place
        self._settings = settings

    def resume(self, segment: int, offset: int, sequence: int) -> None:
        """Go on after the last record that recovery found; segment 0 means that there is none."""
        self.segment, self.offset, self.sequence = segment, offset, sequence
        if segment:
            self._file = self._files.open(self.path_of(segment))
            self._limit = self._file.size_bytes()

    def path_of(self, number: int) -> str:
        """The path of a segment."""
        return f"{self.folder}/{segment_name(number)}"

    @property
    def record_bytes_max(self) -> int:
        """No record larger than this fits a segment."""
        return self._settings.segment_bytes - HEADER_BYTES

    @property
    def room(self) -> int:
        """Bytes left in the segment that is open."""
        return self._limit - self.offset

    @property
    def is_ending(self) -> bool:
        """Whether it is time to prepare the next segment."""
        return self._prepared is None and self.offset * 2 >= self._limit

    def reserve(self, size_bytes: int) -> Reservation:
        """The place for a batch of that size; nothing changes until `append`."""
        assert size_bytes <= self.record_bytes_max, size_bytes
        if self._file is not None and self.offset + size_bytes <= self._limit:
            return Reservation(self.segment, self.offset, self.sequence + 1, is_new=False)
        number = self._prepared.number if self._prepared else self._next_number()
        return Reservation(number, HEADER_BYTES, self.sequence + 1, is_new=True)

    def append(self, reservation: Reservation, buffers: Sequence[Buffer]) -> None:
        """Write the batch and wait until it is on stable storage. Blocks; raises OSError or NoRoom."""
        if reservation.is_new:
            file = self._next_file(reservation.segment)
            header = SegmentHeader(reservation.segment, reservation.sequence)
            file.write_at(0, [encode_segment_header(self._place, header), *buffers])
        else:
            assert self._file is not None
            file = self._file
            file.write_at(reservation.offset, buffers)
        file.sync()
        # Durable after this line: every record of the batch.

    def advance(self, reservation: Reservation, size_bytes: int, records: int) -> None:
        """The batch is durable: go on behind it."""
        if reservation.is_new:
            assert self._prepared is not None
            if self._file is not None:
                self._file.close()
            self._file, self._prepared = self._prepared.file, None
            self._limit = self._settings.segment_bytes
            self.numbers.append(reservation.segment)
            self.highest = reservation.segment
        self.segment = reservation.segment
        self.offset = reservation.offset + size_bytes
        self.sequence += records

    def prepare(self) -> Prepared:
        """Make the next segment, durably. Blocks; may run beside `append`, whose file it does not
        touch. Raises OSError or NoRoom.
        """
        number = self._next_number()
        path = self.path_of(number)
        try:
            file = self._files.open(path, create=True)
        except OSError as error:
            _refuse(number, error)
        try:
            self._fill(file)
            file.sync()
        except OSError as error:
            file.close()
            # Where even this fails, the name would be in the way of the next try: that is no want of room.
            self._files.remove(path)
            _refuse(number, error)
        # Durable after this line: the name of the segment, without which a synced record would be lost with
        # it.
        self._files.sync_folder(self.folder)
        return Prepared(number, file)

    def adopt(self, prepared: Prepared) -> None:
        """The next segment is the one that `prepare` made, or one that recovery found unused."""
        assert self._prepared is None
        self._prepared = prepared

    def read_at(self, segment: int, offset: int, size_bytes: int) -> bytes:
        """Bytes of a segment, fewer at its end. OSError where it is gone or cannot be read."""
        file = self._readers.get(segment)
        if file is None:
            file = self._files.open(self.path_of(segment), write=False)
            while len(self._readers) >= self._settings.read_files:
                self._readers.pop(next(iter(self._readers))).close()
            self._readers[segment] = file
        return file.read_at(offset, size_bytes)

    def forget(self, number: int) -> None:
        """The segment's file is gone, or about to be."""
        self.numbers.remove(number)
        reader = self._readers.pop(number, None)
        if reader is not None:
            reader.close()

    def close(self) -> None:
        """Release all descriptors."""
        files = [*self._readers.values(), self._file, self._prepared.file if self._prepared else None]
        self._readers.clear()
        self._file = self._prepared = None
        for file in files:
            if file is not None:
                file.close()

    def _next_number(self) -> int:
        return self.highest + 1

    def _next_file(self, number: int) -> File:
        if self._prepared is None:
            self._prepared = self.prepare()
        assert self._prepared.number == number, (self._prepared.number, number)
        return self._prepared.file

    def _fill(self, file: File) -> None:
        """Reserve the space, and with `segment_zero_fill` write every block of it once."""
        size_bytes = self._settings.segment_bytes
        file.allocate(size_bytes)
        if self._settings.segment_zero_fill:
            for offset in range(0, size_bytes, MIB):
                file.write_at(offset, [memoryview(_ZEROS)[: size_bytes - offset]])


def _refuse(number: int, error: OSError) -> NoReturn:
    if error.errno in _NO_ROOM:
        raise NoRoom(f"no space for log segment {number}: {error}") from error
    raise error
