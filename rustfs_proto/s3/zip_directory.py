"""The directory of a zip archive: where it is, and what it says of each member.

A zip archive is read from its end (APPNOTE.TXT 4.3): the end record tells where the central directory lies,
which tells where each member begins. Both come here as bytes, the directory in blocks as they are read, so
one of any size is walked through with the memory of a block. Numbers in it are claims: they are checked
against the size of the archive before anybody reads by them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import attrs
import msgspec

from rustfs_proto.s3.errors import S3Error

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_COMMENT_BYTES_MAX = 0xFFFF
_IN_64 = 0xFFFFFFFF
_EXTRA_64 = 1

TAIL_BYTES = _END_64.size + _LOCATOR_64.size + _END.size + _COMMENT_BYTES_MAX
"""So many bytes at the end of an archive hold its end record."""
LOCAL_HEADER_BYTES = _LOCAL.size
"""The fixed part of what stands before the bytes of a member."""


@attrs.frozen
class DirectorySpan:
    """Where the directory lies. `shift` is added to the offsets in it: what stands before the archive, as a
    program that unpacks itself does.
    """

    offset: int
    size: int
    entries: int
    shift: int


# There are many of them, and this is the value that is made fastest.
class Member(msgspec.Struct, frozen=True, gc=False):
    """A member as the directory has it. `header_offset` is where its local header begins."""

    name: str
    flags: int
    method: int
    crc: int
    compressed_bytes: int
    size: int
    header_offset: int


def find_directory(tail: bytes, archive_bytes: int) -> DirectorySpan:
    """The directory of an archive that ends with `tail`, which is all of it or TAIL_BYTES. Raises
    BadRequest.
    """
    at = _find_end(tail)
    _, disk, directory_disk, here, entries, size, offset, _ = _END.unpack_from(tail, at)
    end_64 = at - _LOCATOR_64.size - _END_64.size
    if end_64 >= 0 and tail.startswith(b"PK\x06\x07", at - _LOCATOR_64.size):
        record = _END_64.unpack_from(tail, end_64)
        if record[0] != b"PK\x06\x06":
            raise no_zip("its zip64 end record is not where it should be")
        disk, directory_disk, here, entries, size, offset = record[4:]
        at = end_64
    if disk or directory_disk or here != entries:
        raise no_zip("it is one of several volumes")
    begin = archive_bytes - len(tail) + at - size
    if begin < offset:
        raise no_zip("its directory would begin before the archive")
    return DirectorySpan(begin, size, entries, begin - offset)


class DirectoryScan:
    """The members of a directory, block by block. `keep` says by the bytes of a name which are wanted."""

    def __init__(
        self, span: DirectorySpan, entries_max: int, keep: Callable[[bytes], bool] = lambda _: True
    ) -> None:
        self._span = span
        self._entries_left = entries_max
        self._keep = keep
        self._rest = b""

    def feed(self, block: bytes) -> list[Member]:
        """Those that end in the next block. Raises BadRequest."""
        self._rest += block
        found: list[Member] = []
        at = 0
        while (end := self._end_of_entry(at)) is not None:
            fields = _ENTRY.unpack_from(self._rest, at)
            if fields[0] != b"PK\x01\x02":
                raise no_zip("its directory is damaged")
            self._entries_left -= 1
            if self._entries_left < 0:
                raise S3Error("BadRequest", "The zip archive has more members than can be read here.")
            name_end = at + _ENTRY.size + fields[10]
            if self._keep(name := self._rest[at + _ENTRY.size : name_end]):
                found.append(self._member(fields, name, self._rest[name_end : name_end + fields[11]]))
            at = end
        self._rest = self._rest[at:]
        return found

    def finish(self) -> None:
        """The directory is over; raises BadRequest where it ends within an entry."""
        if self._rest:
            raise no_zip("its directory ends within an entry")

    def _end_of_entry(self, at: int) -> int | None:
        """Where the entry ends that begins there; None where it is not all here."""
        if at + _ENTRY.size > len(self._rest):
            return None
        name, extra, comment = struct.unpack_from("<3H", self._rest, at + 28)
        end: int = at + _ENTRY.size + name + extra + comment
        return end if end <= len(self._rest) else None

    def _member(self, fields: tuple[int, ...], raw_name: bytes, extra: bytes) -> Member:
        flags, method, crc, compressed, size, offset = (fields[index] for index in (3, 4, 7, 8, 9, 16))
        if _IN_64 in (size, compressed, offset):
            wide = _wide_values(extra)
            size = next(wide) if size == _IN_64 else size
            compressed = next(wide) if compressed == _IN_64 else compressed
            offset = next(wide) if offset == _IN_64 else offset
        return Member(_name(raw_name), flags, method, crc, compressed, size, offset + self._span.shift)


def content_offset(member: Member, header: bytes) -> int:
    """Where the bytes of the member begin, by its local header. Raises BadRequest."""
    signature, *_, name_bytes, extra_bytes = _LOCAL.unpack(header)
    if signature != b"PK\x03\x04":
        raise no_zip("a member is not where the directory says")
    return int(member.header_offset + _LOCAL.size + name_bytes + extra_bytes)


def no_zip(why: str) -> S3Error:
    """BadRequest: the object that the key names as an archive is none."""
    return S3Error("BadRequest", f"The object is no zip archive that can be read: {why}.")


def _find_end(tail: bytes) -> int:
    """Where the end record begins: the last one whose comment ends with the archive."""
    at = len(tail) - _END.size + 1
    while (at := tail.rfind(b"PK\x05\x06", 0, max(at + 3, 0))) >= 0:
        if at + _END.size <= len(tail):
            (comment_bytes,) = struct.unpack_from("<H", tail, at + _END.size - 2)
            if at + _END.size + comment_bytes == len(tail):
                return at
    raise no_zip("it has no end record")


def _wide_values(extra: bytes) -> Iterator[int]:
    """The 64-bit numbers of an entry, in their order; raises BadRequest where one is missing."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind == _EXTRA_64:
            field = extra[at + 4 : at + 4 + size]
            yield from (value for (value,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8]))
            break
        at += 4 + size
    raise no_zip("a zip64 number is missing in its directory")


def _name(raw: bytes) -> str:
    """Most programs write UTF-8, not all of them say so; the others write the code page of DOS."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp437")
