"""Memory to receive blocks into. It grows with what is received, because a slow client may never fill a
block; and whole blocks are used again and again, because fresh megabytes cost more in page faults than the
copy out of these.
"""

from __future__ import annotations

from typing import Self

from rustfs_node.acceptor.upload_memory import Claim

UNCLAIMED_BYTES = 16 * 1024
"""What a body may have without a claim: as much as the rest of its connection."""

_GROWTH = 4
"""Buffers grow by this factor: a megabyte is copied once in all while it fills, a third of that in vain."""


class BufferPool:
    """Buffers of `buffer_bytes`, of which at most `kept` are kept while nobody uses them; smaller ones come
    from the allocator, which has them at hand.
    """

    def __init__(self, buffer_bytes: int, kept: int) -> None:
        self.buffer_bytes = buffer_bytes
        self._kept = kept
        self._free: list[bytearray] = []

    def take(self, size_bytes: int) -> bytearray:
        """At least `size_bytes` with anything in it."""
        if not self.buffer_bytes // 2 < size_bytes <= self.buffer_bytes:
            return bytearray(size_bytes)
        return self._free.pop() if self._free else bytearray(self.buffer_bytes)

    def give_back(self, memory: bytearray) -> None:
        """Nobody has a view of it any more."""
        if len(memory) == self.buffer_bytes and len(self._free) < self._kept:
            self._free.append(memory)


class Intake:
    """A block of at most `size_bytes` while it is received: `filled` bytes of it are here."""

    def __init__(self, pool: BufferPool, claim: Claim, size_bytes: int) -> None:
        self._pool = pool
        self._claim = claim
        self._size_bytes = size_bytes
        self._memory = pool.take(min(size_bytes, UNCLAIMED_BYTES))
        self.view = memoryview(self._memory)[: min(size_bytes, UNCLAIMED_BYTES)]
        self.filled = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.give_back(self._memory)

    @property
    def is_full(self) -> bool:
        """Whether all bytes of the block are here."""
        return self.filled == self._size_bytes

    async def room(self) -> memoryview:
        """Where the next bytes go; empty only when the block is full."""
        if self.filled == len(self.view) < self._size_bytes:
            await self._grow(min(self._size_bytes, _GROWTH * self.filled))
        return self.view[self.filled :]

    async def _grow(self, size_bytes: int) -> None:
        await self._claim.have(size_bytes)
        memory = self._pool.take(size_bytes)
        view = memoryview(memory)[:size_bytes]
        view[: self.filled] = self.view
        self._pool.give_back(self._memory)
        self._memory, self.view = memory, view
