"""Shard files: what is read is what was written, of that object, at that place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import xxhash

from rustfs_proto.disk.shard_file import BLOCK_BYTES, frame_span
from rustfs_proto.wire.drive_ops import ShardIdentity, ShardWrite
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.kit import corrupt
from tests.kit.drives import SMALL, STRIPE_BYTES, Answer, TestDrive, memory_drive, new_drive, value

DATA_ID = bytes(range(16))
OTHER_ID = bytes(range(16, 32))
FRAGMENTS = (b"1" * 4096, b"2" * 4096, b"3" * 700)
SPAN = frame_span(ShardIdentity("bucket", b"big", 1, 2, 2, STRIPE_BYTES))


@pytest.fixture
def drive(tmp_path: Path) -> TestDrive:
    """A drive with one shard file of three fragments, committed."""
    drive = new_drive(tmp_path)
    drive.write_shard(DATA_ID, *FRAGMENTS)
    drive.commit_files(value("big", 1, files=(DATA_ID,), shard=1))
    return drive


def read_fault(drive: TestDrive, data_id: bytes = DATA_ID, **fields: object) -> FaultCode:
    with pytest.raises(Fault) as caught:
        drive.read_shard(data_id, 3, **fields)
    return caught.value.code


def test_a_shard_file_survives_a_restart(drive: TestDrive) -> None:
    """It is on stable storage under its own name before the commit is answered."""
    drive.reopen()
    assert drive.read_shard(DATA_ID, 3) == FRAGMENTS


@pytest.mark.parametrize(
    "damage",
    [
        lambda drive: corrupt.flip_fragment(drive, DATA_ID),
        lambda drive: corrupt.flip_fragment(drive, DATA_ID, BLOCK_BYTES + 4),
        lambda drive: corrupt.flip_fragment(drive, DATA_ID, BLOCK_BYTES + 50),
        lambda drive: corrupt.flip_fragment(drive, DATA_ID, 20),
        lambda drive: corrupt.flip_fragment(drive, DATA_ID, 113),
        lambda drive: corrupt.swap_frames(drive, DATA_ID, SPAN),
    ],
    ids=["fragment", "fragment size", "frame checksum", "header", "bucket name", "frames swapped"],
)
def test_damage_is_never_read(drive: TestDrive, damage: Callable[[TestDrive], None]) -> None:
    """Flipped bits and frames in each other's place are DAMAGED."""
    damage(drive)
    assert read_fault(drive) == FaultCode.DAMAGED


def test_the_file_of_another_object_is_not_read(drive: TestDrive) -> None:
    """Neither under the wrong name nor for the wrong key."""
    drive.write_shard(OTHER_ID, b"9" * 10, key="other")
    drive.commit_files(value("other", 1, files=(OTHER_ID,), shard=1))
    assert read_fault(drive, OTHER_ID) == FaultCode.DAMAGED
    corrupt.replace_shard_file(drive, DATA_ID, OTHER_ID)
    assert read_fault(drive) == FaultCode.DAMAGED


def test_a_cut_file_ends_early(drive: TestDrive) -> None:
    """The fragments that are there are read, those behind the end are DAMAGED: a version whose files are gone
    everywhere is over, one whose files were cut everywhere is lost.
    """
    corrupt.cut_segment(drive, f"{drive.path}/shards/00/{DATA_ID.hex()}", BLOCK_BYTES + 2 * SPAN)
    assert drive.read_shard(DATA_ID, 2) == FRAGMENTS[:2]
    assert read_fault(drive) == FaultCode.DAMAGED
    assert read_fault(drive, OTHER_ID) == FaultCode.NOT_FOUND


def test_a_lost_file_is_known_after_a_rebuild(drive: TestDrive) -> None:
    """The lookup names it, so that nobody waits for it."""
    drive.close()
    drive.files.remove(f"{drive.path}/shards/00/{DATA_ID.hex()}")
    drive.files.remove(f"{drive.path}/index.sqlite")
    assert drive.look("big")[0].no_files == (DATA_ID,)


def test_a_heal_replaces_a_damaged_file(drive: TestDrive) -> None:
    """The same data id is written again and takes the damaged one's place in one step, for open readers
    too.
    """
    corrupt.flip_fragment(drive, DATA_ID)
    assert read_fault(drive) == FaultCode.DAMAGED
    drive.write_shard(DATA_ID, *FRAGMENTS)
    drive.commit_files(value("big", 1, files=(DATA_ID,), shard=1))
    drive.engine.shard_readers.forget(DATA_ID)
    assert drive.read_shard(DATA_ID, 3) == FRAGMENTS


def test_a_removed_file_stays_readable_to_its_reader(drive: TestDrive) -> None:
    """It is closed when the last reader gives it back."""
    readers = drive.engine.shard_readers
    shard = readers.open(DATA_ID)
    drive.files.remove(f"{drive.path}/shards/00/{DATA_ID.hex()}")
    readers.forget(DATA_ID)
    assert shard.file.read_at(0, 8) == b"RFSHARDF"
    readers.give_back(shard, 0.0)
    with pytest.raises(OSError, match="Bad file descriptor"):
        shard.file.read_at(0, 8)
    assert read_fault(drive) == FaultCode.NOT_FOUND


def test_open_files_are_bounded_and_closed_when_idle(tmp_path: Path) -> None:
    """The oldest is closed for a new one, and all of them after a while."""
    drive = new_drive(tmp_path, attrs.evolve(SMALL, read_files=2, read_idle_s=10.0))
    for number in range(3):
        data_id = bytes([number]) * 16
        drive.write_shard(data_id, b"1")
        drive.commit_files(value(f"big{number}", 1, files=(data_id,), shard=1))
        drive.read_shard(data_id, 1)
    readers = drive.engine.shard_readers
    assert readers.borrow(bytes(16), 5.0) is None
    kept = [readers.borrow(bytes([number]) * 16, 5.0) for number in (1, 2)]
    for shard in kept:
        assert shard is not None
        readers.give_back(shard, 5.0)
    readers.close_idle(14.0)
    assert readers.borrow(bytes([2]) * 16, 14.0) is kept[1]
    readers.give_back(kept[1], 14.0)
    readers.close_idle(25.0)
    assert readers.borrow(bytes([2]) * 16, 25.0) is None


def take(drive: TestDrive, index: int, data: bytes, data_id: bytes = OTHER_ID, **identity: int) -> object:
    fields = {
        "bucket": "b",
        "key": b"k",
        "shard": 1,
        "k": 2,
        "m": 2,
        "stripe_bytes": STRIPE_BYTES,
        **identity,
    }
    who = ShardIdentity(**fields) if index == 0 else None
    write = ShardWrite(data_id, index, xxhash.xxh3_128_digest(data), who)
    return drive.engine.shard_writers.take(write, data, Answer(), 0.0)


@pytest.mark.parametrize(
    ("index", "data", "identity", "code"),
    [
        (1, b"1", {}, FaultCode.NOT_FOUND),
        (0, b"", {}, FaultCode.INVALID),
        (0, b"1" * 4097, {}, FaultCode.INVALID),
        (0, b"1", {"shard": 4}, FaultCode.INVALID),
        (0, b"1", {"stripe_bytes": 0}, FaultCode.INVALID),
        (0, b"1", {"key": b"k" * 5000}, FaultCode.INVALID),
    ],
)
def test_impossible_fragments_are_refused(
    drive: TestDrive, index: int, data: bytes, identity: dict[str, int], code: FaultCode
) -> None:
    """Each with its fault, before anything is written."""
    fault = take(drive, index, data, **identity)
    assert isinstance(fault, Fault) and fault.code == code


def test_nothing_follows_a_short_fragment(drive: TestDrive) -> None:
    """Only the last one may be shorter: places of frames are computed from that."""
    take(drive, 0, b"1" * 100)
    fault = take(drive, 1, b"2" * 4096)
    assert isinstance(fault, Fault) and fault.code == FaultCode.INVALID


def test_unfinished_files_and_buffers_are_bounded(tmp_path: Path) -> None:
    """Beyond the bounds the answer is OVERLOADED, and the file is not spoilt by it."""
    drive = new_drive(tmp_path, attrs.evolve(SMALL, shard_writers=1, shard_buffer_bytes=8192))
    take(drive, 0, b"1" * 4096)
    fault = take(drive, 0, b"1" * 4096, bytes(16))
    assert isinstance(fault, Fault) and fault.code == FaultCode.OVERLOADED
    take(drive, 1, b"2" * 4096)
    fault = take(drive, 2, b"3" * 4096)
    assert isinstance(fault, Fault) and fault.code == FaultCode.OVERLOADED
    assert drive.engine.shard_writers.writers[OTHER_ID].fault is None


def test_a_writer_that_says_nothing_is_given_up(drive: TestDrive) -> None:
    """Its file goes, and the next fragment learns that there is none."""
    drive.write_shard(OTHER_ID, b"1" * 4096)
    writers = drive.engine.shard_writers
    assert writers.idle(drive.settings.shard_idle_s - 1) == []
    (writer,) = writers.idle(drive.settings.shard_idle_s + 1)
    del writers.writers[writer.data_id]
    writers.discard(writer)
    assert drive.files.list_folder(f"{drive.path}/shards/10") == []


def test_two_files_of_a_new_folder_finish_at_once() -> None:
    """Each syncs the folder's own name, whoever of the two threads is ahead."""
    drive = memory_drive()
    first, second = DATA_ID, DATA_ID[:1] + OTHER_ID[1:]
    for data_id in (first, second):
        drive.write_shard(data_id, *FRAGMENTS)
    writers = drive.engine.shard_writers
    other = writers.finishing([second])

    def overtake(call: str, path: str) -> None:
        if call == "sync_folder" and path.endswith("/shards"):
            drive.files.on_call = lambda _call, _path: None
            writers.finish(other)

    drive.files.on_call = overtake
    writers.finish(writers.finishing([first]))
    assert writers.missing([first, second]) == ()


@pytest.mark.parametrize("is_discarded", [False, True])
def test_a_file_does_not_begin_anew_while_it_is_ended(drive: TestDrive, *, is_discarded: bool) -> None:
    """Both have one name until then: what ends would take the other's bytes for its own, or remove them."""
    writers = drive.engine.shard_writers
    drive.write_shard(OTHER_ID, *FRAGMENTS)
    if is_discarded:
        writer = writers.writers[OTHER_ID]
        writers.give_up(writer)
    else:
        (writer,) = writers.finishing([OTHER_ID])
    with pytest.raises(AssertionError, match="is being written already"):
        drive.write_shard(OTHER_ID, FRAGMENTS[0])
    if is_discarded:
        writers.discard(writer)
        assert read_fault(drive, OTHER_ID) is FaultCode.NOT_FOUND
    else:
        writers.finish([writer])
        assert drive.read_shard(OTHER_ID, 3) == FRAGMENTS
    drive.write_shard(OTHER_ID, FRAGMENTS[0])


def test_a_copy_that_was_begun_does_not_replace_a_whole_file(drive: TestDrive) -> None:
    """A version that shares the file is committed while somebody writes that file once more: the first
    fragments of the copy do not take the place of what is whole.
    """
    drive.write_shard(DATA_ID, FRAGMENTS[0])
    drive.commit_files(value("big", 2, files=(DATA_ID,), shard=1))
    assert drive.read_shard(DATA_ID, 3) == FRAGMENTS
    assert not list(Path(drive.path).rglob("*.unfinished"))
