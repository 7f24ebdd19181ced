"""HTTP/1.1 requests as RFC 9112 defines them and nothing more: what no two readers can take for different
things.

An oracle for the server's own reader, written from the grammar alone. Where a sender deviates in a way that
some reader on the path might take for another message (bare line feeds, folded lines, two lengths, a length
beside chunks), it gives up, and so must the server.
"""

from __future__ import annotations

import re

import attrs

_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP/1\.([01])")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00\n-\r]*?)[ \t]*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,20})(?:;[^\n]*)?[ \t]*")
_LENGTH = re.compile(rb"[0-9]{1,20}")


@attrs.frozen
class Message:
    """A request, complete or (`is_whole` false) with a body that ended early or stopped making sense.

    `headers` have lower-case names, repeated ones joined with a comma. `may_follow` is false where the
    connection must end after it.
    """

    method: str
    target: bytes
    headers: dict[str, str]
    body: bytes
    is_whole: bool
    may_follow: bool


def read_messages(data: bytes) -> list[Message]:
    """The requests at the start of the stream, up to where it ends or stops being unambiguous."""
    found: list[Message] = []
    while data:
        head, separator, rest = data.partition(b"\r\n\r\n")
        message, data = _message(head, rest) if separator else (None, b"")
        if message is None:
            break
        found.append(message)
        if not message.is_whole or not message.may_follow:
            break
    return found


def _message(head: bytes, rest: bytes) -> tuple[Message | None, bytes]:
    request_line, *lines = head.split(b"\r\n")
    opening = _REQUEST_LINE.fullmatch(request_line)
    fields = [_FIELD.fullmatch(line) for line in lines]
    if opening is None or not all(fields):
        return None, b""
    named = [(field[1].lower().decode(), field[2].decode("latin-1")) for field in fields if field]
    is_old = opening[3] == b"0"
    if not _is_clear([name for name, _ in named], is_old=is_old):
        return None, b""
    headers: dict[str, str] = {}
    for name, value in named:
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    body = _body(headers, rest)
    if body is None:
        return None, b""
    content, is_whole, rest = body
    closes = is_old or "close" in headers.get("connection", "").lower()
    method, target = opening[1].decode(), opening[2]
    return Message(method, target, headers, content, is_whole, not closes), rest


def _is_clear(names: list[str], *, is_old: bool) -> bool:
    """Whether nobody can disagree about the host and the framing."""
    lengths, codings = names.count("content-length"), names.count("transfer-encoding")
    if lengths + codings > 1 or (is_old and codings):
        return False
    return names.count("host") == 1 or (is_old and names.count("host") == 0)


def _body(headers: dict[str, str], rest: bytes) -> tuple[bytes, bool, bytes] | None:
    """Content, whether it is whole, and what follows; None where its framing is not understood."""
    if "transfer-encoding" in headers:
        return _chunks(rest) if headers["transfer-encoding"].lower() == "chunked" else None
    length = headers.get("content-length", "0").encode("latin-1")
    if not _LENGTH.fullmatch(length):
        return None
    size = int(length)
    return rest[:size], len(rest) >= size, rest[size:]


def _chunks(rest: bytes) -> tuple[bytes, bool, bytes]:
    content = b""
    while True:
        line, end, after = rest.partition(b"\r\n")
        match = _CHUNK_SIZE.fullmatch(line)
        if not end or match is None:
            return content, False, b""
        size = int(match[1], 16)
        if size == 0:
            return content, *_trailer(after)
        content += after[:size]
        if after[size : size + 2] != b"\r\n":
            return content, False, b""
        rest = after[size + 2 :]


def _trailer(rest: bytes) -> tuple[bool, bytes]:
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            return False, b""
        if not line:
            return True, rest
        field = _FIELD.fullmatch(line)
        # What frames a message is no trailer field (RFC 9110 §6.5.1).
        if field is None or field[1].lower() in (b"content-length", b"transfer-encoding"):
            return False, b""
