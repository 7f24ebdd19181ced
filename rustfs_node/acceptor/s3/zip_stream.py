"""A member of a zip archive as the body of an answer.

It is expanded while it is sent and compared with its CRC-32 before its last bytes go: a small one that is
damaged is answered by an error, a large one by a connection that is cut. A range of a compressed member is
expanded from the member's beginning; one of a member that is not compressed is read by itself, and then there
is nothing to compare it with.

What a client is slow to take stays here, so readers are few: each holds a slot.
"""

from __future__ import annotations

from functools import partial

from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.net.messages import StreamBroken
from rustfs_node.acceptor.s3.zip_archive import ZipArchive
from rustfs_node.acceptor.span_reader import SpanBlocks
from rustfs_node.seams.threads import Threads
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.ranges import ByteRange
from rustfs_proto.s3.zip_directory import Member
from rustfs_proto.s3.zip_member import MemberBytes, is_stored
from rustfs_proto.wire.faults import Fault

_PIECE_BYTES = 256 * 1024


class ZipSlot:
    """The right to work on an archive; giving it back twice does nothing."""

    def __init__(self, call: Call) -> None:
        self._slots = call.services.zip_reads
        self._is_held = True
        self._slots.acquire_nowait()

    def give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            self._slots.release()


def take_slot(call: Call) -> ZipSlot:
    if call.services.zip_reads.value == 0:
        raise S3Error("SlowDown", "As many zip archives are being read as may be; try again later.")
    return ZipSlot(call)


class MemberStream:
    """The bytes `span` of a member as the rest of an answer; see `Blocks`. One piece is held."""

    def __init__(self, threads: Threads, slot: ZipSlot, blocks: SpanBlocks, span: ByteRange) -> None:
        """`span` of what `blocks` have, or of the member that they are expanded to."""
        self._threads = threads
        self._slot = slot
        self._blocks = blocks
        self._expanded: MemberBytes | None = None
        self._skip_bytes, self._left_bytes = span.offset, span.length
        self._piece = memoryview(b"")

    @classmethod
    async def open(
        cls, call: Call, archive: ZipArchive, member: Member, span: ByteRange, slot: ZipSlot
    ) -> MemberStream:
        """Raises BadRequest or `Fault`."""
        threads = call.services.body_tools.threads
        if is_stored(member) and span.length < member.size:
            blocks = await archive.content(member, span.offset, span.length)
            return cls(threads, slot, blocks, ByteRange(0, span.length))
        stream = cls(threads, slot, await archive.content(member, 0, member.compressed_bytes), span)
        stream._expanded = MemberBytes(member)
        return stream

    async def ready(self) -> bool:
        """Wait for bytes to send; False at the end. Raises `StreamBroken`."""
        try:
            return await self.load()
        except (S3Error, Fault) as error:
            raise StreamBroken(str(error)) from error

    async def load(self) -> bool:
        """The same, raising what is wrong as it is."""
        while not self._piece and self._left_bytes:
            piece = memoryview(await self._next_piece())
            skipped = min(self._skip_bytes, len(piece))
            self._skip_bytes -= skipped
            self._piece = piece[skipped : skipped + self._left_bytes]
            self._left_bytes -= len(self._piece)
        return bool(self._piece)

    def take(self) -> memoryview:
        """The bytes that are ready."""
        return self._piece

    def sent(self, size_bytes: int) -> None:
        """So many of them are sent."""
        self._piece = self._piece[size_bytes:]

    def close(self) -> None:
        """Nothing more is wanted."""
        self._piece, self._left_bytes = memoryview(b""), 0
        self._slot.give_back()

    async def _next_piece(self) -> bytes:
        if self._expanded is None:
            return await self._next_block()
        while not (piece := await self._threads.run(partial(self._expanded.take, _PIECE_BYTES))):
            self._expanded.put(await self._next_block())
        return piece

    async def _next_block(self) -> bytes:
        block = await self._blocks.next()
        if not block:
            raise S3Error("BadRequest", "The member of the zip archive ends before it is complete.")
        return block
