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
from rustfs_proto.objects import Geometry, ObjectMeta, Part
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    ObjectInfo,
    PartTarget,
    PutBlock,
    PutBlockDone,
    PutFinish,
    PutOpen,
    PutOpened,
    ReadBlock,
    UploadGet,
    UploadGot,
)
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
        yield Sets(bus, plan_of(1), AcceptorSettings(**settings))
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("part", [None, PART])
@pytest.mark.parametrize("forgets", [PutBlock, PutFinish])
async def test_a_write_that_was_forgotten_may_be_tried_again(part, forgets):
    """A restart of the set worker says nothing of the key or the upload: it is told as a peer that went away,
    which clients see as 503.
    """
    async with asking(ForgetfulSet(forgets)) as sets:
        writer = await BlockWriter.open(sets, "b", b"k", -1, part, "")
        if forgets is PutBlock:
            await writer.write(b"block")
        with pytest.raises(Fault) as caught:
            await writer.finish(ObjectInfo())
        assert caught.value.code is FaultCode.PEER_DOWN


async def test_a_part_whose_upload_is_over_is_told_so():
    """Only where the upload is gone indeed the client hears that it is."""
    async with asking(ForgetfulSet(PutFinish, has_upload=False)) as sets:
        writer = await BlockWriter.open(sets, "b", b"k", -1, PART, "")
        with pytest.raises(Fault) as caught:
            await writer.finish(ObjectInfo())
        assert caught.value.code is FaultCode.NOT_FOUND


async def test_uploads_share_a_number_of_blocks():
    """Blocks of all uploads together are bounded; each answer lets the next one go, in turns."""
    a_set = ForgetfulSet(PutFinish)
    async with asking(a_set, put_blocks_max=3, put_window=2) as sets:
        writers = [await BlockWriter.open(sets, "b", b"k", -1, None, "") for _ in range(4)]

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


async def test_downloads_share_a_number_of_blocks():
    """Where downloads have many blocks asked ahead, a further one goes block by block; what is closed makes
    room again.
    """
    a_set = ForgetfulSet(PutFinish)
    meta = ObjectMeta(Geometry(2, 2, 1000), (Part(1, 10_000, bytes(16), ""),))
    async with asking(a_set, get_blocks_max=4, get_window=4) as sets:
        readers = [BlockReader(sets, VersionSpan("b", b"k", 1, meta, 0, 10_000), "") for _ in range(3)]
        async with trio.open_nursery() as nursery:
            for expected, reader in zip((4, 5, 6), readers, strict=True):
                nursery.start_soon(reader.next_block)
                await until(lambda expected=expected: len(a_set.held) == expected)
            nursery.cancel_scope.cancel()
        assert all(isinstance(request.message, ReadBlock) for request in a_set.held)
        for reader in readers:
            reader.close()
        assert sets.get_blocks == 0
