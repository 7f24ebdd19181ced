"""Locks of keys, and which keys have writes under way.

A lock makes conditional writes of one key take turns; it is for progress only. What keeps them safe is
`Commit.expect`, which each drive compares: a holder that lost its lease can change nothing. Unconditional
writes need no lock, but queue behind one so that the holder's compare is not upset for nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from heapq import nsmallest

import attrs
import trio

from rustfs_node.seams.clock import Clock
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.inspect_ops import LockView

KeyName = tuple[str, bytes]
"""(bucket, key)."""


@attrs.frozen
class Lease:
    """A lock held. `token` rises with each lease of this table, so that a later one fences an earlier one."""

    name: KeyName
    token: int


class KeyLocks:
    """Locks by key, first come first served."""

    def __init__(self, wait_s: float, clock: Clock) -> None:
        self._wait_s, self._clock = wait_s, clock
        self._queues: dict[KeyName, deque[trio.Event]] = {}
        self._held_from_s: dict[KeyName, float] = {}
        self._last_token = 0

    def is_held(self, name: KeyName) -> bool:
        """Whether somebody holds the lock of that key."""
        return name in self._queues

    def oldest(self, count: int) -> tuple[LockView, ...]:
        """Those that are held, the longest held first, so many at most."""
        now_s = self._clock.monotonic_s()
        names = nsmallest(count, self._held_from_s, key=self._held_from_s.__getitem__)
        return tuple(
            LockView(*name, now_s - self._held_from_s[name], len(self._queues[name])) for name in names
        )

    def __len__(self) -> int:
        return len(self._held_from_s)

    @asynccontextmanager
    async def hold(self, name: KeyName) -> AsyncIterator[Lease]:
        """Hold the lock. Raises `Fault` OVERLOADED when it does not come free in time."""
        await self._acquire(name)
        try:
            self._last_token += 1
            self._held_from_s[name] = self._clock.monotonic_s()
            yield Lease(name, self._last_token)
        finally:
            self._release(name)

    async def _acquire(self, name: KeyName) -> None:
        queue = self._queues.get(name)
        if queue is None:
            self._queues[name] = deque()
            return
        turn = trio.Event()
        queue.append(turn)
        with trio.move_on_after(self._wait_s):
            try:
                await turn.wait()
            finally:
                if not turn.is_set():
                    queue.remove(turn)
        if not turn.is_set():
            raise Fault(
                FaultCode.OVERLOADED, f"the lock of this key was not free within {self._wait_s} s: try again"
            )

    def _release(self, name: KeyName) -> None:
        queue = self._queues[name]
        self._held_from_s.pop(name, None)
        if queue:
            queue.popleft().set()
        else:
            del self._queues[name]


class WritesUnderWay:
    """Keys that this worker is writing: from the first commit sent until the write is acknowledged or has
    failed.
    """

    def __init__(self) -> None:
        self._counts: dict[KeyName, int] = {}
        self._waiting: dict[KeyName, trio.Event] = {}

    def begin(self, name: KeyName) -> None:
        """A write of that key starts."""
        self._counts[name] = self._counts.get(name, 0) + 1

    def end(self, name: KeyName) -> None:
        """It is decided."""
        left = self._counts[name] - 1
        if left:
            self._counts[name] = left
            return
        del self._counts[name]
        if self._waiting and (waiting := self._waiting.pop(name, None)) is not None:
            waiting.set()

    def has(self, name: KeyName) -> bool:
        """Whether a write of that key is under way."""
        return name in self._counts

    async def settled(self, name: KeyName, wait_s: float) -> bool:
        """Wait until no write of that key is under way; False when that takes too long."""
        with trio.move_on_after(wait_s):
            while name in self._counts:
                await self._waiting.setdefault(name, trio.Event()).wait()
            return True
        return False
