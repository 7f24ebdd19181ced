"""Which connections have stood still for too long.

One task looks over all of them now and then, which costs a request nothing; a cancel scope with a deadline of
its own for each step of each request would cost it a tenth of its time. What stands still is decided by
`moved_bytes` of the transport, which a connection need not report.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import Protocol

import attrs
import trio

from rustfs_node.seams.clock import Clock
from rustfs_node.settings.acceptor import AcceptorSettings


class Phase(Enum):
    """What a connection waits for."""

    IDLE = auto()  # the first byte of the next request
    HEAD = auto()  # the rest of its head (and before the first: the TLS handshake)
    WORK = auto()  # the handler
    BODY = auto()  # bytes of the body
    SEND = auto()  # the client's willingness to take bytes


class Watched(Protocol):
    """A connection as the watcher sees it."""

    @property
    def phase(self) -> Phase:
        """What it waits for now."""
        ...

    @property
    def turn(self) -> int:
        """The number of its present request."""
        ...

    @property
    def moved_bytes(self) -> int:
        """Rises with every byte in either direction."""
        ...

    def expire(self, phase: Phase) -> None:
        """It stood still in `phase` for too long."""
        ...


@attrs.define
class _Look:
    step: tuple[Phase, int]
    moved_bytes: int
    since_s: float


class Watcher:
    """Looks over the connections; create one per acceptor."""

    def __init__(self, settings: AcceptorSettings, clock: Clock) -> None:
        self._clock = clock
        self._interval_s = settings.watch_interval_s
        self._limits_s = {
            Phase.IDLE: settings.idle_timeout_s,
            Phase.HEAD: settings.head_timeout_s,
            Phase.BODY: settings.body_gap_max_s,
            Phase.SEND: settings.send_gap_max_s,
        }
        self._looks: dict[Watched, _Look] = {}

    async def run(self, connections: Iterable[Watched]) -> None:
        """For ever; `connections` is looked through afresh each time."""
        while True:
            await trio.sleep(self._interval_s)
            self.look(list(connections))

    def look(self, connections: list[Watched]) -> None:
        """Expire those that are overdue now."""
        now_s = self._clock.monotonic_s()
        seen: dict[Watched, _Look] = {}
        for connection in connections:
            seen[connection] = self._look_at(connection, now_s)
        self._looks = seen

    def _look_at(self, connection: Watched, now_s: float) -> _Look:
        step, moved_bytes = (connection.phase, connection.turn), connection.moved_bytes
        before = self._looks.get(connection)
        if before is None or before.step != step or _progresses(connection, before):
            return _Look(step, moved_bytes, now_s)
        limit_s = self._limits_s.get(connection.phase)
        if limit_s is not None and now_s - before.since_s > limit_s:
            connection.expire(connection.phase)
        return before


def _progresses(connection: Watched, before: _Look) -> bool:
    """A head that arrives byte by byte does not count: it is the whole head that has to come in time."""
    return connection.phase is not Phase.HEAD and connection.moved_bytes != before.moved_bytes
