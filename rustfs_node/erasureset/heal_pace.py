"""How fast this worker heals: clients come first.

Bytes are spent from a budget. Beside it, whoever healed for a while rests a multiple of that while calls of
clients wait here, but never longer than `heal_yield_s` at a time: a busy set is healed slowly, and not never.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from rustfs_node.seams.clock import Clock
from rustfs_node.settings.erasureset import SetSettings

_LOOK_S = 0.005
"""How often it is looked whether calls still wait."""


class Pace:
    """The pace of all that heals in this worker. `waiting` tells how many calls wait for their answer."""

    def __init__(self, settings: SetSettings, clock: Clock, waiting: Callable[[], int]) -> None:
        self._settings, self._clock, self._waiting = settings, clock, waiting
        self._free_at_s = 0.0

    async def spend(self, size_bytes: int) -> None:
        """These bytes are read or written; return when the budget has recovered."""
        now_s = self._clock.monotonic_s()
        free_at_s = max(now_s, self._free_at_s) + size_bytes / self._settings.heal_bytes_per_s
        self._free_at_s = free_at_s
        await trio.sleep(max(0.0, free_at_s - now_s))

    async def rest(self, began_s: float) -> None:
        """After a piece of work that began then."""
        worked_s = self._clock.monotonic_s() - began_s
        rest_s = min(self._settings.heal_yield_s, worked_s * self._settings.heal_yield_factor)
        until_s = self._clock.monotonic_s() + rest_s
        while self._waiting() and self._clock.monotonic_s() < until_s:  # noqa: ASYNC110 - nobody tells
            await trio.sleep(_LOOK_S)
