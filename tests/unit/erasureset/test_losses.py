"""What is lost, half there or half told: it is never taken for something that nobody stored."""

from __future__ import annotations

import trio
from msgspec.structs import replace

from rustfs_proto.erasure.placement import first_slot
from rustfs_proto.wire.drive_ops import Lookup, RowKind, ShardRead
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Get, List, ObjectInfo, PutSmall
from tests.unit.erasureset.kit import running_real_set, running_set
from tests.unit.erasureset.model_drive import Stored
from tests.unit.erasureset.test_objects import body_of

LARGE = body_of(30_000)


async def test_shard_files_that_are_gone_everywhere_are_no_missing_key(tmp_path) -> None:
    """The object was stored, so 503 and a heal note: a 404 would make clients remove their other copy."""
    async with running_real_set(tmp_path, 4) as a_set:
        await a_set.client.put(b"k", LARGE)
        for drive in a_set.drives:
            for path in drive.shard_files():
                path.unlink()
        assert await a_set.client.get_fault(b"k") is FaultCode.NO_QUORUM
        await a_set.client.ask(Get("b", b"k", want_data=False))
        await a_set.client.delete(b"k")
        assert await a_set.client.get_fault(b"k") is FaultCode.NOT_FOUND


async def test_a_read_that_is_overtaken_answers_the_newer_version() -> None:
    """Between the lookup and the read of the shard files the object is replaced and its files go."""
    async with running_set(4) as a_set:
        client = a_set.client
        await client.put(b"k", LARGE)
        stamp = await client.put(b"other", b"newer")
        overtaken: list[object] = []

        def overtake(message: object) -> bool:
            if isinstance(message, ShardRead) and not overtaken:
                overtaken.append(message)
                for drive in a_set.drives:
                    newer = drive.versions("b", b"other")[stamp]
                    versions = drive.versions("b", b"k")
                    versions.clear()
                    versions[stamp] = Stored(replace(newer.commit, key=b"k"), newer.inline)
                    drive.files.clear()
            return False

        for drive in a_set.drives:
            drive.refuses_where = overtake
        assert await client.get(b"k") == b"newer"
        assert overtaken


async def test_full_drives_do_not_deny_what_others_took() -> None:
    """Where some drives took the write, a later read may find it: the fault must not say that it cannot."""
    async with running_set(4) as a_set:
        for drive in a_set.drives[2:]:
            drive.is_full = True
        fault = await a_set.client.fault_of(PutSmall("b", b"k", ObjectInfo()), b"body")
        assert fault is FaultCode.FULL_UNKNOWN
        for drive in a_set.drives[2:]:
            drive.is_full = False
        assert await a_set.client.get(b"k") == b"body"


async def test_settles_that_were_lost_are_made_up_for() -> None:
    """The first read that meets older versions of a settled one tells the drives again."""
    async with running_set(4) as a_set:
        stamp = await a_set.client.put(b"k", b"new")
        for drive in a_set.drives:
            versions = drive.versions("b", b"k")
            older = replace(versions[stamp].commit, stamp=stamp - 1)
            versions[older.stamp] = Stored(older, versions[stamp].inline)
        assert await a_set.client.get(b"k") == b"new"
        with trio.fail_after(5):
            while any(len(drive.versions("b", b"k")) > 1 for drive in a_set.drives):  # noqa: ASYNC110
                await trio.sleep(0.01)


async def test_a_copy_that_fails_leaves_no_stump() -> None:
    """A shard file of which only the beginning could be copied is dropped at once: the next commit that names
    it must not find it.
    """
    key = next(key for key in (b"k%d" % number for number in range(99)) if first_slot("b", key, 4) == 1)
    async with running_set(4) as a_set:
        await a_set.client.put(key, b"old")
        stamp = await a_set.client.put(key, LARGE)
        for drive in a_set.drives[2:]:
            del drive.versions("b", key)[stamp]
            drive.files.clear()
        a_set.drives[0].damaged_fragments = {(data_id, 6) for data_id in a_set.drives[0].files}
        got = await a_set.client.ask(Get("b", key))
        assert got.stamp == stamp
        with trio.fail_after(5):
            while any(drive.files for drive in a_set.drives[2:]):  # noqa: ASYNC110 - drives tell nobody
                await trio.sleep(0.01)
        assert not any(stamp in drive.versions("b", key) for drive in a_set.drives[2:])


async def test_a_listing_leaves_out_nothing_that_may_be_there() -> None:
    """A key whose tombstone reached one drive only, and which cannot be decided now, makes the listing fail
    where a listing without it would be taken for the truth.
    """
    failed = 0
    for chosen in range(4):
        async with running_set(4) as a_set:
            await a_set.client.put(b"k", b"body")
            versions = a_set.drives[chosen].versions("b", b"k")
            commit = versions[max(versions)].commit
            newer = replace(commit, stamp=commit.stamp + 1, kind=RowKind.TOMBSTONE, head=b"", meta=b"")
            versions[newer.stamp] = Stored(newer)
            for drive in a_set.drives:
                drive.refuses_where = lambda message: isinstance(message, Lookup)
            try:
                page = await a_set.client.ask(List("b"))
            except Fault:
                failed += 1
            else:
                assert [entry.key for entry in page.entries] == [b"k"]
    assert failed
