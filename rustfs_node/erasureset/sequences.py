"""The sequences of this worker: those under way, and the last ones that have ended.

A few at a time go on, the others wait for their turn. Nothing of them outlives the worker.
"""

from __future__ import annotations

import attrs
import trio

from rustfs_node.bus import Request
from rustfs_node.erasureset.sequence import Sequence
from rustfs_node.erasureset.state import SetState
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.sequence_ops import (
    FINISHED,
    SequenceStart,
    SequencesTell,
    SequencesTold,
    SequenceStop,
)


@attrs.define(eq=False)
class Sequences:
    """By id, the oldest first."""

    at_once: int
    known: dict[str, Sequence] = attrs.field(factory=dict)
    _turn: trio.Semaphore = attrs.field(init=False)

    @_turn.default
    def _a_turn(self) -> trio.Semaphore:
        return trio.Semaphore(self.at_once)

    @property
    def last_census(self) -> Sequence | None:
        """The one that last went over everything, to its end."""
        whole = [one for one in self.known.values() if one.is_of_all and one.state == FINISHED]
        return max(whole, key=lambda one: one.ended_ms, default=None)

    def begin(self, state: SetState, order: SequenceStart) -> Sequence:
        """Begin one; raises `Fault` where there are too many, or it has begun already."""
        if order.id in self.known:
            raise Fault(FaultCode.CONFLICT, f"sequence {order.id} has begun already")
        if len(self.known) >= state.settings.heal_sequences_max:
            census = self.last_census
            ended = (one for one in self.known.values() if one.has_ended and one is not census)
            oldest = min(ended, key=lambda one: one.ended_ms, default=None)
            if oldest is None:
                text = f"{len(self.known)} sequences are under way: stop one, or wait until one has ended"
                raise Fault(FaultCode.OVERLOADED, text)
            del self.known[oldest.order.id]
        sequence = self.known[order.id] = Sequence(state, order)
        state.nursery.start_soon(sequence.run, self._turn)
        return sequence

    def of_id(self, name: str) -> Sequence:
        """The one of that id; raises `Fault` NOT_FOUND."""
        if name not in self.known:
            text = f"this worker knows no sequence {name}: it was started since, or the sequence is long over"
            raise Fault(FaultCode.NOT_FOUND, text)
        return self.known[name]


def start(state: SetState, request: Request) -> None:
    """Answer a `SequenceStart`."""
    message = request.message
    assert isinstance(message, SequenceStart)
    try:
        sequence = state.sequences.begin(state, message)
    except Fault as fault:
        request.fail(fault)
    else:
        request.reply(SequencesTold((sequence.view(),)))


def stop(state: SetState, request: Request) -> None:
    """Answer a `SequenceStop`."""
    message = request.message
    assert isinstance(message, SequenceStop)
    try:
        sequence = state.sequences.of_id(message.id)
    except Fault as fault:
        request.fail(fault)
    else:
        sequence.stop()
        request.reply(SequencesTold((sequence.view(),)))


def tell(state: SetState, request: Request) -> None:
    """Answer a `SequencesTell`; of an id that is not known here nothing is told."""
    message = request.message
    assert isinstance(message, SequencesTell)
    known = state.sequences.known
    wanted = [one for name, one in known.items() if message.id in ("", name)]
    items = tuple(item for one in wanted for item in one.tally.take_items(message.items))
    request.reply(SequencesTold(tuple(one.view() for one in wanted), items))
