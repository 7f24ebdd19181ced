"""What a start makes of a drive that was damaged while nobody looked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from rustfs_node.drive.identity_file import DriveRefused
from rustfs_proto.disk.identity import HEALING, OK
from rustfs_proto.disk.record import decode_record
from rustfs_proto.disk.segment import HEADER_BYTES
from rustfs_proto.wire.drive_ops import Committed, RowState
from tests.kit import at_rest, corrupt
from tests.kit.drives import FIRST_STAMP, TestDrive, new_drive, value

BIG = 14_000


@pytest.fixture
def drive(tmp_path: Path) -> TestDrive:
    """A closed drive with a to j in three segments."""
    drive = new_drive(tmp_path)
    for number, key in enumerate("abcdefghij"):
        drive.put(key, number + 1, key.encode() * BIG)
    drive.close()
    assert len(at_rest.segments(drive)) == 3
    return drive


def intact(drive: TestDrive, *, but: str = "") -> None:
    """Every key but those has its bytes."""
    for key in "abcdefghij":
        if key not in but:
            assert drive.data(key) == key.encode() * BIG, key


def lose_index(drive: TestDrive) -> None:
    drive.files.remove(f"{drive.path}/index.sqlite")


def fill_index_with_noise(drive: TestDrive) -> None:
    drive.files.write_file(f"{drive.path}/index.sqlite", b"noise" * 5000)


def write_future_schema(drive: TestDrive) -> None:
    with sqlite3.connect(f"{drive.path}/index.sqlite") as connection:
        connection.execute("UPDATE state SET schema = schema + 1")
    connection.close()


def give_index_to_another_drive(drive: TestDrive) -> None:
    with sqlite3.connect(f"{drive.path}/index.sqlite") as connection:
        connection.execute("UPDATE state SET drive_id = x'00'")
    connection.close()


@pytest.mark.parametrize(
    "damage", [lose_index, fill_index_with_noise, write_future_schema, give_index_to_another_drive]
)
def test_an_unusable_index_costs_nothing(drive: TestDrive, damage: Callable[[TestDrive], None]) -> None:
    """Deleted, damaged, outdated or foreign: it is rebuilt from the log, and the drive stays trusted."""
    damage(drive)
    intact(drive)
    assert drive.identity.state == OK and drive.engine.index.rows == 10


def test_an_old_index_is_brought_up_to_date(drive: TestDrive) -> None:
    """What was committed after the state of the index is applied again."""
    old = Path(drive.path, "index.sqlite").read_bytes()
    drive.put("k", 20, b"late")
    drive.delete("a", 21)
    drive.close()
    Path(drive.path, "index.sqlite").write_bytes(old)
    assert drive.data("k") == b"late" and drive.data("a") is None
    assert drive.identity.state == OK


@pytest.mark.parametrize("page", range(1, 7))
def test_an_index_that_breaks_during_replay(drive: TestDrive, page: int) -> None:
    """Damage that shows only when the rest of the log is applied costs nothing either."""
    old = bytearray(Path(drive.path, "index.sqlite").read_bytes())
    drive.put("k", 20, b"late")
    drive.close()
    old[page * 4096] ^= 0x40
    Path(drive.path, "index.sqlite").write_bytes(old)
    assert drive.data("k") == b"late"
    intact(drive)
    assert drive.identity.state == OK


@pytest.mark.parametrize("with_index", [True, False])
@pytest.mark.parametrize("damage", [corrupt.flip_record_header, corrupt.flip_record_data])
def test_damage_in_the_last_segment(
    drive: TestDrive, damage: Callable[[TestDrive, str], None], *, with_index: bool
) -> None:
    """The drive becomes healing, all other records live on, and the segment is set aside."""
    damage(drive, "i")
    if not with_index:
        lose_index(drive)
    intact(drive, but="i")
    assert drive.identity.state == HEALING and "log segment 3" in drive.identity.reason
    found, _ = drive.look("i")
    assert not found.evidence
    assert found.state == (RowState.DAMAGED if with_index else RowState.ABSENT)
    assert found.stamp == (FIRST_STAMP + 9 if with_index else 0)
    assert drive.files.list_folder(f"{drive.path}/quarantine") == ["000000000003.log.1"]


def test_damage_to_the_very_last_record_is_known_by_the_index(drive: TestDrive) -> None:
    """Without the index it would look like a batch that was never acknowledged."""
    corrupt.flip_record_data(drive, "j")
    intact(drive, but="j")
    assert drive.look("j")[0].state == RowState.DAMAGED and drive.identity.state == HEALING


def test_damage_in_an_old_segment_is_found_by_a_rebuild(drive: TestDrive) -> None:
    """A rebuild reads everything, so it sees what a plain start need not look at."""
    corrupt.flip_record_data(drive, "b")
    lose_index(drive)
    intact(drive, but="b")
    assert drive.identity.state == HEALING


def test_damage_in_an_old_segment_is_found_by_reading(drive: TestDrive) -> None:
    """A start with a good index does not read old segments; a lookup of the record says DAMAGED."""
    corrupt.flip_record_data(drive, "b")
    intact(drive, but="b")
    found, frames = drive.look("b")
    assert (found.state, found.stamp, found.evidence, frames) == (RowState.DAMAGED, FIRST_STAMP + 2, True, ())
    (got,) = drive.commit(value("b", 2, b"b" * BIG), data=b"b" * BIG)
    assert isinstance(got, Committed)
    intact(drive)
    drive.close()
    intact(drive)


def test_a_misdirected_record_is_not_believed(drive: TestDrive) -> None:
    """Whole bytes of another key are damage, not an answer."""
    corrupt.misdirect_record(drive, "c", "b")
    assert drive.look("b")[0].state == RowState.DAMAGED
    assert drive.data("c") == b"c" * BIG


@pytest.mark.parametrize("with_index", [True, False])
def test_a_damaged_segment_header(drive: TestDrive, *, with_index: bool) -> None:
    """The records behind it are whole and are kept."""
    corrupt.flip_segment_header(drive, at_rest.segments(drive)[2])
    if not with_index:
        lose_index(drive)
    intact(drive)
    drive.close()
    intact(drive)


def test_a_lost_segment_is_noticed(drive: TestDrive) -> None:
    """Its versions answer DAMAGED, and the drive no longer proves absence."""
    corrupt.lose_file(drive, at_rest.segments(drive)[0])
    intact(drive, but="abcd")
    assert drive.look("a")[0].state == RowState.DAMAGED and drive.identity.state == HEALING


def test_a_lost_last_segment_is_noticed(drive: TestDrive) -> None:
    """The index stood in it; new records go to a new segment and are kept apart from the lost ones."""
    corrupt.lose_file(drive, at_rest.segments(drive)[2])
    intact(drive, but="ij")
    assert drive.identity.state == HEALING
    drive.put("k", 30, b"new")
    drive.close()
    assert drive.data("k") == b"new" and drive.look("i")[0].state == RowState.DAMAGED


@pytest.mark.parametrize("with_index", [True, False])
def test_a_sealed_segment_that_lost_its_end(drive: TestDrive, *, with_index: bool) -> None:
    """The next segment's first sequence tells that records are gone; so does reading them."""
    path = at_rest.segments(drive)[1]
    last = at_rest.records(drive, path)[-1]
    corrupt.cut_segment(drive, path, last.offset)
    if not with_index:
        lose_index(drive)
    lost = last.record.key.decode()
    intact(drive, but=lost)
    if with_index:
        assert drive.look(lost)[0].state == RowState.DAMAGED
    else:
        assert drive.identity.state == HEALING


def test_a_lost_log_folder_is_noticed(drive: TestDrive) -> None:
    """A drive that was laid out once is not new, whatever is missing."""
    for path in at_rest.segments(drive):
        drive.files.remove(path)
    Path(drive.path, "log").rmdir()
    lose_index(drive)
    found, _ = drive.look("a")
    assert not found.evidence and drive.identity.state == HEALING


def test_what_was_torn_is_zeros_afterwards(drive: TestDrive) -> None:
    """Old bytes never follow new records."""
    path = at_rest.segments(drive)[2]
    last = at_rest.records(drive, path)[-1]
    file = drive.files.open(path)
    file.write_at(last.end, [last.prefix[:100], b"torn" * 100])
    file.close()
    intact(drive)
    assert drive.identity.state == OK
    drive.close()
    assert not any(Path(path).read_bytes()[last.end :])


def test_strange_files_in_the_log_folder_are_set_aside(drive: TestDrive) -> None:
    """Nothing is deleted that the program did not make."""
    drive.files.write_file(f"{drive.path}/log/notes.txt", b"mine")
    intact(drive)
    assert drive.files.read_file(f"{drive.path}/quarantine/notes.txt.1") == b"mine"


def test_a_later_release_is_refused(drive: TestDrive) -> None:
    """A segment of a later format stops the start and stays untouched."""
    import struct

    import xxhash

    path = Path(at_rest.segments(drive)[2])
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, 8, 2)
    raw[72:88] = xxhash.xxh3_128_digest(bytes(raw[:72]))
    path.write_bytes(raw)
    with pytest.raises(DriveRefused, match="later release"):
        drive.reopen()
    assert path.read_bytes() == raw


def test_another_drive_is_refused(drive: TestDrive) -> None:
    """The text names the field, both values and the path."""
    drive.drive_id = "00000000-0000-4000-8000-000000000001"
    with pytest.raises(DriveRefused, match="is another drive: drive_id is"):
        drive.reopen()


def test_a_folder_without_identity_is_refused_and_left_alone(tmp_path: Path) -> None:
    """An empty mount point is the root disk."""
    drive = new_drive(tmp_path)
    drive.files.remove(f"{drive.path}/rustfs.json")
    with pytest.raises(DriveRefused, match="mounted"):
        drive.reopen()
    assert list(tmp_path.iterdir()) == []


def test_every_record_can_be_found_by_its_row(drive: TestDrive) -> None:
    """Index rows point at records that decode at that very place."""
    engine = drive.engine
    for row in engine.index.walk(0, "bucket", (b"", b""), None):
        raw = Path(engine.log.path_of(row.segment)).read_bytes()
        record = decode_record(raw, row.offset, engine.place)
        assert record.key == row.key and row.offset >= HEADER_BYTES
