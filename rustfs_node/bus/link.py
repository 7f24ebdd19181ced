"""The seam below the bus: who carries messages. A link knows connections and frames, never what is in them.

There are two: ZeroMQ sockets (`zmq_link`) and memory (`memory_link`). One conformance suite runs on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Protocol

Route = str | bytes
"""Where a message goes: the name of a peer that this process dials, or the link's own token of one that
dialled it.
"""


class Sent(Enum):
    """What became of a message handed to a link."""

    SENT = 1
    BLOCKED = 2  # the queue is full, nothing was taken: try again at the next turn
    GONE = 3  # that client is not connected any more


class Arrival(NamedTuple):
    """A whole message. Its route is a peer's name where it answers us, a token where it asks us."""

    route: Route
    frames: list[bytes]


class LinkEvent(NamedTuple):
    """The connection to a dialled peer was made, or is not there: lost, or it could not be made. `reason` is
    for the operator. Dialling again is the link's own business.
    """

    peer: str
    connected: bool
    reason: str = "the connection is lost"


class Link(Protocol):
    """Carries messages whole and, for one route, in order, or not at all. Never raises for what the network
    does.
    """

    def open(self) -> None:
        """Listen and dial. Raises `OSError` with a sentence for the operator where that cannot be."""
        ...

    def send(self, route: Route, frames: Sequence[bytes]) -> Sent:
        """Hand over one message."""
        ...

    def receive(self, limit: int) -> tuple[list[Arrival], list[LinkEvent]]:
        """What has come in: about `limit` messages, and every event."""
        ...

    def pending(self) -> bool:
        """Whether something can be received now. Must be asked before `wait`, or what is there may be
        overslept.
        """
        ...

    def reset(self, peer: str) -> None:
        """Give the connection to a dialled peer up and dial anew."""
        ...

    async def attend(self) -> None:
        """The link's own business beside carrying, for as long as the bus runs or as there is any."""
        ...

    async def wait(self) -> None:
        """Until there may be something to receive."""
        ...

    def close(self) -> None:
        """Send what was handed over, within the linger time, and disconnect."""
        ...
