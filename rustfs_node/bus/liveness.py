"""How a dialled peer is believed to be, from what was heard of it. Decides only; `peers` acts on the
decisions.

    STARTING   never was up; calls wait for it until the grace time is over
    UP         its HELLO came over the present connection
    DOWN       the connection is lost, or it fell silent: calls fail at once
    REFUSED    it speaks an incompatible version of the protocol: calls fail at once and say so
"""

from __future__ import annotations

from enum import Enum

import attrs

from rustfs_node.bus.batch import Outbox
from rustfs_node.bus.calls import Call
from rustfs_proto.wire.envelope import CALL


class PeerState(Enum):
    """See the module."""

    STARTING = "starting"
    UP = "up"
    DOWN = "down"
    REFUSED = "refused"


class Beat(Enum):
    """What a heartbeat asks for."""

    NOTHING = 0
    HELLO = 1  # connected, but it has not said who it is
    PING = 2  # silent since the last beat
    LOST = 3  # silent for too long


@attrs.frozen
class Rhythm:
    """How often a peer is asked for a sign of life, and how long its silence is borne."""

    heartbeat_s: float
    silence_s: float


@attrs.define(eq=False)
class Peer:
    """A process that this one dials, with all that is under way to it. `reason`: why it is not up; `told` are
    those that the log has seen since it last was. `is_leaving`: it is up, and asks to be spared new work.
    """

    name: str
    outbox: Outbox
    rhythm: Rhythm
    state: PeerState = PeerState.STARTING
    is_connected: bool = False
    incarnation: int = 0
    reason: str = ""
    told: set[str] = attrs.field(factory=set)
    next_beat: float = 0.0
    was_heard: bool = False
    is_leaving: bool = False
    silent_beats: int = 0
    queued_bytes: int = 0
    calls: dict[int, Call] = attrs.field(factory=dict)

    @property
    def under_way_bytes(self) -> int:
        """Bytes of calls that were not answered and of notices that were not sent."""
        return self.queued_bytes + self.outbox.notice_bytes

    def is_news(self, reason: str) -> bool:
        """Whether this is the first time since it was up: of attempts that fail in turns for two reasons each
        is told once.
        """
        if reason in self.told:
            return False
        self.told.add(reason)
        return True

    def beat(self, silence_beats: int) -> Beat:
        """Call once per heartbeat. Beats are counted, not seconds: a process that was itself stopped for a
        while, and has not yet read what came meanwhile, must not take its peers for dead.
        """
        if not self.is_connected or self.state is PeerState.REFUSED:
            return Beat.NOTHING
        self.silent_beats = 0 if self.was_heard else self.silent_beats + 1
        self.was_heard = False
        if self.silent_beats >= silence_beats:
            self.silent_beats = 0
            return Beat.LOST
        if self.state is not PeerState.UP:
            return Beat.HELLO
        return Beat.PING if self.silent_beats else Beat.NOTHING

    def unsent(self) -> frozenset[int]:
        """Ids of the calls that wait in the outbox."""
        return frozenset(item.envelope.id for item in self.outbox.items if item.envelope.kind == CALL)


def silence_beats(silence_s: float, heartbeat_s: float) -> int:
    """How many silent heartbeats make a peer lost: at least two, so that one delayed timer never does."""
    return max(2, round(silence_s / heartbeat_s))
