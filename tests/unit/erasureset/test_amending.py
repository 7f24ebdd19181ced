"""Amend: what an object says of itself changes, its bytes, ETag and time of modification do not."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing

from rustfs_proto.objects import modified_ms_of, written_of
from rustfs_proto.wire.drive_ops import Commit, Committed, ShardWrite, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Amend, Amended, Get, Got, List, ObjectInfo, ReadBlock
from tests.unit.erasureset.kit import Client, running_real_set, running_set
from tests.unit.erasureset.model_drive import ModelDrive
from tests.unit.erasureset.test_objects import body_of
from tests.unit.erasureset.test_uploads import begin, complete, put_part

SIZES = [0, 1, 700, 4096, 4097, 41000]


async def amend(client: Client, key: bytes, **change: object) -> Amended:
    answer = await client.ask(Amend("b", key, **change))  # type: ignore[arg-type]
    assert isinstance(answer, Amended)
    return answer


async def look(client: Client, key: bytes) -> Got:
    got = await client.ask(Get("b", key, want_data=False))
    assert isinstance(got, Got)
    return got


@pytest.mark.parametrize("drives", [1, 2, 3, 4, 5])
async def test_only_the_tags_change(drives: int) -> None:
    """Whatever its size and however often it is amended, an object keeps its bytes, ETag, metadata and time
    of modification, in listings too; its stamp rises and its tags are the last ones.
    """
    async with running_set(drives) as a_set:
        client = a_set.client
        for size in SIZES:
            key = b"k%05d" % size
            stamp = await client.put(key, body_of(size), user={"a": "b"}, tags={"first": "1"})
            before = await look(client, key)
            assert before.meta.tags == {"first": "1"}
            for tags in ({"x": "y", "z": ""}, {}, {"last": "1"}):
                done = await amend(client, key, tags=tags)
                got = await look(client, key)
                assert (got.stamp, got.meta.tags, got.head) == (done.stamp, tags, done.head)
                assert got.stamp > stamp
                assert (got.head.etag, got.head.size) == (before.head.etag, size)
                assert (got.meta.user, got.meta.parts) == ({"a": "b"}, before.meta.parts)
                assert modified_ms_of(got.head, got.stamp) == modified_ms_of(before.head, stamp)
                assert written_of(got.head, got.stamp) == stamp
                assert await client.get(key) == body_of(size)
                stamp_before, stamp = stamp, written_of(got.head, got.stamp)
                assert stamp_before == stamp
        page = await client.ask(List("b"))
        assert [entry.key for entry in page.entries] == [b"k%05d" % size for size in SIZES]
        assert all(entry.head.written for entry in page.entries)


async def test_no_tags_given_leaves_them() -> None:
    """An amendment without tags leaves those that are there."""
    async with running_set(4) as a_set:
        await a_set.client.put(b"k", b"body", tags={"a": "b"})
        await amend(a_set.client, b"k")
        assert (await look(a_set.client, b"k")).meta.tags == {"a": "b"}


async def test_objects_of_many_parts_are_amended() -> None:
    """The parts of a completed upload stay as they are; its tags are those it was begun with, then the new
    ones.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        bodies = {1: b"", 2: body_of(10000), 3: body_of(4096), 4: body_of(1), 7: body_of(9000)}
        upload_id = await begin(client, ObjectInfo(tags={"from": "upload"}))
        wanted = [await put_part(client, upload_id, number, bodies[number]) for number in bodies]
        await client.ask(complete(upload_id, *wanted))
        before = await look(client, b"k")
        assert before.meta.tags == {"from": "upload"}
        await amend(client, b"k", tags={"a": "b"})
        after = await look(client, b"k")
        assert (after.meta.parts, after.head.etag) == (before.meta.parts, before.head.etag)
        assert after.meta.tags == {"a": "b"}
        assert await client.get(b"k") == b"".join(bodies.values())


async def test_what_is_not_there_is_not_found() -> None:
    """A key that never was and one that was deleted cannot be amended, and come into no listing by it."""
    async with running_set(4) as a_set:
        client = a_set.client
        await client.put(b"gone", b"body")
        await client.delete(b"gone")
        for key in (b"gone", b"never"):
            assert await client.fault_of(Amend("b", key, {"a": "b"})) is FaultCode.NOT_FOUND
        assert (await client.ask(List("b"))).entries == ()


async def test_an_expected_version_is_compared() -> None:
    """With `expect` only that very version is amended."""
    async with running_set(4) as a_set:
        client = a_set.client
        first = await client.put(b"k", b"one")
        second = await client.put(b"k", b"two")
        assert await client.fault_of(Amend("b", b"k", {"a": "b"}, first)) is FaultCode.CONFLICT
        assert (await look(client, b"k")).meta.tags == {}
        await amend(client, b"k", tags={"a": "b"}, expect=second)
        assert (await look(client, b"k")).meta.tags == {"a": "b"}


@pytest.mark.parametrize("size", [0, 700, 41000])
async def test_a_race_with_writes_mixes_nothing(size: int) -> None:
    """PUTs and amendments of one key at once: each read sees the bytes of one PUT with its own ETag and time,
    and with tags of that PUT or of an amendment; never the bytes of one with the tags of another.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        bodies = [body_of(size) + b"%02d" % number for number in range(12)]
        await client.put(b"k", bodies[0], user={"put": "0"}, tags={"put": "0"})

        async def put(number: int) -> None:
            await client.put(b"k", bodies[number], user={"put": str(number)}, tags={"put": str(number)})

        async def change(number: int) -> None:
            await amend(client, b"k", tags={"amendment": str(number)})
            await check()

        async def check() -> None:
            reply = await client.bus.call("set-0", Get("b", b"k"), deadline_s=60)
            got = reply.message
            number = int(got.meta.user["put"])
            assert got.meta.tags.get("put", str(number)) == str(number)
            assert bodies[number].startswith(reply.frames[0])
            assert got.head.size == len(bodies[number])

        async with trio.open_nursery() as nursery:
            for number in range(1, len(bodies)):
                nursery.start_soon(put, number)
                nursery.start_soon(change, number)
        got = await look(client, b"k")
        assert await client.get(b"k") == bodies[int(got.meta.user["put"])]


@pytest.mark.parametrize("size", [700, 41000])
async def test_an_amendment_undoes_no_write(size: int) -> None:
    """PUTs one after the other, with amendments all the time: once a PUT is acknowledged nobody reads the
    bytes of one before it.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        acknowledged = 0
        await client.put(b"k", body_of(size), user={"put": "0"})

        async def check() -> None:
            floor = acknowledged
            assert int((await look(client, b"k")).meta.user["put"]) >= floor

        async def change(task: int) -> None:
            while acknowledged < 15:
                await amend(client, b"k", tags={"task": str(task)})
                await check()

        async with trio.open_nursery() as nursery:
            for task in range(3):
                nursery.start_soon(change, task)
            for number in range(1, 16):
                await client.put(b"k", body_of(size, number), user={"put": str(number)})
                acknowledged = number
                await check()
        assert await client.get(b"k") == body_of(size, 15)


async def test_a_version_that_comes_between_is_not_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another writer's version, which no lock keeps away, comes after the question and before the commit: its
    bytes stay, and the next try gives them the tags.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        await client.put(b"k", b"ours")
        ours = [dict(drive.versions("b", b"k")) for drive in a_set.drives]
        stamp = await client.put(b"k", b"theirs")
        await trio.testing.wait_all_tasks_blocked()
        theirs = {drive.bus: drive.versions("b", b"k")[stamp] for drive in a_set.drives}
        for drive, versions in zip(a_set.drives, ours, strict=True):
            drive.rows[Space.OBJECT, "b", b"k", b""] = versions
        commit = ModelDrive._commit  # noqa: SLF001 - another writer comes before it

        def commit_late(drive: ModelDrive, message: Commit, frames: tuple[bytes, ...]) -> Committed:
            if message.space == Space.OBJECT:
                drive.versions("b", b"k").setdefault(stamp, theirs[drive.bus])
            return commit(drive, message, frames)

        monkeypatch.setattr(ModelDrive, "_commit", commit_late)
        with pytest.raises(Fault, match="conflict"):
            await amend(client, b"k", tags={"a": "b"})
        assert await client.get(b"k") == b"theirs"
        await amend(client, b"k", tags={"a": "b"})
        assert await client.get(b"k") == b"theirs"
        assert (await look(client, b"k")).meta.tags == {"a": "b"}


async def test_amendments_and_a_conditional_write_take_turns() -> None:
    """Of amendments and PUTs that expect one version exactly one succeeds; the others are told of the
    conflict.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        stamp = await client.put(b"k", body_of(9000))
        outcomes: list[FaultCode | None] = []

        async def attempt(number: int) -> None:
            try:
                if number % 2:
                    await client.put(b"k", body_of(500), expect=stamp, tags={"by": str(number)})
                else:
                    await amend(client, b"k", tags={"by": str(number)}, expect=stamp)
            except Fault as fault:
                outcomes.append(fault.code)
            else:
                outcomes.append(None)

        async with trio.open_nursery() as nursery:
            for number in range(8):
                nursery.start_soon(attempt, number)
        assert (outcomes.count(None), outcomes.count(FaultCode.CONFLICT)) == (1, 7)


@pytest.mark.parametrize("size", [700, 41000])
@pytest.mark.parametrize("remembered", [True, False])
async def test_a_read_that_has_begun_goes_on(size: int, remembered: bool) -> None:
    """Blocks of the version that was amended are read on, also by a set worker that does not remember it;
    those of one that was replaced are not taken from its successor.
    """
    settings = {} if remembered else {"versions_cached": 1}
    async with running_set(4, **settings) as a_set:
        client = a_set.client
        stamp = await client.put(b"k", body_of(size))
        await client.put(b"other", body_of(41000))
        begun = (await client.bus.call("set-0", Get("b", b"k"), deadline_s=60)).message

        async def rest() -> bytes:
            await client.get(b"other")
            at = written_of(begun.head, begun.stamp)
            length = min(size - 600, 2 * 4096)
            reply = await client.bus.call("set-0", ReadBlock("b", b"k", at, 600, length), deadline_s=60)
            assert reply.frames[0] == body_of(size)[600 : 600 + length]
            return at

        for tags in ({"a": "1"}, {"a": "2"}):
            await amend(client, b"k", tags=tags)
            assert await rest() == stamp
        begun = (await client.bus.call("set-0", Get("b", b"k"), deadline_s=60)).message
        await amend(client, b"k", tags={})
        assert await rest() == stamp
        if not remembered:
            await client.put(b"k", body_of(size))
            await client.get(b"other")
            assert await client.fault_of(ReadBlock("b", b"k", stamp, 0, 10)) is FaultCode.NOT_FOUND


async def test_an_amendment_needs_no_more_drives_than_a_write() -> None:
    """With m - 1 drives away it succeeds where k = m, with more it is an error; what it left on fewer drives
    is read as a whole, before or after.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        await client.put(b"k", body_of(9000), tags={"a": "1"})
        a_set.drives[0].refuses = FaultCode.OVERLOADED
        await amend(client, b"k", tags={"a": "2"})
        assert (await look(client, b"k")).meta.tags == {"a": "2"}
        a_set.drives[0].refuses = None
        for drive in a_set.drives[:2]:
            drive.refuses_where = lambda message: isinstance(message, Commit)
        assert await client.fault_of(Amend("b", b"k", {"a": "3"})) is FaultCode.NO_QUORUM
        assert await client.get(b"k") == body_of(9000)
        assert (await look(client, b"k")).meta.tags in ({"a": "2"}, {"a": "3"})


async def test_a_drive_without_the_shard_file_takes_the_record_alone() -> None:
    """Of four drives two have the file: the object is amended, read as before, and noted for healing."""
    async with running_set(4) as a_set:
        client = a_set.client
        await client.put(b"k", body_of(9000))
        for drive in a_set.drives[:2]:
            drive.files.clear()
        await amend(client, b"k", tags={"a": "b"})
        assert await client.get(b"k") == body_of(9000)
        assert (await look(client, b"k")).meta.tags == {"a": "b"}
        await trio.testing.wait_all_tasks_blocked()
        assert any(("b", b"k") in drive.heal_notes() for drive in a_set.drives)


async def test_completing_an_amendment_copies_no_file() -> None:
    """A drive that missed the amendment and has the files is given the record alone."""
    async with running_set(4) as a_set:
        client = a_set.client
        await client.put(b"k", body_of(41000))
        for drive in a_set.drives[:2]:
            drive.refuses_where = lambda message: (
                isinstance(message, Commit) and message.space == Space.OBJECT
            )
        assert await client.fault_of(Amend("b", b"k", {"a": "b"})) is FaultCode.NO_QUORUM
        for drive in a_set.drives:
            drive.refuses_where = lambda _: False
            drive.seen.clear()
        assert await client.get(b"k") == body_of(41000)
        assert (await look(client, b"k")).meta.tags == {"a": "b"}
        assert len({max(drive.versions("b", b"k")) for drive in a_set.drives}) == 1
        assert not any(isinstance(message, ShardWrite) for drive in a_set.drives for message in drive.seen)


async def test_amended_objects_survive_the_loss_of_drives(tmp_path: Path) -> None:
    """Over real drives that are started again and then emptied as far as parity goes, objects of every size
    keep their bytes and their last tags.
    """
    async with running_real_set(tmp_path, 4) as a_set:
        client = a_set.client
        for size in (0, 700, 9000):
            await client.put(b"k%d" % size, body_of(size), tags={"a": "1"})
            for value in ("2", "3"):
                await amend(client, b"k%d" % size, tags={"a": value})

        async def check() -> None:
            for size in (0, 700, 9000):
                assert await client.get(b"k%d" % size) == body_of(size), size
                assert (await look(client, b"k%d" % size)).meta.tags == {"a": "3"}

        await check()
        for drive in a_set.drives:
            await drive.stop()
            await drive.start()
        await check()
        for drive in a_set.drives[:2]:
            await drive.empty()
        await check()
