"""Rows of a rebuild that are under way together: the walk goes on while they are healed, so far and no
further.
"""

from __future__ import annotations

import trio


class Window:
    """At most `limit` at a time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = 0
        self._changed = trio.Event()

    async def take(self) -> None:
        """Return when there is room for one more, which is under way from then on."""
        await self._until_fewer_than(self._limit)
        self._open += 1

    def give_back(self) -> None:
        """One has ended."""
        self._open -= 1
        self._changed.set()

    async def empty(self) -> None:
        """Return when none is under way."""
        await self._until_fewer_than(1)

    async def _until_fewer_than(self, count: int) -> None:
        while self._open >= count:
            self._changed = trio.Event()
            await self._changed.wait()
