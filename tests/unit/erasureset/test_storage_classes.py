"""Objects whose storage class gives them less parity than the set has, beside others that have all of it."""

from __future__ import annotations

from random import Random

import pytest
import trio
import trio.testing

from rustfs_proto.objects import Geometry, decode_meta
from rustfs_proto.versions import Versioning
from rustfs_proto.wire.drive_ops import Commit, ListUnsettled, Lookup, ShardWrite
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    ANY_STAMP,
    Amend,
    Get,
    Got,
    ObjectInfo,
    PutFinish,
    PutOpen,
    PutSmall,
    RemoveVersions,
)
from rustfs_proto.wire.upload_ops import UploadCreate
from tests.unit.erasureset.kit import RRS, Client, TestSet, running_set
from tests.unit.erasureset.model_drive import ModelDrive
from tests.unit.erasureset.test_objects import body_of
from tests.unit.erasureset.test_resettling import AT_ONCE
from tests.unit.erasureset.test_uploads import complete, put_part

ONE = [(RRS, 1)]
ETAG = ObjectInfo("ab" * 16)
SIZES = [0, 1, 700, 3000, 4096, 4097, 30_000]
SMALL, LARGE = body_of(700), body_of(30_000)


async def look(client: Client, key: bytes) -> Got:
    got = await client.ask(Get("b", key, want_data=False))
    assert isinstance(got, Got)
    return got


def kept_bytes(a_set: TestSet[ModelDrive], key: bytes) -> int:
    """Bytes of shards of the key's newest version, on all drives."""
    total = 0
    for drive in a_set.drives:
        versions = drive.versions("b", key)
        stored = versions[max(versions)]
        total += len(stored.inline)
        total += sum(len(piece) for data_id in stored.commit.files for piece in drive.files[data_id])
    return total


def refuse(drives: list[ModelDrive], what: type = Commit) -> None:
    """From now on these take nothing of that kind."""
    for drive in drives:
        drive.refuses_where = lambda message: isinstance(message, what)


def accept(drives: list[ModelDrive]) -> None:
    for drive in drives:
        drive.refuses_where = lambda _message: False


@pytest.mark.parametrize("drives", [4, 5, 8])
async def test_each_class_has_its_shards_and_bears_their_loss(drives: int) -> None:
    """An object takes the space of its own geometry, and is read, byte for byte, without as many drives as it
    has parity shards; without one more it is an error.
    """
    m = {4: 2, 5: 2, 8: 4}[drives]
    async with running_set(drives, classes=[(RRS, 1), ("GLACIER", 2)]) as a_set:
        for name in ("STANDARD", "GLACIER", RRS):
            for size in SIZES:
                await a_set.client.put(b"%s-%d" % (name.encode(), size), body_of(size), storage_class=name)
        for name, parity in ((RRS, 1), ("GLACIER", 2), ("STANDARD", m)):
            key = name.encode() + b"-30000"
            got = await look(a_set.client, key)
            assert (got.meta.geometry, got.head.storage_class) == (
                Geometry(drives - parity, parity, 4096),
                name,
            )
            assert kept_bytes(a_set, key) == pytest.approx(30_000 * drives / (drives - parity), rel=0.01)
        for lost in range(1, m + 1):
            Random(drives + lost).choice([drive for drive in a_set.drives if not drive.is_healing]).empty()
            for name, parity in ((RRS, 1), ("GLACIER", 2), ("STANDARD", m)):
                for size in SIZES:
                    key = b"%s-%d" % (name.encode(), size)
                    if lost <= parity:
                        assert await a_set.client.get(key) == body_of(size), (key, lost)
                    else:
                        assert await a_set.client.get_fault(key) is FaultCode.NO_QUORUM, (key, lost)


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_a_write_needs_the_quorum_of_its_class(body: bytes) -> None:
    """Of eight drives five are enough for an object of the set's parity, seven for one with one parity shard;
    and one that reached six is not there, however it is asked for.
    """
    async with running_set(8, classes=ONE) as a_set:
        client = a_set.client
        refuse(a_set.drives[:1])
        await client.put(b"one away", body, storage_class=RRS)
        refuse(a_set.drives[:2])
        for _ in range(2):
            with pytest.raises(Fault) as caught, trio.fail_after(5):
                await client.put(b"k", body, storage_class=RRS)
            assert caught.value.code is FaultCode.NO_QUORUM
            accept(a_set.drives)
            assert await client.fault_of(Get("b", b"k", want_data=False)) is FaultCode.NOT_FOUND
            assert await client.get_fault(b"k") is FaultCode.NOT_FOUND
            refuse(a_set.drives[:2])
        refuse(a_set.drives[:3])
        await client.put(b"k", body[1:])
        accept(a_set.drives)
        assert await client.get(b"k") == body[1:]


async def test_blocks_are_taken_by_the_quorum_of_the_class() -> None:
    """A streamed write goes on while as many drives keep up as its class needs, and no longer."""
    async with running_set(8, classes=ONE) as a_set:
        refuse(a_set.drives[:2], ShardWrite)
        await a_set.client.put(b"k", LARGE)
        # Refused while it comes: nobody sends all of it in vain.
        with pytest.raises(Fault, match="no_quorum"):
            await a_set.client.send_blocks(PutOpen("b", b"l", len(LARGE), storage_class=RRS), LARGE)
        refuse(a_set.drives[:1], ShardWrite)
        accept(a_set.drives[1:])
        await a_set.client.put(b"l", LARGE, storage_class=RRS)
        assert await a_set.client.get(b"l") == LARGE


async def test_what_a_failed_write_of_less_parity_would_replace_stays() -> None:
    """Six of eight drives have a version that takes seven: what they had before is neither dropped by the
    write nor afterwards, when it is looked what may be settled.
    """
    async with running_set(8, classes=ONE, **AT_ONCE) as a_set:
        refuse(a_set.drives, ListUnsettled)
        await a_set.client.put(b"k", SMALL)
        for drive in a_set.drives[:2]:
            drive.refuses_where = lambda message: isinstance(message, Commit | ListUnsettled)
        with pytest.raises(Fault):
            await a_set.client.put(b"k", LARGE[:800], storage_class=RRS)
        for drive in a_set.drives:
            drive.seen.clear()
        accept(a_set.drives)
        with trio.fail_after(20):
            while not any(isinstance(seen, ListUnsettled) for seen in a_set.drives[7].seen):  # noqa: ASYNC110
                await trio.sleep(0.01)
        assert [len(drive.versions("b", b"k")) for drive in a_set.drives] == [1, 1, 2, 2, 2, 2, 2, 2]
        assert await a_set.client.get(b"k") == SMALL


async def test_a_version_of_less_parity_is_settled_once_its_quorum_has_it() -> None:
    """And then, not before, what it replaced goes, also where it was not told at first."""
    async with running_set(8, classes=ONE, **AT_ONCE) as a_set:
        for drive in a_set.drives:
            drive.loses_settles = True
        await a_set.client.put(b"k", SMALL)
        await a_set.client.put(b"k", LARGE[:800], storage_class=RRS)
        for drive in a_set.drives:
            drive.loses_settles = False
        assert await a_set.client.get(b"k") == LARGE[:800]
        with trio.fail_after(20):
            while any(len(drive.versions("b", b"k")) > 1 for drive in a_set.drives):  # noqa: ASYNC110
                await trio.sleep(0.01)


async def test_a_read_asks_as_many_drives_as_must_agree() -> None:
    """Five of eight for an object of the set's parity, seven for one that has less."""
    async with running_set(8, classes=ONE, hedge_delay_s=60.0) as a_set:
        for name, asked in (("STANDARD", 5), (RRS, 7)):
            await a_set.client.put(b"k", SMALL, storage_class=name)
            await trio.testing.wait_all_tasks_blocked(0.05)
            for drive in a_set.drives:
                drive.seen.clear()
            await look(a_set.client, b"k")
            lookups = [seen for drive in a_set.drives for seen in drive.seen if isinstance(seen, Lookup)]
            assert len(lookups) == asked


@pytest.mark.parametrize("away", [0, 1])
async def test_an_upload_has_the_class_that_it_was_begun_with(away: int) -> None:
    """All its parts have its geometry, and so has the object, with as little to lose."""
    async with running_set(4, classes=ONE) as a_set:
        client = a_set.client
        refuse(a_set.drives[:away])
        upload_id = (await client.ask(UploadCreate("b", b"k", ObjectInfo(storage_class=RRS)))).upload_id
        bodies = [body_of(9001), body_of(4096), b"", body_of(50)]
        parts = [await put_part(client, upload_id, n, body) for n, body in enumerate(bodies, 1)]
        await client.ask(complete(upload_id, *parts))
        got = await look(client, b"k")
        assert (got.meta.geometry, got.head.storage_class) == (Geometry(3, 1, 4096), RRS)
        a_set.drives[0].refuses = FaultCode.DRIVE_FAULT
        assert await client.get(b"k") == b"".join(bodies)
        a_set.drives[1].refuses = FaultCode.DRIVE_FAULT
        assert await client.get_fault(b"k") is FaultCode.NO_QUORUM


async def store(client: Client, body: bytes, info: ObjectInfo = ETAG, **more: int) -> int:
    """Object `k`, or what is appended to it; the stamp."""
    if len(body) <= client.stripe_bytes:
        request = PutSmall("b", b"k", info, **more)
        return (await client.ask(request, *([body] if body else []))).stamp
    appends = bool(more.get("appends"))
    opening = PutOpen("b", b"k", len(body), appends=appends, storage_class=info.storage_class)
    handle = await client.send_blocks(opening, body)
    return (await client.ask(PutFinish(handle, info, more.get("expect", ANY_STAMP)))).stamp


@pytest.mark.parametrize("size", [0, 700, 9000])
@pytest.mark.parametrize("more", [70, 9001])
async def test_what_is_appended_has_the_geometry_of_the_object(size: int, more: int) -> None:
    """An object keeps its class and parity, whatever its class means when something is appended to it."""
    body = body_of(size)
    async with running_set(4, classes=ONE) as before:
        stamp = await store(before.client, body, ObjectInfo("ab" * 16, storage_class=RRS))
        stamp = await store(before.client, body_of(60), expect=stamp, appends=True)
        await trio.testing.wait_all_tasks_blocked(0.05)
        kept = [(drive.rows, drive.files) for drive in before.drives]
    async with running_set(4, seed=2) as a_set:
        for drive, (rows, files) in zip(a_set.drives, kept, strict=True):
            drive.rows, drive.files = rows, files
        await store(a_set.client, body_of(more), expect=stamp, appends=True)
        got = await look(a_set.client, b"k")
        assert (got.meta.geometry, got.head.storage_class) == (Geometry(3, 1, 4096), RRS)
        for drive in a_set.drives:
            drive.refuses = FaultCode.DRIVE_FAULT
            assert await a_set.client.get(b"k") == body + body_of(60) + body_of(more)
            drive.refuses = None


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_an_amendment_keeps_the_geometry_and_needs_its_quorum(body: bytes) -> None:
    """Tags of an object with little parity are changed where its own write quorum takes them."""
    async with running_set(8, classes=ONE) as a_set:
        stamp = await a_set.client.put(b"k", body, storage_class=RRS)
        refuse(a_set.drives[:1])
        await a_set.client.ask(Amend("b", b"k", {"a": "1"}, stamp))
        accept(a_set.drives)
        got = await look(a_set.client, b"k")
        assert (got.meta.tags, got.meta.geometry) == ({"a": "1"}, Geometry(7, 1, 4096))
        refuse(a_set.drives[:2])
        assert await a_set.client.fault_of(Amend("b", b"k", {"a": "2"})) is FaultCode.NO_QUORUM
        accept(a_set.drives)
        assert (await look(a_set.client, b"k")).meta.tags == {"a": "1"}
        assert await a_set.client.get(b"k") == body


async def test_what_too_few_drives_can_read_is_removed_all_the_same() -> None:
    """A tombstone needs the quorum of the set only, and meets whatever drives that were away bring back."""
    for body in (SMALL, LARGE):
        async with running_set(8, classes=ONE) as a_set:
            await a_set.client.put(b"k", body, storage_class=RRS)
            for drive in a_set.drives[:3]:
                drive.refuses = FaultCode.PEER_DOWN
            assert await a_set.client.get_fault(b"k") is FaultCode.NO_QUORUM
            assert (await a_set.client.delete(b"k")).faults == ("",)
            for drive in a_set.drives[:3]:
                drive.refuses = None
            for drive in a_set.drives[5:]:
                drive.refuses = FaultCode.PEER_DOWN
            assert await a_set.client.get_fault(b"k") is FaultCode.NOT_FOUND


async def test_versions_of_different_classes_stand_beside_each_other() -> None:
    """Each is read by its own geometry, and removing the newest reveals the one before."""
    async with running_set(4, classes=ONE) as a_set:
        client = a_set.client
        made = []
        for name, body in (("STANDARD", SMALL), (RRS, body_of(800)), ("STANDARD", body_of(900))):
            info = ObjectInfo("ab" * 16, storage_class=name)
            made.append(await client.ask(PutSmall("b", b"k", info, versioning=Versioning.ENABLED), body))
        assert await client.get(b"k") == body_of(900)
        await client.ask(RemoveVersions("b", ((b"k", made[2].sub),)))
        a_set.drives[0].refuses = FaultCode.DRIVE_FAULT
        reply = await client.bus.call("set-0", Get("b", b"k"), deadline_s=10)
        assert (reply.frames[0], reply.message.sub) == (body_of(800), made[1].sub)
        a_set.drives[1].refuses = FaultCode.DRIVE_FAULT
        # Which versions the key has can still be told, and the newest cannot be read.
        assert await client.get_fault(b"k") is FaultCode.NO_QUORUM
        reply = await client.bus.call("set-0", Get("b", b"k", sub=made[0].sub), deadline_s=10)
        assert reply.frames[0] == SMALL


async def test_a_write_cannot_claim_another_class_than_it_was_streamed_for() -> None:
    """Nothing says of itself that it has more parity than it has."""
    async with running_set(4, classes=ONE) as a_set:
        for opened, finished in ((RRS, "STANDARD"), ("STANDARD", RRS)):
            opening = PutOpen("b", b"k", len(LARGE), storage_class=opened)
            handle = await a_set.client.send_blocks(opening, LARGE)
            finish = PutFinish(handle, ObjectInfo("etag", storage_class=finished))
            assert await a_set.client.fault_of(finish) is FaultCode.INVALID
        assert await a_set.client.get_fault(b"k") is FaultCode.NOT_FOUND
        handle = await a_set.client.send_blocks(PutOpen("b", b"k", len(LARGE)), LARGE)
        await a_set.client.ask(PutFinish(handle, ObjectInfo("etag", storage_class="GLACIER")))


async def test_records_say_the_geometry_by_which_they_were_counted() -> None:
    """Whoever reads them later, by another configuration, judges them by the same numbers."""
    async with running_set(5, classes=[(RRS, 1)]) as a_set:
        for name, body in (("STANDARD", SMALL), (RRS, SMALL), (RRS, LARGE)):
            await a_set.client.put(b"k", body, storage_class=name)
            await trio.testing.wait_all_tasks_blocked(0.05)
            for drive in a_set.drives:
                versions = drive.versions("b", b"k")
                meta = decode_meta(versions[max(versions)].commit.meta)
                assert meta.geometry == (Geometry(4, 1, 4096) if name == RRS else Geometry(3, 2, 4096))
