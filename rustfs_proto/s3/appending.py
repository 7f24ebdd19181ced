"""What an append must say: the header x-amz-write-offset-bytes of PutObject.

S3 API Reference, PutObject: the offset must be the size of the object, 0 creates one, and an object has at
most 10,000 parts, of which each append is one.
"""

from __future__ import annotations

from rustfs_proto.s3.errors import S3Error, invalid_argument
from rustfs_proto.s3.listing import PART_NUMBER_MAX
from rustfs_proto.s3.target import HeaderMap

OFFSET = "x-amz-write-offset-bytes"

_DIGITS_MAX = 19


def parse_offset(headers: HeaderMap) -> int:
    """The offset in bytes; raises InvalidArgument."""
    text = headers[OFFSET].strip()
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS_MAX:
        raise invalid_argument("The write offset must be a number of bytes.", OFFSET, text)
    return int(text)


def check_offset(offset: int, size_bytes: int) -> None:
    """Raises InvalidWriteOffset unless the offset is where the object ends."""
    if offset != size_bytes:
        extra = {"WriteOffset": str(offset), "ObjectSize": str(size_bytes)}
        raise S3Error("InvalidWriteOffset", extra=extra)


def check_part_count(parts: int) -> None:
    """Raises TooManyParts where one more would be too many."""
    if parts >= PART_NUMBER_MAX:
        message = (
            f"You have attempted to add more parts than the maximum of {PART_NUMBER_MAX} that are allowed "
            "for this object. You can use the CopyObject operation to copy this object to another and then "
            "add more data to the newly copied object."
        )
        raise S3Error("TooManyParts", message)
