"""The content of an entry of an archive, as `objects.store` takes it."""

from __future__ import annotations

import attrs

from rustfs_node.acceptor.hashing import Digests
from rustfs_node.acceptor.s3.archive_stream import ArchiveStream


@attrs.define
class HeldEntry:
    """A small entry, which is here; see `objects.Source`."""

    _content: bytes
    digests: Digests
    size_bytes: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.size_bytes = len(self._content)

    async def next_block(self, limit_bytes: int) -> tuple[bytes, bool]:
        """All of it, as a stripe is larger."""
        assert len(self._content) <= limit_bytes, (len(self._content), limit_bytes)
        return self._content, True

    async def digest(self, block: bytes) -> None:
        """Count the block."""
        await self.digests.update(block)

    def finish(self) -> None:
        """Nothing was announced of a single entry."""


@attrs.define
class StreamedEntry:
    """An entry that is read while it is stored; `left_bytes` are still in the archive."""

    _stream: ArchiveStream
    size_bytes: int
    digests: Digests
    left_bytes: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.left_bytes = self.size_bytes

    async def next_block(self, limit_bytes: int) -> tuple[bytes, bool]:
        """The next bytes of it."""
        size = min(limit_bytes, self.left_bytes)
        block = await self._stream.read(size)
        self.left_bytes -= size
        return block, self.left_bytes == 0

    async def digest(self, block: bytes) -> None:
        """Count the block."""
        await self.digests.update(block)

    def finish(self) -> None:
        """Nothing was announced of a single entry."""
