"""How fast this worker heals: clients come first.

Bytes are spent from a budget. Beside it, whoever healed for a while rests a multiple of that, as long as
clients call: so it takes its share of processors and drives and no more, whether calls wait for it or not. A
rest is never longer than `heal_yield_s`: a busy set is healed slowly, and not never. While nobody calls there
are no rests.
"""

from __future__ import annotations

import trio

from rustfs_node.seams.clock import Clock
from rustfs_node.settings.erasureset import SetSettings

_LOOK_S = 0.05
"""How often it is looked whether clients still call."""

_ROWS_A_REST = 256
"""Rows that are only compared, between two rests."""

_QUIET_S = 1.0
"""Nobody calls any more when the last call came so long ago."""


class Pace:
    """The pace of all that heals in this worker."""

    def __init__(self, settings: SetSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._free_at_s = 0.0
        self._called_s = -_QUIET_S

    def called(self) -> None:
        """Somebody called."""
        self._called_s = self._clock.monotonic_s()

    async def spend(self, size_bytes: int) -> None:
        """These bytes are read or written; return when the budget has recovered."""
        now_s = self._clock.monotonic_s()
        free_at_s = max(now_s, self._free_at_s) + size_bytes / self._settings.heal_bytes_per_s
        self._free_at_s = free_at_s
        await trio.sleep(max(0.0, free_at_s - now_s))

    async def rest(self, began_s: float) -> None:
        """After a piece of work that began then."""
        now_s = self._clock.monotonic_s()
        rest_s = (now_s - began_s) * self._settings.heal_yield_factor
        until_s = now_s + min(self._settings.heal_yield_s, rest_s)
        while now_s < min(until_s, self._called_s + _QUIET_S):
            await trio.sleep(min(_LOOK_S, until_s - now_s))
            now_s = self._clock.monotonic_s()

    def strides(self) -> Strides:
        """For somebody who begins now."""
        return Strides(self, self._clock)


class Strides:
    """The rests of somebody who goes over many rows, and mostly does no more than compare them."""

    def __init__(self, pace: Pace, clock: Clock) -> None:
        self._pace, self._clock = pace, clock
        self._began_s, self._rows = clock.monotonic_s(), 0

    async def row_done(self) -> bool:
        """One more row; whether there was a rest behind it."""
        self._rows += 1
        if self._rows % _ROWS_A_REST:
            return False
        await self._pace.rest(self._began_s)
        self._began_s = self._clock.monotonic_s()
        return True
