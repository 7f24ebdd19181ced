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

    def hedge(self) -> bool:
        """Ask one more drive; False when there is none left."""
        ...


Watch = list[Hedged]
"""What a read keeps of being watched: cleared when it is done, so that its bytes are free by then."""


class Hedger:
    """Watches open reads."""

    def __init__(self, drives: Drives, clock: Clock) -> None:
        self._drives = drives
        self._clock = clock
        self._watches: deque[tuple[float, Watch]] = deque()
        self._has_watches = trio.Event()

    def watch(self, read: Hedged) -> Watch:
        """Nudge that read when it takes long. The caller clears what it is given when the read is done."""
        watch = [read]
        self._watches.append((self._clock.monotonic_s() + self._drives.hedge_delay_s, watch))
        if len(self._watches) == 1:
            self._has_watches.set()
        return watch

    async def run(self) -> None:
        """Nudge whatever is due, in turns of half a delay so that a busy set does not wake for every read."""
        while True:
            await self._has_watches.wait()
            await trio.sleep(self._drives.hedge_delay_s / 2)
            self._nudge(self._clock.monotonic_s())
            if not self._watches:
                self._has_watches = trio.Event()

    def _nudge(self, now_s: float) -> None:
        watches, takes_long = self._watches, False
        while watches and (watches[0][0] <= now_s or not watches[0][1]):
            watch = watches.popleft()[1]
            takes_long |= bool(watch)
            if watch and watch[0].hedge():
                watches.append((now_s + self._drives.hedge_delay_s, watch))
        if takes_long:
            self._drives.look_again()
