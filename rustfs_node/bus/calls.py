"""Calls under way, and the one timer for all of their deadlines.

The wheel keeps calls in slots of `step_s`: adding and removing cost one dictionary operation each, however
many thousands are under way, and a call that was answered leaves nothing behind.
"""

from __future__ import annotations

import math

import attrs

from rustfs_node.bus.values import OnReply


@attrs.define(eq=False)
class Call:
    """A question that waits for its answer."""

    call_id: int
    peer: str
    operation: str
    reply_class: type
    on_reply: OnReply
    size_bytes: int
    deadline: float
    slot: int = 0


@attrs.define
class Wheel:
    """Calls by the time at which they are given up: up to `step_s` after their deadline."""

    step_s: float
    _slots: dict[int, dict[int, Call]] = attrs.field(factory=dict)

    def add(self, call: Call) -> float:
        """Watch the call; the answer is the moment at which it comes due."""
        call.slot = slot = math.ceil(call.deadline / self.step_s)
        calls = self._slots.get(slot)
        if calls is None:
            calls = self._slots[slot] = {}
        calls[call.call_id] = call
        return slot * self.step_s

    def remove(self, call: Call) -> None:
        """The call was answered or forgotten."""
        calls = self._slots[call.slot]
        del calls[call.call_id]
        if not calls:
            del self._slots[call.slot]

    def next_due(self) -> float:
        """The earliest moment at which a call comes due; infinity without calls."""
        return min(self._slots) * self.step_s if self._slots else math.inf

    def due(self, now: float) -> list[Call]:
        """The calls whose time is over, oldest first; they stay until removed."""
        slots = sorted(slot for slot in self._slots if slot * self.step_s <= now)
        return [call for slot in slots for call in self._slots[slot].values()]
