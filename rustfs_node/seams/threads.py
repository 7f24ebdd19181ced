"""Threads: for work that blocks (fsync, cold reads) or that a library does without the interpreter lock (MD5
of a megabyte).

A hop costs about 60 µs, so hop for a batch or for at least 64 KiB, never for one small operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import trio

T = TypeVar("T")


class Threads(Protocol):
    """Runs a function away from the event loop and waits for its result."""

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`, or whatever it raised. Cannot be cancelled once it runs: the caller waits
        for it to end.
        """
        ...


class ThreadPool:
    """At most `limit` real threads at once; further calls wait for their turn."""

    def __init__(self, limit: int) -> None:
        assert limit > 0, limit
        self._limiter = trio.CapacityLimiter(limit)

    async def run(self, work: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(work, limiter=self._limiter)


class InlineThreads:
    """Runs the work on the spot, after a checkpoint: for simulations, where real threads would be a source of
    chance.
    """

    async def run(self, work: Callable[[], T]) -> T:
        await trio.lowlevel.checkpoint()
        return work()
