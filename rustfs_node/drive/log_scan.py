"""Reading a whole segment, record by record, and finding the way again behind damage.

Used at start and by compaction, never while answering. Unreadable blocks count as zeros, so that a bad sector
costs the records it touches and no more; whoever concludes anything from zeros asks `unreadable_blocks`
first.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from rustfs_node.seams.files import File
from rustfs_node.settings.drive import MIB
from rustfs_proto.disk.place import DrivePlace
from rustfs_proto.disk.record import (
    ALIGNMENT,
    HEADER_BYTES,
    MAGIC,
    Flaw,
    Record,
    data_is_whole,
    decode_prefix,
    sizes_at,
)

_WINDOW_BYTES = MIB
_BLOCK_BYTES = 4096
_ZEROS = bytes(_WINDOW_BYTES)


@attrs.frozen
class Found:
    """A whole record and where it stands."""

    offset: int
    record: Record
    prefix: bytes
    data: bytes

    @property
    def end(self) -> int:
        """Where the next record would begin."""
        return self.offset + self.record.total_bytes


class SegmentScan:
    """A window that moves over one segment file."""

    def __init__(self, file: File, place: DrivePlace) -> None:
        self.size_bytes = file.size_bytes()
        self._file = file
        self._place = place
        self._window_at = 0
        self._window = b""
        self.unreadable_blocks = 0

    def record_at(self, offset: int) -> Found | Flaw:
        """The record that begins there, verified with its data."""
        header = self.read(offset, HEADER_BYTES)
        sizes = sizes_at(header, 0)
        if sizes is None:
            return Flaw.DAMAGED if any(header) else Flaw.BLANK
        prefix_bytes, data_bytes = sizes
        if offset + prefix_bytes + data_bytes > self.size_bytes:
            return Flaw.TORN
        raw = self.read(offset, prefix_bytes + data_bytes)
        record = decode_prefix(raw, 0, self._place)
        if not isinstance(record, Record):
            return record
        data = raw[prefix_bytes:]
        return (
            Found(offset, record, raw[:prefix_bytes], data) if data_is_whole(record, data) else Flaw.DAMAGED
        )

    def run_from(self, offset: int, sequence: int) -> Iterator[Found]:
        """Records that follow each other without a gap, the first one with that sequence."""
        while True:
            found = self.record_at(offset)
            if not isinstance(found, Found) or found.record.sequence != sequence:
                return
            yield found
            offset, sequence = found.end, sequence + 1

    def all_from(self, offset: int) -> Iterator[Found]:
        """Every whole record from there on, whatever stands between them."""
        while (start := self._next_magic(offset)) is not None:
            found = self.record_at(start)
            if isinstance(found, Found):
                yield found
                offset = found.end
            else:
                offset = start + ALIGNMENT

    def is_blank_from(self, offset: int) -> bool:
        """Whether only zeros follow, each of them read."""
        unreadable = self.unreadable_blocks
        while offset < self.size_bytes:
            piece = self.read(offset, _WINDOW_BYTES)
            if piece != _ZEROS[: len(piece)] or self.unreadable_blocks > unreadable:
                return False
            offset += _WINDOW_BYTES
        return True

    def read(self, offset: int, size_bytes: int) -> bytes:
        """Bytes of the segment, fewer at its end."""
        start = offset - self._window_at
        if start < 0 or start + size_bytes > len(self._window):
            self._window = self._read(offset, max(size_bytes, _WINDOW_BYTES))
            self._window_at, start = offset, 0
        return self._window[start : start + size_bytes]

    def _next_magic(self, offset: int) -> int | None:
        """The next multiple of 8 where a record may begin."""
        while offset < self.size_bytes:
            piece = self.read(offset, _WINDOW_BYTES)
            if not piece:
                # The file is shorter than it was when it was opened.
                return None
            if piece == _ZEROS[: len(piece)]:
                offset += len(piece)
                continue
            at = piece.find(MAGIC)
            while at >= 0 and (offset + at) % ALIGNMENT:
                at = piece.find(MAGIC, at + 1)
            if at >= 0:
                return offset + at
            offset += len(piece)
        return None

    def _read(self, offset: int, size_bytes: int) -> bytes:
        try:
            return self._file.read_at(offset, size_bytes)
        except OSError:
            return b"".join(self._read_block(at) for at in range(offset, offset + size_bytes, _BLOCK_BYTES))

    def _read_block(self, offset: int) -> bytes:
        missing = max(0, min(_BLOCK_BYTES, self.size_bytes - offset))
        try:
            return self._file.read_at(offset, missing)
        except OSError:
            self.unreadable_blocks += 1
            return bytes(missing)
