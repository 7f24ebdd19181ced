"""What the bus gives to those who use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import attrs

from rustfs_proto.wire.faults import Fault


# Not frozen: one is made for every answer, and a frozen class costs twice the time. Nobody changes it.
@attrs.define
class Reply:
    """An answer: `message` is an instance of the operation's reply class."""

    message: object
    frames: tuple[bytes, ...] = ()


class Answerer(Protocol):
    """Takes the answers to requests."""

    def answer(self, request: Request, answer: Reply | Fault) -> None:
        """Queue it; at most once per request."""
        ...


@attrs.define(eq=False)
class Request:
    """A call or notice that arrived. Answer it once, by `reply` or `fail`, from any task; for a notice both
    do nothing.

    `peer` is the sender's name; `arrived_s` and `deadline` are on this process' monotonic clock: after the
    deadline nobody waits for the answer.
    """

    message: object
    frames: tuple[bytes, ...]
    trace: str
    peer: str
    deadline: float
    answerer: Answerer = attrs.field(repr=False)
    route: bytes = attrs.field(repr=False)
    call_id: int = attrs.field(repr=False)
    is_notice: bool = False
    arrived_s: float = 0.0
    is_answered: bool = False

    def reply(self, message: object, frames: Sequence[bytes] = ()) -> None:
        """Answer with an instance of the operation's reply class. It leaves with all else of this turn."""
        self.answerer.answer(self, Reply(message, tuple(frames)))

    def fail(self, fault: Fault) -> None:
        """Answer that it failed."""
        self.answerer.answer(self, fault)


Handler = Callable[[list[Request]], None]
"""Takes everything that came in with one turn. Must not await; what it raises ends the process."""

OnReply = Callable[[Reply | Fault], None]


@attrs.frozen
class PeerStatistics:
    """A peer that this process dials. `queued_bytes` counts calls under way and notices not yet sent."""

    state: str
    calls: int
    queued_bytes: int
    incarnation: int


@attrs.frozen
class BusStatistics:
    """Counts since the start, and how things stand now. `turns` in which requests came; their mean is the
    batch size.
    """

    calls: int
    notices: int
    notices_dropped: int
    replies: int
    faults: int
    timeouts: int
    late_replies: int
    requests: int
    turns: int
    expired: int
    unanswerable: int
    malformed: int
    messages_sent: int
    messages_received: int
    clients: int
    peers: dict[str, PeerStatistics]


@attrs.define
class Counts:
    """The running counts behind `BusStatistics`, same names."""

    calls: int = 0
    notices: int = 0
    notices_dropped: int = 0
    replies: int = 0
    faults: int = 0
    timeouts: int = 0
    late_replies: int = 0
    requests: int = 0
    turns: int = 0
    expired: int = 0
    unanswerable: int = 0
    malformed: int = 0
    messages_sent: int = 0
    messages_received: int = 0
