"""How much background work takes while clients call.

It is guaranteed so many bytes per second, however busy they are: with less it might never end. What is beyond
that it takes only when nobody has called for a moment. Rows and files count as bytes too, each as what a
drive or a processor could have done in the time that it costs. Callers bring the time.
"""

from __future__ import annotations

import math

import attrs

_BURST_S = 0.1
"""So much of the guarantee may be taken late: a pause of somebody else's making costs nothing."""


@attrs.define
class Pacer:
    """`bytes_per_s` are guaranteed. Nobody calls any more when the last call came `quiet_s` ago."""

    bytes_per_s: float
    quiet_s: float
    _called_s: float = -math.inf
    _paid_s: float = -math.inf

    def called(self, now_s: float) -> None:
        """A client called."""
        if self.is_quiet(now_s):
            self._paid_s = now_s
        self._called_s = now_s

    def spend(self, size_bytes: float, now_s: float) -> float:
        """So much was taken: until when whoever took it rests while clients call, which is no longer than the
        guarantee takes to cover it. What is taken while nobody calls is not held against it later.
        """
        if self.is_quiet(now_s):
            return now_s
        self._paid_s = max(self._paid_s, now_s - _BURST_S) + size_bytes / self.bytes_per_s
        return self._paid_s

    def is_quiet(self, now_s: float) -> bool:
        """Whether nobody calls."""
        return now_s >= self._called_s + self.quiet_s
