"""The peers that this process dials: their life and death, and what it means for the calls to them.

A call under way is in its peer's table and on the wheel. `end` takes it off both and runs its callback, which
may ask again, forget other calls, or find its peer in another state: nothing here relies on a table across a
callback.
"""

from __future__ import annotations

import math

import attrs
import structlog

from rustfs_node.bus.batch import Outboxes
from rustfs_node.bus.calls import Call, Wheel
from rustfs_node.bus.liveness import Beat, Peer, PeerState, silence_beats
from rustfs_node.bus.values import PeerStatistics, Reply
from rustfs_proto.wire.envelope import HELLO, PING, Header, OtherMajor
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger()


@attrs.define(eq=False)
class Peers:
    """All of them, by name."""

    outboxes: Outboxes
    wheel: Wheel
    by_name: dict[str, Peer]

    def end(self, peer: Peer, call_id: int, answer: Reply | Fault) -> bool:
        """The call has come to its end; false where it had before."""
        call = self.forget(peer, call_id)
        if call is None:
            return False
        if type(answer) is Reply:
            self.outboxes.counts.replies += 1
        else:
            self.outboxes.counts.faults += 1
        call.on_reply(answer)
        return True

    def forget(self, peer: Peer, call_id: int) -> Call | None:
        """Take a call off the books, if it is on them."""
        call = peer.calls.pop(call_id, None)
        if call is not None:
            self.wheel.remove(call)
            peer.queued_bytes -= call.size_bytes
        return call

    def expire(self, now: float) -> None:
        """Give up every call whose deadline has passed."""
        for call in self.wheel.due(now):
            peer = self.by_name[call.peer]
            why = f": {peer.reason}" if peer.reason else ""
            fault = Fault(FaultCode.TIMEOUT, f"{call.peer} did not answer {call.operation} in time{why}")
            if self.end(peer, call.call_id, fault):
                self.outboxes.counts.timeouts += 1

    def connection(self, name: str, connected: bool, reason: str) -> None:
        """The link made the connection, or lost it or could not make it, for that reason."""
        peer = self.by_name[name]
        peer.is_connected = connected
        peer.silent_beats = 0
        if connected:
            self.outboxes.send_now(peer.outbox, HELLO)
        elif peer.state is not PeerState.STARTING:
            self.lose(peer, reason)
        else:
            peer.reason = reason
            # Only news while all are starting; what is wrong for longer is told when calls fail by it.
            if peer.is_news(reason):
                log.info("peer_not_up_yet", peer=name, reason=reason)

    def hello(self, peer: Peer, header: Header) -> None:
        """It said who it is."""
        if not peer.is_connected or peer.state is PeerState.UP:
            return
        if header.sender != peer.name:
            self.lose(peer, f"{header.sender} answers at its endpoint")
            return
        log.info("peer_up", peer=peer.name, incarnation=header.incarnation)
        peer.state, peer.incarnation, peer.reason = PeerState.UP, header.incarnation, ""
        peer.is_leaving = False
        peer.told.clear()
        self.outboxes.open(peer.outbox, header.incarnation)

    def heard(self, peer: Peer, incarnation: int) -> None:
        """Any message of it is a sign of life, and tells which life."""
        peer.was_heard = True
        if incarnation == peer.incarnation or peer.state is not PeerState.UP:
            return
        # Started again before its loss was noticed: what it was asked before died with its former life.
        log.info("peer_restarted", peer=peer.name, incarnation=incarnation)
        peer.incarnation = peer.outbox.target = incarnation
        peer.is_leaving = False
        fault = Fault(FaultCode.PEER_DOWN, f"{peer.name} was restarted")
        self._fail_calls(peer, fault, spare=peer.unsent())

    def leave(self, peer: Peer) -> None:
        """It is going to stop: calls still reach it, and whoever has the choice does without it."""
        if not peer.is_leaving:
            log.info("peer_leaving", peer=peer.name)
            peer.is_leaving = True

    def lose(self, peer: Peer, reason: str, state: PeerState = PeerState.DOWN) -> None:
        """From now on, until it says HELLO again, calls to it fail; those under way fail now."""
        if peer.is_news(reason):
            log.warning("peer_down", peer=peer.name, reason=reason)
        peer.state, peer.reason = state, reason
        self.outboxes.shut(peer.outbox)
        self._fail_calls(peer, Fault(FaultCode.PEER_DOWN, f"{peer.name}: {reason}"))

    def refuse(self, name: str, error: OtherMajor) -> None:
        """It speaks another major version. It may be replaced by one that does not, so keep listening."""
        self.lose(self.by_name[name], f"it speaks {error}", PeerState.REFUSED)

    def end_grace(self) -> None:
        """From now on a peer that never was up is down."""
        for peer in self.by_name.values():
            if peer.state is PeerState.STARTING:
                why = f": {peer.reason}" if peer.reason else ""
                self.lose(peer, f"it has not been up since this process started{why}")

    def begin_beats(self, now: float) -> float:
        """The bus begins to run; the answer is when the first heartbeat is due."""
        for peer in self.by_name.values():
            peer.next_beat = now + peer.rhythm.heartbeat_s
        return self._next_beat()

    def beat(self, now: float) -> float:
        """The heartbeats that are due; the answer is when the next one is."""
        for peer in self.by_name.values():
            if now < peer.next_beat:
                continue
            rhythm = peer.rhythm
            peer.next_beat = now + rhythm.heartbeat_s
            match peer.beat(silence_beats(rhythm.silence_s, rhythm.heartbeat_s)):
                case Beat.HELLO:
                    self.outboxes.send_now(peer.outbox, HELLO)
                case Beat.PING:
                    self.outboxes.send_now(peer.outbox, PING)
                case Beat.LOST:
                    self._give_up_connection(peer)
                case Beat.NOTHING:
                    pass
        return self._next_beat()

    def close(self) -> None:
        """Every call under way fails."""
        for peer in self.by_name.values():
            self._fail_calls(peer, Fault(FaultCode.PEER_DOWN, "this process is stopping"))

    def statistics(self) -> dict[str, PeerStatistics]:
        """One entry for each peer."""
        return {
            name: PeerStatistics(peer.state.value, len(peer.calls), peer.under_way_bytes, peer.incarnation)
            for name, peer in self.by_name.items()
        }

    def _next_beat(self) -> float:
        return min((peer.next_beat for peer in self.by_name.values()), default=math.inf)

    def _give_up_connection(self, peer: Peer) -> None:
        peer.is_connected = False
        if peer.state is not PeerState.STARTING:
            self.lose(peer, f"it was silent for {peer.rhythm.silence_s} s")
        self.outboxes.link.reset(peer.name)

    def _fail_calls(self, peer: Peer, fault: Fault, spare: frozenset[int] = frozenset()) -> None:
        for call_id in [call_id for call_id in peer.calls if call_id not in spare]:
            self.end(peer, call_id, fault)
