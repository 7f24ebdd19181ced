"""Scrubs that somebody orders, ends or asks about, and what becomes of what they find."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
from trio.testing import MockClock

from rustfs_node.drive.scrub import Scrub
from rustfs_node.seams.threads import InlineThreads
from rustfs_proto.wire.drive_ops import ScrubProgress
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.scrub_ops import SCRUB_START, SCRUB_STOP, DriveScrub
from tests.kit import corrupt
from tests.kit.drives import TestDrive, memory_drive
from tests.unit.drive.test_scrub import FILES, SETTINGS, filled, found, kept, path_of, put_file

START, STOP = DriveScrub(SCRUB_START), DriveScrub(SCRUB_STOP)
FLAT_OUT = DriveScrub(SCRUB_START, flat_out=True)
SLOW_BYTES = 64 * 1024
"""Fourteen records and twelve frames take 26 s by that budget."""


@asynccontextmanager
async def at_rest(drive: TestDrive) -> AsyncIterator[Scrub]:
    """A scrub whose first round has ended; asked for nothing, it rests for a month."""
    scrub = Scrub(drive.engine, InlineThreads(), lambda: False)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scrub.run)
        nursery.start_soon(scrub.repairs.run)
        await trio.sleep(100)
        assert told(scrub).rounds == 1 and not told(scrub).is_running
        yield scrub
        nursery.cancel_scope.cancel()


def told(scrub: Scrub) -> ScrubProgress:
    return scrub.order(DriveScrub())


async def test_a_round_begins_when_it_is_ordered(autojump_clock: MockClock) -> None:
    """At once, from the first row, within the budget; the next one is a period after it."""
    drive = filled(scrub_bytes_per_s=SLOW_BYTES)
    async with at_rest(drive) as scrub:
        first = told(scrub)
        drive.clock.move(1000)
        assert scrub.order(START).ordered
        await trio.sleep(25)
        assert told(scrub).is_running and told(scrub).ordered
        await trio.sleep(3)
        second = told(scrub)
        assert (second.rounds, second.rows, second.is_running) == (2, 2 * first.rows, False)
        assert second.began_ms == second.ended_ms == first.began_ms + 1_000_000
        assert kept(drive).is_ended and not second.ordered
        drive.clock.move(drive.settings.scrub_period_s - 1)
        await trio.sleep(100)
        assert told(scrub).rounds == 2


async def test_flat_out_it_waits_for_nobody(autojump_clock: MockClock) -> None:
    """Neither for its budget nor for clients; the next round keeps to both again."""
    drive = filled(scrub_bytes_per_s=SLOW_BYTES)
    async with at_rest(drive) as scrub:
        scrub._is_busy = lambda: True  # noqa: SLF001 - clients come now
        assert scrub.order(FLAT_OUT).flat_out
        await trio.sleep(0.5)
        assert told(scrub).rounds == 2 and not told(scrub).flat_out
        scrub.order(START)
        await trio.sleep(20)
        assert told(scrub).is_running


async def test_a_round_that_goes_on_is_hurried_and_not_begun_anew(autojump_clock: MockClock) -> None:
    """One that had its time is still one that had its time: it is not ended by an order, only slowed down."""
    drive = filled(scrub_bytes_per_s=SLOW_BYTES)
    scrub = Scrub(drive.engine, InlineThreads(), lambda: False)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scrub.run)
        await trio.sleep(10)
        began = told(scrub)
        assert began.is_running
        hurried = scrub.order(FLAT_OUT)
        assert (hurried.rows, hurried.ordered, hurried.flat_out) == (began.rows, False, True)
        stopped = scrub.order(STOP)
        assert (stopped.is_running, stopped.flat_out) == (True, False)
        scrub.order(FLAT_OUT)
        # What was read is paid for.
        await trio.sleep(6)
        assert told(scrub).rounds == 1 and drive.engine.counts.scrub.rows == 14
        nursery.cancel_scope.cancel()


async def test_a_round_that_is_stopped_was_never_ordered(autojump_clock: MockClock) -> None:
    """It reads no further, is not counted, and the next one comes when it would have come, also after a
    start; another can be ordered at once.
    """
    drive = filled(scrub_bytes_per_s=SLOW_BYTES)
    async with at_rest(drive) as scrub:
        before = told(scrub)
        drive.clock.move(1000)
        scrub.order(START)
        await trio.sleep(20)
        read_bytes = scrub.order(STOP).size_bytes
        assert before.size_bytes < read_bytes < 2 * before.size_bytes
        await trio.sleep(60)
        after = told(scrub)
        assert (after.size_bytes, after.rounds, after.is_running) == (read_bytes, 1, False)
        assert (after.began_ms, after.ended_ms) == (before.began_ms, before.ended_ms)
        assert kept(drive).is_ended and kept(drive).began_ms == before.began_ms
        scrub.order(START)
        scrub.order(STOP)
        scrub.order(FLAT_OUT)
        await trio.sleep(2)
        assert told(scrub).rounds == 2


async def test_what_a_stopped_round_found_is_noted_all_the_same(autojump_clock: MockClock) -> None:
    """It stays a finding, and until it is noted a worker that comes after this one goes on with the round."""
    drive = filled(scrub_bytes_per_s=SLOW_BYTES)
    async with at_rest(drive) as scrub:
        corrupt.flip_record_data(drive, "a3")
        scrub.order(START)
        await trio.sleep(15)
        scrub.order(STOP)
        await trio.sleep(5)
        assert found(drive) == {"a3"} and kept(drive).is_ordered
        drive.engine.findings.drop(drive.engine.findings.told())
        await trio.sleep(5)
        assert kept(drive).is_ended


async def test_an_order_outlives_the_worker(autojump_clock: MockClock) -> None:
    """And with it where the round was; it can be ended by the next one. Its haste is forgotten."""
    drive = filled(scrub_bytes_per_s=SLOW_BYTES)
    async with at_rest(drive) as scrub:
        scrub.order(START)
        await trio.sleep(24)
    drive.reopen()
    scrub = Scrub(drive.engine, InlineThreads(), lambda: False)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scrub.run)
        await trio.sleep(1.5)
        now = told(scrub)
        assert now.is_running and now.ordered and 0 < now.round_rows <= 14
        assert not scrub.order(STOP).is_running
        await trio.sleep(2)
        assert kept(drive).is_ended and kept(drive).rounds == 1
        nursery.cancel_scope.cancel()


async def test_a_drive_that_is_never_scrubbed_is_when_it_is_ordered(autojump_clock: MockClock) -> None:
    """Once."""
    drive = filled(scrub_period_s=0.0)
    scrub = Scrub(drive.engine, InlineThreads(), lambda: False)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scrub.run)
        await trio.sleep(100)
        assert told(scrub).rounds == 0
        scrub.order(START)
        await trio.sleep(100)
        assert (told(scrub).rounds, told(scrub).rows) == (1, 14)
        nursery.cancel_scope.cancel()


async def test_what_cannot_be_ordered_is_refused(autojump_clock: MockClock) -> None:
    """A drive that is being rebuilt, and a word that is no action."""
    drive = filled()
    drive.engine.mark_healing("replaced")
    scrub = Scrub(drive.engine, InlineThreads(), lambda: False)
    for order, code in ((START, FaultCode.CONFLICT), (DriveScrub("polish"), FaultCode.INVALID)):
        with pytest.raises(Fault) as refused:
            scrub.order(order)
        assert refused.value.code is code


async def test_what_is_left_is_told_by_the_rate(autojump_clock: MockClock) -> None:
    """Unknown before anything was read; then as long as the rows that are left take at the rate so far."""
    drive = filled(scrub_bytes_per_s=SLOW_BYTES)
    async with at_rest(drive) as scrub:
        scrub.order(START)
        assert told(scrub).left_s == -1
        for _ in range(20):
            await trio.sleep(1)
            drive.clock.move(1)
        now = told(scrub)
        assert (now.round_rows, now.rows_there) == (11, 14)
        assert now.left_s == round(3 * 20 / 11)


async def test_what_was_found_is_told_as_repaired_when_it_reads_well(autojump_clock: MockClock) -> None:
    """Not when it was noted; and what was removed meanwhile is neither."""
    drive = filled()
    async with at_rest(drive) as scrub:
        corrupt.flip_record_data(drive, "a3")
        corrupt.lose_file(drive, path_of(drive, 0))
        corrupt.flip_shard_tail(drive, path_of(drive, 1))
        corrupt.lose_file(drive, path_of(drive, 2))
        scrub.order(START)
        await trio.sleep(30)
        drive.engine.findings.drop(drive.engine.findings.told())
        await trio.sleep(30)
        now = told(scrub)
        assert (now.found, now.repaired, now.unrepaired) == (4, 0, 4)
        drive.put("a3", 4, b"x" * 100)
        drive.files.remove(path_of(drive, 1))
        put_file(drive, "f1", 21, FILES[1])
        drive.delete("f2", 2000)
        drive.settle("f2", 2000)
        await trio.sleep(30)
        now = told(scrub)
        assert (now.found, now.repaired, now.unrepaired) == (4, 2, 1)
        put_file(drive, "f0", 20, FILES[0])
        await trio.sleep(30)
        assert (told(scrub).repaired, told(scrub).unrepaired) == (3, 0)


async def test_only_so_many_findings_are_looked_at_again(autojump_clock: MockClock) -> None:
    """A drive that lost very much does not remember all of it."""
    drive = memory_drive(attrs.evolve(SETTINGS, scrub_found_keys=3))
    scrub = Scrub(drive.engine, InlineThreads(), lambda: False)
    for number in range(5):
        drive.put(f"a{number}", number + 1, b"x")
    for row in drive.engine.index.all_behind((0, "", b"", b""), 100):
        scrub.repairs.add(row)
    assert told(scrub).unrepaired == 3
    await scrub.repairs.look()
    assert (told(scrub).repaired, told(scrub).unrepaired) == (3, 0)
