"""What a drive accepts, what it keeps, and what it lets go."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
import trio

from rustfs_node.drive.commit import Waiting, decide_commit, refuse_shape
from rustfs_node.drive.index_row import IndexDamaged
from rustfs_node.drive.lane import Lane, index_failed
from rustfs_node.seams.threads import InlineThreads
from rustfs_proto.disk.layout import shard_path
from rustfs_proto.wire.drive_ops import Committed, RowKind, RowState, SettledRow, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.kit import corrupt
from tests.kit.drives import FIRST_STAMP, SMALL, Answer, TestDrive, new_drive, tombstone, value

DATA_ID = bytes(range(16))
UPLOAD = b"u" * 16


@pytest.fixture
def drive(tmp_path: Path) -> TestDrive:
    """An empty drive."""
    return new_drive(tmp_path)


def code_of(answer: object) -> FaultCode:
    assert isinstance(answer, Fault), answer
    return answer.code


def test_a_newer_version_replaces_and_the_older_is_kept(drive: TestDrive) -> None:
    """Until it is settled, what was replaced stays as a prior."""
    assert drive.commit(value("a", 1)) == [Committed(replaced=False)]
    assert drive.commit(value("a", 2)) == [Committed(replaced=True)]
    found, _ = drive.look("a")
    assert (found.stamp, found.priors) == (FIRST_STAMP + 2, (FIRST_STAMP + 1,))
    assert drive.look("a", stamp=FIRST_STAMP + 1)[0].state == RowState.FOUND
    assert drive.look("a", stamp=FIRST_STAMP + 3)[0].state == RowState.ABSENT


def test_settling_drops_what_was_replaced(drive: TestDrive) -> None:
    """Also several versions at once, and never newer ones."""
    for stamp in (1, 2, 3, 4):
        drive.put("a", stamp)
    drive.settle("a", 3)
    assert drive.look("a")[0].priors == (FIRST_STAMP + 3,)
    drive.settle("a", 4)
    assert drive.look("a")[0].priors == ()
    assert drive.engine.index.rows == 1


def test_settling_a_version_that_is_not_here_does_nothing(drive: TestDrive) -> None:
    """A drive that missed the newer version keeps what it has."""
    drive.put("a", 1)
    drive.settle("a", 2)
    assert drive.look("a")[0].stamp == FIRST_STAMP + 1


def test_an_older_version_is_stale(drive: TestDrive) -> None:
    """The answer names the newest stamp, for the coordinator to go above."""
    drive.put("a", 5)
    (got,) = drive.commit(value("a", 4))
    assert code_of(got) == FaultCode.STALE and got.newest == FIRST_STAMP + 5


def test_the_same_version_again_is_committed(drive: TestDrive) -> None:
    """A retry is answered like the first time, in the same batch, a later one, and after a newer version."""
    commit = value("a", 1)
    assert drive.commit(commit, commit) == [Committed(replaced=False), Committed(replaced=True)]
    assert drive.commit(commit) == [Committed()]
    drive.put("a", 2)
    assert drive.commit(commit) == [Committed()]
    assert drive.engine.index.rows == 2


def test_expectations_are_compared_with_the_newest(drive: TestDrive) -> None:
    """Also with what the same batch accepted before."""
    drive.put("a", 1)
    first = value("a", 2, expect=FIRST_STAMP + 1)
    second = value("a", 3, expect=FIRST_STAMP + 1)
    new = value("b", 1, expect=0)
    newer = value("b", 2, expect=0)
    got = drive.commit(first, second, new, newer)
    assert isinstance(got[0], Committed) and isinstance(got[2], Committed)
    assert [code_of(got[1]), code_of(got[3])] == [FaultCode.CONFLICT, FaultCode.CONFLICT]
    assert got[1].newest == FIRST_STAMP + 2


def test_a_tombstone_hides_and_stays(drive: TestDrive) -> None:
    """A deleted key is found as a tombstone, with its prior until it is settled."""
    drive.put("a", 1)
    drive.delete("a", 2)
    found, frames = drive.look("a")
    assert (found.state, found.kind, frames) == (RowState.FOUND, RowKind.TOMBSTONE, ())
    assert found.priors == (FIRST_STAMP + 1,)
    drive.settle("a", 2)
    assert drive.look("a")[0].priors == ()


def test_a_full_drive_takes_deletes_and_heal_notes() -> None:
    """Values wait for room, and delete markers, which add to what is there; what removes does not."""
    note = value("a", 1, space=Space.HEAL)
    marker = value("a", 1, kind=RowKind.MARKER)
    assert decide_commit(marker, 0, has_room=False).code == FaultCode.FULL
    assert decide_commit(value("a", 1), 0, has_room=False).code == FaultCode.FULL
    assert decide_commit(tombstone("a", 1), 0, has_room=False) is None
    assert decide_commit(note, 0, has_room=False) is None


def test_a_drive_without_space_for_a_segment_is_full_and_goes_on(drive: TestDrive) -> None:
    """The reserve decides by what was free at the last look."""
    drive.settings = attrs.evolve(drive.settings, reserve_bytes=1 << 60)
    (got,) = drive.commit(value("a", 1))
    assert code_of(got) == FaultCode.FULL
    drive.delete("a", 2)


def test_heal_notes_replace_each_other(drive: TestDrive) -> None:
    """One note per key, without priors; done with its tombstone."""
    for stamp in (1, 2):
        drive.commit(value("a", stamp, space=Space.HEAL))
    drive.commit(value("b", 1, space=Space.HEAL), value("b", 2, space=Space.HEAL))
    assert drive.engine.index.rows == 2 and drive.engine.status().heal_notes == 2
    drive.commit(tombstone("a", 3, space=Space.HEAL))
    assert drive.engine.status().heal_notes == 1
    drive.reopen()
    assert drive.engine.status().heal_notes == 1


def test_the_end_of_an_upload_takes_its_parts(drive: TestDrive) -> None:
    """Only those of that upload, in every replay too; and no part may come after it."""
    drive.commit(value("k", 1, space=Space.UPLOAD, sub=UPLOAD))
    for number in (1, 2):
        drive.commit(value("k", 2, space=Space.PART, sub=UPLOAD + bytes([0, number]), files=(DATA_ID,)))
    drive.commit(value("k", 3, space=Space.PART, sub=b"v" * 16 + b"\0\1"))
    drive.commit(tombstone("k", 4, space=Space.UPLOAD, sub=UPLOAD))
    for _ in range(2):
        assert drive.engine.index.rows == 3
        assert not drive.engine.index.refers(DATA_ID)
        drive.close()
        drive.files.remove(f"{drive.path}/index.sqlite")
    (got,) = drive.commit(value("k", 9, space=Space.PART, sub=UPLOAD + b"\0\3"))
    assert code_of(got) == FaultCode.NOT_FOUND


def test_a_part_after_the_end_in_the_same_batch(drive: TestDrive) -> None:
    """The order within a batch is the order of arrival."""
    end = tombstone("k", 4, space=Space.UPLOAD, sub=UPLOAD)
    before = value("k", 3, space=Space.PART, sub=UPLOAD + b"\0\1")
    after = value("k", 5, space=Space.PART, sub=UPLOAD + b"\0\2")
    got = drive.commit(before, end, after)
    assert code_of(got[2]) == FaultCode.NOT_FOUND
    assert drive.engine.index.rows == 2 - 1


def test_a_dropped_version_lets_its_shard_file_go(drive: TestDrive) -> None:
    """A file is garbage once nothing names it, and no longer when something does again."""
    drive.commit(value("a", 1, files=(DATA_ID,)), value("b", 1, files=(DATA_ID,)))
    index = drive.engine.index
    for key in ("a", "b"):
        assert index.garbage(1 << 62, 10) == []
        drive.put(key, 2)
        drive.settle(key, 2)
    assert index.garbage(1 << 62, 10) == [DATA_ID]
    drive.commit(value("c", 1, files=(DATA_ID,)))
    assert index.garbage(1 << 62, 10) == []


def test_a_refused_commit_lets_its_shard_file_go(drive: TestDrive) -> None:
    """Unless another row names it."""
    drive.put("a", 5)
    drive.commit(value("a", 4, files=(DATA_ID,)))
    assert drive.engine.index.garbage(1 << 62, 10) == [DATA_ID]


@pytest.mark.parametrize(
    ("commit", "data", "code"),
    [
        (value("a", 1, b"right"), b"wrong", FaultCode.DAMAGED),
        (value("a", 1), b"no digest", FaultCode.INVALID),
        (value("a", 1, kind=4), b"", FaultCode.INVALID),
        (value("a", 1, space=5), b"", FaultCode.INVALID),
        (value("a", -FIRST_STAMP), b"", FaultCode.INVALID),
        (value("a", 1, shard=70_000), b"", FaultCode.INVALID),
        (value("a" * 70_000, 1), b"", FaultCode.INVALID),
        (value("a", 1, sub=b"short"), b"", FaultCode.INVALID),
        (value("a", 1, sub=b"\xff" * 16), b"", FaultCode.INVALID),
        (value("a", 1, files=(b"short",)), b"", FaultCode.INVALID),
        (value("a", 1, files=(DATA_ID, DATA_ID)), b"", FaultCode.INVALID),
    ],
)
def test_what_no_drive_would_take(commit: object, data: bytes, code: FaultCode) -> None:
    """Refused before anything is decided."""
    assert refuse_shape(commit, data).code == code


def test_a_healing_drive_takes_commits_and_gives_no_evidence(drive: TestDrive) -> None:
    """What it holds counts, what it lacks does not."""
    drive.engine.mark_healing("a test says so")
    drive.put("a", 1)
    assert drive.look("a")[0].state == RowState.FOUND
    assert not drive.look("b")[0].evidence
    drive.reopen()
    assert not drive.look("b")[0].evidence


def test_a_rewritten_record_says_which_files_are_here_now(tmp_path: Path) -> None:
    """A damaged record that is committed again takes over what the new commit found missing."""
    drive = new_drive(tmp_path)
    drive.write_shard(DATA_ID, b"x" * 700)
    commit = value("big", 1, files=(DATA_ID,), shard=1)
    drive.commit_files(commit)
    corrupt.flip_record_header(drive, "big")
    drive.files.remove(f"{drive.path}/{shard_path(DATA_ID)}")
    drive.commit_files(commit)
    assert drive.look("big")[0].no_files == (DATA_ID,)


def test_a_version_with_other_files_is_not_the_same_version(drive: TestDrive) -> None:
    """What is here already stays as it is; the other files may go."""
    assert isinstance(drive.commit_files(value("big", 1, shard=1)), Committed)
    assert drive.commit_files(value("big", 1, files=(DATA_ID,), shard=1)).code == FaultCode.INVALID
    assert drive.look("big")[0].no_files == ()
    assert drive.engine.index.garbage(1 << 60, 10) == [DATA_ID]


def lose_index(drive: TestDrive) -> None:
    drive.close()
    drive.files.remove(f"{drive.path}/index.sqlite")


def test_a_file_that_was_never_here_is_told_from_one_that_was_lost(tmp_path: Path) -> None:
    """Whatever becomes of the index; and a commit that finds the file here afterwards is remembered, too."""
    drive = new_drive(tmp_path)
    commit = value("big", 1, files=(DATA_ID,), shard=1)
    assert drive.commit_files(commit).missing == (DATA_ID,)
    lose_index(drive)
    found = drive.look("big")[0]
    assert (found.no_files, found.never_had) == ((DATA_ID,), (DATA_ID,))
    drive.write_shard(DATA_ID, b"x" * 700)
    assert drive.commit_files(commit).missing == ()
    assert drive.look("big")[0].no_files == ()
    drive.files.remove(f"{drive.path}/{shard_path(DATA_ID)}")
    lose_index(drive)
    found = drive.look("big")[0]
    assert (found.no_files, found.never_had) == ((DATA_ID,), ())


async def test_a_settlement_waits_for_its_commit(tmp_path: Path) -> None:
    """Where the queue is longer than a batch, what a version replaced still goes once it is settled."""
    drive = new_drive(tmp_path, attrs.evolve(SMALL, batch_records=2))
    drive.put("k", 1)
    lane = Lane(drive.engine, InlineThreads(), InlineThreads(), lambda: ())
    answers = [Answer() for _ in range(5)]
    keys = ("a", "b", "c", "d", "k")
    for key, answer in zip(keys, answers, strict=True):
        lane.put(Waiting(value(key, 2), b"", answer))
    lane.settle([SettledRow(Space.OBJECT, "bucket", b"k", FIRST_STAMP + 2)])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run)
        while answers[-1].got is None:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert drive.look("k")[0].priors == ()


def test_an_index_that_fails_in_the_middle_leaves_nobody_waiting(drive: TestDrive) -> None:
    """Commits decided before, the one being decided and those behind it are all told that nobody knows."""
    answers = [Answer() for _ in range(3)]
    waiting = [Waiting(value(key, 1), b"", answer) for key, answer in zip("abc", answers, strict=True)]
    drive.put("b", 1)
    batch = drive.engine.batch(waiting)

    def fail(_: object) -> bool:
        raise IndexDamaged("a row of the index fails its check")

    with pytest.raises(IndexDamaged):
        batch.decide(fail)
    batch.fail(index_failed())
    assert [code_of(answer.got) for answer in answers] == [FaultCode.INTERNAL] * 3
