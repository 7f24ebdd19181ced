"""How long streamed writes may still wait for each drive that is behind the others.

Leaving a drive out of a write costs a heal of the object, so a stall of a moment is waited for. But a drive
that is slow for good would have every write wait. So each drive has credit, spent by the time that writes
wait for it and earned back slowly: what it costs all clients together is a small share of the time.
"""

from __future__ import annotations

from collections.abc import Iterable

from rustfs_node.seams.clock import Clock


class Patience:
    """Credit in seconds by slot: at most `credit_s`, of which `share` of each second comes back."""

    def __init__(self, slots: int, credit_s: float, share: float, clock: Clock) -> None:
        self._credit_s, self._share, self._clock = credit_s, share, clock
        # When its credit will be whole again, if nobody spends any of it.
        self._whole_at_s = [0.0] * slots

    def left_s(self, slots: Iterable[int]) -> float:
        """How long a write may wait that waits for these drives."""
        now_s = self._clock.monotonic_s()
        return max((self._left_s(slot, now_s) for slot in slots), default=0.0)

    def spend(self, slots: Iterable[int], waited_s: float) -> None:
        """A write has waited so long for these drives."""
        now_s = self._clock.monotonic_s()
        for slot in slots:
            left_s = max(0.0, self._left_s(slot, now_s) - waited_s)
            self._whole_at_s[slot] = now_s + (self._credit_s - left_s) / self._share

    def _left_s(self, slot: int, now_s: float) -> float:
        missing_s = max(0.0, self._whole_at_s[slot] - now_s) * self._share
        return max(0.0, self._credit_s - missing_s)
