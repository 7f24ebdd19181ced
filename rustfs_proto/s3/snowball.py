"""PutObject of an archive whose entries are to become objects: MinIO's x-amz-meta-snowball-auto-extract.

What the headers ask for, and under which key an entry is stored or why it is refused. Entries are named as
MinIO names them: empty and `.` segments are left out, a prefix stands before, a directory ends with a slash.
A name that begins with a slash or holds `..` is refused rather than cleaned: where it would lead is nothing
that the maker of an honest archive means.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from rustfs_proto.s3.content_types import content_type_of
from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.headers import StoredHeaders, stored_headers
from rustfs_proto.s3.names import check_object_key
from rustfs_proto.s3.tar_headers import METADATA_RECORD, VERSION_RECORD, Kind, TarEntry
from rustfs_proto.s3.target import HeaderMap

_EXTRACT = "x-amz-meta-snowball-auto-extract"
_PREFIX = "x-amz-meta-minio-snowball-prefix"
_IGNORE_DIRS = "x-amz-meta-minio-snowball-ignore-dirs"
_IGNORE_ERRORS = "x-amz-meta-minio-snowball-ignore-errors"
_CONDITIONS = ("if-match", "if-none-match")
_NAME_SHOWN_CHARS = 200


@attrs.frozen
class SnowballOptions:
    """`prefix` stands before every key: empty or with a slash at its end."""

    prefix: str = ""
    ignore_dirs: bool = False
    ignore_errors: bool = False


def asks_to_extract(headers: HeaderMap) -> bool:
    """Whether the body of a PutObject is an archive to be extracted."""
    return headers.get(_EXTRACT) == "true"


def parse_options(headers: HeaderMap) -> SnowballOptions:
    """What the request asks for; raises NotImplemented for conditions, of which no object is the subject, and
    InvalidArgument or KeyTooLongError for a prefix that cannot be one.
    """
    for name in _CONDITIONS:
        if name in headers:
            raise not_implemented("A condition on the extraction of an archive", header=name)
    prefix = _decoded(headers.get(_PREFIX, ""))
    if prefix:
        segments = _segments(prefix.removeprefix("/"))
        prefix = "/".join(segments) + "/" if segments else ""
    if prefix:
        check_object_key(prefix)
    return SnowballOptions(prefix, _is_true(headers, _IGNORE_DIRS), _is_true(headers, _IGNORE_ERRORS))


def entry_key(entry: TarEntry, options: SnowballOptions) -> str | None:
    """The key of the object that the entry becomes, None where it becomes none. Raises BadRequest,
    KeyTooLongError or NotImplemented.
    """
    if entry.kind is Kind.DIRECTORY:
        if options.ignore_dirs or not (segments := _segments(entry.name)):
            return None
    elif entry.kind is not Kind.FILE:
        raise S3Error("BadRequest", f"{shown(entry)} is {entry.kind.value}, which no object can be.")
    else:
        segments = _segments(entry.name)
        if not segments:
            raise S3Error("BadRequest", f"{shown(entry)} has no name.")
    if VERSION_RECORD in entry.records:
        raise not_implemented("Choosing the version id of an extracted object")
    key = options.prefix + "/".join(segments) + ("/" if entry.kind is Kind.DIRECTORY else "")
    check_object_key(key)
    return key


def entry_headers(entry: TarEntry) -> dict[str, str]:
    """The headers that MinIO's pax records give an object, by lower-case name, as header text."""
    return {
        key.removeprefix(METADATA_RECORD).lower(): value.encode("utf-8", "surrogateescape").decode("latin-1")
        for key, value in entry.records.items()
        if key.startswith(METADATA_RECORD)
    }


def entry_stored_headers(key: str, headers: Mapping[str, str]) -> StoredHeaders:
    """What the object under `key` keeps of the headers in its pax records; raises as `stored_headers`, and
    BadRequest for what cannot be a header.
    """
    for name, value in headers.items():
        if any(char < " " or char == "\x7f" for char in name + value):
            raise S3Error("BadRequest", f"The pax record {METADATA_RECORD}{name} holds control characters.")
    return stored_headers({"content-type": content_type_of(key), **headers})


def shown(entry: TarEntry) -> str:
    """How a refusal speaks of the entry."""
    return f"The entry {entry.name[:_NAME_SHOWN_CHARS]!r}"


def _segments(name: str) -> list[str]:
    """The segments of a name; raises BadRequest for one that leads elsewhere or is not UTF-8."""
    quoted = repr(name[:_NAME_SHOWN_CHARS])
    if not _is_utf8(name) or "\0" in name:
        raise S3Error("BadRequest", f"The name {quoted} is not UTF-8.")
    if name.startswith("/"):
        raise S3Error("BadRequest", f"The name {quoted} is absolute.")
    segments = [segment for segment in name.split("/") if segment not in ("", ".")]
    if ".." in segments:
        raise S3Error("BadRequest", f"The name {quoted} leads elsewhere by '..'.")
    return segments


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _decoded(header: str) -> str:
    """The text of a header, which holds one character for each byte of UTF-8."""
    return header.encode("latin-1").decode("utf-8", "surrogateescape")


def _is_true(headers: HeaderMap, name: str) -> bool:
    return headers.get(name, "").lower() == "true"
