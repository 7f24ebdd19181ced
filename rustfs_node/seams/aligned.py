"""Memory that begins and ends with blocks of the file system, for writes that bypass the page cache.

Kept and used again: fresh memory costs more in page faults than the copy into it.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager

ALIGN_BYTES = 4096
"""What `File.write_aligned` wants of place, length and memory: no file system asks for more."""


class AlignedMemory:
    """Hands out memory to any thread; at most `kept` pieces stay while nobody uses them."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._free: list[mmap.mmap] = []

    @contextmanager
    def take(self, size_bytes: int) -> Iterator[memoryview]:
        """Exactly `size_bytes` with anything in it; its views must not outlive the block."""
        assert size_bytes % ALIGN_BYTES == 0, size_bytes
        memory = self._one_of_at_least(size_bytes)
        try:
            with memoryview(memory)[:size_bytes] as view:
                yield view
        finally:
            if len(self._free) < self._kept:
                self._free.append(memory)

    def _one_of_at_least(self, size_bytes: int) -> mmap.mmap:
        try:
            memory = self._free.pop()
        except IndexError:
            # None is free, or another thread was faster.
            memory = None
        if memory is None or len(memory) < size_bytes:
            return mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        return memory
