"""Reading a version block by block from its set worker, some blocks ahead of whoever takes them.

All readers of an acceptor share one `DownloadMemory`. What is asked for or held is taken from it. A reader
whose client is slow may lose all of it: then it asks again from the first byte that was not sent, piece by
piece.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain

import attrs
import trio

from rustfs_node.acceptor.net.messages import StreamBroken
from rustfs_node.acceptor.sets import Sets
from rustfs_node.bus import Reply
from rustfs_proto.objects import written_of
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Block, Got, ReadBlock

_PIECE_BYTES = 256 * 1024
"""What a slow client gets at a time where memory is short. The set worker reads a whole stripe for it."""


def cut_at_stripes(
    part_sizes: Sequence[int], stripe_bytes: int, offset: int, length: int
) -> Iterator[tuple[int, int]]:
    """(offset, length) of pieces that cover that span and of which none crosses the end of a stripe: a set
    worker decodes each stripe once.
    """
    end = offset + length
    part_begin = 0
    for part_bytes in part_sizes:
        part_end = part_begin + part_bytes
        while offset < min(part_end, end):
            stripe_end = part_begin + ((offset - part_begin) // stripe_bytes + 1) * stripe_bytes
            cut = min(stripe_end, part_end, end)
            yield offset, cut - offset
            offset = cut
        part_begin = part_end


@attrs.frozen
class VersionSpan:
    """Which bytes of which version: `length` of them from `offset`. `stamp` is that of the write that brought
    them.
    """

    bucket: str
    key: bytes
    sub: bytes
    stamp: int
    part_sizes: Sequence[int]
    stripe_bytes: int
    offset: int
    length: int

    @classmethod
    def of(cls, bucket: str, key: bytes, got: Got, offset: int, length: int) -> VersionSpan:
        """A span of what was got. An object may have 10,000 parts, and a slow download live for hours: so no
        more is kept than their sizes.
        """
        sizes = array("q", [part.size for part in got.meta.parts])
        stamp = written_of(got.head, got.stamp)
        return cls(bucket, key, got.sub, stamp, sizes, got.meta.geometry.stripe_bytes, offset, length)


@attrs.define
class _Ahead:
    """A block that was asked for; where it has its memory, `outcome` is what became of it."""

    length: int
    call_id: int = 0
    outcome: Reply | Fault | None = None


class BlockReader:
    """The bytes of a span in order, of which `first` are here already. `close` it when done.

    Either `next_block` for whole blocks, or `ready`, `take` and `sent` for as many bytes as go.
    """

    def __init__(self, sets: Sets, span: VersionSpan, trace: str, first: bytes = b"") -> None:
        self._sets = sets
        self._memory = sets.downloads
        self._span = span
        self._peer = sets.home(span.bucket, span.key)
        self._trace = trace
        self._ahead: deque[_Ahead] = deque()
        self._arrived = trio.lowlevel.ParkingLot()
        self._first = first
        self._block = b""
        self._begin = 0
        self._since_s = 0.0
        self._is_slow = False
        self._position = span.offset
        self._cuts = self._cut_from(span.offset + len(first))

    async def next_block(self) -> bytes:
        """The next bytes, empty at the end; they count as held until the next ones are asked for. Raises
        `Fault`.
        """
        self.sent(len(self._block) - self._begin)
        await self.ready()
        return self._block

    async def ready(self) -> bool:
        """Wait for bytes to take; False at the end. Raises `Fault`."""
        if self._first:
            self._begin_with_first()
        if not self._block and not self._ahead:
            await self._ask_one()
        self._ask_ahead()
        if self._block:
            return True
        if not self._ahead:
            return False
        first = self._ahead[0]
        while first.outcome is None:
            await self._arrived.park()
        outcome = first.outcome
        if isinstance(outcome, Fault):
            outcome = await self._elsewhere(first.length, outcome)
        self._ahead.popleft()
        assert isinstance(outcome.message, Block), outcome.message
        block = outcome.frames[0]
        assert len(block) == first.length, (len(block), first.length)
        self._hold(block)
        return True

    def take(self) -> memoryview:
        """The bytes that are ready. Say by `sent` how many are done with; meanwhile they may be given up."""
        self._memory.offer(self, self._since_s, is_slow=self._is_slow)
        return memoryview(self._block)[self._begin :]

    def sent(self, size_bytes: int) -> None:
        """So many bytes are not needed any more."""
        self._memory.withdraw(self)
        if not size_bytes:
            return
        self._begin += size_bytes
        self._position += size_bytes
        if not self._block:
            # Given up while they were on their way.
            self._begin, self._cuts = 0, self._cut_from(self._position)
        elif self._begin == len(self._block):
            is_slow = self._is_slow and not self._is_lively_again()
            self._drop_block()
            # A slow one has nothing ahead, so all that it holds counts as lively from here on.
            self._is_slow = is_slow

    def give_up_blocks(self) -> None:
        """See `Holder`."""
        self._drop_block()
        self._drop_ahead()
        self._is_slow, self._cuts = True, self._cut_from(self._position)

    def close(self) -> None:
        """Nothing more is wanted."""
        self._memory.withdraw(self)
        self._cuts, self._first = iter(()), b""
        self._drop_block()
        self._drop_ahead()

    def _begin_with_first(self) -> None:
        """Only now: whoever makes a reader may never come to use it. Where memory is short it is read again
        in its turn.
        """
        first, self._first = self._first, b""
        if self._memory.take_now(len(first)):
            self._hold(first)
        else:
            self._cuts = self._cut_from(self._position)

    def _hold(self, block: bytes) -> None:
        self._block, self._begin = block, 0
        self._since_s = self._memory.clock.monotonic_s()

    def _is_lively_again(self) -> bool:
        """Whether the piece just sent went at the rate of a block in `slow_s`."""
        took_s = self._memory.clock.monotonic_s() - self._since_s
        return took_s * self._span.stripe_bytes <= self._memory.slow_s * len(self._block)

    def _drop_block(self) -> None:
        self._memory.give_back(len(self._block), is_slow=self._is_slow)
        self._block, self._begin = b"", 0

    def _drop_ahead(self) -> None:
        while self._ahead:
            slot = self._ahead.popleft()
            self._memory.give_back(slot.length, is_slow=self._is_slow)
            self._sets.bus.cancel(slot.call_id)

    def _cut_from(self, offset: int) -> Iterator[tuple[int, int]]:
        span = self._span
        end = span.offset + span.length
        # Several stripes at a time: what a block costs beside its bytes is the same for one and for four.
        block_bytes = span.stripe_bytes * self._sets.settings.get_block_stripes
        return cut_at_stripes(span.part_sizes, block_bytes, offset, end - offset)

    def _next_cut(self) -> tuple[int, int] | None:
        """What to ask for next; for a slow client a piece of it where memory is short."""
        cut = next(self._cuts, None)
        if cut is None or not self._is_slow or cut[1] <= _PIECE_BYTES or self._memory.is_ample:
            return cut
        offset, length = cut
        self._cuts = chain(((offset + _PIECE_BYTES, length - _PIECE_BYTES),), self._cuts)
        return offset, _PIECE_BYTES

    async def _ask_one(self) -> None:
        """The block that is wanted now, as soon as there is memory for it."""
        cut = self._next_cut()
        if cut is None:
            return
        if not self._memory.take_now(cut[1], is_slow=self._is_slow):
            await self._memory.take(cut[1], is_slow=self._is_slow)
        self._ask(*cut)

    def _ask_ahead(self) -> None:
        """Further blocks, where all downloads together leave much memory free."""
        window = 0 if self._is_slow else self._sets.settings.get_window
        while self._memory.is_ample and len(self._ahead) < window:
            cut = next(self._cuts, None)
            if cut is None:
                return
            if not self._memory.take_now(cut[1]):
                self._cuts = chain((cut,), self._cuts)
                return
            self._ask(*cut)

    async def _elsewhere(self, length: int, fault: Fault) -> Reply:
        """The block that is wanted now, of the set to which the slot of the key has moved. Raises `Fault`."""
        if fault.code is not FaultCode.MOVED:
            raise fault
        span = self._span
        request = ReadBlock(span.bucket, span.key, span.stamp, self._position, length, span.sub)
        block, frames = await self._sets.ask(self._peer, request, Block, trace=self._trace)
        self._peer = self._sets.home(span.bucket, span.key)
        return Reply(block, frames)

    def _ask(self, offset: int, length: int) -> None:
        """Ask for a block whose memory was taken."""
        slot = _Ahead(length)
        self._ahead.append(slot)

        def take(outcome: Reply | Fault) -> None:
            slot.outcome = outcome
            self._arrived.unpark_all()

        slot.call_id = self._sets.bus.ask(
            self._peer,
            ReadBlock(self._span.bucket, self._span.key, self._span.stamp, offset, length, self._span.sub),
            deadline_s=self._sets.settings.set_deadline_s,
            on_reply=take,
            trace=self._trace,
        )


class AnswerBlocks:
    """A `BlockReader` as the rest of an answer: its head is sent, so a fault can only cut the connection."""

    def __init__(self, reader: BlockReader) -> None:
        self._reader = reader
        self.take = reader.take
        self.sent = reader.sent
        self.close = reader.close

    async def ready(self) -> bool:
        """Wait for bytes to take; False at the end. Raises `StreamBroken`."""
        try:
            return await self._reader.ready()
        except Fault as fault:
            raise StreamBroken(str(fault)) from fault
