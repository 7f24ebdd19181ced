"""Nobody hears of a commit, and nobody sees it, before it is on stable storage."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import attrs
import pytest
import trio
import trio.testing
from xxhash import xxh3_128_digest

from rustfs_node.bus import MemoryNet, Reply, TrioClock
from rustfs_node.drive.worker import run_drive
from rustfs_node.seams.memory_files import MemoryFiles
from rustfs_proto.disk.layout import segment_name
from rustfs_proto.wire.drive_ops import Committed, DriveState, Lookup, RowState, ShardIdentity, ShardWrite
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.kit.drives import FIRST_STAMP, SMALL, memory_drive, value
from tests.unit.drive.test_fence import Client, connect

T = TypeVar("T")
DATA_ID = bytes(range(16))


class HeldThreads:
    """Threads in which work waits until it is let go."""

    def __init__(self) -> None:
        self._gate = trio.Event()
        self.let_go()

    def hold(self) -> None:
        self._gate = trio.Event()

    def let_go(self) -> None:
        self._gate.set()

    async def run(self, work: Callable[[], T]) -> T:
        await self._gate.wait()
        return work()


@attrs.define
class SlowDrive(Client):
    """A drive whose syncs end when they are told to: those of the log, and all others."""

    log: HeldThreads
    others: HeldThreads
    answers: list[Reply | Fault] = attrs.field(factory=list)

    def send(self, message: object) -> None:
        self.bus.ask("drive", message, deadline_s=1000, on_reply=self.answers.append)

    async def stamp_of(self, key: bytes) -> int:
        found = (await self.ask(Lookup(0, "bucket", key))).message
        return found.stamp - FIRST_STAMP if found.state == RowState.FOUND else 0


@pytest.fixture
async def slow() -> AsyncIterator[SlowDrive]:
    drive = memory_drive(SMALL)
    assert isinstance(drive.files, MemoryFiles)
    log, others = HeldThreads(), HeldThreads()
    net = MemoryNet()
    bus, own = net.open_bus("drive"), net.open_bus("set", ["drive"])
    async with trio.open_nursery() as nursery:

        async def serve(task_status: trio.TaskStatus[None]) -> None:
            await run_drive(
                bus,
                drive.address,
                SMALL,
                drive.files,
                TrioClock(),
                others,
                log_threads=log,
                index_at=":memory:",
                task_status=task_status,
            )

        await nursery.start(serve)
        await nursery.start(bus.run)
        await nursery.start(own.run)
        await connect(own)
        yield SlowDrive(own, drive, drive.files, log, others)
        nursery.cancel_scope.cancel()


async def test_a_commit_is_neither_answered_nor_seen_before_its_sync(slow: SlowDrive) -> None:
    """While the log is synced a read still finds the version before."""
    await slow.ask(value("a", 1))
    slow.log.hold()
    slow.send(value("a", 2))
    await trio.testing.wait_all_tasks_blocked()
    assert slow.answers == [] and await slow.stamp_of(b"a") == 1
    slow.log.let_go()
    await trio.testing.wait_all_tasks_blocked()
    (answer,) = slow.answers
    assert isinstance(answer, Reply) and isinstance(answer.message, Committed)
    assert await slow.stamp_of(b"a") == 2


async def test_a_record_waits_for_the_files_that_it_names(slow: SlowDrive) -> None:
    """While a shard file is synced its commit is nowhere in the log."""
    identity = ShardIdentity("bucket", b"big", 1, 2, 2, 8192)
    await slow.ask(ShardWrite(DATA_ID, 0, xxh3_128_digest(b"1"), identity), b"1")
    slow.others.hold()
    slow.send(value("big", 1, files=(DATA_ID,), shard=1))
    await trio.testing.wait_all_tasks_blocked()
    assert slow.answers == [] and await slow.stamp_of(b"big") == 0
    slow.others.let_go()
    await trio.testing.wait_all_tasks_blocked()
    (answer,) = slow.answers
    assert isinstance(answer, Reply) and answer.message == Committed(replaced=False)


async def test_a_segment_that_cannot_be_prepared_fences(slow: SlowDrive) -> None:
    """It is made ahead, when nobody waits for it; its failed sync is as final as any."""
    slow.inject("sync", errno.EIO, segment_name(2))
    big = b"x" * 30_000
    await slow.ask(value("filling", 1, big), big)
    await trio.testing.wait_all_tasks_blocked()
    assert await slow.state() == DriveState.FAULTY
    await slow.fails(value("a", 1), code=FaultCode.DRIVE_FAULT)
