"""A drive that cannot be trusted any more says so, and does nothing."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
import xxhash

from rustfs_node.bus import Bus, MemoryNet, Reply, TrioClock
from rustfs_node.drive.worker import run_drive
from rustfs_node.seams.memory_files import MemoryFiles
from rustfs_node.seams.threads import InlineThreads
from rustfs_node.settings.drive import DriveSettings
from rustfs_proto.wire.drive_ops import (
    Commit,
    DriveState,
    DriveStatus,
    Lookup,
    Scan,
    ShardIdentity,
    ShardRead,
    ShardWrite,
)
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.kit.drives import SMALL, TestDrive, memory_drive, tombstone, value

DATA_ID = bytes(range(16))


@attrs.define
class Client:
    """Asks a drive on a file system in memory."""

    bus: Bus
    drive: TestDrive
    files: MemoryFiles

    async def ask(self, message: object, *frames: bytes) -> Reply:
        return await self.bus.call("drive", message, frames, deadline_s=1000)

    async def fails(self, message: object, *frames: bytes, code: FaultCode = FaultCode.DRIVE_FAULT) -> Fault:
        with pytest.raises(Fault) as caught:
            await self.ask(message, *frames)
        assert caught.value.code == code, caught.value
        return caught.value

    async def state(self) -> DriveState:
        return DriveState((await self.ask(DriveStatus())).message.state)

    def inject(self, what: str, code: int, where: str = "", *, times: int = 1) -> None:
        """Fail the next calls of that kind on paths that hold `where`."""
        left = [times]

        def on_call(call: str, path: str) -> None:
            if call == what and where in path and left[0] > 0:
                left[0] -= 1
                raise OSError(code, "injected", path)

        self.files.on_call = on_call


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    settings = attrs.evolve(SMALL, tick_s=10.0)
    async with client_of(memory_drive(settings), settings) as running:
        yield running


@asynccontextmanager
async def client_of(drive: TestDrive, settings: DriveSettings) -> AsyncIterator[Client]:
    """A client of the worker of that drive, which runs meanwhile."""
    assert isinstance(drive.files, MemoryFiles)
    net = MemoryNet()
    bus, own = net.open_bus("drive"), net.open_bus("set", ["drive"])
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, bus, drive, settings)
        await nursery.start(bus.run)
        await nursery.start(own.run)
        await connect(own)
        yield Client(own, drive, drive.files)
        nursery.cancel_scope.cancel()


async def connect(own: Bus) -> None:
    while not own.is_up("drive"):
        await trio.testing.wait_all_tasks_blocked()


async def serve(
    bus: Bus,
    drive: TestDrive,
    settings: object,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    await run_drive(
        bus,
        drive.address,
        settings,
        drive.files,
        TrioClock(),
        InlineThreads(),
        index_at=":memory:",
        task_status=task_status,
    )


@pytest.mark.parametrize("what", ["sync", "write"])
async def test_a_failed_write_or_sync_fences(client: Client, what: str) -> None:
    """The effect of the commit is unknown, and nothing is answered any more, however well the drive does
    later.
    """
    await client.ask(value("a", 1))
    client.inject(what, errno.EIO, "/log/")
    await client.fails(value("b", 1))
    for message in (
        value("c", 1),
        Lookup(0, "bucket", b"a"),
        Scan(0, "bucket"),
        ShardRead(DATA_ID, "b", b"k", 0, 0),
    ):
        fault = await client.fails(message)
        assert "fenced" in fault.message
    status = (await client.ask(DriveStatus())).message
    assert status.state == DriveState.FAULTY and "injected" in status.reason


async def test_a_failed_sync_of_a_shard_file_fences(client: Client) -> None:
    """A commit that names it is not answered as done."""
    identity = ShardIdentity("bucket", b"big", 1, 2, 2, 8192)
    await client.ask(ShardWrite(DATA_ID, 0, xxhash.xxh3_128_digest(b"1"), identity), b"1")
    client.inject("sync", errno.EIO, "/shards/")
    await client.fails(value("big", 1, files=(DATA_ID,)))
    assert await client.state() == DriveState.FAULTY


@pytest.mark.parametrize("call", ["create", "allocate"])
async def test_no_space_is_no_fault(client: Client, call: str) -> None:
    """A segment or a shard file that does not fit is FULL, and the drive goes on."""
    await client.ask(value("a", 1))
    client.inject("write", errno.ENOSPC, "/shards/")
    identity = ShardIdentity("bucket", b"big", 1, 2, 2, 8192)
    write = ShardWrite(DATA_ID, 0, xxhash.xxh3_128_digest(b"1"), identity)
    await client.fails(write, b"1", code=FaultCode.FULL)
    client.inject(call, errno.ENOSPC, "/log/", times=10)
    big = b"x" * 30_000
    results = []
    for stamp in range(1, 5):
        try:
            await client.ask(value("filling", stamp, big), big)
        except Fault as fault:
            results.append(fault.code)
    assert FaultCode.FULL in results
    client.files.on_call = lambda *_: None
    await client.ask(tombstone("filling", 10))
    assert await client.state() == DriveState.ONLINE


def other_device(client: Client) -> None:
    client.files.device = 2


def no_identity(client: Client) -> None:
    client.files.remove("/drive/rustfs.json")


def damaged_identity(client: Client) -> None:
    client.files.write_file("/drive/rustfs.json", b"{}")


def empty_folder(client: Client) -> None:
    no_identity(client)
    for name in client.files.list_folder("/drive/log"):
        client.files.remove(f"/drive/log/{name}")


def other_log(client: Client) -> None:
    """Somebody put another drive's log there, and no identity."""
    other = memory_drive()
    other.put("a", 1)
    no_identity(client)
    for name in client.files.list_folder("/drive/log"):
        path = f"/drive/log/{name}"
        client.files.write_file(path, other.files.read_file(path))


def other_identity(client: Client) -> None:
    other = memory_drive()
    client.files.write_file("/drive/rustfs.json", other.files.read_file("/drive/rustfs.json"))


@pytest.mark.parametrize("happens", [no_identity, damaged_identity])
async def test_a_lost_identity_is_written_again(
    autojump_clock: trio.testing.MockClock, client: Client, happens: Callable[[Client], None]
) -> None:
    """Within a tick, where the drive's log stands as it did; the drive is served all the while."""
    await client.ask(value("a", 1))
    before = client.files.read_file("/drive/rustfs.json")
    happens(client)
    await trio.sleep(15)
    assert client.files.read_file("/drive/rustfs.json") == before
    await client.ask(value("b", 1))
    assert await client.state() == DriveState.ONLINE


@pytest.mark.parametrize("happens", [other_device, empty_folder, other_log, other_identity])
async def test_a_mount_that_goes_away_fences(
    autojump_clock: trio.testing.MockClock, client: Client, happens: Callable[[Client], None]
) -> None:
    """Within a tick: another device, nothing or another drive under the path."""
    await client.ask(value("a", 1))
    happens(client)
    await trio.sleep(15)
    await client.fails(value("b", 1))
    assert await client.state() == DriveState.FAULTY


async def test_single_read_errors_make_it_suspect_and_many_fence(
    autojump_clock: trio.testing.MockClock, client: Client
) -> None:
    """An unreadable record is DAMAGED; the drive is avoided for a while, or for good."""
    data = b"x" * 100
    await client.ask(value("a", 1, data), data)
    client.inject("read", errno.EIO, "/log/")
    found = (await client.ask(Lookup(0, "bucket", b"a"))).message
    assert found.state == 2 and found.evidence
    assert await client.state() == DriveState.SUSPECT
    await trio.sleep(SMALL.suspect_s + 1)
    assert await client.state() == DriveState.ONLINE
    client.inject("read", errno.EIO, "/log/", times=3)
    for _ in range(3):
        await client.ask(Lookup(0, "bucket", b"a"))
    assert await client.state() == DriveState.FAULTY


async def test_a_refused_drive_says_why(autojump_clock: trio.testing.MockClock) -> None:
    """The worker lives, answers its status, and does nothing else."""
    drive = memory_drive()
    drive.files.remove("/drive/rustfs.json")
    net = MemoryNet()
    bus, own = net.open_bus("drive"), net.open_bus("set", ["drive"])
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, bus, drive, SMALL)
        await nursery.start(bus.run)
        await nursery.start(own.run)
        await connect(own)
        client = Client(own, drive, drive.files)
        await client.fails(value("a", 1))
        status = (await client.ask(DriveStatus())).message
        assert status.state == DriveState.FAULTY and "mounted" in status.reason
        nursery.cancel_scope.cancel()


async def test_a_queue_that_is_full_answers_at_once(autojump_clock: trio.testing.MockClock) -> None:
    """Commits beyond the bound are OVERLOADED, and none is lost silently."""
    drive = memory_drive()
    settings = attrs.evolve(SMALL, queue_requests=4)
    net = MemoryNet()
    bus, own = net.open_bus("drive"), net.open_bus("set", ["drive"])
    answers: list[Reply | Fault] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, bus, drive, settings)
        await nursery.start(bus.run)
        await nursery.start(own.run)
        await connect(own)
        for number in range(10):
            commit: Commit = value(f"k{number}", 1)
            own.ask("drive", commit, deadline_s=100, on_reply=answers.append)
        await trio.sleep(50)
        nursery.cancel_scope.cancel()
    codes = [answer.code if isinstance(answer, Fault) else "done" for answer in answers]
    assert len(codes) == 10 and codes.count("done") == 4 and codes.count(FaultCode.OVERLOADED) == 6
