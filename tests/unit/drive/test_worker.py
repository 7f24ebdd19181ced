"""The worker over the bus: what other processes see of a drive."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import trio
import xxhash

from rustfs_node.bus import Bus, MemoryNet, Reply, TrioClock
from rustfs_node.drive.worker import run_drive
from rustfs_node.seams.threads import InlineThreads
from rustfs_proto.wire.drive_ops import (
    Commit,
    Committed,
    DriveState,
    DriveStatus,
    LookedUp,
    Lookup,
    RowState,
    Scan,
    Settle,
    SettledRow,
    ShardIdentity,
    ShardRead,
    ShardWrite,
    Space,
)
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.kit.drives import FIRST_STAMP, SMALL, TestDrive, new_drive, value

STRIPE = 8192
DATA_ID = bytes(range(16))


@attrs.define
class Client:
    """Asks the drive over the bus."""

    bus: Bus
    drive: TestDrive

    async def ask(self, message: object, *frames: bytes) -> Reply:
        with trio.fail_after(10):
            return await self.bus.call("drive", message, frames, deadline_s=5)

    async def fails(self, code: FaultCode, message: object, *frames: bytes) -> None:
        with pytest.raises(Fault) as caught:
            await self.ask(message, *frames)
        assert caught.value.code == code

    async def ask_until_recovered(self, message: object) -> Reply:
        while True:
            try:
                return await self.ask(message)
            except Fault as fault:
                if fault.code != FaultCode.OVERLOADED:
                    raise

    async def write_shard(self, *fragments: bytes, data_id: bytes = DATA_ID, key: bytes = b"big") -> None:
        for index, fragment in enumerate(fragments):
            identity = ShardIdentity("bucket", key, 1, 2, 2, STRIPE) if index == 0 else None
            check = xxhash.xxh3_128_digest(fragment)
            await self.ask(ShardWrite(data_id, index, check, identity), fragment)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    drive = new_drive(tmp_path)
    net = MemoryNet()
    bus, own = net.open_bus("drive"), net.open_bus("set", ["drive"])
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda task_status: run_drive(
                bus, drive.address, SMALL, drive.files, TrioClock(), InlineThreads(), task_status=task_status
            )
        )
        await nursery.start(bus.run)
        await nursery.start(own.run)
        while not own.is_up("drive"):
            await trio.testing.wait_all_tasks_blocked()
        yield Client(own, drive)
        nursery.cancel_scope.cancel()


async def test_a_committed_object_is_found_and_listed(client: Client) -> None:
    """Commit, lookup, scan and status agree with each other."""
    data = b"x" * 3000
    reply = await client.ask(value("a", 1, data), data)
    assert reply.message == Committed(replaced=False)
    found = await client.ask(Lookup(Space.OBJECT, "bucket", b"a"))
    assert found.message.state == RowState.FOUND and found.message.evidence
    assert found.frames == (data,)
    page = await client.ask(Scan(Space.OBJECT, "bucket"))
    assert [row.key for row in page.message.rows] == [b"a"] and not page.message.more
    status = (await client.ask(DriveStatus())).message
    assert (status.rows, status.state, status.newest_stamp) == (1, DriveState.ONLINE, FIRST_STAMP + 1)


async def test_a_damaged_frame_is_refused(client: Client) -> None:
    """What changed on the way never reaches the log."""
    await client.fails(FaultCode.DAMAGED, value("a", 1, b"right"), b"wrong")
    assert (await client.ask(Lookup(Space.OBJECT, "bucket", b"a"))).message.state == RowState.ABSENT


async def test_a_shard_file_is_written_committed_and_read(client: Client) -> None:
    """Fragments come back with their digests once a commit has named the file."""
    fragments = (b"1" * 4096, b"2" * 4096, b"3" * 1000)
    await client.write_shard(*fragments)
    reply = await client.ask(value("big", 1, files=(DATA_ID,), shard=1))
    assert reply.message == Committed(replaced=False)
    read = await client.ask(ShardRead(DATA_ID, "bucket", b"big", 1, 0, 3))
    assert read.frames == fragments
    assert read.message.checks == tuple(map(xxhash.xxh3_128_digest, fragments))
    second = await client.ask(ShardRead(DATA_ID, "bucket", b"big", 1, 2, 1))
    assert second.frames == fragments[2:]
    await client.fails(FaultCode.DAMAGED, ShardRead(DATA_ID, "bucket", b"big", 1, 3, 1))
    await client.fails(FaultCode.DAMAGED, ShardRead(DATA_ID, "bucket", b"other", 1, 0, 1))


async def test_a_commit_names_the_files_that_are_missing(client: Client) -> None:
    """The drive commits anyway, and says so at every lookup."""
    reply = await client.ask(value("big", 1, files=(DATA_ID,)))
    assert reply.message == Committed((DATA_ID,), replaced=False)
    found = (await client.ask(Lookup(Space.OBJECT, "bucket", b"big"))).message
    assert isinstance(found, LookedUp) and found.no_files == (DATA_ID,)
    await client.write_shard(b"1" * 10)
    assert (await client.ask(value("big", 1, files=(DATA_ID,)))).message.missing == ()
    assert (await client.ask(Lookup(Space.OBJECT, "bucket", b"big"))).message.no_files == ()


async def test_a_commit_that_must_be_whole_is_refused_without_its_files(client: Client) -> None:
    """No record is left behind that would speak for the version."""
    await client.fails(FaultCode.NOT_FOUND, value("big", 1, files=(DATA_ID,), whole=True))
    found = (await client.ask(Lookup(Space.OBJECT, "bucket", b"big"))).message
    assert isinstance(found, LookedUp) and found.state == RowState.ABSENT
    await client.write_shard(b"1" * 10)
    assert (await client.ask(value("big", 1, files=(DATA_ID,), whole=True))).message.missing == ()


async def test_fragments_out_of_order_end_the_file(client: Client) -> None:
    """A file with a gap never gets its name."""
    await client.write_shard(b"1" * 4096)
    check = xxhash.xxh3_128_digest(b"3")
    await client.fails(FaultCode.INVALID, ShardWrite(DATA_ID, 2, check), b"3")
    assert (await client.ask(value("big", 1, files=(DATA_ID,)))).message.missing == (DATA_ID,)


async def test_a_fragment_that_fails_its_digest_ends_the_file(client: Client) -> None:
    """The next fragment learns that there is no file."""
    identity = ShardIdentity("bucket", b"big", 1, 2, 2, STRIPE)
    await client.fails(FaultCode.DAMAGED, ShardWrite(DATA_ID, 0, b"?" * 16, identity), b"1" * 10)
    check = xxhash.xxh3_128_digest(b"2")
    await client.fails(FaultCode.DAMAGED, ShardWrite(DATA_ID, 1, check), b"2")


async def test_many_commits_at_once_are_all_answered(client: Client) -> None:
    """A burst goes through in batches, and each of its commits is durable."""
    answers: list[object] = []
    for number in range(500):
        data = b"%d" % number * 50
        commit: Commit = value(f"k{number:03}", number + 1, data)
        client.bus.ask("drive", commit, (data,), deadline_s=5, on_reply=answers.append)
    with trio.fail_after(20):
        while len(answers) < 500:
            await client.ask(DriveStatus())
    assert all(isinstance(answer, Reply) for answer in answers)
    page = (await client.ask(Scan(Space.OBJECT, "bucket", limit=1000))).message
    assert len(page.rows) == 500


async def test_a_settlement_never_overtakes_its_commit(client: Client) -> None:
    """A notice sent right after a commit whose files are still synced drops the prior all the same."""
    await client.ask(value("big", 1))
    await client.write_shard(b"1" * 10)
    answers: list[object] = []
    client.bus.ask("drive", value("big", 2, files=(DATA_ID,)), deadline_s=5, on_reply=answers.append)
    client.bus.notify("drive", Settle((SettledRow(Space.OBJECT, "bucket", b"big", FIRST_STAMP + 2),)))
    while not answers:
        await client.ask(DriveStatus())
    found = (await client.ask(Lookup(Space.OBJECT, "bucket", b"big"))).message
    assert (found.stamp, found.priors) == (FIRST_STAMP + 2, ())


async def test_a_broken_index_is_rebuilt_while_serving(client: Client) -> None:
    """An index whose rows fail their check is dropped, and everything is found again."""
    data = b"x" * 100
    await client.ask(value("a", 1, data), data)
    with sqlite3.connect(f"{client.drive.path}/index.sqlite") as connection:
        connection.execute("UPDATE rows SET offset = offset + 8")
    connection.close()
    await client.fails(FaultCode.OVERLOADED, Lookup(Space.OBJECT, "bucket", b"a"))
    with trio.fail_after(10):
        found = await client.ask_until_recovered(Lookup(Space.OBJECT, "bucket", b"a"))
    assert found.frames == (data,)
