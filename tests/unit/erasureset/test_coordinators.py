"""Several set workers serve the same drives, as in a cluster, and know nothing of each other. What each of
them sends takes its own time to each drive.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager

import attrs
import pytest
import trio

from rustfs_node.bus import MemoryNet
from rustfs_node.plan import drive_name
from rustfs_proto.erasure.placement import first_slot
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.wire.drive_ops import Commit
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.unit.erasureset.kit import Client, serve_set
from tests.unit.erasureset.model_drive import ModelDrive
from tests.unit.erasureset.virtual_set import WrongClock

KEY = b"key"
FIRST, ONE, OTHER = b"first" * 9, b"one" * 9, b"other" * 9
WORKERS = ("set-0", "set-1", "set-2")


@attrs.define(eq=False)
class Shared:
    """Drives, and the worker of each of three nodes with a client of its own and its clock."""

    net: MemoryNet
    drives: list[ModelDrive]
    clients: list[Client]
    clocks: list[WrongClock]

    def delays(self, worker: int, seconds: Sequence[float]) -> None:
        """How long what this worker sends is under way, by drive."""
        for slot, delay_s in enumerate(seconds):
            self.net.delay(WORKERS[worker], drive_name(0, slot), delay_s)

    def deafen(self, worker: int, slots: Sequence[int]) -> None:
        """What these drives answer does not reach it."""
        for slot in slots:
            self.net.cut_one_way(drive_name(0, slot), WORKERS[worker])


@asynccontextmanager
async def shared_drives(drives: int, parity: int | None = None, **settings: object) -> AsyncIterator[Shared]:
    net, models, clients = MemoryNet(), [], []
    clocks = [WrongClock() for _ in WORKERS]
    async with trio.open_nursery() as nursery:
        for slot in range(drives):
            bus = net.open_bus(drive_name(0, slot))
            models.append(ModelDrive(bus))
            await nursery.start(bus.run)
        for number, worker in enumerate(WORKERS):
            running = await serve_set(
                nursery, net, models, parity, settings, number + 1, clocks[number], worker=worker
            )
            clients.append(running.client)
        yield Shared(net, models, clients, clocks)
        nursery.cancel_scope.cancel()


async def outcome_of(work: Awaitable[object]) -> object:
    """What it returns, or the code of its fault."""
    try:
        return await work
    except Fault as fault:
        return fault.code


def key_read_from(slot: int) -> bytes:
    """A key whose reads begin at that slot of five."""
    return next(key for key in (b"k%d" % number for number in range(99)) if first_slot("b", key, 5) == slot)


@pytest.mark.parametrize("is_new", [False, True])
async def test_a_write_that_compares_never_passes_over_one_that_succeeds(autojump_clock, is_new):
    """Another worker's write is on one drive when the first one compares, and gets to two others before it:
    they do not both succeed, the one that compared on top.
    """
    key = key_read_from(0)
    async with shared_drives(5) as shared, trio.open_nursery() as nursery:
        one, other, reader = shared.clients
        first = NO_STAMP if is_new else await one.put(key, FIRST)
        await trio.sleep(1)
        outcomes: dict[str, object] = {}

        async def write(name: str, writing: Awaitable[object]) -> None:
            outcomes[name] = await outcome_of(writing)

        shared.delays(1, (2.0, 2.0, 1.0, 1.0, 0.0))
        nursery.start_soon(write, "other", other.put(key, OTHER))
        await trio.sleep(0.5)
        # Three drives agree at once, and of the others one tells what it has a moment later.
        shared.delays(0, (0.0, 0.0, 0.0, 0.0, 0.02))
        nursery.start_soon(write, "one", one.put(key, ONE, expect=first))
        await trio.sleep(0.01)
        shared.delays(0, (0.0, 0.0, 0.8, 0.8, 0.0))
        await trio.sleep(30)
        if isinstance(outcomes["one"], int) and isinstance(outcomes["other"], int):
            assert outcomes["one"] < outcomes["other"]
            assert await reader.get(key) == OTHER


async def test_a_write_of_which_a_read_may_know_is_not_made_twice(autojump_clock):
    """Two drives took it and their answers are lost, and one has a newer version. Made once more above that,
    it would come, be gone, and come again.
    """
    async with shared_drives(5, commit_timeout_s=2.0) as shared, trio.open_nursery() as nursery:
        one, other, reader = shared.clients
        await reader.put(KEY, FIRST)
        await trio.sleep(1)
        shared.clocks[0].off_ms = 60_000
        shared.delays(0, (0.0, 1.0, 1.0, 1.0, 1.0))
        nursery.start_soon(one.put, KEY, ONE)
        await trio.sleep(0.5)
        shared.deafen(1, (1, 2))
        outcomes: list[object] = []

        async def write_other() -> None:
            outcomes.append(await outcome_of(other.put(KEY, OTHER)))

        nursery.start_soon(write_other)
        await trio.sleep(0.2)
        assert await reader.get(KEY) == OTHER
        await trio.sleep(1)
        assert await reader.get(KEY) == ONE
        await trio.sleep(10)
        assert await reader.get(KEY) == ONE
        assert outcomes == [FaultCode.NO_QUORUM]


async def test_a_version_that_cannot_be_completed_because_of_a_newer_one_is_no_answer(autojump_clock):
    """The version is on half of the drives, and while it is written to the others a newer one comes there."""
    async with shared_drives(4) as shared, trio.open_nursery() as nursery:
        one, other, reader = shared.clients
        shared.delays(1, (9.0, 9.0, 0.0, 0.0))
        nursery.start_soon(outcome_of, other.put(KEY, OTHER))
        await trio.sleep(0.1)
        shared.delays(2, (0.3, 0.3, 0.0, 0.0))
        shared.delays(0, (0.8, 0.8, 9.0, 9.0))
        shared.clocks[0].off_ms = 60_000
        nursery.start_soon(outcome_of, one.put(KEY, ONE))
        assert await reader.get(KEY) == ONE
        await trio.sleep(30)
        nursery.cancel_scope.cancel()


async def test_a_write_of_another_worker_does_not_disturb_reads_while_a_drive_is_away(autojump_clock):
    """For a moment the newest version might be acknowledged and cannot be rebuilt: a reader waits it out."""
    async with shared_drives(5) as shared, trio.open_nursery() as nursery:
        one, other, _ = shared.clients
        await one.put(KEY, FIRST)
        shared.drives[0].refuses = FaultCode.DRIVE_FAULT
        await trio.sleep(1)
        shared.delays(1, (0.0, 0.0, 0.0, 0.05, 0.05))
        nursery.start_soon(other.put, KEY, OTHER)
        await trio.sleep(0.01)
        assert await one.get(KEY) in (FIRST, OTHER)


async def test_writes_of_several_workers_do_not_make_each_other_fail(autojump_clock):
    """Large and small ones, none of which compares: whoever is too late on some drives tries again."""
    async with shared_drives(5) as shared, trio.open_nursery() as nursery:
        one, other, reader = shared.clients
        shared.delays(0, (0.0, 0.0, 0.1, 0.1, 0.1))
        shared.delays(1, (0.1, 0.1, 0.0, 0.0, 0.0))
        outcomes: list[object] = []

        async def write(client: Client, body: bytes) -> None:
            outcomes.append(await outcome_of(client.put(KEY, body)))

        for _ in range(2):
            nursery.start_soon(write, one, ONE * 500)
            nursery.start_soon(write, other, OTHER)
        await trio.sleep(30)
        assert all(isinstance(outcome, int) for outcome in outcomes), outcomes
        assert await reader.get(KEY) in (ONE * 500, OTHER)


async def test_two_workers_that_write_at_one_moment_write_two_versions(autojump_clock):
    """By clocks that agree to the millisecond: each version has a stamp of its own, and its own bytes."""
    async with shared_drives(5) as shared:
        one, other, reader = shared.clients
        shared.delays(0, (0.0, 0.0, 0.1, 0.1, 0.1))
        shared.delays(1, (0.1, 0.1, 0.0, 0.0, 0.0))
        stamps: list[int] = []

        async def write(client: Client, body: bytes) -> None:
            stamps.append(await client.put(KEY, body))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(write, one, ONE)
            nursery.start_soon(write, other, OTHER)
        assert len({*stamps}) == len(stamps)
        await trio.sleep(1)
        assert await reader.get(KEY) in (ONE, OTHER)


async def test_a_place_that_was_claimed_settles_nothing(autojump_clock):
    """A conditional write has its place on three of six drives, and gets no further: what was acknowledged
    before is still on all of them.
    """
    async with shared_drives(6) as shared, trio.open_nursery() as nursery:
        one, other, reader = shared.clients
        first = await one.put(KEY, FIRST)
        await trio.sleep(1)
        # Left on two drives by a write that went no further.
        for slot in range(2, 6):
            shared.net.cut("set-1", drive_name(0, slot))
        nursery.start_soon(outcome_of, other.put(KEY, OTHER))
        await trio.sleep(0.5)
        for slot in (0, 1, 5):
            shared.drives[slot].refuses_where = lambda message: isinstance(message, Commit)
        assert not isinstance(await outcome_of(one.put(KEY, ONE, expect=first)), int)
        await trio.sleep(1)
        assert all(max(drive.versions("b", KEY)) > first for drive in shared.drives[2:5])
        assert all(first in drive.versions("b", KEY) for drive in shared.drives)
        for slot in (0, 1, 5):
            shared.drives[slot].refuses_where = lambda _: False
        assert await reader.get(KEY) in (FIRST, ONE)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("times", [1, 500])
@pytest.mark.parametrize("compares", [False, True])
async def test_a_worker_whose_clock_is_behind_writes_above_the_others(autojump_clock, compares, times):
    """What it writes is newer than what was acknowledged before, whatever its clock says."""
    async with shared_drives(5) as shared:
        one, other, reader = shared.clients
        shared.clocks[1].off_ms = -60_000
        body = OTHER * times
        first = await one.put(KEY, FIRST)
        last = await (other.put(KEY, body, expect=first) if compares else other.put(KEY, body))
        assert last > first
        assert await reader.get(KEY) == body
