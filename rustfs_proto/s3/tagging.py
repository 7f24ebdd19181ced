"""Tags of objects and buckets: what S3 takes for a tag, and the headers that bring tags with an object.

A tag's key and value are text of letters, digits, separators (the Unicode classes L, N and Z) and `_.:/=+-@`.
Their length counts in UTF-16 code units, as S3 keeps them. Keys differ by case, and those that begin with
`aws:` are AWS's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from rustfs_proto.s3.errors import S3Error, invalid_argument
from rustfs_proto.s3.target import HeaderMap

OBJECT_TAGS_MAX = 10
BUCKET_TAGS_MAX = 50
TAG_KEY_MAX = 128
"""UTF-16 code units, at least one."""
TAG_VALUE_MAX = 256
"""UTF-16 code units."""

Tag = tuple[str, str]
"""Key and value."""

_SIGNS = frozenset("_.:/=+-@")
_CLASSES = frozenset("LNZ")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RESERVED = "aws:"
_HEADER = "x-amz-tagging"
_DIRECTIVE = "x-amz-tagging-directive"


def object_tags(pairs: Sequence[Tag]) -> dict[str, str]:
    """The tags of an object; raises InvalidTag, or BadRequest where there are too many."""
    if len(pairs) > OBJECT_TAGS_MAX:
        raise S3Error("BadRequest", f"Object tags cannot be greater than {OBJECT_TAGS_MAX}")
    return _checked(pairs, f"Your TagKey cannot be prefixed with {_RESERVED}")


def bucket_tags(pairs: Sequence[Tag]) -> dict[str, str]:
    """The tags of a bucket; raises InvalidTag, or BadRequest where there are too many."""
    if len(pairs) > BUCKET_TAGS_MAX:
        raise S3Error("BadRequest", f"Bucket tag count cannot be greater than {BUCKET_TAGS_MAX}")
    return _checked(pairs, "System tags cannot be added/updated by requester")


def tags_of_header(headers: HeaderMap) -> dict[str, str]:
    """The tags that x-amz-tagging brings: a query string of UTF-8, percent-encoded. Raises InvalidArgument
    where it is none or names a tag twice, else as `object_tags`.
    """
    text = headers.get(_HEADER, "")
    pairs = [_pair(piece, text) for piece in text.split("&") if piece]
    if len({key for key, _ in pairs}) < len(pairs):
        raise _malformed(text)
    return object_tags(pairs)


def replaces_tags(headers: HeaderMap) -> bool:
    """True for x-amz-tagging-directive: REPLACE; raises InvalidArgument for anything but it and COPY."""
    directive = headers.get(_DIRECTIVE, "COPY")
    if directive not in ("COPY", "REPLACE"):
        raise invalid_argument("Unknown tagging directive.", _DIRECTIVE, directive)
    return directive == "REPLACE"


def _pair(piece: str, header: str) -> Tag:
    key, _, value = piece.partition("=")
    if not key or _BAD_ESCAPE.search(piece):
        raise _malformed(header)
    try:
        return _decoded(key), _decoded(value)
    except UnicodeDecodeError:
        raise _malformed(header) from None


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode()


def _malformed(header: str) -> S3Error:
    message = (
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without "
        "tag name duplicates."
    )
    return invalid_argument(message, _HEADER, header)


def _checked(pairs: Sequence[Tag], reserved: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    for key, value in pairs:
        if not key or not _is_valid(key, TAG_KEY_MAX):
            raise S3Error("InvalidTag", "The TagKey you have provided is invalid", extra={"TagKey": key})
        if not _is_valid(value, TAG_VALUE_MAX):
            raise S3Error(
                "InvalidTag", "The TagValue you have provided is invalid", extra={"TagValue": value}
            )
        if key.startswith(_RESERVED):
            raise S3Error("InvalidTag", reserved, extra={"TagKey": key})
        if key in tags:
            raise S3Error(
                "InvalidTag", "Cannot provide multiple Tags with the same key", extra={"TagKey": key}
            )
        tags[key] = value
    return tags


def _is_valid(text: str, units_max: int) -> bool:
    return len(text.encode("utf-16-le")) <= 2 * units_max and all(
        char in _SIGNS or unicodedata.category(char)[0] in _CLASSES for char in text
    )
