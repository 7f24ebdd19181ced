"""What a delete expects of the object it removes: its ETag, its modification time, its size.

DeleteObject says it in headers, DeleteObjects in elements of each object. User Guide, "How to perform
conditional deletes": ETags that differ are 412, and a condition on the ETag of an object that is not there is
404. API reference, DeleteObject: time and size that differ are 412, and both hold where there is no object.
AWS evaluates time and size in directory buckets only; here they count in every bucket. All that are given
must hold.
"""

from __future__ import annotations

import attrs

from rustfs_proto.s3.conditions import parse_entity_tags
from rustfs_proto.s3.errors import S3Error, invalid_argument, not_implemented
from rustfs_proto.s3.httpdate import parse_http_date
from rustfs_proto.s3.target import HeaderMap

IF_MATCH = "if-match"
IF_MODIFIED_AT = "x-amz-if-match-last-modified-time"
IF_SIZE = "x-amz-if-match-size"

_SIZE_DIGITS_MAX = 20


@attrs.frozen(slots=True)
class DeleteCondition:
    """What must be so; None where nothing is asked. `etag` is text as in If-Match, `modified_s` are seconds
    since the epoch, because HTTP dates tell no more.
    """

    etag: str | None = None
    modified_s: int | None = None
    size: int | None = None

    @property
    def asks(self) -> bool:
        """Whether the current object matters at all."""
        return self != UNCONDITIONAL

    def check(self, *, etag: str, modified_ms: int, size: int) -> None:
        """Against the object that is current: raises PreconditionFailed."""
        if self.etag is not None and not parse_entity_tags(self.etag).matches(etag, weakly=False):
            raise _failed("If-Match")
        if self.modified_s not in (None, modified_ms // 1000):
            raise _failed(IF_MODIFIED_AT)
        if self.size not in (None, size):
            raise _failed(IF_SIZE)

    def check_absent(self) -> None:
        """Where there is no object: raises NoSuchKey if an ETag is expected, `*` included."""
        if self.etag is not None:
            raise S3Error("NoSuchKey")


UNCONDITIONAL = DeleteCondition()
"""Expects nothing."""


def condition_of_headers(headers: HeaderMap) -> DeleteCondition:
    """The condition of a DeleteObject. Raises InvalidArgument for a value that cannot be read, and
    NotImplemented for If-None-Match, which deletes do not have in S3.
    """
    if "if-none-match" in headers:
        raise not_implemented("Conditional deletion by If-None-Match", header="If-None-Match")
    modified, size = headers.get(IF_MODIFIED_AT), headers.get(IF_SIZE)
    return DeleteCondition(
        headers.get(IF_MATCH),
        None if modified is None else parse_modified(modified, IF_MODIFIED_AT),
        None if size is None else parse_size(size, IF_SIZE),
    )


def parse_modified(text: str, name: str) -> int:
    """Seconds since the epoch; raises InvalidArgument, because a condition must not be passed over."""
    modified_s = parse_http_date(text)
    if modified_s is None:
        raise invalid_argument(f"{name} must be an HTTP date.", name, text)
    return modified_s


def parse_size(text: str, name: str) -> int:
    """Bytes; raises InvalidArgument."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _SIZE_DIGITS_MAX:
        raise invalid_argument(f"{name} must be a number of bytes.", name, text)
    return int(digits)


def _failed(condition: str) -> S3Error:
    return S3Error("PreconditionFailed", extra={"Condition": condition})
