"""What a set whose slots move answers, over real drives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rustfs_proto.erasure.charter import CHARTER_KEY, Charter, Hold, charter_fields, pack_slots
from rustfs_proto.erasure.layout import SLOTS
from rustfs_proto.objects import ObjectHead, modified_ms_of, written_of
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.versions import Versioning
from rustfs_proto.wire import set_ops as ops
from rustfs_proto.wire.drive_ops import RowKind
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.move_ops import (
    MoveChanges,
    MovePlace,
    MoveRemove,
    MoveRow,
    MoveScan,
    MoveVersion,
)
from rustfs_proto.wire.rename_ops import RenameDecide
from rustfs_proto.wire.upload_ops import UploadCreate, UploadList
from tests.unit.erasureset.kit import Client, TestSet, running_real_set
from tests.unit.erasureset.real_drive import RealDrive

DRIVES = 4
SEED = 1
ME = b"m" * 16
EVERYTHING = pack_slots(range(SLOTS))
LOOKS = 300
LARGE = b"0123456789" * 2000
"""Some stripes."""


@asynccontextmanager
async def moving_set(folder: Path) -> AsyncIterator[tuple[TestSet[RealDrive], Client]]:
    async with running_real_set(folder, DRIVES) as a_set:
        yield a_set, a_set.client


async def hold_all(client: Client, hold: Hold, mover: bytes = ME) -> int:
    """Let the charter say that of all slots; its stamp."""
    info = ops.ObjectInfo(user=charter_fields(Charter(SEED, mover, bytes([hold]) * SLOTS)))
    stamp = (await client.ask(ops.PutSmall(SYSTEM_BUCKET, CHARTER_KEY, info))).stamp
    # The last drive may have it a moment later.
    while (told := await client.ask(MoveChanges(b"-", b"", begins=True, charter_stamp=stamp))).drives:
        if told.under_charter == DRIVES:
            return stamp
    raise AssertionError("no drive answers")


async def rows(client: Client, *, only: bytes = b"", last: MovePlace | None = None) -> list[MoveRow]:
    request = MoveScan("b", EVERYTHING, SEED, ME, MovePlace(only), last, only=bool(only))
    return list((await client.ask(request)).rows)


async def version_for(client: Client, key: bytes, sub: bytes = b"") -> tuple[MoveVersion, bytes]:
    """A version of the key as a mover takes it over, and its first bytes."""
    reply = await client.bus.call(client.worker, ops.Get("b", key, sub=sub), deadline_s=60)
    got = reply.message
    kind = RowKind.MARKER if got.is_marker else RowKind.VALUE
    moved = MoveVersion("b", key, sub, kind, got.stamp, got.head, got.meta, ME)
    return moved, reply.frames[0] if reply.frames else b""


async def test_what_has_moved_is_answered_by_nobody_here(tmp_path: Path) -> None:
    """Whatever is asked of a key of such a slot, the answer is MOVED; and a listing passes it over."""
    async with moving_set(tmp_path) as (_, client):
        stamp = await client.put(b"k", b"body")
        await hold_all(client, Hold.NONE)
        info = ops.ObjectInfo()
        for request in (
            ops.Get("b", b"k"),
            ops.Get("b", b"nothing"),
            ops.PutSmall("b", b"k", info),
            ops.PutSmall("b", b"k", info, expect=stamp),
            ops.PutSmall("b", b"new", info, expect=0),
            ops.PutSmall("b", b"k", info, versioning=Versioning.ENABLED),
            ops.Amend("b", b"k", {"a": "b"}),
            UploadCreate("b", b"k", info),
            RenameDecide("b", b"k", b"r" * 16, gives_up=True),
        ):
            assert await client.fault_of(request) is FaultCode.MOVED, request
        for request in (ops.Delete("b", (b"k",)), ops.RemoveVersions("b", ((b"k", b""),))):
            assert (await client.ask(request)).faults == (FaultCode.MOVED.value,)
        for request in (ops.List("b"), ops.ListVersions("b"), ops.List("b", delimiter=b"k")):
            listed = await client.ask(request)
            assert listed.entries == () and listed.slots == bytes(SLOTS // 8)


async def test_what_is_frozen_is_read_and_not_changed(tmp_path: Path) -> None:
    """Until it is owned again."""
    async with moving_set(tmp_path) as (_, client):
        await client.put(b"k", b"body")
        await hold_all(client, Hold.FROZEN)
        assert await client.get(b"k") == b"body"
        assert [entry.key for entry in (await client.ask(ops.List("b"))).entries] == [b"k"]
        assert await client.fault_of(ops.PutSmall("b", b"k", ops.ObjectInfo())) is FaultCode.MOVED
        await hold_all(client, Hold.OWNED)
        assert await client.put(b"k", b"other")


async def test_a_set_without_a_charter_tells_nothing_of_slots(tmp_path: Path) -> None:
    """Its listings cost and say what they always did."""
    async with moving_set(tmp_path) as (_, client):
        await client.put(b"k", b"body")
        assert (await client.ask(ops.List("b"))).slots == b""


@pytest.mark.parametrize("body", [b"", b"small", LARGE[:4096]])
async def test_a_version_arrives_as_it_was(tmp_path: Path, body: bytes) -> None:
    """Seen by nobody before the slot is owned; then with its bytes, its place, time and tags; and a write
    that expects the stamp which it had before is taken, once.
    """
    async with moving_set(tmp_path) as (_, client):
        stamp = await client.put(b"k", body, tags={"a": "b"}, user={"u": "v"})
        moved, frame = await version_for(client, b"k")
        before = (await client.ask(ops.Get("b", b"k"))).head
        await client.delete(b"k")
        await hold_all(client, Hold.COMING)
        await client.ask(moved, *([frame] if frame else []))
        assert (await client.ask(ops.List("b"))).entries == ()
        assert await client.get_fault(b"k") is FaultCode.MOVED
        assert [(row.origin, row.size) for row in await rows(client)] == [(stamp, len(body))]
        await hold_all(client, Hold.OWNED)
        got = await client.ask(ops.Get("b", b"k"))
        assert await client.get(b"k") == body
        assert got.stamp > stamp and written_of(got.head, got.stamp) == stamp
        assert modified_ms_of(got.head, got.stamp) == modified_ms_of(before, stamp)
        assert (got.meta.tags, got.meta.user, got.head.etag) == ({"a": "b"}, {"u": "v"}, before.etag)
        await client.put(b"k", b"next", expect=stamp)
        with pytest.raises(Fault) as caught:
            await client.put(b"k", b"again", expect=stamp)
        assert caught.value.code is FaultCode.CONFLICT


async def test_an_amended_copy_is_another_version(tmp_path: Path) -> None:
    """A write that expects the one before it moved is refused, as something was said of it since."""
    async with moving_set(tmp_path) as (_, client):
        stamp = await client.put(b"k", b"body")
        moved, frame = await version_for(client, b"k")
        await hold_all(client, Hold.COMING)
        await client.ask(moved, frame)
        await hold_all(client, Hold.OWNED)
        await client.ask(ops.Amend("b", b"k", {"a": "b"}))
        with pytest.raises(Fault) as caught:
            await client.put(b"k", b"again", expect=stamp)
        assert caught.value.code is FaultCode.CONFLICT


async def test_parts_arrive_one_by_one(tmp_path: Path) -> None:
    """Those of a large object are kept until the version takes them; none of it is an upload to anybody."""
    async with moving_set(tmp_path) as (_, client):
        await client.put(b"k", LARGE)
        moved, _ = await version_for(client, b"k")
        await hold_all(client, Hold.COMING)
        target = ops.PartTarget(b"p" * 16, 1)
        handle = await client.send_blocks(ops.PutOpen("b", b"k", len(LARGE), target, mover=ME), LARGE)
        await client.ask(ops.PutFinish(handle, ops.ObjectInfo()))
        named = MoveVersion("b", b"k", b"", moved.kind, moved.stamp, moved.head, moved.meta, ME, b"p" * 16)
        await client.ask(named)
        assert await client.fault_of(named) is FaultCode.NOT_FOUND
        await hold_all(client, Hold.OWNED)
        assert await client.get(b"k") == LARGE
        assert (await client.ask(UploadList("b"))).entries == ()


async def test_versions_and_markers_keep_their_places(tmp_path: Path) -> None:
    """A delete marker hides what it hid, and versions are listed as they were."""
    async with moving_set(tmp_path) as (_, client):
        info = ops.ObjectInfo(etag="e")
        for body in (b"one", b"two"):
            await client.ask(ops.PutSmall("b", b"k", info, versioning=Versioning.ENABLED), body)
        await client.ask(ops.Delete("b", (b"k",), versioning=Versioning.ENABLED))
        before = (await client.ask(ops.ListVersions("b"))).entries
        versions = [await version_for(client, b"k", entry.sub) for entry in before]
        await hold_all(client, Hold.COMING)
        await client.ask(MoveRemove("b", tuple(MovePlace(b"k", entry.sub) for entry in before), ME))
        assert not any(row.stamp for row in await rows(client))
        for moved, frame in reversed(versions):
            await client.ask(moved, *([frame] if frame else []))
        await hold_all(client, Hold.OWNED)
        after = (await client.ask(ops.ListVersions("b"))).entries
        assert [(one.sub, one.is_marker, one.is_latest) for one in after] == [
            (one.sub, one.is_marker, one.is_latest) for one in before
        ]
        assert (await client.ask(ops.Get("b", b"k"))).is_marker


async def test_a_copy_of_a_mover_that_is_none_any_more_is_refused(tmp_path: Path) -> None:
    """By name, and by what has become of the slot."""
    async with moving_set(tmp_path) as (_, client):
        await client.put(b"k", b"body")
        moved, frame = await version_for(client, b"k")
        await hold_all(client, Hold.COMING, b"o" * 16)
        assert await client.fault_of(moved, frame) is FaultCode.MOVED
        await hold_all(client, Hold.OWNED)
        assert await client.fault_of(moved, frame) is FaultCode.MOVED
        remove = MoveRemove("b", (MovePlace(b"k"),), ME)
        assert await client.fault_of(remove) is FaultCode.MOVED
        assert await client.get(b"k") == b"body"


async def test_changes_are_told_by_the_drives_that_were_asked_at_first(tmp_path: Path) -> None:
    """Each once; a drive that began anew does not count any more, nor one without the charter asked for."""
    async with moving_set(tmp_path) as (a_set, client):
        stamp = await hold_all(client, Hold.OWNED)
        begun = await client.ask(MoveChanges(b"w", EVERYTHING, begins=True))
        assert begun.drives == (0, 1, 2, 3)
        await client.put(b"k", b"body")
        ask = MoveChanges(b"w", EVERYTHING, drives=begun.drives, charter_stamp=stamp)
        told = await client.ask(ask)
        assert told.keys == (("b", b"k", False),) and told.under_charter == told.write_quorum + 1 == 4
        await a_set.drives[1].stop()
        await a_set.drives[1].start()
        again = MoveChanges(b"another", EVERYTHING, begins=True)
        while 1 not in (await client.ask(again)).drives:
            pass
        assert (await client.ask(ask)).drives == ()


async def test_a_walk_goes_through_a_bucket_in_order(tmp_path: Path) -> None:
    """From a place through another, or of one key alone, and only of the slots that are asked for."""
    async with moving_set(tmp_path) as (_, client):
        for key in (b"a", b"ab", b"b"):
            await client.put(key, b"body")
        await client.delete(b"b")
        assert [row.key for row in await rows(client) if row.stamp] == [b"a", b"ab"]
        assert [row.key for row in await rows(client, only=b"a")] == [b"a"]
        assert [row.key for row in await rows(client, last=MovePlace(b"a"))] == [b"a"]
        nothing = MoveScan("b", pack_slots(()), SEED, ME)
        assert (await client.ask(nothing)).rows == ()


async def test_a_drive_that_missed_the_charter_is_given_it(tmp_path: Path) -> None:
    """It would tell for ever that keys are elsewhere; once that is met, it is told otherwise."""
    async with moving_set(tmp_path) as (a_set, client):
        await client.put(b"k", b"body")
        await hold_all(client, Hold.NONE)
        await a_set.drives[0].stop()
        info = ops.ObjectInfo(user=charter_fields(Charter(SEED, ME, bytes([Hold.OWNED]) * SLOTS)))
        await client.ask(ops.PutSmall(SYSTEM_BUCKET, CHARTER_KEY, info))
        await a_set.drives[0].start()
        stamp = (await client.ask(ops.Get(SYSTEM_BUCKET, CHARTER_KEY))).stamp
        told = MoveChanges(b"-", b"", begins=True, charter_stamp=stamp)
        for _ in range(LOOKS):
            # Writes go to all drives.
            await client.put(b"other", b"body")
            if (await client.ask(told)).under_charter == DRIVES:
                break
        assert (await client.ask(told)).under_charter == DRIVES
        assert await client.get(b"k") == b"body"


async def test_a_drive_that_was_emptied_learns_what_the_set_gave_away(tmp_path: Path) -> None:
    """By itself, though nobody asks for such a key."""
    async with running_real_set(tmp_path, DRIVES, charter_look_s=0.05) as a_set:
        stamp = await hold_all(a_set.client, Hold.NONE)
        await a_set.drives[0].empty()
        told = MoveChanges(b"-", b"", begins=True, charter_stamp=stamp)
        while (await a_set.client.ask(told)).under_charter < DRIVES:
            pass


def test_head_fields_of_a_copy() -> None:
    """A head that was never moved says nothing of an origin, so that it costs nothing."""
    assert ObjectHead(1, "e") == ObjectHead(1, "e", origin=0)
