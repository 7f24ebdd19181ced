"""What is noted is healed: on real drives, counted by the census, and on drives that are told what to do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trio

from rustfs_node.erasureset.heal_noted import Tried
from rustfs_node.plan import drive_name
from rustfs_node.settings.erasureset import SetSettings
from rustfs_proto.erasure.placement import first_slot
from rustfs_proto.versions import Versioning
from rustfs_proto.wire.drive_ops import Commit, DriveStatus, Lookup, RowKind, ShardWrite, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Delete, ObjectInfo, PutSmall, RemoveVersions, SetStatus
from rustfs_proto.wire.upload_ops import UploadCreate
from tests.kit import census, corrupt
from tests.unit.erasureset.kit import Drive, TestSet, running_real_set, running_set
from tests.unit.erasureset.model_drive import ModelDrive, Stored
from tests.unit.erasureset.real_drive import RealDrive
from tests.unit.erasureset.test_objects import body_of
from tests.unit.erasureset.test_uploads import complete, put_part

AT_ONCE: dict[str, object] = {
    "heal_note_again_s": 0.01,
    "heal_rest_s": 0.02,
    "heal_pause_s": 0.02,
    "heal_retry_s": 0.02,
    "heal_look_s": 0.02,
    "heal_retry_max_s": 0.1,
    "status_period_s": 0.1,
    "resettle_delay_s": 0.05,
}
"""Settings under which nothing waits for long."""

numbers = count()


async def until(what: Callable[[], bool]) -> None:
    """Return when it is so: who heals tells nobody."""
    with trio.fail_after(60):
        while not what():  # noqa: ASYNC110
            await trio.sleep(0.01)


def has_no_notes(a_set: TestSet[ModelDrive]) -> bool:
    return not any(drive.heal_notes() for drive in a_set.drives)


async def notes_on(a_set: TestSet[Any]) -> list[int]:
    """How many notes each drive that answers has."""
    names = [drive_name(0, slot) for slot in range(len(a_set.drives))]
    bus = a_set.net.open_bus(f"asker {next(numbers)}", names)
    found: list[int] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(bus.run)
        for name in names:
            with suppress(Fault):
                found.append((await bus.call(name, DriveStatus(), deadline_s=1)).message.heal_notes)
        nursery.cancel_scope.cancel()
    return found


async def notes_are(a_set: TestSet[Any], *, there: bool) -> None:
    """Return when some drive has notes, or none has any: they are written after the answer."""
    with trio.fail_after(12):
        while any(await notes_on(a_set)) != there:  # noqa: ASYNC110 - nobody is told
            await trio.sleep(0.02)


async def census_of(a_set: TestSet[RealDrive]) -> census.Census:
    """The end of all drives, and what is on them."""
    for drive in a_set.drives:
        await drive.stop()
    return census.take([drive.folder for drive in a_set.drives])


async def fill(a_set: TestSet[Drive], number: int) -> None:
    """Objects, versions, deletes and uploads of every kind, some of them over others of the number before."""
    client = a_set.client
    for size in (0, 700, 9000, 41_000):
        await client.put(b"k%d" % size, body_of(size, number))
    await client.put(b"gone", body_of(9000, number))
    await client.delete(b"gone")
    for size in (500, 9000):
        info = ObjectInfo(etag="e")
        small = PutSmall("v", b"version", info, versioning=Versioning.ENABLED)
        await client.ask(small, body_of(min(size, 4000), number))
    removed = await client.ask(PutSmall("v", b"other", info, versioning=Versioning.ENABLED), b"x")
    await client.ask(RemoveVersions("v", ((b"other", removed.sub),)))
    await client.ask(Delete("v", (b"version",), versioning=Versioning.ENABLED))
    upload_id = (await client.ask(UploadCreate("b", b"k", ObjectInfo()))).upload_id
    bodies = [body_of(9000, number), body_of(3, number)]
    parts = [await put_part(client, upload_id, at, body) for at, body in enumerate(bodies, 1)]
    await client.ask(complete(upload_id, *parts))
    upload_id = (await client.ask(UploadCreate("b", b"k", ObjectInfo()))).upload_id
    await put_part(client, upload_id, 1, body_of(9000, number + 7))


async def test_a_drive_that_was_away_gets_what_it_missed(tmp_path: Path) -> None:
    """Overwrites, versions, removals and uploads, ended or under way: afterwards every drive has all of it,
    and nothing is noted any more.
    """
    async with running_real_set(tmp_path, 4, **AT_ONCE) as a_set:
        await fill(a_set, 1)
        away = a_set.drives[1]
        await away.stop()
        await fill(a_set, 2)
        await notes_are(a_set, there=True)
        await away.start()
        await notes_are(a_set, there=False)
        for slot in (0, 2):
            await a_set.drives[slot].stop()
        assert await a_set.client.get(b"k41000") == body_of(41_000, 2)
        assert await a_set.client.get(b"k") == body_of(9000, 2) + body_of(3, 2)
        found = await census_of(a_set)
        assert found.lacking(found.current()) == {}


async def test_what_reads_find_damaged_is_written_again(tmp_path: Path) -> None:
    """Every record with data, and every shard file, on two drives of four; one file is gone altogether."""
    async with running_real_set(tmp_path, 4, **AT_ONCE) as a_set:
        client = a_set.client
        keys = [key for key in (b"k%d" % number for number in range(99)) if first_slot("b", key, 4) == 0][:4]
        for number, key in enumerate(keys):
            await client.put(key, body_of(41_000 if number % 2 else 2000, number))
        for drive in a_set.drives[:2]:
            assert corrupt.damage_record_data(drive.folder)
            assert corrupt.damage_shard_files(drive.folder)
        a_set.drives[1].shard_files()[0].unlink()
        for number, key in enumerate(keys):
            assert await client.get(key) == body_of(41_000 if number % 2 else 2000, number)
        await notes_are(a_set, there=True)
        await notes_are(a_set, there=False)
        for drive in a_set.drives[2:]:
            await drive.stop()
        for number, key in enumerate(keys):
            assert await client.get(key) == body_of(41_000 if number % 2 else 2000, number)
        found = await census_of(a_set)
        assert found.lacking(found.current()) == {}


async def test_a_drive_that_is_away_is_waited_for() -> None:
    """The key keeps its note, however often it is tried, until the drive has what it missed."""
    async with running_set(4, **AT_ONCE) as a_set:
        away = a_set.drives[3]
        away.refuses = FaultCode.DRIVE_FAULT
        await a_set.client.put(b"k", b"some bytes")
        await until(lambda: not has_no_notes(a_set))
        a_set.drives[0].seen.clear()
        await until(lambda: lookups(a_set.drives[0]) > 4 or has_no_notes(a_set))
        assert not has_no_notes(a_set)
        assert (await a_set.client.ask(SetStatus())).healing.failed
        away.refuses = None
        await until(lambda: has_no_notes(a_set) and bool(away.versions("b", b"k")))
        assert (await a_set.client.ask(SetStatus())).healing.healed


async def test_a_tombstone_that_all_drives_have_is_forgotten() -> None:
    """It was kept for the drive that was away."""
    async with running_set(4, **AT_ONCE) as a_set:
        await a_set.client.put(b"k", b"some bytes")
        a_set.drives[2].refuses = FaultCode.DRIVE_FAULT
        await a_set.client.delete(b"k")
        await until(lambda: not has_no_notes(a_set))
        a_set.drives[0].seen.clear()
        await until(lambda: lookups(a_set.drives[0]) > 4 or has_no_notes(a_set))
        assert all(drive.versions("b", b"k") for drive in a_set.drives)
        a_set.drives[2].refuses = None
        await until(lambda: not any(drive.versions("b", b"k") for drive in a_set.drives))


async def test_what_nobody_acknowledged_is_left_alone() -> None:
    """One drive of four has a newer version, and an older one below: neither is touched, and no other drive
    gets the newer one.
    """
    async with running_set(4, **AT_ONCE) as a_set:
        stamp = await a_set.client.put(b"k", b"acknowledged")
        for drive in a_set.drives[1:]:
            drive.refuses_where = is_object
        with pytest.raises(Fault):
            await a_set.client.put(b"k", b"perhaps not")
        await until(lambda: not has_no_notes(a_set))
        for drive in a_set.drives:
            drive.refuses_where = lambda _message: False
        await until(lambda: has_no_notes(a_set))
        first, *others = a_set.drives
        assert len(first.versions("b", b"k")) == 2
        assert all(set(drive.versions("b", b"k")) == {stamp} for drive in others)
        assert await a_set.client.get(b"k") == b"acknowledged"


async def test_a_note_that_is_written_meanwhile_stays() -> None:
    """What was noted while its key was healed is healed once more."""
    async with running_set(4, **AT_ONCE) as a_set:
        drive = a_set.drives[0]
        name = (int(Space.HEAL), "b", b"k", b"")
        await a_set.client.put(b"k", b"some bytes")

        def note_again(message: object) -> bool:
            if isinstance(message, Lookup) and len(drive.rows[name]) == 1:
                drive.rows[name][2000] = Stored(Commit(Space.HEAL, "b", b"k", 2000, RowKind.VALUE))
            return False

        drive.refuses_where = note_again
        drive.rows[name] = {1000: Stored(Commit(Space.HEAL, "b", b"k", 1000, RowKind.VALUE))}
        await until(lambda: any(is_end(message, 1001) for message in drive.seen))
        await until(lambda: any(is_end(message, 2001) for message in drive.seen))
        assert has_no_notes(a_set)


async def test_a_note_counts_whatever_the_clock_of_an_earlier_one_was() -> None:
    """A node whose clock is ahead has noted the key, and it was healed: what this one notes is not lost."""
    async with running_set(4, **AT_ONCE) as a_set:
        name, end = (int(Space.HEAL), "b", b"k", b""), 1 << 62
        for drive in a_set.drives:
            drive.rows[name] = {end: Stored(Commit(Space.HEAL, "b", b"k", end, RowKind.TOMBSTONE))}
        missing = a_set.drives[3]
        missing.refuses_where = is_object
        await a_set.client.put(b"k", b"some bytes")
        await until(lambda: any(map(is_object, missing.seen)))
        missing.refuses_where = lambda _message: False
        await until(lambda: bool(missing.versions("b", b"k")))


def is_object(message: object) -> bool:
    return isinstance(message, Commit) and message.space == Space.OBJECT


def lookups(drive: ModelDrive) -> int:
    return sum(isinstance(message, Lookup) for message in drive.seen)


def is_end(message: object, stamp: int) -> bool:
    return isinstance(message, Commit) and message.space == Space.HEAL and message.stamp == stamp


async def test_an_upload_is_ended_only_where_the_object_is() -> None:
    """A drive that missed the object and the end of its upload refuses the object: its parts stay, as they
    are all that keeps its shards. Then it takes it, and the parts go.
    """
    async with running_set(4, **AT_ONCE) as a_set:
        client, drive = a_set.client, a_set.drives[3]
        upload_id = (await client.ask(UploadCreate("b", b"k", ObjectInfo()))).upload_id
        part = await put_part(client, upload_id, 1, body_of(9000))
        await until(lambda: all(row_of(one, Space.PART) for one in a_set.drives))
        drive.refuses_where = is_object
        await client.ask(complete(upload_id, part))
        await until(lambda: not has_no_notes(a_set))
        drive.seen.clear()
        await until(lambda: sum(isinstance(message, Commit) for message in drive.seen) > 3)
        assert row_of(drive, Space.PART) and not row_of(drive, Space.OBJECT)
        drive.refuses_where = lambda _message: False
        await until(lambda: has_no_notes(a_set))
        assert row_of(drive, Space.OBJECT) and not row_of(drive, Space.PART)
        assert drive.files


async def test_what_is_removed_while_it_is_copied_stays_away() -> None:
    """Its tombstone came to all drives, and was forgotten by all, before the last shard was there."""
    async with running_set(4, **AT_ONCE) as a_set:
        drive = a_set.drives[3]
        drive.refuses_where = lambda message: isinstance(message, Commit | ShardWrite)
        await a_set.client.put(b"k", body_of(41_000))
        await until(lambda: not has_no_notes(a_set))
        name = (int(Space.OBJECT), "b", b"k", b"")

        def remove(message: object) -> bool:
            if isinstance(message, ShardWrite):
                for one in a_set.drives:
                    one.rows.pop(name, None)
            return False

        drive.refuses_where = remove
        await until(lambda: any(isinstance(message, ShardWrite) for message in drive.seen))
        await until(lambda: has_no_notes(a_set))
        assert not any(drive.versions("b", b"k") for drive in a_set.drives)


def row_of(drive: ModelDrive, space: Space) -> bool:
    return any(name[0] == space and versions for name, versions in drive.rows.items())


def test_tries_are_ever_further_apart_until_a_drive_comes() -> None:
    """Twice as long each time, up to a limit; at most so many keys are remembered."""
    tried = Tried(SetSettings(heal_retry_s=4.0, heal_retry_max_s=10.0, heal_tried_keys=2))
    one = ("b", b"one")
    for now_s, pause_s in ((0.0, 4.0), (4.0, 8.0), (12.0, 10.0), (22.0, 10.0)):
        assert tried.is_due(one, now_s)
        tried.failed(one, now_s)
        assert not tried.is_due(one, now_s + pause_s - 0.1)
    tried.see(("a drive",))
    assert tried.is_due(one, 22.0)
    for number in range(3):
        tried.failed(("b", b"%d" % number), 30.0)
    assert [tried.is_due(("b", b"%d" % number), 30.0) for number in range(3)] == [True, False, False]
