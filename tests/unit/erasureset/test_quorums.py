"""Drives that fail, lag, differ or come back: what is acknowledged stays, what is not never hurts."""

from __future__ import annotations

import pytest
import trio

from rustfs_node.bus import Reply
from rustfs_node.erasureset.answer import Answer
from rustfs_proto.erasure.geometry import default_parity, write_quorum
from rustfs_proto.erasure.placement import first_slot
from rustfs_proto.wire.drive_ops import DriveState, RowKind
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    ANY_STAMP,
    Get,
    ObjectInfo,
    PutFinish,
    PutOpen,
    PutSmall,
    SetStatus,
    SetStatusReply,
)
from tests.unit.erasureset.kit import raise_fault, running_set
from tests.unit.erasureset.test_objects import body_of

SMALL, LARGE = body_of(300), body_of(30000)


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("drives", [1, 2, 3, 4, 5, 8])
async def test_writes_need_their_quorum_and_no_more(drives: int, body: bytes) -> None:
    """With W drives a write succeeds, with one fewer it fails at once, and what was there before is still
    read.
    """
    m = default_parity(drives)
    spare = drives - write_quorum(drives - m, m)
    async with running_set(drives) as a_set:
        await a_set.client.put(b"k", body)
        for drive in a_set.drives[:spare]:
            drive.refuses = FaultCode.DRIVE_FAULT
        await a_set.client.put(b"k", body[1:])
        a_set.drives[spare].refuses = FaultCode.DRIVE_FAULT
        with pytest.raises(Fault) as caught, trio.fail_after(5):
            await a_set.client.put(b"k", body[2:])
        assert caught.value.code is FaultCode.NO_QUORUM
        for drive in a_set.drives:
            drive.refuses = None
        # Whether a write that failed for want of one drive took effect is unknown where k drives are enough
        # to read it.
        may_be_there = len(body) < 4096 and write_quorum(drives - m, m) > drives - m
        assert await a_set.client.get(b"k") in ([body[1:], body[2:]] if may_be_there else [body[1:]])


async def test_a_partial_overwrite_does_not_harm_the_version_before() -> None:
    """A new version that reached one drive only is passed over, wherever it stands in the reading order."""
    for chosen in range(4):
        async with running_set(4) as a_set:
            await a_set.client.put(b"k", SMALL)
            for slot, drive in enumerate(a_set.drives):
                drive.refuses = None if slot == chosen else FaultCode.DRIVE_FAULT
            with pytest.raises(Fault, match="no_quorum"):
                await a_set.client.put(b"k", b"never acknowledged")
            for drive in a_set.drives:
                drive.refuses = None
            assert await a_set.client.get(b"k") == SMALL
            assert len(a_set.drives[chosen].versions("b", b"k")) == 2


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_a_version_on_k_drives_is_completed_by_a_read(body: bytes) -> None:
    """With k = m a failed write may have reached k drives: whoever reads it first writes it to the others."""
    key = next(key for key in (b"k%d" % number for number in range(99)) if first_slot("b", key, 4) == 1)
    async with running_set(4) as a_set:
        for drive in a_set.drives:
            drive.loses_settles = True
        await a_set.client.put(key, b"old")
        stamp = await a_set.client.put(key, body)
        for drive in a_set.drives[2:]:
            del drive.versions("b", key)[stamp]
            drive.files.clear()
        # Slots 1 and 2 are asked first, and differ.
        assert await a_set.client.get(key) == body
        for drive in a_set.drives[:2]:
            drive.empty()
        assert await a_set.client.get(key) == body
        assert all(stamp in drive.versions("b", key) for drive in a_set.drives[2:])


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_a_version_on_k_drives_is_completed_by_a_read_without_data(body: bytes) -> None:
    """A HEAD that has shown the half-written version is a promise just like a GET."""
    # Slots 1 and 2 are asked first, and differ.
    key = next(key for key in (b"k%d" % number for number in range(99)) if first_slot("b", key, 4) == 1)
    async with running_set(4) as a_set:
        stamp = await a_set.client.put(key, body)
        for drive in a_set.drives[2:]:
            del drive.versions("b", key)[stamp]
            drive.files.clear()
        got = await a_set.client.ask(Get("b", key, want_data=False))
        assert got.stamp == stamp
        assert all(stamp in drive.versions("b", key) for drive in a_set.drives)
        for drive in a_set.drives[:2]:
            drive.empty()
        assert await a_set.client.get(key) == body


async def test_an_acknowledged_version_that_cannot_be_read_is_an_error() -> None:
    """Never an older version in its place, and no 404."""
    async with running_set(4, lookup_timeout_s=0.2) as a_set:
        await a_set.client.put(b"k", b"old")
        a_set.drives[3].refuses = FaultCode.DRIVE_FAULT
        await a_set.client.put(b"k", SMALL)
        a_set.drives[3].refuses = None
        for drive in a_set.drives[:2]:
            drive.is_silent = True
        assert await a_set.client.get_fault(b"k") is FaultCode.NO_QUORUM


async def test_a_set_with_too_few_drives_says_so() -> None:
    """Fewer than N - W + 1 voters can neither read nor list nor deny."""
    async with running_set(4) as a_set:
        await a_set.client.put(b"k", SMALL)
        for drive in a_set.drives[:3]:
            drive.refuses = FaultCode.DRIVE_FAULT
        with trio.fail_after(3):
            assert await a_set.client.get_fault(b"k") is FaultCode.NO_QUORUM
            assert await a_set.client.get_fault(b"never") is FaultCode.NO_QUORUM
            assert (await a_set.client.delete(b"k")).faults == ("no_quorum",)


async def test_a_removed_key_does_not_come_back_with_a_drive_that_was_away() -> None:
    """Tombstones stay until all drives have them."""
    async with running_set(4) as a_set:
        await a_set.client.put(b"k", SMALL)
        a_set.drives[1].refuses = FaultCode.PEER_DOWN
        await a_set.client.delete(b"k")
        a_set.drives[1].refuses = None
        assert await a_set.client.get_fault(b"k") is FaultCode.NOT_FOUND
        kinds = [
            [stored.commit.kind for stored in drive.versions("b", b"k").values()] for drive in a_set.drives
        ]
        assert kinds.count([RowKind.TOMBSTONE]) == 3
        assert ("b", b"k") in {note for drive in a_set.drives for note in drive.heal_notes()}


async def test_drives_that_have_seen_a_later_version_make_the_write_later_still() -> None:
    """A clock that was set back does not make a write lose."""
    async with running_set(4) as a_set:
        stamp = await a_set.client.put(b"k", b"from the future")
        for drive in a_set.drives:
            versions = drive.versions("b", b"k")
            versions[stamp + (1 << 40)] = versions.pop(stamp)
        assert await a_set.client.put(b"k", SMALL) > stamp + (1 << 40)
        assert await a_set.client.get(b"k") == SMALL


async def test_conditional_writes() -> None:
    """`expect` names the current version, or 0 for none; anything else is a conflict that changes nothing."""
    async with running_set(4) as a_set:
        client = a_set.client
        first = await client.put(b"k", SMALL, expect=0)
        for body in (b"x", LARGE):
            with pytest.raises(Fault) as caught:
                await client.put(b"k", body, expect=0)
            assert (caught.value.code, caught.value.newest) == (FaultCode.CONFLICT, first)
        second = await client.put(b"k", LARGE, expect=first)
        with pytest.raises(Fault, match="conflict"):
            await client.put(b"k", SMALL, expect=first)
        assert await client.get(b"k") == LARGE
        await client.delete(b"k")
        assert await client.put(b"k", SMALL, expect=0) > second


async def test_conditional_writes_survive_a_lost_drive() -> None:
    """A drive that missed the version before does not stand in the way of a compare."""
    async with running_set(4) as a_set:
        await a_set.client.put(b"k", b"older")
        a_set.drives[0].refuses = FaultCode.PEER_DOWN
        stamp = await a_set.client.put(b"k", SMALL)
        a_set.drives[0].refuses = None
        a_set.drives[1].refuses = FaultCode.PEER_DOWN
        await a_set.client.put(b"k", LARGE, expect=stamp)
        assert await a_set.client.get(b"k") == LARGE


async def test_one_of_many_conditional_creations_wins() -> None:
    """However many clients create a key at once, one succeeds."""
    async with running_set(4) as a_set:
        outcomes: list[FaultCode | None] = []

        async def create(number: int) -> None:
            try:
                await a_set.client.put(b"k", b"%d" % number, expect=0)
            except Fault as fault:
                outcomes.append(fault.code)
            else:
                outcomes.append(None)

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(create, number)
        assert sorted(map(str, outcomes)) == ["None"] + ["conflict"] * 19


async def test_a_slow_drive_delays_neither_writes_nor_reads() -> None:
    """A write is answered by its quorum; a read asks one more drive after the hedge delay."""
    async with running_set(4, hedge_delay_s=0.01) as a_set:
        await a_set.client.put(b"k", SMALL)
        await a_set.client.put(b"l", LARGE)
        a_set.drives[2].hold()
        with trio.fail_after(2):
            for key in (b"k", b"l"):
                assert await a_set.client.get(key) in (SMALL, LARGE)
            for number in range(8):
                await a_set.client.put(b"k%d" % number, SMALL)
                assert await a_set.client.get(b"k%d" % number) == SMALL
            await a_set.client.put(b"m", LARGE)
            assert await a_set.client.get(b"m") == LARGE
        a_set.drives[2].release()
        assert await a_set.client.get(b"k1") == SMALL


async def test_a_drive_that_owes_answers_is_asked_last() -> None:
    """Reads that a drive leaves unanswered make it the last to be asked, until it answers."""
    async with running_set(4, hedge_delay_s=0.01, mute_s=0.02) as a_set:
        await a_set.client.put(b"k", SMALL)
        slot = first_slot("b", b"k", 4)
        drive = a_set.drives[slot]
        drive.hold()

        async def read_until(wanted: DriveState) -> None:
            while True:
                assert await a_set.client.get(b"k") == SMALL
                status = await a_set.client.ask(SetStatus())
                assert isinstance(status, SetStatusReply)
                if status.drives[slot].state == wanted:
                    return

        with trio.fail_after(15):
            await read_until(DriveState.SUSPECT)
            assert drive.held is not None
            asked = len(drive.held)
            assert await a_set.client.get(b"k") == SMALL
            assert len(drive.held) == asked
            drive.release()
            await read_until(DriveState.ONLINE)


async def test_full_drives_are_named() -> None:
    """A write that fails for want of space says so; removing still works."""
    async with running_set(4) as a_set:
        await a_set.client.put(b"k", SMALL)
        for drive in a_set.drives[:2]:
            drive.is_full = True
        for body in (SMALL, LARGE):
            with pytest.raises(Fault, match="full"):
                await a_set.client.put(b"k", body)
        assert await a_set.client.get(b"k") == SMALL
        assert (await a_set.client.delete(b"k")).faults == ("",)


async def test_bytes_in_flight_are_bounded() -> None:
    """Beyond the limit calls wait, beyond that of waiting they are answered OVERLOADED, and the memory comes
    back.
    """
    async with running_set(1, in_flight_bytes_max=1000, waiting_bytes_max=2000) as a_set:
        put = PutSmall("b", b"k", ObjectInfo(), expect=ANY_STAMP)
        for _ in range(2):
            a_set.drives[0].hold()
            answers = [Answer[Reply | Fault]() for _ in range(4)]
            for answer in answers:
                a_set.client.bus.ask("set-0", put, (bytes(999),), deadline_s=60, on_reply=answer.set)
            refused = await answers[3].wait()
            assert isinstance(refused, Fault)
            assert refused.code is FaultCode.OVERLOADED
            a_set.drives[0].release()
            for answer in answers[:3]:
                raise_fault(await answer.wait())


async def test_lost_settles_only_cost_speed() -> None:
    """Drives that were never told that a version is settled list the older ones; the newest is read all the
    same.
    """
    async with running_set(4) as a_set:
        for drive in a_set.drives:
            drive.loses_settles = True
        for body in (SMALL, LARGE, SMALL[:100]):
            await a_set.client.put(b"k", body)
            assert await a_set.client.get(b"k") == body
        await a_set.client.delete(b"k")
        assert await a_set.client.get_fault(b"k") is FaultCode.NOT_FOUND


async def test_status_names_the_drives_that_are_away() -> None:
    """The set is writable while a write quorum answers."""
    async with running_set(4, status_period_s=0.05) as a_set:
        status = await a_set.client.ask(SetStatus())
        assert (status.readable, status.writable, status.write_quorum) == (True, True, 3)
        assert all(view.total_bytes == 1000 for view in status.drives)
        for drive in a_set.drives[:2]:
            drive.refuses = FaultCode.DRIVE_FAULT
        with pytest.raises(Fault):
            await a_set.client.put(b"k", SMALL)
        status = await a_set.client.ask(SetStatus())
        assert (status.readable, status.writable) == (True, False)
        assert [view.state for view in status.drives] == [-1, -1, 0, 0]


async def test_a_heal_note_is_written_once() -> None:
    """Reads of one damaged object do not fill the drives with notes."""
    async with running_set(4) as a_set:
        await a_set.client.put(b"k", SMALL)
        a_set.drives[0].damage("b", b"k")
        a_set.drives[1].damage("b", b"k")
        for _ in range(5):
            assert await a_set.client.get(b"k") == SMALL
        assert sum(len(drive.heal_notes()) for drive in a_set.drives) == 3


async def test_get_without_data_asks_for_none() -> None:
    """A HEAD moves no shards."""
    async with running_set(4) as a_set:
        await a_set.client.put(b"k", SMALL)
        reply = await a_set.client.bus.call("set-0", Get("b", b"k", want_data=False), deadline_s=5)
        assert reply.frames == ()


async def test_a_delete_is_acknowledged_only_where_its_tombstone_is() -> None:
    """A tombstone of an earlier delete that failed, on the k drives that are left, hides the object and is no
    reason to acknowledge another delete: the other drives would bring the object back.
    """
    async with running_set(4) as a_set:
        await a_set.client.put(b"k", SMALL)
        for drive in a_set.drives[2:]:
            drive.refuses = FaultCode.DRIVE_FAULT
        for _ in range(2):
            (fault,) = (await a_set.client.delete(b"k")).faults
            assert fault == FaultCode.NO_QUORUM
        a_set.drives[2].refuses = None
        assert (await a_set.client.delete(b"k")).faults == ("",)
        for slot, drive in enumerate(a_set.drives):
            drive.refuses = FaultCode.DRIVE_FAULT if slot == 0 else None
        assert await a_set.client.get_fault(b"k") is FaultCode.NOT_FOUND


async def test_a_drive_that_lost_the_fragments_does_not_speak_for_the_version() -> None:
    """A streamed write that fails, because one drive was started again in the middle of it and another is
    away, leaves the version before it readable: one shard and a record elsewhere are no quorum.
    """
    async with running_set(3) as a_set:
        await a_set.client.put(b"k", SMALL)
        handle = await a_set.client.send_blocks(PutOpen("b", b"k", len(LARGE)), LARGE)
        a_set.drives[0].files.clear()
        a_set.drives[1].refuses = FaultCode.DRIVE_FAULT
        with pytest.raises(Fault):
            await a_set.client.ask(PutFinish(handle, ObjectInfo("etag")))
        a_set.drives[1].refuses = None
        assert await a_set.client.get(b"k") == SMALL
