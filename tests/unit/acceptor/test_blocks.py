"""Blocks between an acceptor and a set worker: how many are under way, and what is told of a forgotten
write.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio

from rustfs_node.acceptor.block_reader import BlockReader, VersionSpan
from rustfs_node.acceptor.block_writer import BlockWriter
from rustfs_node.acceptor.sets import Sets
from rustfs_node.bus import BusSettings, MemoryNet, Request
from rustfs_node.seams.clock import SystemClock
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    Block,
    ObjectInfo,
    PartTarget,
    PutBlock,
    PutBlockDone,
    PutFinish,
    PutOpen,
    PutOpened,
    ReadBlock,
)
from rustfs_proto.wire.upload_ops import UploadGet, UploadGot
from tests.unit.acceptor.http_kit import until
from tests.unit.acceptor.node_kit import plan_of

PART = PartTarget(bytes(16), 1)


@attrs.define(eq=False)
class ForgetfulSet:
    """A set worker that was restarted after each PutOpen. `held` are requests that it does not answer."""

    forgets: type
    has_upload: bool = True
    held: list[Request] = attrs.field(factory=list)

    def handle(self, requests: list[Request]) -> None:
        for request in requests:
            if isinstance(request.message, self.forgets):
                request.fail(Fault(FaultCode.NOT_FOUND, "not open"))
                continue
            match request.message:
                case PutOpen():
                    request.reply(PutOpened(7, 1000))
                case UploadGet() if self.has_upload:
                    request.reply(UploadGot(1, ObjectInfo(), ""))
                case UploadGet():
                    request.fail(Fault(FaultCode.NOT_FOUND, "no such upload"))
                case _:
                    self.held.append(request)


@asynccontextmanager
async def asking(a_set: ForgetfulSet, **settings: int) -> AsyncIterator[Sets]:
    net = MemoryNet()
    async with trio.open_nursery() as nursery:
        serving = net.open_bus("set-0")
        serving.serve(a_set.handle)
        await nursery.start(serving.run)
        bus = net.open_bus("acceptor-0", ["set-0"], BusSettings(), SystemClock())
        await nursery.start(bus.run)
        # Blocks are counted here: each is one stripe.
        chosen = AcceptorSettings(**{"get_block_stripes": 1, **settings})
        yield Sets(bus, plan_of(1), chosen, SystemClock())
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("part", [None, PART])
@pytest.mark.parametrize("forgets", [PutBlock, PutFinish])
async def test_a_write_that_was_forgotten_may_be_tried_again(part, forgets):
    """A restart of the set worker says nothing of the key or the upload: it is told as a peer that went away,
    which clients see as 503.
    """
    async with asking(ForgetfulSet(forgets)) as sets:
        writer = await BlockWriter.open(sets, PutOpen("b", b"k", -1, part), "")
        if forgets is PutBlock:
            await writer.write(b"block")
        with pytest.raises(Fault) as caught:
            await writer.finish(ObjectInfo())
        assert caught.value.code is FaultCode.PEER_DOWN


async def test_a_part_whose_upload_is_over_is_told_so():
    """Only where the upload is gone indeed the client hears that it is."""
    async with asking(ForgetfulSet(PutFinish, has_upload=False)) as sets:
        writer = await BlockWriter.open(sets, PutOpen("b", b"k", -1, PART), "")
        with pytest.raises(Fault) as caught:
            await writer.finish(ObjectInfo())
        assert caught.value.code is FaultCode.NOT_FOUND


async def test_uploads_share_a_number_of_blocks():
    """Blocks of all uploads together are bounded; each answer lets the next one go, in turns."""
    a_set = ForgetfulSet(PutFinish)
    async with asking(a_set, put_blocks_max=3, put_window=2) as sets:
        writers = [await BlockWriter.open(sets, PutOpen("b", b"k", -1), "") for _ in range(4)]

        async def send(writer):
            for _ in range(4):
                await writer.write(b"block")

        async with trio.open_nursery() as nursery:
            for writer in writers:
                nursery.start_soon(send, writer)
            for under_way in [3] * 14 + [2, 1]:
                await until(lambda under_way=under_way: len(a_set.held) == under_way)
                a_set.held.pop(0).reply(PutBlockDone())
        await until(lambda: sets.put_blocks.value == 3)


BYTES = bytes(index * 7 % 251 for index in range(10_000))
STRIPE_BYTES = 1 << 20


def reader_of(sets: Sets) -> BlockReader:
    """A download of BYTES."""
    return BlockReader(sets, VersionSpan("b", b"k", b"", 1, [10_000], 1000, 0, 10_000), "")


def answer_reads(a_set: ForgetfulSet) -> None:
    """Answer what is held with BYTES."""
    while a_set.held:
        request = a_set.held.pop(0)
        assert isinstance(request.message, ReadBlock)
        begin = request.message.offset
        length = request.message.length
        request.reply(Block(), ((BYTES[begin : begin + length]).ljust(length, b"0"),))


async def read_some(reader: BlockReader, a_set: ForgetfulSet, size_bytes: int) -> bytes:
    """The next bytes, as a lively client takes them; the set worker answers at once."""
    got = b""
    while len(got) < size_bytes:
        async with trio.open_nursery() as nursery:
            answering = await nursery.start(keep_answering, a_set)
            assert await reader.ready()
            answering.cancel()
        piece = bytes(reader.take()[: size_bytes - len(got)])
        reader.sent(len(piece))
        got += piece
    return got


async def keep_answering(
    a_set: ForgetfulSet, task_status: trio.TaskStatus[trio.CancelScope] = trio.TASK_STATUS_IGNORED
) -> None:
    """Answer reads until cancelled."""
    with trio.CancelScope() as scope:
        task_status.started(scope)
        while True:
            answer_reads(a_set)
            await trio.sleep(0.001)


async def test_downloads_share_memory():
    """Where downloads hold half of what they may, a further one goes block by block; what is closed makes
    room again.
    """
    a_set = ForgetfulSet(PutFinish)
    async with asking(a_set, get_bytes_max=8000, get_window=4) as sets:
        readers = [reader_of(sets) for _ in range(3)]
        async with trio.open_nursery() as nursery:
            for expected, reader in zip((4, 5, 6), readers, strict=True):
                nursery.start_soon(reader.ready)
                await until(lambda expected=expected: len(a_set.held) == expected)
            nursery.cancel_scope.cancel()
        assert all(isinstance(request.message, ReadBlock) for request in a_set.held)
        for reader in readers:
            reader.close()
        assert sets.downloads.taken_bytes == 0


async def test_a_download_that_stands_still_makes_room():
    """With all memory held by clients that take nothing, a lively one is served; they go on where they
    were, with the same bytes.
    """
    a_set = ForgetfulSet(PutFinish)
    async with asking(a_set, get_bytes_max=4000, get_window=4, get_slow_s=0.01) as sets:
        still = [reader_of(sets) for _ in range(6)]
        for number, reader in enumerate(still):
            assert await read_some(reader, a_set, 100 * number + 1) == BYTES[: 100 * number + 1]
            reader.take()
            assert sets.downloads.taken_bytes <= 4000
        lively = reader_of(sets)
        assert await read_some(lively, a_set, 10_000) == BYTES
        lively.close()
        for number, reader in enumerate(still):
            first = 100 * number + 1
            assert await read_some(reader, a_set, 10_000 - first) == BYTES[first:]
            assert not await reader.ready()
            assert sets.downloads.taken_bytes <= 4000
            reader.close()
        assert sets.downloads.taken_bytes == 0


async def test_bytes_on_their_way_when_a_block_is_given_up_are_not_sent_again():
    """A transport may tell only after its wait that bytes are sent; then those behind them are asked for."""
    a_set = ForgetfulSet(PutFinish)
    async with asking(a_set, get_bytes_max=1000, get_window=4, get_slow_s=0.01) as sets:
        reader, other = reader_of(sets), reader_of(sets)
        assert await read_some(reader, a_set, 10) == BYTES[:10]
        on_their_way = bytes(reader.take()[:64])
        assert await read_some(other, a_set, 1) == BYTES[:1]
        other.close()
        reader.sent(len(on_their_way))
        assert on_their_way + await read_some(reader, a_set, 9926) == BYTES[10:]


async def test_whole_blocks_follow_each_other():
    """A copy takes whole blocks, each once, while further ones are on their way."""
    a_set = ForgetfulSet(PutFinish)
    async with asking(a_set, get_bytes_max=100_000, get_window=4) as sets, trio.open_nursery() as nursery:
        answering = await nursery.start(keep_answering, a_set)
        reader = reader_of(sets)
        blocks = [await reader.next_block() for _ in range(11)]
        assert b"".join(blocks) == BYTES
        assert {len(block) for block in blocks} == {0, 1000}
        assert sets.downloads.taken_bytes == 0
        answering.cancel()


async def test_a_slow_download_goes_on_in_pieces_while_memory_is_short():
    """A slow client gets pieces from a share that leaves room for lively ones; where memory is free again, or
    once it is lively itself, it gets blocks.
    """
    a_set, size = ForgetfulSet(PutFinish), 4 * STRIPE_BYTES
    async with asking(a_set, get_bytes_max=2 * STRIPE_BYTES, get_window=1) as sets:

        def reader() -> BlockReader:
            return BlockReader(sets, VersionSpan("b", b"k", b"", 1, [size], STRIPE_BYTES, 0, size), "")

        async def asked_next(one: BlockReader) -> int:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one.ready)
                await until(lambda: bool(a_set.held))
                length = a_set.held[0].message.length
                answer_reads(a_set)
            return length

        slow, lively = reader(), reader()
        await read_some(slow, a_set, 1000)
        slow.take()
        slow.give_up_blocks()
        assert await asked_next(slow) == STRIPE_BYTES - 1000
        slow.take()
        slow.give_up_blocks()
        assert await asked_next(lively) == STRIPE_BYTES
        assert await asked_next(slow) == 256 * 1024
        await read_some(slow, a_set, 256 * 1024)
        assert await asked_next(slow) > 256 * 1024
