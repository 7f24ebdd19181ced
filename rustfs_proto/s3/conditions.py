"""Conditional requests, in the order of RFC 9110 §13.2.2, which is also the precedence that S3 documents.

An entity tag decides over a date: If-Match true passes whatever If-Unmodified-Since says, and If-None-Match
alone decides when If-Modified-Since is there too. S3 accepts tags with or without quotes; dates it cannot
read are ignored. Times are compared in whole seconds, the resolution of an HTTP date.
"""

from __future__ import annotations

import attrs

from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.httpdate import format_http_date, parse_http_date
from rustfs_proto.s3.target import HeaderMap

_COPY_PREFIX = "x-amz-copy-source-"
_RENAME_PREFIX = "x-amz-rename-source-"


@attrs.frozen
class EntityTags:
    """The tags of a condition, without quotes; `any` for `*`."""

    any: bool
    strong: tuple[str, ...]
    weak: tuple[str, ...]

    def matches(self, etag: str, *, weakly: bool) -> bool:
        """Strong or weak comparison (RFC 9110 §8.8.3.2) with an object's own tag, which is always strong."""
        return self.any or etag in self.strong or (weakly and etag in self.weak)


def parse_entity_tags(value: str) -> EntityTags:
    """A list of tags, with or without quotes, `W/` for weak ones, or `*`."""
    strong: list[str] = []
    weak: list[str] = []
    for item in value.split(","):
        tag = item.strip()
        if tag == "*":
            return EntityTags(any=True, strong=(), weak=())
        into = weak if tag.startswith("W/") else strong
        into.append(tag.removeprefix("W/").strip('"'))
    return EntityTags(any=False, strong=tuple(strong), weak=tuple(weak))


def check_read(headers: HeaderMap, *, etag: str, modified_ms: int) -> None:
    """Conditions of GET and HEAD: raises PreconditionFailed, or NotModified with the headers of a 304."""
    failed = _failed_condition(headers, "", etag, modified_ms)
    if failed in ("If-None-Match", "If-Modified-Since"):
        raise S3Error(
            "NotModified",
            headers={"etag": f'"{etag}"', "last-modified": format_http_date(modified_ms // 1000)},
        )
    _refuse(failed)


def check_copy_source(headers: HeaderMap, *, etag: str, modified_ms: int) -> None:
    """The x-amz-copy-source-if-* conditions: returns, or raises PreconditionFailed."""
    _refuse(_failed_condition(headers, _COPY_PREFIX, etag, modified_ms))


def check_rename_source(headers: HeaderMap, *, etag: str, modified_ms: int) -> None:
    """The x-amz-rename-source-if-* conditions: returns, or raises PreconditionFailed."""
    _refuse(_failed_condition(headers, _RENAME_PREFIX, etag, modified_ms))


def check_rename_target(headers: HeaderMap, *, etag: str | None, modified_ms: int) -> None:
    """The conditions of a rename on what it replaces, `etag` None: nothing. Where nothing is there what asks
    for something fails. Raises PreconditionFailed.
    """
    if etag is not None:
        _refuse(_failed_condition(headers, "", etag, modified_ms))
        return
    asking = {"if-match": "If-Match", "if-modified-since": "If-Modified-Since"}
    _refuse(next((told for name, told in asking.items() if name in headers), None))


def check_write(headers: HeaderMap, current_etag: str | None) -> None:
    """If-Match and If-None-Match of a write over `current_etag` (None: no object).

    Raises PreconditionFailed, NoSuchKey for If-Match on nothing, and NotImplemented for the one form S3
    refuses: If-None-Match with anything but `*`.
    """
    none_match = headers.get("if-none-match")
    if none_match is not None:
        if none_match.strip() != "*":
            raise not_implemented("If-None-Match with a value other than *", header="If-None-Match")
        _refuse("If-None-Match" if current_etag is not None else None)
    match = headers.get("if-match")
    if match is None:
        return
    if current_etag is None:
        raise S3Error("NoSuchKey")
    _refuse(None if parse_entity_tags(match).matches(current_etag, weakly=False) else "If-Match")


def has_write_condition(headers: HeaderMap) -> bool:
    """True when `check_write` needs to know the current object."""
    return "if-match" in headers or "if-none-match" in headers


def range_applies(headers: HeaderMap, *, etag: str, modified_ms: int) -> bool:
    """If-Range (RFC 9110 §13.1.5): False when the Range header must be ignored because the object changed."""
    value = headers.get("if-range")
    if value is None:
        return True
    date_s = parse_http_date(value)
    if date_s is not None:
        return modified_ms // 1000 == date_s
    return parse_entity_tags(value).matches(etag, weakly=False)


def _failed_condition(headers: HeaderMap, prefix: str, etag: str, modified_ms: int) -> str | None:
    """The canonical name of the first condition that does not hold."""
    modified_s = modified_ms // 1000
    match = headers.get(prefix + "if-match")
    if match is not None:
        if not parse_entity_tags(match).matches(etag, weakly=False):
            return "If-Match"
    else:
        limit_s = _date(headers, prefix + "if-unmodified-since")
        if limit_s is not None and modified_s > limit_s:
            return "If-Unmodified-Since"
    none_match = headers.get(prefix + "if-none-match")
    if none_match is not None:
        return "If-None-Match" if parse_entity_tags(none_match).matches(etag, weakly=True) else None
    limit_s = _date(headers, prefix + "if-modified-since")
    return "If-Modified-Since" if limit_s is not None and modified_s <= limit_s else None


def _date(headers: HeaderMap, name: str) -> int | None:
    value = headers.get(name)
    return None if value is None else parse_http_date(value)


def _refuse(failed: str | None) -> None:
    if failed is not None:
        raise S3Error("PreconditionFailed", extra={"Condition": failed})
