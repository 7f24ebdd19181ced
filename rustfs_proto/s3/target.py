"""A request target and a request's headers in the one form the rest of this package takes.

`Target` keeps the path and query both as sent (signatures are made over them) and decoded (operations read
them). `header_map` turns h11's list of byte pairs into a mapping of lower-case names to text, one Latin-1
character per byte: nothing is lost, so a signature over the mapping is a signature over the bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

import attrs

from rustfs_proto.s3.errors import S3Error

HeaderMap = Mapping[str, str]
Params = Mapping[str, str]


@attrs.frozen(slots=True)
class Target:
    """A parsed request target.

    `path`: raw, still percent-encoded, always beginning with `/` (or `*`). `pairs`: every decoded query
    parameter in the order sent. `params`: the same as a mapping, where a repeated name keeps its first value.
    """

    path: str
    pairs: tuple[tuple[str, str], ...] = ()
    params: dict[str, str] = attrs.field(factory=dict)


def parse_target(raw: bytes) -> Target:
    """Parse origin-form, absolute-form or `*` (RFC 9112 §3.2). Raises InvalidURI."""
    text = raw.decode("latin-1")
    path, _, query = text.partition("?")
    if not path.startswith("/"):
        path = _path_of_absolute(path)
    if not query:
        return Target(path)
    pairs = tuple(_pair(piece) for piece in query.split("&") if piece)
    params: dict[str, str] = {}
    for name, value in pairs:
        params.setdefault(name, value)
    return Target(path, pairs, params)


def header_map(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as `{lower-case name: value}`; repeated ones are joined with a comma (RFC 9110 §5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _path_of_absolute(path: str) -> str:
    if path == "*":
        return path
    scheme, separator, rest = path.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        raise S3Error("InvalidURI", "Couldn't parse the specified URI: the path must begin with '/'.")
    return "/" + rest.partition("/")[2]


def _pair(piece: str) -> tuple[str, str]:
    name, _, value = piece.partition("=")
    return _decode(name), _decode(value)


def _decode(text: str) -> str:
    # A form-encoded space may be written "+" in a query (WHATWG URL §5.1), and S3 reads and signs it as a
    # space.
    if "%" not in text and text.isascii():
        return text.replace("+", " ") if "+" in text else text
    try:
        return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode("utf-8")
    except UnicodeDecodeError:
        raise S3Error("InvalidURI", "Couldn't parse the specified URI: its query is not UTF-8.") from None
