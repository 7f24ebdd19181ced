"""The bytes of an answer's head.

Written by hand: h11 would spend more on checking our own headers than on reading the client's. What it would
catch is caught here: a line break inside a value (a client chooses some of them, for example by
response-content-type) never reaches the wire.
"""

from __future__ import annotations

from http import HTTPStatus

from rustfs_node.acceptor.net.messages import Response

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_WITHOUT_BODY = frozenset({204, 304})


def content_length(response: Response) -> int:
    """What the answer's Content-Length says."""
    return len(response.body) if response.length is None else response.length


def has_body(response: Response) -> bool:
    """Whether an answer of this status may have a body at all (RFC 9110 §6.4.1)."""
    return response.status not in _WITHOUT_BODY


def encode_head(response: Response, date: str, server: str, *, keep_alive: bool) -> bytes:
    """Status line and headers. Raises ValueError when a header cannot be sent as it is."""
    lines = [_STATUS_LINES[response.status], f"date: {date}\r\nserver: {server}\r\n".encode()]
    lines += [b"%b: %b\r\n" % header for header in response.headers]
    if has_body(response):
        lines.append(b"content-length: %d\r\n" % content_length(response))
    lines.append(b"\r\n" if keep_alive else b"connection: close\r\n\r\n")
    head = b"".join(lines)
    breaks = 4 + len(response.headers) + has_body(response) + (not keep_alive)
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
        raise ValueError("a response header holds a line break or a zero byte")
    return head
