"""The asking side: calls and notices to the peers that this process dials.

Every call ends exactly once: by its answer, its deadline, the loss of its peer, or `forget`. Callbacks are
never run from within `ask`, so a caller's state is settled before its answer comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import structlog

from rustfs_node.bus.batch import Item, Outboxes, message_item, too_large
from rustfs_node.bus.calls import Call
from rustfs_node.bus.liveness import Peer, PeerState
from rustfs_node.bus.peers import Peers
from rustfs_node.bus.values import OnReply, Reply
from rustfs_proto.wire.envelope import (
    BYE,
    CALL,
    FAULT,
    HELLO,
    LEAVING,
    NOTICE,
    REPLY,
    UNREADABLE,
    Envelope,
    Header,
    decode_fault,
    payload_of,
)
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.registry import OPERATIONS, decoder_of

log = structlog.get_logger()

_ANSWERS = frozenset({REPLY, FAULT})
_LAST_ROUNDS = 20
_UNREACHABLE = frozenset({PeerState.DOWN, PeerState.REFUSED})


@attrs.define(eq=False)
class Asking:
    """Calls and notices out, answers in. `look_again_at` tells the timer when a call comes due."""

    outboxes: Outboxes
    peers: Peers
    look_again_at: Callable[[float], None]
    is_closed: bool = False
    _last_id: int = 0
    _failed: dict[int, tuple[OnReply, Fault]] = attrs.field(factory=dict)

    def ask(
        self,
        peer_name: str,
        request: object,
        frames: Sequence[bytes],
        deadline_s: float,
        on_reply: OnReply,
        trace: str,
    ) -> int:
        """Queue a call; the answer is its id."""
        self._last_id = call_id = self._last_id + 1
        operation = type(request)
        reply_class = OPERATIONS[operation]
        assert reply_class is not None, f"{operation.__name__} is a notice: use notify"
        item = message_item(CALL, call_id, request, frames, self.outboxes.settings.inline_bytes, trace)
        item.deadline = deadline = self.outboxes.clock.monotonic_s() + deadline_s
        peer = self.peers.by_name.get(peer_name)
        if peer is None:
            self._fail(call_id, on_reply, self._stranger(peer_name))
        elif (fault := self._refusal(peer, item)) is not None:
            self._fail(call_id, on_reply, fault)
        elif deadline_s <= 0:
            late = Fault(FaultCode.EXPIRED, f"asked {-deadline_s:.3f} s after the deadline")
            self._fail(call_id, on_reply, late)
        else:
            name = operation.__name__
            call = Call(call_id, peer_name, name, reply_class, on_reply, item.size_bytes, deadline)
            self._begin(peer, call, item)
        return call_id

    def notify(self, peer_name: str, notice: object, frames: Sequence[bytes], trace: str) -> None:
        """Queue a notice, or drop it where the peer is not there or its queue is full."""
        assert OPERATIONS[type(notice)] is None, f"{type(notice).__name__} wants an answer: use ask or call"
        item = message_item(NOTICE, 0, notice, frames, self.outboxes.settings.inline_bytes, trace)
        peer = self.peers.by_name.get(peer_name)
        if peer is None or self._refusal(peer, item) is not None:
            self.outboxes.counts.notices_dropped += 1
            return
        peer.outbox.notice_bytes += item.size_bytes
        self.outboxes.counts.notices += 1
        self.outboxes.put(peer.outbox, item)

    def forget(self, call_id: int) -> None:
        """Nobody waits for that call any more; it may be carried out all the same."""
        self._failed.pop(call_id, None)
        for peer in self.peers.by_name.values():
            self.peers.forget(peer, call_id)

    def deliver_failed(self) -> bool:
        """Tell those whose calls failed without being sent. Called once per turn; true where callbacks asked
        again and failed again: they are told in the next turn, so that a stubborn one cannot hold up this
        one.
        """
        for call_id in [*self._failed]:
            # A callback before this one may have forgotten it.
            if call_id in self._failed:
                on_reply, fault = self._failed.pop(call_id)
                on_reply(fault)
        return bool(self._failed)

    def take(self, peer_name: str, header: Header, frames: list[bytes]) -> None:
        """A message came from a dialled peer."""
        peer = self.peers.by_name[peer_name]
        self.peers.heard(peer, header.incarnation)
        peer.outbox.answered(self.outboxes.clock.monotonic_s())
        position = 1
        for envelope in header.envelopes:
            payload, position = payload_of(envelope, frames, position)
            kind = envelope.kind
            if kind in _ANSWERS:
                call = peer.calls.get(envelope.id)
                if call is None:
                    self.outboxes.counts.late_replies += 1
                else:
                    self.peers.end(peer, envelope.id, _answer(call, envelope, payload))
            elif kind == HELLO:
                self.peers.hello(peer, header)
            elif kind == LEAVING:
                self.peers.leave(peer)
            elif kind == BYE:
                self.peers.lose(peer, "it is stopping")
            # PONG, or a kind that a later release adds: that it came says enough.

    def close(self) -> None:
        """Every call under way fails, and those that are asked because of it."""
        self.is_closed = True
        self.peers.close()
        # Some callbacks ask somebody else next, and are to learn that it is over; some never give up.
        for _ in range(_LAST_ROUNDS):
            if not self.deliver_failed():
                break

    def _begin(self, peer: Peer, call: Call, item: Item) -> None:
        peer.calls[call.call_id] = call
        peer.queued_bytes += item.size_bytes
        self.outboxes.counts.calls += 1
        self.outboxes.put(peer.outbox, item)
        self.look_again_at(self.peers.wheel.add(call))

    def _refusal(self, peer: Peer, item: Item) -> Fault | None:
        """Why nothing can be sent to that peer now."""
        settings = self.outboxes.settings
        if self.is_closed:
            return Fault(FaultCode.PEER_DOWN, "this process is stopping")
        if peer.state in _UNREACHABLE:
            return Fault(FaultCode.PEER_DOWN, f"{peer.name}: {peer.reason}", is_unsent=True)
        # Only what is large, or has frames of its own, can be too large.
        if (item.frames or item.size_bytes > settings.frame_bytes_max) and (
            problem := too_large(item, settings)
        ) is not None:
            return Fault(FaultCode.INVALID, problem)
        if len(peer.calls) >= settings.calls_max:
            return Fault(FaultCode.OVERLOADED, f"{peer.name}: {len(peer.calls)} calls are under way")
        if peer.under_way_bytes + item.size_bytes > settings.queued_bytes_max:
            return Fault(FaultCode.OVERLOADED, f"{peer.name}: {peer.under_way_bytes} bytes are under way")
        return None

    def _stranger(self, name: str) -> Fault:
        known = ", ".join(sorted(self.peers.by_name)) or "nobody"
        return Fault(FaultCode.PEER_DOWN, f"{name!r} is not a peer of this process, which knows {known}")

    def _fail(self, call_id: int, on_reply: OnReply, fault: Fault) -> None:
        self.outboxes.counts.faults += 1
        self._failed[call_id] = on_reply, fault
        self.outboxes.wake()


def _answer(call: Call, envelope: Envelope, payload: tuple[bytes, ...]) -> Reply | Fault:
    if envelope.kind == FAULT:
        return decode_fault(envelope.body)
    try:
        return Reply(decoder_of(call.reply_class).decode(envelope.body), payload)
    except UNREADABLE as error:
        log.warning("reply_malformed", peer=call.peer, operation=call.operation, error=str(error))
        text = f"the answer of {call.peer} to {call.operation} is garbled: {error}"
        return Fault(FaultCode.INTERNAL, text)
