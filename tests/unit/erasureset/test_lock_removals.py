"""What a lock forbids to remove, at the set: whoever asks, whatever happens at once, with drives away."""

from __future__ import annotations

import itertools

import pytest
import trio
from trio.testing import MockClock

from rustfs_proto.locking import ObjectLock, Retention
from rustfs_proto.versions import NULL_VERSION, Versioning
from rustfs_proto.wire.drive_ops import Commit
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    Amend,
    Get,
    LockChange,
    LockTime,
    ObjectInfo,
    PutSmall,
    RemoveVersions,
    VersionsRemoved,
)
from rustfs_proto.wire.upload_ops import UploadComplete
from tests.unit.erasureset.kit import Client, running_set
from tests.unit.erasureset.test_uploads import begin, put_part
from tests.unit.erasureset.virtual_set import new_machine

HOUR_MS = 3_600_000
YEARS_10_MS = 3652 * 86_400_000
HELD = ObjectLock(None, legal_hold=True)


async def put(client: Client, key: bytes, lock: ObjectLock | None = None) -> bytes:
    """A version of its own; its sub."""
    info = ObjectInfo(etag="e", lock=lock)
    return (await client.ask(PutSmall("b", key, info, versioning=Versioning.ENABLED), b"body")).sub


async def remove(client: Client, key: bytes, *subs: bytes, bypass: bool = False) -> list[str]:
    """The faults."""
    versions = tuple((key, sub) for sub in subs)
    removed = await client.ask(RemoveVersions("b", versions, bypass_governance=bypass))
    assert isinstance(removed, VersionsRemoved)
    return list(removed.faults)


async def is_there(client: Client, key: bytes, sub: bytes) -> bool:
    request = Get("b", key, want_data=False, sub=sub)
    try:
        await client.ask(request)
    except Fault:
        return await client.fault_of(request) is not FaultCode.NOT_FOUND
    return True


async def test_locks_of_versions_are_judged_one_by_one() -> None:
    """Of the versions of one key those go whose lock lets them, in one request."""
    async with running_set(4) as a_set:
        client = a_set.client
        now_ms = (await client.ask(LockTime())).now_ms
        locks = {
            "free": None,
            "off": ObjectLock(None, legal_hold=False),
            "held": HELD,
            "over": ObjectLock(Retention("COMPLIANCE", now_ms - 1)),
            "governance": ObjectLock(Retention("GOVERNANCE", now_ms + HOUR_MS)),
            "compliance": ObjectLock(Retention("COMPLIANCE", now_ms + HOUR_MS)),
        }
        subs = {name: await put(client, b"k", lock) for name, lock in locks.items()}
        faults = dict(zip(subs, await remove(client, b"k", *subs.values()), strict=True))
        kept = {"held", "governance", "compliance"}
        assert faults == {name: "locked" if name in kept else "" for name in subs}
        faults = dict(zip(subs, await remove(client, b"k", *subs.values(), bypass=True), strict=True))
        assert {name for name, fault in faults.items() if fault} == {"held", "compliance"}
        for name, sub in subs.items():
            assert await is_there(client, b"k", sub) == (name in {"held", "compliance"})


async def test_the_null_version_is_judged_like_any_other() -> None:
    """It was there before the bucket had versions, and its lock came by an amendment."""
    async with running_set(4) as a_set:
        client = a_set.client
        await client.put(b"k", b"null")
        await client.ask(Amend("b", b"k", sub=NULL_VERSION, lock=LockChange(legal_hold=True)))
        await put(client, b"k")
        assert await remove(client, b"k", NULL_VERSION, bypass=True) == ["locked"]
        await client.ask(Amend("b", b"k", sub=NULL_VERSION, lock=LockChange(legal_hold=False)))
        assert await remove(client, b"k", NULL_VERSION) == [""]


@pytest.mark.parametrize("drives", [1, 4])
async def test_a_hold_and_a_removal_at_once(drives: int) -> None:
    """Of a hold and a removal that race exactly one succeeds: whoever is told that the hold is on, finds the
    version ever after.
    """
    async with running_set(drives) as a_set:
        client = a_set.client
        won = {"hold": 0, "removal": 0}

        async def race(key: bytes, delay: int) -> None:
            sub = await put(client, key)
            outcomes: dict[str, str] = {}

            async def hold() -> None:
                for _ in range(delay):
                    await trio.lowlevel.checkpoint()
                try:
                    await client.ask(Amend("b", key, sub=sub, lock=LockChange(legal_hold=True)))
                    outcomes["hold"] = ""
                except Fault as fault:
                    outcomes["hold"] = fault.code.value

            async def removal() -> None:
                outcomes["removal"] = (await remove(client, key, sub, bypass=True))[0]

            async with trio.open_nursery() as nursery:
                nursery.start_soon(hold)
                nursery.start_soon(removal)
            assert sorted(outcomes.values()) in (["", "locked"], ["", "not_found"]), outcomes
            assert await is_there(client, key, sub) == (outcomes["hold"] == "")
            won["hold" if outcomes["hold"] == "" else "removal"] += 1

        async with trio.open_nursery() as nursery:
            for number in range(60):
                nursery.start_soon(race, b"k%d" % number, number % 12)
        assert won["hold"] and won["removal"]


async def test_without_the_time_nothing_retained_goes() -> None:
    """Where the lock clock cannot begin or be read, a retention counts as not over; a hold is judged all the
    same, and what has no lock goes.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        retained = await put(client, b"k", ObjectLock(Retention("GOVERNANCE", 1)))
        held, free = await put(client, b"k", HELD), await put(client, b"k")
        for drive in a_set.drives[:2]:
            drive.refuses_where = lambda message: isinstance(message, Commit) and message.key == b"lock-clock"
        assert await remove(client, b"k", retained, held, free) == ["no_quorum", "locked", ""]
        for drive in a_set.drives[:2]:
            drive.refuses_where = lambda _: False
        assert await remove(client, b"k", retained) == [""]


async def test_drives_that_missed_the_lock_decide_nothing(autojump_clock: MockClock) -> None:
    """A hold that one drive of four did not get is a hold, for whichever drives are asked."""
    for away in range(4):
        async with running_set(4) as a_set:
            client = a_set.client
            sub = await put(client, b"k")
            a_set.drives[away].refuses = FaultCode.OVERLOADED
            await client.ask(Amend("b", b"k", sub=sub, lock=LockChange(legal_hold=True)))
            a_set.drives[away].refuses = None
            other = (away + 1) % 4
            a_set.drives[other].is_silent = True
            assert await remove(client, b"k", sub, bypass=True) == ["locked"]


async def test_uploads_get_the_bucket_s_retention() -> None:
    """At completion, beside a hold that the upload was begun with, and not in place of a retention of its
    own.
    """
    given, own = Retention("COMPLIANCE", 2 << 50), Retention("GOVERNANCE", 1 << 50)
    async with running_set(4) as a_set:
        client = a_set.client
        for lock, kept in (
            (None, ObjectLock(given)),
            (HELD, ObjectLock(given, legal_hold=True)),
            (ObjectLock(own), ObjectLock(own)),
        ):
            upload_id = await begin(client, ObjectInfo(lock=lock))
            parts = (await put_part(client, upload_id, 1, b"part"),)
            message = UploadComplete("b", b"k", upload_id, parts, 0, retention=given)
            assert (await client.ask(message)).meta.lock == kept


@pytest.mark.parametrize(
    ("mode", "bypass"), [("COMPLIANCE", False), ("COMPLIANCE", True), ("GOVERNANCE", False)]
)
def test_clocks_and_starts_free_nothing(mode: str, bypass: bool) -> None:
    """Through starts with the wall clock ten years forward, back and forward again a version stays until its
    five minutes have been counted, and then goes.
    """
    machine = new_machine()
    subs: list[bytes] = []

    async def begin_story(running: object) -> None:
        now_ms = (await running.client.ask(LockTime())).now_ms
        lock = ObjectLock(Retention(mode, now_ms + 300_000))
        subs.append(await put(running.client, b"k", lock))

    async def try_story(running: object) -> None:
        for off_ms in (YEARS_10_MS, -YEARS_10_MS, 0):
            machine.clock.off_ms = off_ms
            assert await remove(running.client, b"k", subs[0], bypass=bypass) == ["locked"]
            await trio.sleep(20)

    async def end_story(running: object) -> list[str]:
        await trio.sleep(300)
        return await remove(running.client, b"k", subs[0])

    machine.live(begin_story)
    for off_ms in itertools.islice(itertools.cycle((YEARS_10_MS, -YEARS_10_MS)), 4):
        machine.end()
        machine.clock.off_ms = off_ms
        machine.live(try_story)
    machine.end()
    assert machine.live(end_story) == [""]
