"""A drive that lost what it had is given all of it again, and only then its absences count."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from rustfs_node.erasureset.open_reads import OpenReads
from rustfs_proto.disk.identity import HEALING, OK, parse_identity
from rustfs_proto.disk.rebuild_place import Stage
from rustfs_proto.wire.drive_ops import Commit, Lookup, RowName, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.heal_ops import ListRows, Rejoin
from rustfs_proto.wire.set_ops import SetStatus
from tests.kit import corrupt
from tests.unit.erasureset.kit import RRS, running_real_set, running_set
from tests.unit.erasureset.real_drive import RealDrive
from tests.unit.erasureset.test_healing import AT_ONCE, census_of, fill, until
from tests.unit.erasureset.test_objects import body_of
from tests.unit.erasureset.test_uploads import begin, complete, put_part

SOON = AT_ONCE | {"lookup_timeout_s": 0.3}


def state_of(drive: RealDrive) -> str:
    return parse_identity((drive.folder / "rustfs.json").read_bytes()).state


async def test_an_emptied_drive_is_rebuilt(tmp_path: Path) -> None:
    """While it is, objects are written and removed as before. Then it has all, and any two others may go."""
    async with running_real_set(tmp_path, 4, **SOON) as a_set:
        await fill(a_set, 1)
        drive = a_set.drives[2]
        await drive.empty()
        assert state_of(drive) == HEALING
        await fill(a_set, 2)
        await until(lambda: state_of(drive) == OK)
        for slot in (0, 3):
            await a_set.drives[slot].stop()
        assert await a_set.client.get(b"k41000") == body_of(41_000, 2)
        assert await a_set.client.get(b"k") == body_of(9000, 2) + body_of(3, 2)
        assert await a_set.client.get_fault(b"gone") is FaultCode.NOT_FOUND
        found = await census_of(a_set)
        # The last write may not have come to another one yet.
        assert not [version for version, slots in found.lacking(found.current()).items() if 2 in slots]


async def test_two_of_four_are_rebuilt_side_by_side(tmp_path: Path) -> None:
    """One emptied, of the other the log and a folder of shards are gone."""
    async with running_real_set(tmp_path, 4, **SOON) as a_set:
        await fill(a_set, 1)
        lost = a_set.drives[1:3]
        await lost[0].empty()
        await lost[1].stop()
        corrupt.lose_log(lost[1].folder)
        corrupt.lose_shard_files(lost[1].folder)
        await lost[1].start()
        assert [state_of(drive) for drive in lost] == [HEALING, HEALING]
        await until(lambda: all(state_of(drive) == OK for drive in lost))
        found = await census_of(a_set)
        assert found.lacking(found.current()) == {}


async def test_a_drive_stays_healing_while_something_is_left_over() -> None:
    """A row that it refuses, and a row that too few drives can tell: its absences do not count."""
    async with running_set(4, **SOON) as a_set:
        await a_set.client.put(b"k", b"some bytes")
        drive, other = a_set.drives[0], a_set.drives[1]
        drive.refuses_where = lambda message: isinstance(message, Commit) and message.key == b"k"
        drive.empty()
        await until(lambda: sum(isinstance(message, Commit) for message in drive.seen) > 8)
        assert drive.is_healing and not any(isinstance(message, Rejoin) for message in drive.seen)
        healing = (await a_set.client.ask(SetStatus())).healing
        assert [(one.slot, one.rows) for one in healing.rebuilds] == [(0, 0)]
        drive.refuses_where = lambda _message: False
        await until(lambda: not drive.is_healing)
        assert drive.versions("b", b"k")
        drive.empty()
        for away in (other, a_set.drives[2]):
            away.refuses = FaultCode.DRIVE_FAULT
        drive.seen.clear()
        await until(lambda: sum(isinstance(message, ListRows) for message in drive.seen) > 3)
        assert drive.is_healing and not drive.versions("b", b"k")


async def test_what_is_least_protected_is_given_first() -> None:
    """Objects with less parity, and those that another drive has lost as well, come before all others, though
    they are last in order.
    """
    async with running_set(4, classes=[(RRS, 1)], **SOON) as a_set:
        for number in range(8):
            await a_set.client.put(b"a%d" % number, body_of(9000, number))
        for key in (b"y0", b"y1"):
            await a_set.client.put(key, body_of(9000), storage_class=RRS)
        await a_set.client.put(b"z", body_of(9000))
        drive, other = a_set.drives[0], a_set.drives[1]
        for stored in other.versions("b", b"z").values():
            for data_id in stored.commit.files:
                other.files.pop(data_id)
        drive.seen.clear()
        drive.empty()
        await until(lambda: not drive.is_healing)
        commits = [message for message in drive.seen if isinstance(message, Commit)]
        given = list(dict.fromkeys(one.key for one in commits if one.space == Space.OBJECT))
        assert set(given[:3]) == {b"y0", b"y1", b"z"}
        assert len(given) == 11


async def test_what_was_done_is_not_done_again() -> None:
    """A rebuild that is cut short goes on with what is missing."""
    async with running_set(4, **SOON) as a_set:
        for number in range(10):
            await a_set.client.put(b"k%d" % number, body_of(9000, number))
        drive = a_set.drives[1]
        drive.empty()
        drive.refuses_where = lambda message: isinstance(message, Commit) and message.key == b"k7"
        await until(lambda: len(drive.files) >= 9 and any(is_commit(one, b"k7") for one in drive.seen))
        await until(lambda: all(drive.versions("b", b"k%d" % number) for number in range(10) if number != 7))
        drive.seen.clear()
        drive.refuses_where = lambda _message: False
        await until(lambda: not drive.is_healing)
        assert {one.key for one in drive.seen if isinstance(one, Commit)} == {b"k7"}


async def test_what_is_lost_keeps_nothing_from_what_is_not() -> None:
    """More rows cannot be told than are remembered to be tried again; those behind them are given all the
    same.
    """
    async with running_set(4, **SOON | {"heal_page_rows": 2, "steady_pause_s": 0.0}) as a_set:
        for number in range(6):
            await a_set.client.put(b"k%d" % number, b"some bytes")
        drive, others = a_set.drives[0], a_set.drives[1:3]
        for other in others:
            other.refuses_where = lambda message: isinstance(message, Lookup) and message.key < b"k4"
        drive.empty()
        await until(lambda: all(drive.versions("b", key) for key in (b"k4", b"k5")))
        assert drive.is_healing and not drive.versions("b", b"k0")
        for other in others:
            other.refuses_where = lambda _message: False
        await until(lambda: not drive.is_healing)
        assert all(drive.versions("b", b"k%d" % number) for number in range(6))


def is_commit(message: object, key: bytes) -> bool:
    return isinstance(message, Commit) and message.key == key


async def test_a_version_that_was_shown_is_on_the_drive_before_its_absences_count() -> None:
    """A write came to two drives of four, beside an emptied one and one without it. A read shows it, as the
    emptied one may have had it. When that one is rebuilt and one of the two goes, it is still shown.
    """
    async with running_set(4, **SOON) as a_set:
        client, drives = a_set.client, a_set.drives
        await client.put(b"k", b"first")
        for drive in drives[2:]:
            drive.refuses_where = lambda message: (
                isinstance(message, Commit) and message.space == Space.OBJECT
            )
        with pytest.raises(Fault):
            await client.put(b"k", b"second")
        drives[2].refuses = FaultCode.DRIVE_FAULT
        for drive in drives[2:]:
            drive.refuses_where = lambda _message: False
        drives[2].refuses = None
        drives[3].empty()
        await until(lambda: not drives[3].is_healing)
        assert await client.get(b"k") == b"second"
        drives[0].refuses = FaultCode.DRIVE_FAULT
        assert await client.get(b"k") == b"second"


async def test_the_end_of_an_upload_waits_for_its_object() -> None:
    """The parts are all that keeps the drive's shards while it has no record of the object."""
    # Nobody else heals: he could be at the upload, with the object behind him, when the drive is emptied.
    async with running_set(4, **SOON | {"heal_pause_s": 600.0}) as a_set:
        client, drive = a_set.client, a_set.drives[0]
        # So the end of the upload stays, for the drive that has not heard of it.
        a_set.drives[3].refuses_where = lambda message: (
            isinstance(message, Commit) and message.space == Space.UPLOAD
        )
        upload_id = await begin(client)
        part = await put_part(client, upload_id, 1, body_of(9000, 1))
        await client.ask(complete(upload_id, part))
        drive.refuses_where = lambda message: isinstance(message, Commit) and message.space == Space.OBJECT
        drive.empty()
        drive.seen.clear()

        def commits_of(space: Space) -> int:
            return sum(isinstance(message, Commit) and message.space == space for message in drive.seen)

        await until(lambda: commits_of(Space.OBJECT) > 8)
        assert not commits_of(Space.UPLOAD)
        drive.refuses_where = lambda _message: False
        await until(lambda: commits_of(Space.UPLOAD) > 0)


async def test_a_set_that_is_never_idle_is_rebuilt() -> None:
    """Clients that read without a pause are slowed down at most: the rebuild has its share of the time."""
    async with running_set(4, **SOON | {"heal_busy_bytes_per_s": 4 << 20}) as a_set:
        for number in range(40):
            await a_set.client.put(b"k%d" % number, body_of(9000, number))
        drive = a_set.drives[1]
        async with trio.open_nursery() as nursery:

            async def read_on() -> None:
                while True:
                    await a_set.client.get(b"k1")

            for _ in range(2):
                nursery.start_soon(read_on)
            drive.empty()
            await until(lambda: not drive.is_healing)
            nursery.cancel_scope.cancel()
        assert all(drive.versions("b", b"k%d" % number) for number in range(40))


async def test_a_rebuild_goes_on_where_it_was() -> None:
    """Another worker begins behind what was given, and with the census where that was; but not once the drive
    is in another life, as what reads showed in between may not be on it.
    """
    async with running_set(4, **SOON | {"heal_keep_s": 0.0, "heal_rows_ahead": 1}) as a_set:
        for number in range(10):
            await a_set.client.put(b"k%d" % number, body_of(9000, number))
        drive = a_set.drives[1]
        drive.refuses_where = lambda message: isinstance(message, Commit) and message.key >= b"k6"
        drive.empty()
        await until(lambda: drive.mark == (Stage.GIVING, RowName(Space.OBJECT, "b", b"k5")))
        drive.seen.clear()
        await until(lambda: any(isinstance(message, ListRows) for message in drive.seen))
        first = next(message for message in drive.seen if isinstance(message, ListRows))
        assert first.after == RowName(Space.OBJECT, "b", b"k5")

        def is_told_that_it_is_well(message: object) -> bool:
            return isinstance(message, Rejoin) and message.is_rebuilt

        drive.refuses_where = is_told_that_it_is_well
        await until(lambda: any(map(is_told_that_it_is_well, drive.seen)))
        token = drive.joins
        drive.seen.clear()
        await until(lambda: any(map(is_told_that_it_is_well, drive.seen)))
        assert drive.joins == token and not any(Rejoin(token) == message for message in drive.seen)
        drive.joins = b""
        drive.seen.clear()
        drive.refuses_where = lambda _message: False
        await until(lambda: not drive.is_healing)
        lists = [message for message in drive.seen if isinstance(message, ListRows)]
        joined = next(i for i, one in enumerate(drive.seen) if isinstance(one, Rejoin) and not one.is_rebuilt)
        assert any(one.after == RowName() for one in drive.seen[joined:] if isinstance(one, ListRows)), lists


async def test_the_census_waits_for_reads_that_heard_the_drive_before() -> None:
    """And for none that began later."""
    reads = OpenReads()
    first, other = reads.begin(), reads.begin()
    async with trio.open_nursery() as nursery:
        ended: list[str] = []

        async def wait() -> None:
            await reads.ended()
            ended.append("all")

        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        later = reads.begin()
        reads.end(first)
        await wait_all_tasks_blocked()
        assert not ended
        reads.end(other)
        await wait_all_tasks_blocked()
        assert ended
        reads.end(later)
    await reads.ended()
