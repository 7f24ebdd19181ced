"""The census sees what the corruptors do, in folders and in memory."""

from __future__ import annotations

from random import Random

import pytest

from rustfs_proto.disk.layout import shard_path
from rustfs_proto.wire.drive_ops import Space
from tests.geometries import contents
from tests.geometries.damages import DAMAGES, Case
from tests.geometries.rig import Geometry, folders_of, serving
from tests.kit import census, corrupt
from tests.kit.at_rest import all_records, shard_files
from tests.kit.census import State
from tests.kit.drives import memory_drive

GEOMETRY = Geometry(5)
HIT = 2
EXPECTED = {
    # What is found of the record and of the shard file of a key in shard files, on the drive that was hit.
    "emptied": (State.MISSING, State.MISSING),
    "identity-damaged": (State.MISSING, State.MISSING),
    "identity-wrong": (State.DAMAGED, State.DAMAGED),
    "log-headers": (State.MISSING, State.GOOD),
    "log-bodies": (State.MISSING, State.GOOD),
    "log-segments": (State.GOOD, State.GOOD),
    "log-lost": (State.MISSING, State.GOOD),
    "shard-headers": (State.GOOD, State.DAMAGED),
    "shard-data": (State.GOOD, State.DAMAGED),
    "shard-tails": (State.GOOD, State.DAMAGED),
    "shard-cut": (State.GOOD, State.DAMAGED),
    "shard-lost": (State.GOOD, State.MISSING),
    "index-lost": (State.GOOD, State.GOOD),
    "index-pages": (State.GOOD, State.GOOD),
}
"""A flipped stamp or key makes a record one of another version: what it was is missing."""


async def test_a_set_that_nothing_happened_to(store):
    """Every drive has its whole shard of every version that counts; what was replaced is garbage until it is
    swept, and no file is without a record.
    """
    found = census.take(folders_of((await store.filled(GEOMETRY)).folder, GEOMETRY))
    assert found.lacking(found.current()) == {}
    assert {version.key for version in found.values()} == contents.STORED.keys()
    assert found.count(found.values()) == {State.GOOD: len(contents.STORED) * GEOMETRY.drives}
    assert {version.key for version in found.current()} > set(contents.REMOVED)
    assert set(found.leftovers.values()) == {()}
    assert {len(paths) for paths in found.garbage.values()} == {3}
    assert found.away == ()


@pytest.mark.parametrize("kind", EXPECTED)
async def test_what_corruptors_do_is_counted(store, kind, folder):
    """Of the drive that was hit it tells what is damaged and what is missing; of the others that all is
    good.
    """
    paths = await store.copy(GEOMETRY, folder / "set")
    filled = await store.filled(GEOMETRY)
    before = census.take(paths)
    DAMAGES[kind].hit(Case(paths[HIT], HIT, GEOMETRY, filled, Random(1)))
    after = census.take(paths)
    version = before.newest(Space.OBJECT, contents.BUCKET, b"file/many")
    held = after.versions[version]
    assert (held[HIT].record, *held[HIT].files.values()) == EXPECTED[kind]
    assert {slot for slots in after.lacking(before.current()).values() for slot in slots} <= {HIT}
    assert after.good(version) == [
        slot for slot in range(GEOMETRY.drives) if slot != HIT or EXPECTED[kind] == (State.GOOD, State.GOOD)
    ]
    assert after.away == ((HIT,) if kind == "identity-damaged" else ())


async def test_files_that_nobody_names_are_left_over(store, folder):
    """Unfinished ones, strange ones, and whole ones without a record."""
    paths = await store.copy(GEOMETRY, folder / "set")
    one = shard_files(paths[0])[0]
    strange = [one + ".unfinished", one.rpartition("/")[0] + "/readme", f"{paths[0]}/{shard_path(b'0' * 16)}"]
    for path in strange:
        corrupt.put_over(paths[0], corrupt.Keepsake((), {path.removeprefix(f"{paths[0]}/"): b"strange"}))
    found = census.take(paths)
    assert sorted(found.leftovers[0]) == sorted(strange)
    assert found.leftovers[1] == ()
    assert found.lacking(found.current()) == {}


async def test_drives_that_were_away_lack_what_came_meanwhile(store, folder):
    """What was written without a drive is missing there, and no more than that; what it has instead is older
    and does not count.
    """
    paths = await store.copy(GEOMETRY, folder / "set")
    async with serving(paths, GEOMETRY, seed=4) as served:
        await served.drives[HIT].stop()
        await contents.write(served.client, Random(1))
    found = census.take(paths)
    lacking = found.lacking(found.current(Space.OBJECT))
    assert {version.key for version in lacking} == {
        *(b"new/small", b"new/large", b"new/parts"),
        *(b"inline", b"file/many", b"one"),
        # Deleted, and nobody could be sure that the drive which was away has nothing under that name.
        contents.NEVER,
    }
    assert {slot for slots in lacking.values() for slot in slots} == {HIT}


def test_drives_in_memory():
    """A drive in memory is counted and corrupted like one in a folder."""
    drive = memory_drive()
    for number, key in enumerate(("a", "b", "c")):
        drive.put(key, number, b"body of " + key.encode())
    drive.delete("c", 5)
    drive.close()
    assert len(list(all_records(drive))) == 4
    keepsake = corrupt.remember(drive)
    corrupt.flip_record_data(drive, "a")
    corrupt.flip_record_body(drive, "b")
    assert {found.record.key for _, found in all_records(drive)} == {b"c"}
    found = census.take([drive])
    assert {(version.key, held[0].record) for version, held in found.versions.items()} == {
        (b"a", State.DAMAGED),
        (b"b", State.DAMAGED),
        # What a hand-made record says of its bytes is nothing that a set would write.
        (b"c", State.DAMAGED),
        (b"c", State.GOOD),
    }
    corrupt.put_back(drive, keepsake)
    assert len(list(all_records(drive))) == 4
    corrupt.empty_drive(drive)
    assert census.take([drive]).away == (0,)
