"""Reading spans of one version block by block, when they are asked for: no block is read ahead or kept.

For readers that work on what they read. What goes to a client as it is has `BlockReader`.
"""

from __future__ import annotations

from collections.abc import Iterator

from rustfs_node.acceptor.block_reader import VersionSpan, cut_at_stripes
from rustfs_node.acceptor.sets import Sets
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Block, ReadBlock


class SpanReader:
    """Reads within `span`, which is all of a version. A block counts as memory of downloads while it is on
    its way; then it is the caller's.
    """

    def __init__(self, sets: Sets, span: VersionSpan, trace: str) -> None:
        self._sets = sets
        self._span = span
        self._peer = sets.home(span.bucket, span.key)
        self._trace = trace

    async def read(self, offset: int, length: int) -> bytes:
        """All of those bytes; raises as `block`."""
        blocks = self.blocks(offset, length)
        parts: list[bytes] = []
        while part := await blocks.next():
            parts.append(part)
        return b"".join(parts)

    def blocks(self, offset: int, length: int) -> SpanBlocks:
        """Those bytes, at most a stripe at a time."""
        span = self._span
        return SpanBlocks(self, cut_at_stripes(span.part_sizes, span.stripe_bytes, offset, length))

    async def block(self, offset: int, length: int) -> bytes:
        """Bytes of one stripe. Raises `Fault`, or OperationAborted where the version is gone."""
        memory = self._sets.downloads
        await memory.take(length)
        try:
            return await self._ask(offset, length)
        except Fault as fault:
            if fault.code is FaultCode.NOT_FOUND:
                raise S3Error("OperationAborted", "The object was replaced; try again.") from fault
            raise
        finally:
            memory.give_back(length)

    async def _ask(self, offset: int, length: int) -> bytes:
        span = self._span
        request = ReadBlock(span.bucket, span.key, span.stamp, offset, length, span.sub)
        _, frames = await self._sets.ask(self._peer, request, Block, trace=self._trace)
        if not frames or len(frames[0]) != length:
            raise Fault(FaultCode.INTERNAL, f"asked for {length} bytes at {offset}, got others")
        return frames[0]


class SpanBlocks:
    """The blocks of one span in their order."""

    def __init__(self, reader: SpanReader, cuts: Iterator[tuple[int, int]]) -> None:
        self._reader = reader
        self._cuts = cuts

    async def next(self) -> bytes:
        """The next block, empty at the end; raises as `SpanReader.block`."""
        cut = next(self._cuts, None)
        return b"" if cut is None else await self._reader.block(*cut)
