"""What gives space back: compaction, tombstones, the sweep. Nothing alive is ever lost to them."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

import attrs
import pytest

from rustfs_node.drive.chores import Chores
from rustfs_node.drive.compaction import Budget, Compaction, choose_segment
from rustfs_node.drive.sweep import Sweep
from rustfs_node.seams.threads import InlineThreads
from rustfs_proto.disk.layout import shard_path
from rustfs_proto.wire.drive_ops import Committed, RowKind, RowState
from tests.kit import at_rest, corrupt
from tests.kit.drives import SMALL, TestDrive, new_drive, value

BIG = 14_000
DATA_ID = bytes(range(16))
OTHER_ID = bytes(range(16, 32))


@pytest.fixture
def drive(tmp_path: Path) -> TestDrive:
    """An empty drive with an hour between walks over the shard files."""
    return new_drive(tmp_path, attrs.evolve(SMALL, orphan_grace_s=3600.0, sweep_grace_s=60.0))


async def no_wait(_: object) -> None:
    """No segment is being prepared beside."""


async def tidy_up(drive: TestDrive, pinned: Container[bytes] = (), *, seconds: float = 10.0) -> None:
    """Let time pass and do all there is to do."""
    drive.clock.move(seconds)
    chores = Chores(drive.engine, InlineThreads(), lambda: pinned, no_wait)
    while chores.are_due:
        await chores.step()
        drive.clock.move(1.0)
    assert not drive.engine.fence.is_fenced, drive.engine.fence.reason


def churn(drive: TestDrive, key: str, first: int, count: int) -> None:
    """Overwrite a key again and again, settled each time."""
    for stamp in range(first, first + count):
        drive.put(key, stamp, key.encode() * BIG)
        drive.settle(key, stamp)


async def test_dead_segments_go_and_what_lives_moves(drive: TestDrive) -> None:
    """The log shrinks to little more than what is alive, and everything is found, also after a rebuild."""
    drive.put("keep", 1, b"k" * 3000)
    drive.delete("gone", 1)
    churn(drive, "x", 1, 20)
    assert len(at_rest.segments(drive)) > 4
    await tidy_up(drive)
    assert len(at_rest.segments(drive)) <= 2
    for _ in range(3):
        assert drive.data("keep") == b"k" * 3000 and drive.data("x") == b"x" * BIG
        assert drive.look("gone")[0].kind == RowKind.TOMBSTONE
        drive.close()
        drive.files.remove(f"{drive.path}/index.sqlite")


async def test_a_copy_keeps_its_first_segment(drive: TestDrive) -> None:
    """A record tells where its version was written first, however often it moved."""
    drive.put("keep", 1, b"k" * 3000)
    churn(drive, "x", 1, 9)
    await tidy_up(drive)
    _, found = at_rest.find_record(drive, "keep")
    assert found.record.first_segment == 1 and found.record.flags == 1
    assert drive.engine.index.version((0, "bucket", b"keep", b""), found.record.stamp).segment > 1


async def test_unsettled_priors_are_alive(drive: TestDrive) -> None:
    """Compaction copies them: they may turn out to be the acknowledged version."""
    for stamp in range(1, 8):
        drive.put("x", stamp, b"x" * BIG)
    await tidy_up(drive)
    assert len(drive.look("x")[0].priors) == 6


async def test_a_settled_tombstone_goes_with_the_last_old_segment(drive: TestDrive) -> None:
    """And nothing it hid comes back in a rebuild."""
    drive.put("gone", 1, b"g" * 100)
    drive.delete("gone", 2)
    drive.settle("gone", 2, complete=True)
    await tidy_up(drive)
    assert drive.look("gone")[0].kind == RowKind.TOMBSTONE
    churn(drive, "x", 1, 12)
    await tidy_up(drive)
    assert drive.look("gone")[0].state == RowState.ABSENT
    drive.close()
    drive.files.remove(f"{drive.path}/index.sqlite")
    assert drive.data("gone") is None


async def test_a_tombstone_that_not_all_drives_have_stays(drive: TestDrive) -> None:
    """A drive that was away would bring the key back."""
    drive.put("gone", 1)
    drive.delete("gone", 2)
    drive.settle("gone", 2)
    churn(drive, "x", 1, 12)
    await tidy_up(drive)
    assert drive.look("gone")[0].kind == RowKind.TOMBSTONE


async def test_many_waiting_tombstones_rewrite_even_a_live_segment(tmp_path: Path) -> None:
    """One old segment full of life must not keep tombstones for ever."""
    drive = new_drive(tmp_path, attrs.evolve(SMALL, tombstones_waiting=5))
    for key in "abcd":
        drive.put(key, 1, key.encode() * BIG)
    for number in range(6):
        drive.delete(f"gone{number}", 1)
        drive.settle(f"gone{number}", 1, complete=True)
    churn(drive, "x", 1, 5)
    await tidy_up(drive)
    assert drive.engine.index.settled_count() == 0
    assert all(drive.look(f"gone{number}")[0].state == RowState.ABSENT for number in range(6))
    assert all(drive.data(key) == key.encode() * BIG for key in "abcd")


async def test_a_segment_with_a_damaged_live_record_stays(drive: TestDrive) -> None:
    """What cannot be read cannot be copied, and is not given up; written again, its segment goes."""
    drive.put("hurt", 1, b"h" * 3000)
    churn(drive, "x", 1, 9)
    drive.close()
    corrupt.flip_record_data(drive, "hurt")
    compaction = Compaction(drive.engine)
    while compaction.begin():
        copies = compaction.copies(found := compaction.read())
        drive.engine.run((), (), copies)
        if not found and compaction.end():
            compaction.remove()
            compaction.forget()
    assert at_rest.segments(drive)[0].endswith("000000000001.log")
    assert drive.look("hurt")[0].state == RowState.DAMAGED
    (got,) = drive.commit(value("hurt", 1, b"h" * 3000), data=b"h" * 3000)
    assert isinstance(got, Committed)
    assert compaction.begin() and compaction.segment == 1
    await tidy_up(drive)
    assert not at_rest.segments(drive)[0].endswith("000000000001.log")
    assert drive.data("hurt") == b"h" * 3000


async def test_the_index_is_folded_once_its_journal_is_large(tmp_path: Path) -> None:
    """The write-ahead file does not grow for ever, and nothing in it is lost."""
    drive = new_drive(tmp_path, attrs.evolve(SMALL, index_wal_bytes=20_000))
    for number in range(20):
        drive.put(f"k{number}", 1)
    wal = tmp_path / "index.sqlite-wal"
    assert wal.stat().st_size > 20_000
    await tidy_up(drive)
    assert wal.stat().st_size == 0
    drive.put("late", 1)
    assert drive.reopen().index.rows == 21


def test_which_segment_is_rewritten() -> None:
    """The one with the least life, if it is little enough; the open one never."""
    uses = [(1, 100, 60), (2, 100, 40), (3, 100, 10), (4, 100, 0)]
    assert choose_segment(uses, 4, 0.5, oldest_at_any_price=False) == 3
    assert choose_segment(uses, 3, 0.5, oldest_at_any_price=False) == 4
    assert choose_segment(uses[:1], 4, 0.5, oldest_at_any_price=False) is None
    assert choose_segment(uses, 4, 0.5, garbage_bytes_max=1 << 30, oldest_at_any_price=False) is None
    dead = [*uses, (5, 100, 0)]
    assert choose_segment(dead, 4, 0.5, garbage_bytes_max=1 << 30, oldest_at_any_price=False) == 5
    assert choose_segment(uses, 4, 0.5, oldest_at_any_price=True) == 1
    assert choose_segment([], 4, 0.5, oldest_at_any_price=True) is None


def test_the_budget_of_compaction() -> None:
    """What was not used does not pile up beyond a second's worth."""
    budget = Budget(1000)
    budget.fill(100.0)
    budget.bytes -= 1500
    assert budget.bytes == -500
    budget.fill(100.25)
    assert budget.bytes == -250
    budget.fill(200.0)
    assert budget.bytes == 1000


def file_of(drive: TestDrive, data_id: bytes) -> Path:
    return Path(drive.path, shard_path(data_id))


async def test_a_shard_file_goes_after_its_grace(drive: TestDrive) -> None:
    """Readers that looked it up before have time to finish."""
    drive.write_shard(DATA_ID, b"1" * 100)
    drive.commit_files(value("big", 1, files=(DATA_ID,), shard=1))
    drive.put("big", 2)
    await tidy_up(drive, seconds=100)
    assert file_of(drive, DATA_ID).exists()
    drive.settle("big", 2)
    await tidy_up(drive, seconds=30)
    assert file_of(drive, DATA_ID).exists()
    await tidy_up(drive, seconds=61)
    assert not file_of(drive, DATA_ID).exists()
    assert drive.engine.index.garbage(1 << 62, 10) == []


async def test_a_pinned_shard_file_stays(drive: TestDrive) -> None:
    """A commit that names it is on its way."""
    drive.write_shard(DATA_ID, b"1" * 100)
    drive.commit_files(value("big", 1, files=(DATA_ID,), shard=1))
    drive.put("big", 2)
    drive.settle("big", 2)
    await tidy_up(drive, {DATA_ID}, seconds=1000)
    assert file_of(drive, DATA_ID).exists()


async def test_leftovers_of_uploads_go(drive: TestDrive) -> None:
    """Unfinished files of an earlier process at once, finished ones that nothing names when they are old."""
    drive.write_shard(DATA_ID, b"1" * 100)
    drive.write_shard(OTHER_ID, b"2" * 100)
    drive.engine.shard_writers.finish(drive.engine.shard_writers.finishing([OTHER_ID]))
    drive.clock.wall = int(file_of(drive, OTHER_ID).stat().st_mtime * 1000)
    drive.close()
    await tidy_up(drive)
    assert not file_of(drive, DATA_ID).with_suffix(".unfinished").exists()
    assert file_of(drive, OTHER_ID).exists()
    await tidy_up(drive, seconds=3700)
    assert not file_of(drive, OTHER_ID).exists()


async def test_what_is_strange_is_set_aside(drive: TestDrive) -> None:
    """Foreign names, foreign headers, foreign folders: to quarantine, never deleted."""
    drive.write_shard(DATA_ID, b"1" * 100)
    drive.engine.shard_writers.finish(drive.engine.shard_writers.finishing([DATA_ID]))
    drive.close()
    folder = file_of(drive, DATA_ID).parent
    (folder / "readme").write_bytes(b"mine")
    (folder.parent / "attic").mkdir()
    corrupt.flip_bit(drive, str(file_of(drive, DATA_ID)), 16)
    await tidy_up(drive)
    aside = drive.files.list_folder(f"{drive.path}/quarantine")
    assert aside == [f"{DATA_ID.hex()}.1", "attic.1", "readme.1"]
    assert list(folder.iterdir()) == []


async def test_named_shard_files_survive_the_walk(drive: TestDrive) -> None:
    """Whatever their age."""
    drive.write_shard(DATA_ID, b"1" * 100)
    drive.commit_files(value("big", 1, files=(DATA_ID,), shard=1))
    drive.close()
    await tidy_up(drive, seconds=10**8)
    assert drive.read_shard(DATA_ID, 1) == (b"1" * 100,)


async def test_a_file_that_is_finished_while_the_walk_is_under_way(drive: TestDrive) -> None:
    """A name that is gone when its turn comes was taken care of by somebody else: no reason to fence."""
    sweep = Sweep(drive.engine)
    drive.write_shard(DATA_ID, b"x" * 700)
    names = sweep.look()
    drive.commit_files(value("big", 1, files=(DATA_ID,), shard=1))
    sweep.judge(sweep.unknown(names, ()))
    assert drive.read_shard(DATA_ID, 1) == (b"x" * 700,)


async def test_a_writer_whose_file_was_swept_is_given_up_in_peace(drive: TestDrive) -> None:
    """The walk may remove an unfinished file before its writer's end does."""
    drive.write_shard(DATA_ID, b"x" * 700)
    writer = drive.engine.shard_writers.writers.pop(DATA_ID)
    sweep = Sweep(drive.engine)
    sweep.judge(sweep.unknown(sweep.look(), ()))
    drive.engine.shard_writers.discard(writer)
    assert not drive.files.exists(f"{drive.path}/{shard_path(DATA_ID)}.unfinished")
