"""Deletes that expect a version: they remove that one or nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import trio

from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, Delete, Deleted
from tests.unit.erasureset.kit import Client, running_real_set, running_set
from tests.unit.erasureset.test_objects import body_of

SMALL, LARGE = body_of(300), body_of(30000)


async def delete(client: Client, *wanted: tuple[bytes, int]) -> Deleted:
    """Delete keys, each with the stamp that is expected of it."""
    return await client.ask(Delete("b", tuple(key for key, _ in wanted), tuple(stamp for _, stamp in wanted)))


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_the_expected_version_goes(body: bytes) -> None:
    """It is gone from every drive, and what is written afterwards is newer than the tombstone."""
    async with running_set(4) as a_set:
        stamp = await a_set.client.put(b"k", body)
        removed = await delete(a_set.client, (b"k", stamp))
        assert removed.faults == ("",) and removed.stamps[0] > stamp
        assert await a_set.client.get_fault(b"k") is FaultCode.NOT_FOUND
        assert await a_set.client.put(b"k", body, expect=0) > removed.stamps[0]


async def test_another_version_stays() -> None:
    """A key that was overwritten or removed meanwhile is a conflict, and nothing of it changes."""
    async with running_set(4) as a_set:
        first = await a_set.client.put(b"k", SMALL)
        await a_set.client.put(b"k", LARGE)
        assert (await delete(a_set.client, (b"k", first))).faults == ("conflict",)
        assert await a_set.client.get(b"k") == LARGE
        await a_set.client.delete(b"k")
        assert (await delete(a_set.client, (b"k", first))).faults == ("conflict",)


async def test_each_key_is_judged_by_itself() -> None:
    """One request removes what is as expected and what nobody asked about, and spares the rest."""
    async with running_set(4) as a_set:
        stamps = [await a_set.client.put(b"k%d" % number, SMALL) for number in range(200)]
        wanted = [(b"k%d" % at, stamp if at % 2 else stamp - 1) for at, stamp in enumerate(stamps)]
        answer = await delete(a_set.client, *wanted, (b"never", ANY_STAMP), (b"gone", 1))
        assert answer.faults == ("conflict", "") * 100 + ("", "conflict")
        assert answer.stamps[-2] == 0
        assert await a_set.client.get(b"k0") == SMALL
        assert await a_set.client.get_fault(b"k1") is FaultCode.NOT_FOUND


async def test_a_stamp_is_needed_for_each_key() -> None:
    """A request whose stamps are not as many as its keys is refused."""
    async with running_set(1) as a_set:
        message = Delete("b", (b"k", b"l"), (1,))
        assert await a_set.client.fault_of(message) is FaultCode.INVALID


async def test_a_lost_drive_does_not_stand_in_the_way() -> None:
    """A drive that missed the expected version is compared with what it has, and gets the tombstone."""
    async with running_set(4) as a_set:
        await a_set.client.put(b"k", b"older")
        a_set.drives[0].refuses = FaultCode.PEER_DOWN
        stamp = await a_set.client.put(b"k", SMALL)
        a_set.drives[0].refuses = None
        a_set.drives[1].refuses = FaultCode.PEER_DOWN
        assert (await delete(a_set.client, (b"k", stamp))).faults == ("",)
        a_set.drives[1].refuses = None
        assert await a_set.client.get_fault(b"k") is FaultCode.NOT_FOUND


async def test_too_few_drives_acknowledge_nothing() -> None:
    """Without a write quorum a conditional delete fails for a reason other than its condition."""
    async with running_set(4) as a_set:
        stamp = await a_set.client.put(b"k", SMALL)
        for drive in a_set.drives[:2]:
            drive.refuses = FaultCode.DRIVE_FAULT
        assert (await delete(a_set.client, (b"k", stamp))).faults[0] not in ("", "conflict")


@pytest.mark.parametrize("real", [False, True], ids=["model", "real"])
async def test_one_of_many_that_expect_the_same_version_wins(real: bool, tmp_path: Path) -> None:
    """Of deletes and writes that all expect one version exactly one succeeds, round after round."""

    async def race(client: Client, stamp: int) -> list[str]:
        won: list[str] = []
        others: Counter[str] = Counter()

        async def write(number: int) -> None:
            try:
                await client.put(b"k", b"%d" % number, expect=stamp)
                won.append("put")
            except Fault as fault:
                others[fault.code] += 1

        async def remove() -> None:
            (code,) = (await delete(client, (b"k", stamp))).faults
            if code:
                others[code] += 1
            else:
                won.append("delete")

        async with trio.open_nursery() as nursery:
            for number in range(8):
                nursery.start_soon(write, number)
                nursery.start_soon(remove)
        assert others == {"conflict": 15}
        return won

    running = running_real_set(tmp_path, 4) if real else running_set(4)
    async with running as a_set:
        for number in range(10):
            stamp = await a_set.client.put(b"k", b"round %d" % number)
            won = await race(a_set.client, stamp)
            assert len(won) == 1
            if won == ["delete"]:
                assert await a_set.client.get_fault(b"k") is FaultCode.NOT_FOUND
            else:
                assert (await a_set.client.get(b"k")).isdigit()


async def test_an_unconditional_write_is_never_removed() -> None:
    """A plain write that lands while conditional deletes run is there afterwards, unless they were first."""
    async with running_set(4) as a_set:
        for number in range(20):
            stamp = await a_set.client.put(b"k", SMALL)
            codes: list[str] = []

            async def remove(stamp: int = stamp, codes: list[str] = codes) -> None:
                codes.extend((await delete(a_set.client, (b"k", stamp))).faults)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(remove)
                nursery.start_soon(remove)
                await a_set.client.put(b"k", b"plain %d" % number)
            assert await a_set.client.get(b"k") == b"plain %d" % number
            assert codes.count("") <= 1
