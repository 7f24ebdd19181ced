"""Several small writes of one request on their way at once: the drives sync them together.

Two writes of the same key keep their order. The first failure is kept; nothing new begins after it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.wire.faults import Fault

Failure = S3Error | Fault


class PutWindow:
    """At most `limit` writes at once. `on_failure` takes a failure, and may take it as none by returning."""

    def __init__(self, nursery: trio.Nursery, limit: int, on_failure: Callable[[str, Failure], None]) -> None:
        self._nursery = nursery
        self._limit = limit
        self._on_failure = on_failure
        self._keys: dict[str, None] = {}
        self._moved = trio.lowlevel.ParkingLot()
        self._failure: Failure | None = None
        self.stored = 0

    async def start(self, key: str, write: Callable[[], Awaitable[object]]) -> None:
        """Begin `write` when there is room. Raises the failure of one before."""
        await self.settle(key)
        while len(self._keys) >= self._limit:
            await self._moved.park()
        self.check()
        self._keys[key] = None
        self._nursery.start_soon(self._run, key, write)

    async def settle(self, key: str) -> None:
        """Until no write of the key is under way. Raises the failure of one before."""
        while key in self._keys:
            await self._moved.park()
        self.check()

    async def drain(self) -> None:
        """Until all have ended. Raises the failure of one of them."""
        while self._keys:
            await self._moved.park()
        self.check()

    def check(self) -> None:
        """Raises the failure of a write."""
        if self._failure is not None:
            raise self._failure

    async def attempt(self, key: str, write: Callable[[], Awaitable[object]]) -> None:
        """Write now and wait for it; raises unless `on_failure` takes its failure."""
        try:
            await write()
        except (S3Error, Fault) as failure:
            self._on_failure(key, failure)
        else:
            self.stored += 1

    async def _run(self, key: str, write: Callable[[], Awaitable[object]]) -> None:
        try:
            await self.attempt(key, write)
        except (S3Error, Fault) as failure:
            self._failure = self._failure or failure
        finally:
            del self._keys[key]
            self._moved.unpark_all()
