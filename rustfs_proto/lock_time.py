"""The time that decides about retentions: it runs by itself, and no clock on the wall can turn it.

A wall clock may be set to anything by whoever runs the machine; were it believed, setting it forward would
end every retention. This clock instead counts what passes while its process runs, by a clock that nobody can
set, and begins where it stood when it was last written down. So it is never fast, but behind by whatever time
nobody counted: the node was off. That it makes good slowly: while the wall clock is ahead, it runs faster by
a small, fixed share. How early a retention can end by a wall clock that is wrong is bounded by that share
of the time for which it is wrong.

It never goes back, and a wall clock that is behind does not slow it down. Its first value is the wall's: then
there is nothing yet that could be protected from it. All of this is computed; nothing is read or kept here.
"""

from __future__ import annotations

import attrs

DAY_S = 86_400.0


@attrs.define
class LockTime:
    """The time, as of the last look. `catch_up_s_per_day` is that share: seconds gained on a wall clock that
    is ahead, for each day that passes.
    """

    catch_up_s_per_day: float
    _begun_ms: int
    # Apart from the time at which it began: a sum of many short steps would lose in the digits of 2026.
    _since_ms: float
    _looked_s: float

    @classmethod
    def begun(cls, now_ms: int, monotonic_s: float, catch_up_s_per_day: float) -> LockTime:
        """It is `now_ms` when the monotonic clock shows `monotonic_s`."""
        return cls(catch_up_s_per_day, now_ms, 0.0, monotonic_s)

    def look(self, monotonic_s: float, wall_ms: int) -> int:
        """Milliseconds since 1970, in whole ones; never less than at the look before."""
        passed_ms = max(0.0, (monotonic_s - self._looked_s) * 1000)
        self._looked_s = max(self._looked_s, monotonic_s)
        self._since_ms += passed_ms
        behind_ms = max(0.0, wall_ms - self._begun_ms - self._since_ms)
        self._since_ms += min(behind_ms, passed_ms * self.catch_up_s_per_day / DAY_S)
        return self._begun_ms + int(self._since_ms)

    def raise_to(self, now_ms: int) -> None:
        """Another clock of the same set, no faster than this one, has come further."""
        self._since_ms = max(self._since_ms, float(now_ms - self._begun_ms))


def period_begin_ms(now_ms: int, wall_ms: int) -> int:
    """From when a retention of so many days is counted: the later of the two clocks. A wall clock that is
    set back must not shorten it, nor this clock being behind after a time without power.
    """
    return max(now_ms, wall_ms)
