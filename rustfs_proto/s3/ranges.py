"""Byte ranges: the Range header of a read (RFC 9110 §14) and the range of an UploadPartCopy.

Reads are lenient as S3 is: a Range header that is malformed or names several ranges is ignored and the whole
object is answered (RFC 9110 §14.2 allows it). A copy range is strict.
"""

from __future__ import annotations

import attrs

from rustfs_proto.s3.errors import S3Error, invalid_argument

_COPY_RANGE_FORM = (
    "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
    "zero-based offsets of the first and last bytes to copy"
)

_OFFSET_DIGITS_MAX = 20
"""2^64 has 20 digits; more cannot be an offset, and Python refuses to read thousands of them."""


@attrs.frozen
class ByteRange:
    """`length` bytes beginning at `offset`: none only where a part of an upload is empty."""

    offset: int
    length: int

    def content_range(self, size: int) -> str:
        """The Content-Range header of an answer from an object of `size` bytes."""
        return f"bytes {self.offset}-{self.offset + self.length - 1}/{size}"


def parse_range(value: str | None, size: int) -> ByteRange | None:
    """The range a Range header selects of `size` bytes; None for the whole object. Raises InvalidRange."""
    ends = _ends(value) if value is not None else None
    if value is None or ends is None:
        return None
    first, last = ends
    if first is None:
        assert last is not None, "a range has at least one end"
        length = min(last, size)
        if length == 0:
            raise _unsatisfiable(value, size)
        return ByteRange(size - length, length)
    if last is not None and last < first:
        return None
    if first >= size:
        raise _unsatisfiable(value, size)
    end = size if last is None else min(last + 1, size)
    return ByteRange(first, end - first)


def parse_copy_range(value: str, size: int) -> ByteRange:
    """The range of x-amz-copy-source-range within a source of `size` bytes; raises InvalidArgument."""
    ends = _ends(value)
    if ends is None or ends[0] is None or ends[1] is None or ends[1] < ends[0]:
        raise invalid_argument(_COPY_RANGE_FORM, "x-amz-copy-source-range", value)
    first, last = ends[0], ends[1]
    if last >= size:
        message = f"Range specified is not valid for source object of size: {size}"
        raise invalid_argument(message, "x-amz-copy-source-range", value)
    return ByteRange(first, last - first + 1)


def _ends(value: str) -> tuple[int | None, int | None] | None:
    """First and last position of a single range as written, None where absent; None when it is not one."""
    unit, equals, spec = value.partition("=")
    first, dash, last = spec.strip().partition("-")
    if unit.strip().lower() != "bytes" or not equals or not dash or not (first or last):
        return None
    if not (_is_offset(first) and _is_offset(last)):
        return None
    return (int(first) if first else None), (int(last) if last else None)


def _is_offset(text: str) -> bool:
    return not text or (text.isascii() and text.isdigit() and len(text) <= _OFFSET_DIGITS_MAX)


def _unsatisfiable(value: str, size: int) -> S3Error:
    return S3Error(
        "InvalidRange",
        extra={"RangeRequested": value, "ActualObjectSize": str(size)},
        headers={"content-range": f"bytes */{size}"},
    )
