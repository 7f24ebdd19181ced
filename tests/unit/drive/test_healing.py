"""What a drive tells those who heal, and how its healing ends."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rustfs_node.drive.identity_file import mark_healing, write_identity
from rustfs_node.drive.rows import list_rows
from rustfs_node.seams.memory_files import MemoryFiles
from rustfs_proto.disk.identity import HEALING, OK, parse_identity
from rustfs_proto.disk.layout import REBUILD_FILE
from rustfs_proto.disk.rebuild_place import RebuildPlace, Stage, parse_rebuild_place
from rustfs_proto.wire.drive_ops import DriveState, Lookup, RowName, Space
from rustfs_proto.wire.faults import FaultCode
from rustfs_proto.wire.heal_ops import HeldRow, ListRows, MarkRebuild, RebuildMarked, Rejoin
from tests.kit import corrupt
from tests.kit.drives import SMALL, TestDrive, memory_drive, tombstone, value
from tests.unit.drive.test_fence import Client, client_of

TOKEN, OTHER = b"t" * 16, b"o" * 16


def rows_of(drive: TestDrive, limit: int, *, verify: bool = False) -> list[HeldRow]:
    """As all pages together tell them."""
    rows: list[HeldRow] = []
    after, more = RowName(), True
    while more:
        page = list_rows(drive.engine, ListRows(after, limit, verify))
        rows += page.rows
        more = page.more
        if page.rows:
            last = page.rows[-1]
            after = RowName(last.space, last.bucket, last.key, last.sub)
    return rows


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_rows_of_all_spaces_are_told_once_by_their_newest_version(limit: int) -> None:
    """In the order of space, bucket, key and sub, removed ones among them, however small the pages."""
    drive = memory_drive()
    drive.commit(value("b", 1), value("a", 2, bucket="z"), value("up", 3, space=Space.UPLOAD, sub=b"u" * 16))
    drive.commit(value("b", 4), tombstone("c", 5))
    told = [(row.space, row.bucket, row.key, row.stamp, row.has_gaps) for row in rows_of(drive, limit)]
    stamps = [row.stamp for row in (value("b", 4), tombstone("c", 5), value("a", 2), value("up", 3))]
    assert told == [
        (0, "bucket", b"b", stamps[0], False),
        (0, "bucket", b"c", stamps[1], False),
        (0, "z", b"a", stamps[2], False),
        (1, "bucket", b"up", stamps[3], False),
    ]


def test_notes_that_were_taken_back_are_passed_over() -> None:
    """They stay for as long as an old record could bring the note back, and may be very many."""
    drive = memory_drive()
    drive.commit(*(value(f"k{number}", number + 1, space=Space.HEAL) for number in range(4)))
    drive.commit(*(tombstone(f"k{number}", number + 9, space=Space.HEAL) for number in range(3)))
    page = list_rows(drive.engine, ListRows(RowName(Space.HEAL), 2, notes=True))
    assert [row.key for row in page.rows] == [b"k3"] and not page.more


def test_a_row_is_verified_by_its_record_and_its_files() -> None:
    """A damaged record is found where rows are verified, and not by the index alone."""
    drive = memory_drive()
    for key in ("a", "b"):
        drive.put(key, 1, b"data of " + key.encode())
    corrupt.flip_record_data(drive, "a")
    assert [row.has_gaps for row in rows_of(drive, 10)] == [False, False]
    assert [row.has_gaps for row in rows_of(drive, 10, verify=True)] == [True, False]


def identity_state(drive: TestDrive) -> str:
    return parse_identity(drive.files.read_file(f"{drive.path}/rustfs.json")).state


@asynccontextmanager
async def healing_drive() -> AsyncIterator[Client]:
    drive = memory_drive()
    assert isinstance(drive.files, MemoryFiles)
    identity = parse_identity(drive.files.read_file(f"{drive.path}/rustfs.json"))
    write_identity(drive.files, drive.path, identity.healing("replaced"))
    async with client_of(drive, SMALL) as running:
        yield running


async def test_healing_ends_in_two_steps_of_one_token() -> None:
    """The second with another token, or without a first, changes nothing. With the right one it is durable,
    and a drive that lost something later begins anew.
    """
    async with healing_drive() as client:
        await client.fails(Rejoin(TOKEN, is_rebuilt=True), code=FaultCode.CONFLICT)
        assert await client.state() == DriveState.HEALING
        await client.ask(Rejoin(OTHER))
        await client.ask(Rejoin(TOKEN))
        found = (await client.ask(Lookup(0, "bucket", b"a"))).message
        assert (found.evidence, found.joins) == (False, True)
        await client.fails(Rejoin(OTHER, is_rebuilt=True), code=FaultCode.CONFLICT)
        assert identity_state(client.drive) == HEALING
        await client.ask(Rejoin(TOKEN, is_rebuilt=True))
        assert await client.state() == DriveState.ONLINE
        found = (await client.ask(Lookup(0, "bucket", b"a"))).message
        assert (found.evidence, found.joins) == (True, False)
    client.files.crash()
    assert identity_state(client.drive) == OK


async def test_how_far_a_rebuild_is_outlives_the_drive() -> None:
    """Until it is well, or loses something again. It tells, too, whether the drive has joined."""
    at = RowName(Space.OBJECT, "bucket", b"k7", b"\xff")
    async with healing_drive() as client:
        assert (await client.ask(MarkRebuild())).message == RebuildMarked()
        await client.ask(Rejoin(TOKEN))
        marked = (await client.ask(MarkRebuild(Stage.CENSUS, at))).message
        assert marked == RebuildMarked(Stage.CENSUS, at, TOKEN)
        path = f"{client.drive.path}/{REBUILD_FILE}"
        client.files.crash()
        raw = client.files.read_file(path)
        assert parse_rebuild_place(raw) == RebuildPlace(Stage.CENSUS, at)
        assert parse_rebuild_place(raw.replace(b'"stage": 2', b'"stage": 1')) is None
        mark_healing(client.files, client.drive.path, client.drive.identity, "lost")
        assert not client.files.exists(path)
        client.files.write_file(path, raw)
        await client.ask(Rejoin(TOKEN, is_rebuilt=True))
        assert not client.files.exists(path)
        await client.ask(MarkRebuild(Stage.CENSUS, at))
        assert not client.files.exists(path)


async def test_a_drive_whose_identity_cannot_be_written_is_fenced() -> None:
    """Nobody is told that it is well."""
    async with healing_drive() as client:
        await client.ask(Rejoin(TOKEN))
        client.inject("sync", errno.EIO, "rustfs.json")
        await client.fails(Rejoin(TOKEN, is_rebuilt=True))
        assert await client.state() == DriveState.FAULTY
