"""How long a message was on its way, without clocks that agree.

Sender and receiver each have a monotonic clock; the difference between the two at the least delayed message
of late is taken for the difference of the clocks, and what a message took beyond that is its delay. The least
is looked for in the present window and the one before, as clocks drift apart by some milliseconds per minute.
"""

from __future__ import annotations

import attrs

WINDOW_MS = 5_000
"""After a machine was suspended its clock lags, and what it sends seems late until the windows have passed:
so they are short. A queue that stays longer than two windows is not seen any more, and costs only a late
answer.
"""


@attrs.define
class DelayGauge:
    """For one connection."""

    _before: float = float("inf")
    _present: float = float("inf")
    _window_ends_ms: int = 0

    def delay_ms(self, sent_ms: int, now_ms: int) -> int:
        """Milliseconds that a message which was sent at `sent_ms` by its sender's clock has waited."""
        difference = now_ms - sent_ms
        if now_ms >= self._window_ends_ms:
            is_next = now_ms < self._window_ends_ms + WINDOW_MS
            self._before = self._present if is_next else difference
            self._present = difference
            self._window_ends_ms = now_ms + WINDOW_MS
        self._present = min(self._present, difference)
        return int(difference - min(self._before, self._present))
