"""How fast this worker heals: clients come first, but never alone.

While clients call, healing rests wherever it is beyond the share that it is guaranteed
(`rustfs_proto.erasure.pacing`); one pace for all that heals here, so however much of it there is, together it
takes no more. While nobody calls it goes as fast as drives give and take, unless `heal_bytes_per_s` forbids.
"""

from __future__ import annotations

import trio

from rustfs_node.seams.clock import Clock
from rustfs_node.settings.erasureset import SetSettings
from rustfs_proto.erasure.pacing import Pacer

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
        self._pacer = Pacer(settings.heal_busy_bytes_per_s, _QUIET_S)
        self._free_at_s = 0.0

    def called(self) -> None:
        """Somebody called."""
        self._pacer.called(self._clock.monotonic_s())

    def is_alone(self) -> bool:
        """Whether nobody calls."""
        return self._pacer.is_quiet(self._clock.monotonic_s())

    async def spend(self, size_bytes: int) -> None:
        """These bytes are read or written; return when it may go on."""
        now_s = self._clock.monotonic_s()
        if self._settings.heal_bytes_per_s:
            free_at_s = max(now_s, self._free_at_s) + size_bytes / self._settings.heal_bytes_per_s
            self._free_at_s = free_at_s
            await trio.sleep(max(0.0, free_at_s - now_s))
        await self._rest(size_bytes)

    async def row_done(self) -> None:
        """A row was looked at, and healed or not, whatever bytes it had."""
        await self._rest(self._settings.heal_row_bytes)

    async def rows_compared(self, rows: int) -> None:
        """So many rows were compared, and nothing else."""
        await self._rest(rows * self._settings.heal_compare_bytes)

    async def _rest(self, size_bytes: int) -> None:
        now_s = self._clock.monotonic_s()
        until_s = self._pacer.spend(size_bytes, now_s)
        while now_s < until_s and not self._pacer.is_quiet(now_s):
            await trio.sleep(min(_LOOK_S, until_s - now_s))
            now_s = self._clock.monotonic_s()

    def strides(self) -> Strides:
        """For somebody who begins now."""
        return Strides(self)


class Strides:
    """The rests of somebody who goes over many rows, and mostly does no more than compare them."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._rows = 0

    async def row_done(self) -> bool:
        """One more row; whether there was time to rest behind it."""
        self._rows += 1
        if self._rows % _ROWS_A_REST:
            return False
        await self._pace.rows_compared(_ROWS_A_REST)
        return True
