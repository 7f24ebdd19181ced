"""Gives reads a nudge when they take long: each then asks one more drive.

One task watches all open reads. The delay is the same for all that begin together, so they come due in the
order they began and a queue is enough: a read that ended in time costs one look.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import trio

from rustfs_node.erasureset.peers import Drives
from rustfs_node.seams.clock import Clock


class Hedged(Protocol):
    """A read that can ask one more drive."""

    @property
    def is_done(self) -> bool:
        """It has its answer."""
        ...

    def hedge(self) -> bool:
        """Ask one more drive; False when there is none left."""
        ...


class Hedger:
    """Watches open reads."""

    def __init__(self, drives: Drives, clock: Clock) -> None:
        self._drives = drives
        self._clock = clock
        self._reads: deque[tuple[float, Hedged]] = deque()
        self._has_reads = trio.Event()

    def watch(self, read: Hedged) -> None:
        """Nudge that read when it takes long."""
        self._reads.append((self._clock.monotonic_s() + self._drives.hedge_delay_s(), read))
        if len(self._reads) == 1:
            self._has_reads.set()

    async def run(self) -> None:
        """Nudge whatever is due, in turns of half a delay so that a busy set does not wake for every read."""
        while True:
            await self._has_reads.wait()
            await trio.sleep(self._drives.hedge_delay_s() / 2)
            self._nudge(self._clock.monotonic_s())
            if not self._reads:
                self._has_reads = trio.Event()

    def _nudge(self, now_s: float) -> None:
        reads = self._reads
        while reads and (reads[0][0] <= now_s or reads[0][1].is_done):
            read = reads.popleft()[1]
            if not read.is_done and read.hedge():
                reads.append((now_s + self._drives.hedge_delay_s(), read))
