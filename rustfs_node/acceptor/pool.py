"""Memory to receive blocks into, used again and again: fresh megabytes cost more in page faults than the copy
out of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

POOLED_BYTES_MIN = 64 * 1024
"""Smaller buffers come from the allocator, which has them at hand."""


class BufferPool:
    """Buffers of up to `buffer_bytes`, of which at most `kept` are kept while nobody uses them."""

    def __init__(self, buffer_bytes: int, kept: int) -> None:
        self._buffer_bytes = buffer_bytes
        self._kept = kept
        self._free: list[bytearray] = []

    @contextmanager
    def buffer(self, size_bytes: int) -> Iterator[memoryview]:
        """Exactly `size_bytes` of memory with anything in it; its views must not outlive the block."""
        if not POOLED_BYTES_MIN <= size_bytes <= self._buffer_bytes:
            yield memoryview(bytearray(size_bytes))
            return
        memory = self._free.pop() if self._free else bytearray(self._buffer_bytes)
        try:
            yield memoryview(memory)[:size_bytes]
        finally:
            if len(self._free) < self._kept:
                self._free.append(memory)
