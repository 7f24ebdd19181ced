"""Whether the reads that were under way at some moment have ended."""

from __future__ import annotations

import trio


class OpenReads:
    """Counts what has begun and not ended, by generations: a new one begins with each `ended`."""

    def __init__(self) -> None:
        self._now = 0
        self._open: dict[int, int] = {0: 0}
        self._changed = trio.Event()

    def begin(self) -> int:
        """One begins; its generation, for `end`."""
        self._open[self._now] += 1
        return self._now

    def end(self, generation: int) -> None:
        """One of that generation has ended."""
        self._open[generation] -= 1
        if not self._open[generation] and generation != self._now:
            del self._open[generation]
            self._changed.set()

    async def ended(self) -> None:
        """Return when all that have begun before this call have ended."""
        last, self._now = self._now, self._now + 1
        self._open[self._now] = 0
        if not self._open[last]:
            del self._open[last]
        while next(iter(self._open)) <= last:
            if self._changed.is_set():
                self._changed = trio.Event()
            await self._changed.wait()
