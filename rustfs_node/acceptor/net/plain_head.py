"""The heads that nearly all requests have, read in C by llhttp, at a tenth of what h11 takes.

Whatever is unusual in a head, or wrong with it, is left to h11, which judges it: here it is only `None`. What
is read here h11 and `strictness` would read and allow just so; a test holds the two against each other. Knows
no connection.
"""

from __future__ import annotations

from typing import NamedTuple

import httptools

_METHODS = frozenset({b"GET", b"PUT", b"HEAD", b"POST", b"DELETE"})
_LENGTH_DIGITS_MAX = 19


class PlainHead(NamedTuple):
    """A head as h11 gives it: names in lower case, values without the blanks around them. `size_bytes` is
    where the body begins.
    """

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    size_bytes: int
    http_version: bytes = b"1.1"


class _Reader:
    """Takes what llhttp finds."""

    __slots__ = ("headers", "target")

    def __init__(self) -> None:
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.strip(b" \t")))


def plain_head(arrived: bytes, bytes_max: int) -> PlainHead | None:
    """The head that `arrived` begins with, if all of it is there and nothing about it is unusual."""
    size_bytes = arrived.find(b"\r\n\r\n") + 4
    if not 4 <= size_bytes <= bytes_max:
        return None
    raw = arrived[:size_bytes]
    reader = _Reader()
    parser = httptools.HttpRequestParser(reader)
    try:
        parser.feed_data(raw)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    method = parser.get_method()
    lines = raw.count(b"\n")
    # A line for the request, one for each header and the blank one, or something was folded.
    if lines != raw.count(b"\r\n") or lines != len(reader.headers) + 2:
        return None
    if method not in _METHODS or not reader.target.isascii():
        return None
    # llhttp forgives empty lines before it and several blanks in it.
    if not raw.startswith(b"%b %b HTTP/1.1\r\n" % (method, reader.target)):
        return None
    if not _is_framed_plainly(reader.headers):
        return None
    return PlainHead(method, reader.target, reader.headers, size_bytes)


def _is_framed_plainly(headers: list[tuple[bytes, bytes]]) -> bool:
    """One host, at most one length, no coding."""
    hosts = lengths = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"content-length":
            lengths += 1
            if not value.isdigit() or len(value) > _LENGTH_DIGITS_MAX:
                return False
        elif name in (b"transfer-encoding", b"upgrade"):
            return False
    return hosts == 1 and lengths <= 1
