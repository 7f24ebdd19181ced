"""Where the time of a request went: which requests are looked at, and how the times of its messages form a
tree.

Pure: neither exporters nor clocks are known here. Identifiers and the header `traceparent` are those of W3C
Trace Context.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

import attrs

from rustfs_proto.wire.metrics_ops import Span

_SHARES = 1 << 16
_DIGITS = 4

_SKEW_MS = 1.0
"""Wall clocks are read in milliseconds, once by each process."""

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


def is_in_share(request_id: str, share: float) -> bool:
    """Whether the request belongs to this share of all (0 to 1): every process of every node decides the
    same, from the last digits of the id, which are drawn by chance.
    """
    if share >= 1:
        return True
    try:
        return int(request_id[-_DIGITS:], 16) < share * _SHARES
    # Work of the program's own may be called otherwise; it is of no client's request.
    except ValueError:
        return False


def chosen_id(request_id: str) -> str:
    """The id changed so that it is in every share above 0."""
    return request_id[:-_DIGITS] + "0" * _DIGITS


@attrs.frozen
class TraceParent:
    """The client's own trace: hexadecimal ids of the trace and of the span that asked; whether it is kept."""

    trace_id: str
    span_id: str
    is_sampled: bool


def parse_traceparent(text: str) -> TraceParent | None:
    """The header of that name; None where there is none that makes sense, which W3C wants passed over."""
    match = _TRACEPARENT.fullmatch(text.strip())
    if match is None or not match[1].strip("0") or not match[2].strip("0"):
        return None
    return TraceParent(match[1], match[2], bool(int(match[3], 16) & 1))


@attrs.frozen
class Hop:
    """A message of a request, and the process that answered it."""

    process: str
    span: Span


def parents_of(hops: Sequence[Hop]) -> list[int | None]:
    """For each hop the index of the one within which it was asked: of the process that asked, and under way
    when it began; the latest of several. None where that was the acceptor's part itself, or is not known.
    """
    by_process: dict[str, list[int]] = {}
    for index, hop in enumerate(hops):
        by_process.setdefault(hop.process, []).append(index)
    parents: list[int | None] = [None] * len(hops)
    for index, hop in enumerate(hops):
        around = [
            (hops[other].span.began_ms, other)
            for other in by_process.get(hop.span.peer, ())
            if _is_around(hops[other].span, hop.span) and not _is_above(parents, index, other)
        ]
        parents[index] = max(around)[1] if around else None
    return parents


def _is_around(outer: Span, inner: Span) -> bool:
    """Whether one was under way when the other began, as far as two clocks can tell."""
    since_ms = inner.began_ms - outer.began_ms
    return -_SKEW_MS <= since_ms <= outer.took_ms + _SKEW_MS


def _is_above(parents: Sequence[int | None], index: int, other: int | None) -> bool:
    """Whether `other` is `index` itself or below it: clocks that differ must not close a circle."""
    while other is not None and other != index:
        other = parents[other]
    return other is not None


def trace_id_of(request_id: str) -> str:
    """The trace of a request whose client names none: 32 hexadecimal digits."""
    return hashlib.blake2b(request_id.encode(), digest_size=16).hexdigest()


def span_id_of(request_id: str, *parts: object) -> str:
    """A span of it: 16 hexadecimal digits, the same for the same parts."""
    text = "/".join([request_id, *map(str, parts)])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def by_request(hops: Iterable[Hop]) -> dict[str, list[Hop]]:
    """Hops by the request that they belong to, in the order of their beginning."""
    found: dict[str, list[Hop]] = {}
    for hop in sorted(hops, key=lambda hop: hop.span.began_ms):
        found.setdefault(hop.span.request_id, []).append(hop)
    return found
