"""Threads: for work that blocks (fsync, cold reads) or that a library does without the interpreter lock (MD5
of a megabyte).

A hop costs about 60 µs, so hop for a batch or for at least 64 KiB, never for one small operation.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

import outcome
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


class OwnThread:
    """One thread that is kept for one purpose, started by its first work. A hop costs half of what it costs
    by
    `ThreadPool`: it needs no limiter, no choice of a thread and no copy of the context. One work at a time.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._works: queue.SimpleQueue[tuple[Callable[[], object], list[outcome.Outcome[object]]]]
        self._works = queue.SimpleQueue()
        self._bell = -1

    async def run(self, work: Callable[[], T]) -> T:
        if self._bell < 0:
            self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        ended: list[outcome.Outcome[T]] = []
        self._works.put((work, ended))  # type: ignore[arg-type]
        with trio.CancelScope(shield=True):
            while not ended:
                await trio.lowlevel.wait_readable(self._bell)
        os.eventfd_read(self._bell)
        return ended[0].unwrap()

    def _serve(self) -> None:
        while True:
            work, ended = self._works.get()
            ended.append(outcome.capture(work))
            del work
            os.eventfd_write(self._bell, 1)


class InlineThreads:
    """Runs the work on the spot, after a checkpoint: for simulations, where real threads would be a source of
    chance.
    """

    async def run(self, work: Callable[[], T]) -> T:
        await trio.lowlevel.checkpoint()
        return work()
