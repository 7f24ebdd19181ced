"""Amendments of a version's lock: the set judges them, whoever asks."""

from __future__ import annotations

import pytest
import trio

from rustfs_proto.locking import ObjectLock, Retention
from rustfs_proto.wire.faults import FaultCode
from rustfs_proto.wire.set_ops import Amend, LockChange, LockTime, ObjectInfo, PutSmall
from tests.unit.erasureset.kit import Client, running_set
from tests.unit.erasureset.test_amending import amend, look
from tests.unit.erasureset.test_objects import body_of
from tests.unit.erasureset.test_uploads import begin, complete, put_part
from tests.unit.erasureset.virtual_set import new_machine

YEARS_10_MS = 3652 * 86_400_000
HOUR_MS = 3_600_000


async def lock_now_ms(client: Client) -> int:
    return (await client.ask(LockTime())).now_ms


async def test_locks_come_with_an_object_and_stay() -> None:
    """With a PUT of any size and with an upload; a change of tags leaves the lock, and a change of the lock
    the tags, the bytes and the time.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        until_ms = await lock_now_ms(client) + HOUR_MS
        lock = ObjectLock(Retention("COMPLIANCE", until_ms), legal_hold=True)
        for key, size in ((b"small", 700), (b"large", 41000)):
            await client.put(key, body_of(size), lock=lock, tags={"a": "1"})
        upload_id = await begin(client, ObjectInfo(lock=lock))
        await client.ask(complete(upload_id, await put_part(client, upload_id, 1, body_of(9000))))
        for key in (b"small", b"large", b"k"):
            before = await look(client, key)
            assert before.meta.lock == lock
            await amend(client, key, tags={"a": "2"})
            assert (await look(client, key)).meta.lock == lock
            await amend(client, key, lock=LockChange(legal_hold=False))
            longer = Retention("COMPLIANCE", until_ms + 1)
            await amend(client, key, lock=LockChange(longer))
            after = await look(client, key)
            assert after.meta.lock == ObjectLock(longer, legal_hold=False)
            assert after.meta.tags == {"a": "2"}
            assert after.head.etag == before.head.etag
        assert await client.get(b"large") == body_of(41000)


@pytest.mark.parametrize(
    ("mode", "change", "bypass", "is_refused"),
    [
        ("GOVERNANCE", Retention("GOVERNANCE", 2 * HOUR_MS), False, False),
        ("GOVERNANCE", Retention("GOVERNANCE", 1), False, True),
        ("GOVERNANCE", Retention("GOVERNANCE", 1), True, False),
        ("GOVERNANCE", None, False, True),
        ("GOVERNANCE", None, True, False),
        ("GOVERNANCE", Retention("COMPLIANCE", 2 * HOUR_MS), False, True),
        ("COMPLIANCE", Retention("COMPLIANCE", 2 * HOUR_MS), False, False),
        ("COMPLIANCE", Retention("COMPLIANCE", 1), True, True),
        ("COMPLIANCE", Retention("GOVERNANCE", 2 * HOUR_MS), True, True),
        ("COMPLIANCE", None, True, True),
    ],
)
async def test_what_the_set_refuses(
    mode: str, change: Retention | None, bypass: bool, is_refused: bool
) -> None:
    """What the table of `rustfs_proto.locking` forbids changes nothing; a hold can always be put on and taken
    off.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        now_ms = await lock_now_ms(client)
        old = Retention(mode, now_ms + HOUR_MS)
        new = None if change is None else Retention(change.mode, now_ms + change.until_ms)
        await client.put(b"k", b"body", lock=ObjectLock(old))
        message = Amend("b", b"k", lock=LockChange(new, bypass_governance=bypass))
        if is_refused:
            assert await client.fault_of(message) is FaultCode.LOCKED
        else:
            await client.ask(message)
        assert (await look(client, b"k")).meta.lock == ObjectLock(old if is_refused else new)
        for hold in (True, False):
            await amend(client, b"k", lock=LockChange(legal_hold=hold))
            assert (await look(client, b"k")).meta.lock.legal_hold is hold


@pytest.mark.parametrize("off_ms", [YEARS_10_MS, -YEARS_10_MS])
def test_a_wall_clock_frees_no_retention(off_ms: int) -> None:
    """Ten years forward or back, at once and after a start: a retention of five minutes stands, and is over
    after them, of which those without power are none.
    """
    machine = new_machine()

    async def put(running: object) -> int:
        client = running.client
        now_ms = await lock_now_ms(client)
        info = ObjectInfo(lock=ObjectLock(Retention("COMPLIANCE", now_ms + 300_000)))
        await client.ask(PutSmall("b", b"k", info), b"body")
        machine.clock.off_ms = off_ms
        assert await client.fault_of(take_off) is FaultCode.LOCKED
        return now_ms

    async def try_often(running: object) -> None:
        client = running.client
        assert await client.fault_of(take_off) is FaultCode.LOCKED
        await trio.sleep(150)
        assert await client.fault_of(take_off) is FaultCode.LOCKED
        await trio.sleep(250)
        await client.ask(take_off)
        assert (await look(client, b"k")).meta.lock == ObjectLock()

    take_off = Amend("b", b"k", lock=LockChange(None, bypass_governance=True))
    assert machine.live(put) is not None
    machine.end()
    machine.live(try_often)
    assert not machine.is_over


async def test_a_lock_that_nobody_can_judge_stays() -> None:
    """Without the time of the lock clock a retention cannot be changed; a hold can."""
    async with running_set(4) as a_set:
        client = a_set.client
        await client.put(b"k", b"body", lock=ObjectLock(Retention("GOVERNANCE", 1)))
        refused = {True}
        for drive in a_set.drives[:2]:
            drive.refuses_where = lambda message: (
                bool(refused) and getattr(message, "key", b"") == b"lock-clock"
            )
        message = Amend("b", b"k", lock=LockChange(None))
        assert await client.fault_of(message) is FaultCode.NO_QUORUM
        await amend(client, b"k", lock=LockChange(legal_hold=True))
        refused.clear()
        await client.ask(message)
        assert (await look(client, b"k")).meta.lock == ObjectLock(None, legal_hold=True)
