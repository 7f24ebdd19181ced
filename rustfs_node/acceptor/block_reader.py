"""Reading a version block by block from its set worker, a bounded number of blocks ahead of whoever takes
them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import attrs
import trio

from rustfs_node.acceptor.net.messages import StreamBroken
from rustfs_node.acceptor.sets import Sets
from rustfs_node.bus import Reply
from rustfs_proto.objects import ObjectMeta, Part
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import Block, ReadBlock


def cut_at_stripes(
    parts: Sequence[Part], stripe_bytes: int, offset: int, length: int
) -> Iterator[tuple[int, int]]:
    """(offset, length) of pieces that cover that span and of which none crosses the end of a stripe: a set
    worker decodes each stripe once.
    """
    end = offset + length
    part_begin = 0
    for part in parts:
        part_end = part_begin + part.size
        while offset < min(part_end, end):
            stripe_end = part_begin + ((offset - part_begin) // stripe_bytes + 1) * stripe_bytes
            cut = min(stripe_end, part_end, end)
            yield offset, cut - offset
            offset = cut
        part_begin = part_end


@attrs.frozen
class VersionSpan:
    """Which bytes of which version: `length` of them from `offset`."""

    bucket: str
    key: bytes
    stamp: int
    meta: ObjectMeta
    offset: int
    length: int


@attrs.define
class _Ahead:
    """A block that was asked for."""

    call_id: int
    length: int
    outcome: Reply | Fault | None = None


class BlockReader:
    """The blocks of a span in order. `close` it when done; what it asked ahead is forgotten then."""

    def __init__(self, sets: Sets, span: VersionSpan, trace: str) -> None:
        self._sets = sets
        self._span = span
        self._peer = sets.home(span.bucket, span.key)
        self._trace = trace
        stripe_bytes = span.meta.geometry.stripe_bytes
        self._cuts = cut_at_stripes(span.meta.parts, stripe_bytes, span.offset, span.length)
        self._ahead: deque[_Ahead] = deque()
        self._arrived = trio.lowlevel.ParkingLot()

    async def next_block(self) -> bytes:
        """The next bytes, empty at the end. Raises `Fault`."""
        self._ask_ahead()
        if not self._ahead:
            return b""
        first = self._ahead[0]
        while first.outcome is None:
            await self._arrived.park()
        self._ahead.popleft()
        self._sets.get_blocks -= 1
        if isinstance(first.outcome, Fault):
            raise first.outcome
        assert isinstance(first.outcome.message, Block), first.outcome.message
        block = first.outcome.frames[0]
        assert len(block) == first.length, (len(block), first.length)
        return block

    def close(self) -> None:
        """Forget what was asked ahead."""
        self._cuts = iter(())
        while self._ahead:
            self._sets.get_blocks -= 1
            self._sets.bus.cancel(self._ahead.popleft().call_id)

    def _ask_ahead(self) -> None:
        while len(self._ahead) < self._window():
            cut = next(self._cuts, None)
            if cut is None:
                return
            self._ask(*cut)

    def _window(self) -> int:
        """How many blocks to have; only the one wanted now, where all downloads together have many."""
        settings = self._sets.settings
        return settings.get_window if self._sets.get_blocks < settings.get_blocks_max else 1

    def _ask(self, offset: int, length: int) -> None:
        slot = _Ahead(0, length)
        self._ahead.append(slot)
        self._sets.get_blocks += 1

        def take(outcome: Reply | Fault) -> None:
            slot.outcome = outcome
            self._arrived.unpark_all()

        slot.call_id = self._sets.bus.ask(
            self._peer,
            ReadBlock(self._span.bucket, self._span.key, self._span.stamp, offset, length),
            deadline_s=self._sets.settings.set_deadline_s,
            on_reply=take,
            trace=self._trace,
        )


class AnswerBlocks:
    """A `BlockReader` as the rest of an answer: its head is sent, so a fault can only cut the connection."""

    def __init__(self, reader: BlockReader) -> None:
        self._reader = reader

    async def next_block(self) -> bytes:
        try:
            return await self._reader.next_block()
        except Fault as fault:
            raise StreamBroken(str(fault)) from fault

    def close(self) -> None:
        self._reader.close()
