"""How fast slots are moved: so many bytes in a second, and half of the time while clients are served.

What was moved is counted here as well, because that is what is told of the pace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio

from rustfs_node.seams.clock import Clock


class Pace:
    """`is_busy` says whether clients are served just now."""

    def __init__(self, clock: Clock, bytes_per_s: int, is_busy: Callable[[], bool]) -> None:
        self._clock = clock
        self._bytes_per_s = bytes_per_s
        self._is_busy = is_busy
        self._free_at_s = clock.monotonic_s()
        self._hurries = False
        self.objects = 0
        self.size_bytes = 0

    @contextmanager
    def hurrying(self) -> Iterator[None]:
        """Somebody waits for what is moved now: no pauses."""
        self._hurries = True
        try:
            yield
        finally:
            self._hurries = False

    async def after(self, size_bytes: int, took_s: float) -> None:
        """A version of that size was moved; wait until the next one may be."""
        self.objects += 1
        self.size_bytes += size_bytes
        now_s = self._clock.monotonic_s()
        self._free_at_s = max(self._free_at_s, now_s - 1.0) + size_bytes / self._bytes_per_s
        pause_s = max(self._free_at_s - now_s, took_s if self._is_busy() else 0.0)
        if pause_s > 0 and not self._hurries:
            await trio.sleep(pause_s)
