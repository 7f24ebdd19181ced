"""Bucket and key names, and how a request's path and Host header name them.

Rules: S3 User Guide, "General purpose bucket naming rules" and "Naming Amazon S3 objects". A key is an opaque
string of 1..1024 UTF-8 bytes: `.` and `..` segments, empty segments and trailing slashes are part of the name
and are never normalised. In a path `+` is a plus sign; only a query string may mean a space by it.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from rustfs_proto.s3.errors import S3Error

KEY_MAX_BYTES = 1024
BUCKET_NAME_MIN_CHARS = 3
BUCKET_NAME_MAX_CHARS = 63
SYSTEM_BUCKET = ".rustfs.sys"
"""Where the node keeps its own objects; no request may address it."""

LOCK_CLOCK_KEY = b"lock-clock"
LAYOUT_PREFIX = b"layout/"

_BUCKET_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_EDGE_CHARS = _BUCKET_CHARS - {".", "-"}
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_VALIDITY_CACHE_ENTRIES = 4096
"""Every request checks its bucket name; a busy node sees the same few, and 4096 of them cost half a MiB."""


def is_of_set(bucket: str, key: bytes) -> bool:
    """Whether the object belongs to the set that has it, and not to a slot."""
    return bucket == SYSTEM_BUCKET and (key == LOCK_CLOCK_KEY or key.startswith(LAYOUT_PREFIX))


def bucket_name_fault(name: str) -> str | None:
    """Why `name` cannot be a bucket's name, or None when it can."""
    if not BUCKET_NAME_MIN_CHARS <= len(name) <= BUCKET_NAME_MAX_CHARS:
        return f"it must be {BUCKET_NAME_MIN_CHARS} to {BUCKET_NAME_MAX_CHARS} characters long"
    return _spelling_fault(name)


@lru_cache(maxsize=_VALIDITY_CACHE_ENTRIES)
def _spelling_fault(name: str) -> str | None:
    if not _BUCKET_CHARS.issuperset(name):
        return "it may hold only lower-case letters, digits, dots and hyphens"
    if name[0] not in _EDGE_CHARS or name[-1] not in _EDGE_CHARS:
        return "it must begin and end with a letter or a digit"
    if ".." in name:
        return "it must not hold two dots in a row"
    if _looks_like_ipv4(name):
        return "it must not look like an IP address"
    if name.startswith(_RESERVED_PREFIXES) or name.endswith(_RESERVED_SUFFIXES):
        return "its prefix or suffix is reserved"
    return None


def check_bucket_name(name: str) -> None:
    """Raise InvalidBucketName unless `name` may be a bucket."""
    fault = bucket_name_fault(name)
    if fault is not None:
        raise S3Error(
            "InvalidBucketName", f"The specified bucket is not valid: {fault}.", extra={"BucketName": name}
        )


def check_object_key(key: str) -> None:
    """Raise unless `key` is 1..1024 bytes of UTF-8: KeyTooLongError, or InvalidArgument for an empty one."""
    size = len(key) if key.isascii() else len(key.encode("utf-8", "surrogatepass"))
    if size > KEY_MAX_BYTES:
        extra = {"Size": str(size), "MaxSizeAllowed": str(KEY_MAX_BYTES)}
        raise S3Error("KeyTooLongError", extra=extra)
    if size == 0:
        raise S3Error("InvalidArgument", "The object key is empty; give 1 to 1024 bytes of UTF-8.")


def percent_decode(text: str) -> str:
    """Percent-decode a path or header value as UTF-8; `+` stays. Raises InvalidURI."""
    if "%" not in text and text.isascii():
        return text
    escapes = text.split("%")[1:]
    if not all(len(tail) >= 2 and _is_hex(tail[:2]) for tail in escapes):
        raise S3Error(
            "InvalidURI", "Couldn't parse the specified URI: a % must be followed by two hex digits."
        )
    try:
        return unquote_to_bytes(text.encode("latin-1")).decode("utf-8")
    except UnicodeError:
        raise S3Error("InvalidURI", "Couldn't parse the specified URI: it is not UTF-8.") from None


def split_target(path: bytes, host: str, domains: Collection[str] = ()) -> tuple[str | None, str | None]:
    """`(bucket, key)` named by the raw `path` of the request target (no query) and the Host header.

    With `host` = `<bucket>.<domain>` for one of `domains` (lower case, no port) the whole path is the key;
    else its first segment is the bucket. A part that is absent is None. Names are decoded, not validated.
    Raises InvalidURI.
    """
    text = path.decode("latin-1")
    if not text.startswith("/"):
        raise S3Error("InvalidURI", "Couldn't parse the specified URI: the path must begin with '/'.")
    bucket = bucket_of_host(host, domains) if domains else None
    if bucket is not None:
        return bucket, percent_decode(text[1:]) or None
    first, _, rest = text[1:].partition("/")
    if not first:
        if rest:
            raise S3Error("InvalidBucketName", "The specified bucket is not valid: it is empty.")
        return None, None
    return percent_decode(first), percent_decode(rest) or None


def bucket_of_host(host: str, domains: Collection[str]) -> str | None:
    """The bucket that a virtual-hosted-style Host header names under one of `domains`, or None."""
    name = host_without_port(host).lower()
    for domain in domains:
        if name.endswith("." + domain):
            return name[: -len(domain) - 1]
    return None


def host_without_port(host: str) -> str:
    """The name of a Host header; IPv6 literals keep their brackets (RFC 9110 §7.2)."""
    if host.startswith("["):
        return host[: host.find("]") + 1] or host
    return host.partition(":")[0]


def _looks_like_ipv4(name: str) -> bool:
    parts = name.split(".")
    return len(parts) == 4 and all(part.isdigit() for part in parts)


def _is_hex(pair: str) -> bool:
    return all(char in "0123456789abcdefABCDEF" for char in pair)
