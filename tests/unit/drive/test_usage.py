"""A drive counts what it has: what was stored and deleted, when it is asked, and not more often."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
from trio.testing import MockClock

from rustfs_node.drive.index_row import IndexDamaged
from rustfs_node.drive.usage import UsageCount
from rustfs_proto.objects import ObjectHead, encode_head
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.versions import sub_of
from rustfs_proto.wire.drive_ops import RowKind, Space
from rustfs_proto.wire.usage_ops import Usage
from tests.kit.drives import FIRST_STAMP, SMALL, TestDrive, memory_drive, tombstone, value

SETTINGS = attrs.evolve(SMALL, usage_period_s=60.0, usage_step_rows=3)


def put(drive: TestDrive, key: str, stamp: int, size: int, **fields: object) -> None:
    drive.commit(value(key, stamp, head=encode_head(ObjectHead(size, "e")), **fields))


def filled() -> TestDrive:
    """Ten objects of a hundred bytes, and a key with three versions of which one is a delete marker; beside
    them what is not counted: an upload, and what the node keeps for itself.
    """
    drive = memory_drive(SETTINGS)
    for number in range(10):
        put(drive, f"dir/a{number}", number + 1, 100)
    for stamp, kind in ((20, RowKind.VALUE), (21, RowKind.VALUE), (22, RowKind.MARKER)):
        sub = sub_of(FIRST_STAMP + stamp, b"randoms!")
        put(drive, "many", stamp, 7 if kind == RowKind.VALUE else 0, kind=kind, sub=sub)
    put(drive, "own", 30, 5, bucket=SYSTEM_BUCKET)
    put(drive, "dir/upload", 31, 5, space=Space.UPLOAD, sub=b"u" * 16)
    return drive


@asynccontextmanager
async def counting(drive: TestDrive) -> AsyncIterator[UsageCount]:
    """While it lasts the drive counts when it is asked."""
    async with trio.open_nursery() as nursery:
        count = UsageCount(drive.engine)
        nursery.start_soon(count.run)
        yield count
        nursery.cancel_scope.cancel()


async def ask(count: UsageCount) -> Usage | None:
    """What is told once it had time to count."""
    count.told()
    await trio.sleep(1)
    return count.told().usage


def sums(usage: Usage | None) -> tuple[int, int, int, int] | None:
    total = usage and usage.total
    return total and (total.objects, total.versions, total.delete_markers, total.size_bytes)


async def test_what_was_stored_is_counted(autojump_clock: MockClock) -> None:
    """Objects, versions, delete markers and bytes, by bucket and prefix; overwritten and deleted ones go."""
    drive = filled()
    async with counting(drive) as count:
        assert sums(await ask(count)) == (10, 12, 1, 1014)
        put(drive, "dir/a0", 40, 1)
        drive.commit(tombstone("dir/a1", 41))
        await trio.sleep(60)
        usage = await ask(count)
    assert usage is not None
    assert sums(usage) == (9, 11, 1, 815)
    assert [(one.name, one.counted.size_bytes) for one in usage.prefixes] == [("dir/", 801), ("", 14)]
    assert [one.name for one in usage.buckets] == ["bucket"]


async def test_a_drive_counts_when_it_is_asked_and_not_more_often(autojump_clock: MockClock) -> None:
    """Nobody asks: nothing is counted. Many ask: once in a period. The age is told."""
    drive = filled()
    async with counting(drive) as count:
        await trio.sleep(1000)
        assert drive.engine.counts.usage_rows == 0
        for _ in range(50):
            await ask(count)
        assert drive.engine.counts.usage_rows == 14
        assert 48 < count.told().age_s < 51
        await trio.sleep(20)
        await ask(count)
        assert drive.engine.counts.usage_rows == 28


async def test_a_drive_that_has_not_everything_tells_nothing(autojump_clock: MockClock) -> None:
    """Nor does one that is not to count."""
    drive = filled()
    async with counting(drive) as count:
        assert await ask(count) is not None
        drive.engine.fence.is_healing = True
        assert count.told().usage is None
    drive = filled()
    drive.engine.settings = attrs.evolve(SETTINGS, usage_period_s=0.0)
    async with counting(drive) as count:
        assert await ask(count) is None


async def test_a_damaged_row_is_damage_and_an_unknown_one_is_not(autojump_clock: MockClock) -> None:
    """A head that cannot be read is damage of the index only where the check of its row says so."""
    drive = filled()
    drive.commit(value("later", 50, head=b"of a later release"))
    async with counting(drive) as count:
        assert await ask(count) is None
    drive.engine.index.begin()
    damage = "UPDATE rows SET head = x'00' WHERE key = x'6d616e79'"
    drive.engine.index._sql(damage)  # noqa: SLF001 - as SQLite would give it from a damaged page
    with pytest.RaisesGroup(IndexDamaged):
        async with counting(drive) as count:
            await ask(count)
