"""The scrub of one drive: what it finds, where it goes on, and for what it waits."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import cycle

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from rustfs_node.drive.compaction import Compaction
from rustfs_node.drive.scrub import Scrub
from rustfs_node.drive.scrub_read import WantedFile, read_piece
from rustfs_node.seams.threads import InlineThreads
from rustfs_proto.disk.identity import HEALING
from rustfs_proto.disk.layout import SCRUB_FILE, shard_path
from rustfs_proto.disk.scrub_place import ScrubPlace, format_scrub_place, parse_scrub_place
from rustfs_proto.objects import Geometry, ObjectMeta, Part, encode_meta
from rustfs_proto.wire.faults import FaultCode
from rustfs_proto.wire.heal_ops import FoundKey
from tests.kit import corrupt
from tests.kit.drives import SMALL, STRIPE_BYTES, TestDrive, memory_drive, value

SETTINGS = attrs.evolve(SMALL, scrub_keep_s=1.0, scrub_step_bytes=4096, scrub_bytes_per_s=1 << 30)
FRAGMENTS = (b"1" * 4096, b"2" * 4096, b"3" * 1000)
FILES = [bytes([number]) * 16 for number in range(4)]
SIZE = 2 * STRIPE_BYTES + 2000


def path_of(drive: TestDrive, number: int) -> str:
    return f"{drive.path}/{shard_path(FILES[number])}"


def put_file(drive: TestDrive, key: str, stamp: int, data_id: bytes) -> None:
    """An object of three frames on this drive."""
    drive.write_shard(data_id, *FRAGMENTS, key=key)
    meta = ObjectMeta(Geometry(2, 2, STRIPE_BYTES), (Part(1, SIZE, data_id),))
    drive.commit_files(value(key, stamp, files=(data_id,), shard=1, meta=encode_meta(meta)))


def filled(**settings: object) -> TestDrive:
    """Small objects a0 to a9, large ones f0 to f3."""
    drive = memory_drive(attrs.evolve(SETTINGS, **settings))
    for number in range(10):
        drive.put(f"a{number}", number + 1, b"x" * 100)
    for number in range(4):
        put_file(drive, f"f{number}", number + 20, FILES[number])
    return drive


@asynccontextmanager
async def scrubbing(drive: TestDrive, is_busy: Callable[[], bool] = lambda: False) -> AsyncIterator[None]:
    """While it lasts the drive is scrubbed."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Scrub(drive.engine, InlineThreads(), is_busy).run)
        yield
        nursery.cancel_scope.cancel()


def found(drive: TestDrive) -> set[str]:
    return {one.key.decode() for one in drive.engine.findings.told()}


def kept(drive: TestDrive) -> ScrubPlace:
    place = parse_scrub_place(drive.files.read_file(f"{drive.path}/{SCRUB_FILE}"))
    assert place is not None
    return place


async def test_everything_is_read_once_in_a_period(autojump_clock: MockClock) -> None:
    """Every row and every fragment; then it rests until the period is over, also when it was started anew."""
    drive = filled()
    async with scrubbing(drive):
        await trio.sleep(100)
    counts = drive.engine.counts.scrub
    assert (counts.rows, counts.rounds, counts.found, counts.is_running) == (14, 1, 0, False)
    assert counts.size_bytes > 4 * sum(map(len, FRAGMENTS))
    drive.reopen()
    async with scrubbing(drive):
        await trio.sleep(100)
        assert (drive.engine.counts.scrub.rows, drive.engine.counts.scrub.rounds) == (0, 1)
        drive.clock.move(drive.settings.scrub_period_s)
        await trio.sleep(100)
        assert (drive.engine.counts.scrub.rows, drive.engine.counts.scrub.rounds) == (14, 2)


async def test_each_kind_of_damage_is_found_and_counted(autojump_clock: MockClock) -> None:
    """Records, and files that are gone, changed, or end where a frame ends. The round ends when all of it is
    noted.
    """
    drive = filled()
    corrupt.flip_record_data(drive, "a3")
    paths = [path_of(drive, number) for number in range(4)]
    corrupt.lose_file(drive, paths[0])
    corrupt.flip_shard_tail(drive, paths[1])
    corrupt.cut_file(drive, paths[2], drive.files.stat(paths[2]).size_bytes - 4096)
    async with scrubbing(drive):
        await trio.sleep(100)
        assert found(drive) == {"a3", "f0", "f1", "f2"}
        counts = drive.engine.counts.scrub
        assert (counts.records_damaged, counts.files_missing, counts.files_damaged) == (1, 1, 2)
        assert counts.rounds == 0
        drive.engine.findings.drop(drive.engine.findings.told())
        await trio.sleep(100)
        assert counts.rounds == 1 and kept(drive).is_ended


async def test_what_was_not_noted_is_found_again(autojump_clock: MockClock) -> None:
    """A worker that dies goes on no later than where its first finding was that nobody has noted."""
    drive = filled()
    corrupt.flip_shard_tail(drive, path_of(drive, 1))
    async with scrubbing(drive):
        await trio.sleep(100)
    drive.abandon()
    async with scrubbing(drive):
        await trio.sleep(100)
        assert found(drive) == {"f1"}
        drive.engine.findings.drop([FoundKey("bucket", b"f1")])
        await trio.sleep(100)
    assert drive.engine.counts.scrub.rounds == 1


async def test_what_was_not_noted_is_found_again_on_the_way(autojump_clock: MockClock) -> None:
    """Also where the scrub had kept its way since."""
    drive = filled(scrub_bytes_per_s=64 * 1024)
    corrupt.flip_shard_tail(drive, path_of(drive, 1))
    async with scrubbing(drive):
        await trio.sleep(24)
    assert found(drive) == {"f1"} and drive.engine.counts.scrub.rounds == 0
    assert kept(drive).row_key[2] < b"f2"
    drive.abandon()
    async with scrubbing(drive):
        await trio.sleep(24)
    assert found(drive) == {"f1"}


async def test_a_restart_goes_on_where_it_was(autojump_clock: MockClock) -> None:
    """Amid the files of a row; what cannot be believed begins a round anew."""
    drive = filled()
    amid = ScrubPlace(drive.clock.wall_ms(), 4).at((0, "bucket", b"f1", b""), FILES[1])
    path = f"{drive.path}/{SCRUB_FILE}"
    drive.files.write_file(path, format_scrub_place(amid))
    async with scrubbing(drive):
        await trio.sleep(100)
    counts = drive.engine.counts.scrub
    assert (counts.rows, counts.rounds) == (3, 5)
    drive.reopen()
    drive.files.write_file(path, format_scrub_place(amid).replace(b'"rounds": 4', b'"rounds": 5'))
    async with scrubbing(drive):
        await trio.sleep(100)
    assert (drive.engine.counts.scrub.rows, drive.engine.counts.scrub.rounds) == (14, 1)


async def test_a_row_that_went_while_it_was_read_is_skipped(autojump_clock: MockClock) -> None:
    """The place at which it stopped may be a row that is gone."""
    drive = filled()
    gone = ScrubPlace(drive.clock.wall_ms()).at((0, "bucket", b"b", b""), FILES[1])
    drive.files.write_file(f"{drive.path}/{SCRUB_FILE}", format_scrub_place(gone))
    async with scrubbing(drive):
        await trio.sleep(100)
    assert (drive.engine.counts.scrub.rows, drive.engine.counts.scrub.rounds) == (4, 1)


async def test_what_changed_meanwhile_is_no_damage(autojump_clock: MockClock) -> None:
    """Between the reading and the judgement a record moved to another segment, and a file lost its row."""
    drive = filled(compact_live_ratio=1.1)
    scrub = Scrub(drive.engine, InlineThreads(), lambda: False)
    rows = drive.engine.index.all_behind((0, "", b"", b""), 100)
    moved, named = rows[0], rows[-1]
    engine = drive.engine
    first = engine.log.segment
    for number in range(700):
        drive.put("filler", 1000 + number, b"y" * 500)
    assert engine.log.segment > first
    compaction = Compaction(engine)
    compaction.segment = first
    engine.run((), (), compaction.copies(compaction.read()))
    assert compaction.end()
    compaction.remove()
    compaction.forget()
    drive.delete("f3", 2000)
    drive.settle("f3", 2000)
    drive.files.remove(path_of(drive, 3))
    wanted = WantedFile(named, FILES[3], 3)
    piece = read_piece(engine, wanted, 0, 4096)
    assert piece.fault is not None and piece.fault.code is FaultCode.NOT_FOUND
    scrub.judge_file(wanted, piece)
    scrub.judge_record(moved)
    assert engine.counts.scrub.found == 0 and not found(drive)


async def test_a_lost_file_is_not_read_on_where_it_is_open(autojump_clock: MockClock) -> None:
    """Files stay open for clients; what the scrub misses shall be missed by whoever heals it, too."""
    drive = filled()
    readers = drive.engine.shard_readers
    drive.read_shard(FILES[0], 3, "f0")
    shard = readers.borrow(FILES[0], 0.0)
    assert shard is not None
    readers.give_back(shard, 0.0)
    drive.files.remove(path_of(drive, 0))
    async with scrubbing(drive):
        await trio.sleep(100)
    assert readers.borrow(FILES[0], 0.0) is None


async def test_clients_come_first_and_not_for_ever(autojump_clock: MockClock) -> None:
    """While requests come one piece is read in `scrub_yield_s`."""
    drive = filled(scrub_yield_s=2.0, scrub_busy_bytes_per_s=1)
    async with scrubbing(drive, lambda: True):
        await trio.sleep(1.5)
        assert drive.engine.counts.scrub.rows == 14
        read = []
        for _ in range(3):
            read.append(drive.engine.counts.scrub.size_bytes)
            await trio.sleep(2.01)
        assert read[1] - read[0] == read[2] - read[1] == len(FRAGMENTS[0])


async def test_one_client_that_asks_again_and_again_is_heard(autojump_clock: MockClock) -> None:
    """Its requests are further apart than what is read between two looks takes."""
    drive = filled(scrub_yield_s=2.0, scrub_busy_bytes_per_s=1)
    looks = cycle((True, False))
    async with scrubbing(drive, lambda: next(looks)):
        await trio.sleep(1.5)
        before = drive.engine.counts.scrub.size_bytes
        await trio.sleep(2.0)
        assert drive.engine.counts.scrub.size_bytes == before + len(FRAGMENTS[0])


async def test_it_keeps_within_its_budget(autojump_clock: MockClock) -> None:
    """Fourteen records and twelve frames, each counted as 64 KiB, take 26 seconds at 64 KiB per second."""
    drive = filled(scrub_bytes_per_s=64 * 1024)
    async with scrubbing(drive):
        await trio.sleep(25.5)
        assert drive.engine.counts.scrub.rounds == 0
        await trio.sleep(2)
        assert drive.engine.counts.scrub.rounds == 1


async def test_findings_that_nobody_takes_make_it_wait(autojump_clock: MockClock) -> None:
    """So many and no more are kept; it goes on as they are noted."""
    drive = filled(scrub_found_keys=2)
    for number in range(4):
        corrupt.lose_file(drive, path_of(drive, number))
    async with scrubbing(drive):
        await trio.sleep(100)
        assert found(drive) == {"f0", "f1"}
        drive.engine.findings.drop([FoundKey("bucket", b"f0")])
        await trio.sleep(100)
        assert found(drive) == {"f1", "f2"}


async def test_unreadable_blocks_are_found_and_fence_nothing(autojump_clock: MockClock) -> None:
    """Errors of the system are counted, and are damage."""
    drive = filled()

    def fail(self: object, *_: object, **__: object) -> None:
        raise OSError(errno.EIO, "a bad sector")

    shard = drive.engine.shard_readers.open(FILES[0])
    shard.file.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(shard.file), "read_into", fail)
        async with scrubbing(drive):
            await trio.sleep(100)
    assert found(drive) == {"f0", "f1", "f2", "f3"}
    assert drive.engine.counts.read_errors == 4 and not drive.engine.fence.is_fenced


async def test_a_healing_drive_is_not_scrubbed(autojump_clock: MockClock) -> None:
    """Nor one that is told to be left alone by a period of 0."""
    healing, never = filled(), filled(scrub_period_s=0.0)
    healing.engine.mark_healing("replaced")
    assert healing.identity.state == HEALING
    for drive in (healing, never):
        async with scrubbing(drive):
            await trio.sleep(100)
            await wait_all_tasks_blocked()
        assert drive.engine.counts.scrub.rows == 0


FORMAT_1 = b"""{
  "began_ms": 17,
  "bucket": "b",
  "check": "5a4bd007f3e73743",
  "file": "64646464646464646464646464646464",
  "format": 1,
  "is_ended": false,
  "key": "6b",
  "rounds": 3,
  "space": 1,
  "sub": "73"
}
"""


def test_a_place_of_the_format_before_is_gone_on_from() -> None:
    """Bytes as the releases wrote them that knew no orders; a changed one is as little believed."""
    assert parse_scrub_place(FORMAT_1) == ScrubPlace(17, 3, False, 1, "b", b"k", b"s", b"d" * 16)
    assert parse_scrub_place(FORMAT_1.replace(b"17", b"18")) is None
    assert parse_scrub_place(FORMAT_1.replace(b'"format": 1', b'"format": 2')) is None


@pytest.mark.parametrize("at", range(0, 200, 7))
def test_a_place_that_was_changed_is_not_believed(at: int) -> None:
    """Whatever byte it is: it is the same place, or none."""
    place = ScrubPlace(1_700_000_000_000, 3, ended_ms=5, before_ms=7)
    place = place.at((1, "büro", b"\xff\0k", b"u" * 16), b"d" * 16, rows=9)
    raw = format_scrub_place(place)
    assert parse_scrub_place(raw) == place
    assert parse_scrub_place(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]) in {place, None}
    assert parse_scrub_place(raw[:at]) is None


async def test_a_drive_that_is_never_idle_is_scrubbed_all_the_same(autojump_clock: MockClock) -> None:
    """With the share that is guaranteed, however long it would wait for a moment without requests."""
    drive = filled(scrub_yield_s=1e6, scrub_busy_bytes_per_s=64 * 1024)
    async with scrubbing(drive, lambda: True):
        await trio.sleep(20)
        assert drive.engine.counts.scrub.rounds == 0
        await trio.sleep(40)
    assert (drive.engine.counts.scrub.rows, drive.engine.counts.scrub.rounds) == (14, 1)
