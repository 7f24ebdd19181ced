"""Where h11 forgives what another reader on the path may take for another message, this server does not.

Request smuggling lives on such differences between a proxy and the server behind it (RFC 9112 §11.2). What
h11 itself refuses (blanks before a colon, lengths that differ, codings other than chunked) is not looked at
again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import h11

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_LENGTH_LIST = re.compile(rb"\n(?i:content-length):[^\r]*,")


def ambiguity(raw: bytes, head: h11.Request) -> str:
    """What stands in the bytes of a head, blank line included, that others may read differently; empty for
    nothing.
    """
    # One line ends each of: the request line, every header, the blank line. h11 also takes bare line feeds,
    # joins folded lines and drops a length that is given twice.
    if not raw.count(b"\n") == raw.count(b"\r\n") == len(head.headers) + 2:
        return "bare line feed, folded header or repeated Content-Length"
    if _LENGTH_LIST.search(raw):
        return "more than one Content-Length"
    if head.http_version != b"1.1":
        return _ambiguity_of_version(head)
    return ""


def ambiguity_of_trailer(raw: bytes, fields: Sequence[tuple[bytes, bytes]]) -> str:
    """The same for the end of a chunked body: `raw` ends with its trailer, from which h11 has read those
    fields.
    """
    lines = raw.rsplit(b"\n", len(fields) + 2)[-len(fields) - 2 : -1]
    if not all(line.endswith(b"\r") and not line.startswith((b" ", b"\t")) for line in lines):
        return "bare line feed or folded field in the trailer"
    if any(name in _FRAMING for name, _ in fields):
        # Framing comes before what it frames (RFC 9110 §6.5.1).
        return "Content-Length or Transfer-Encoding in the trailer"
    return ""


def _ambiguity_of_version(head: h11.Request) -> str:
    if head.http_version != b"1.0":
        # h11 asks for a host, and for all that 1.1 added, in that very version only.
        return f"HTTP version {head.http_version.decode()}; this server speaks 1.1 and 1.0"
    if any(name == b"transfer-encoding" for name, _ in head.headers):
        # A proxy that speaks 1.0 does not know the coding and sees another end of the message (RFC 9112
        # §6.1).
        return "Transfer-Encoding in HTTP/1.0"
    return ""
