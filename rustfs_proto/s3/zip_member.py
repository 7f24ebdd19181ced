"""The bytes of one member of a zip archive, expanded and compared with what the directory says of them."""

from __future__ import annotations

import zlib

from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.zip_directory import LOCAL_HEADER_BYTES, DirectorySpan, Member, no_zip

_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1 | 0x40 | 0x2000


def check_readable(member: Member, span: DirectorySpan) -> None:
    """Raises NotImplemented for a member that is encrypted or compressed in another way than by deflate, and
    BadRequest for one that cannot be where the directory says.
    """
    if member.flags & _ENCRYPTED:
        raise not_implemented("Reading encrypted members of zip archives")
    if member.method not in (_STORED, _DEFLATED):
        raise not_implemented(f"Reading members of zip archives by compression method {member.method}")
    if member.header_offset + LOCAL_HEADER_BYTES + member.compressed_bytes > span.offset:
        raise no_zip("a member would lie behind the directory")
    if is_stored(member) and member.compressed_bytes != member.size:
        raise no_zip("a member that is not compressed has two sizes")


def is_stored(member: Member) -> bool:
    """Whether the bytes stand there as they are."""
    return member.method == _STORED


class MemberBytes:
    """Expands a member from its beginning: `put` input when `take` gives nothing.

    All of it is compared with the directory before its last bytes are given out.
    """

    def __init__(self, member: Member) -> None:
        self._member = member
        self._inflate = None if is_stored(member) else zlib.decompressobj(-15)
        self._input = b""
        self._left_bytes = member.size
        self._crc = 0
        if not member.size:
            self._check()

    def put(self, data: bytes) -> None:
        """The next bytes of the archive."""
        self._input = data

    def take(self, limit_bytes: int) -> bytes:
        """At most so many bytes; none where input is needed or all is told. Raises BadRequest."""
        limit_bytes = min(limit_bytes, self._left_bytes)
        if not limit_bytes:
            return b""
        piece = self._expand(limit_bytes)
        self._crc = zlib.crc32(piece, self._crc)
        self._left_bytes -= len(piece)
        if not self._left_bytes:
            self._check()
        return piece

    def _expand(self, limit_bytes: int) -> bytes:
        if self._inflate is None:
            piece, self._input = self._input[:limit_bytes], self._input[limit_bytes:]
            return piece
        try:
            piece = self._inflate.decompress(self._inflate.unconsumed_tail + self._input, limit_bytes)
        except zlib.error as error:
            raise _damaged(self._member, str(error)) from None
        self._input = b""
        if self._inflate.eof and len(piece) < self._left_bytes:
            raise _damaged(self._member, f"it has fewer bytes than {self._member.size}")
        return piece

    def _check(self) -> None:
        if self._crc != self._member.crc:
            raise _damaged(self._member, f"its CRC-32 is {self._crc:08x}, not {self._member.crc:08x}")


def _damaged(member: Member, why: str) -> S3Error:
    return S3Error("BadRequest", f"The member {member.name[:200]!r} of the zip archive is damaged: {why}.")
