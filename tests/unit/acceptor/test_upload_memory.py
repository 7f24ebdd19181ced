"""Memory of uploads: it grows with what came, nobody waits for slow ones, nobody is ended without need."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from rustfs_node.acceptor.upload_memory import Claim, UploadMemory
from rustfs_node.bus import TrioClock
from tests.unit.acceptor.http_kit import connected, serving, until
from tests.unit.acceptor.test_body import content_of, exchange, expected, head_of, make_handler, signed

SLOW_S = 10.0


def memory_of(limit_bytes: int) -> UploadMemory:
    return UploadMemory(limit_bytes, SLOW_S, TrioClock())


class Upload:
    """Has `steps` bytes, one after the other, and then holds the last until `over`."""

    def __init__(self, memory: UploadMemory, *steps: int) -> None:
        self.claim: Claim = memory.claim()
        self.steps = steps
        self.over = trio.Event()
        self.is_ended = False

    async def run(self) -> None:
        with self.claim.begin() as scope:
            for size_bytes in self.steps:
                await self.claim.have(size_bytes)
                # As between two receives.
                await trio.lowlevel.checkpoint()
            await self.over.wait()
        self.is_ended = scope.cancelled_caught
        self.claim.end(0)


async def test_a_claim_grows_and_gives_back() -> None:
    """What is held is what was asked for last, and nothing when the block is gone."""
    memory = memory_of(100)
    async with trio.open_nursery() as nursery:
        upload = Upload(memory, 10, 40, 100)
        nursery.start_soon(upload.run)
        await wait_all_tasks_blocked()
        assert memory.taken_bytes == 100
        upload.over.set()
    assert memory.taken_bytes == 0


async def test_the_oldest_block_goes_first(autojump_clock: MockClock) -> None:
    """Claims that wait get memory in the order in which their blocks were begun, whoever asked first."""
    memory = memory_of(100)
    holder, first, second = (memory.claim() for _ in range(3))
    for claim in (holder, first, second):
        claim.begin()
    await holder.have(90)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(second.have, 60)
        await wait_all_tasks_blocked()
        nursery.start_soon(first.have, 60)
        await wait_all_tasks_blocked()
        holder.end(0)
        assert (first.held_bytes, second.held_bytes) == (60, 0)
        first.end(0)
        assert second.held_bytes == 60
    second.end(0)
    assert memory.taken_bytes == 0


async def test_those_who_all_wait_for_each_other_go_on(autojump_clock: MockClock) -> None:
    """Where everything is held by claims that want more, one after the other gets it above the limit."""
    memory = memory_of(100)
    uploads = [Upload(memory, 10, 50) for _ in range(10)]
    async with trio.open_nursery() as nursery:
        for upload in uploads:
            nursery.start_soon(upload.run)
        for _ in uploads:
            await wait_all_tasks_blocked()
            grown = [upload for upload in uploads if upload.claim.held_bytes == 50]
            assert grown
            assert memory.taken_bytes <= 100 + 50
            grown[0].over.set()
    assert memory.taken_bytes == 0


async def test_slow_uploads_are_ended_only_for_others(autojump_clock: MockClock) -> None:
    """However slow, an upload lives while there is memory; where somebody waits the oldest slow one goes,
    and no more than it takes.
    """
    memory = memory_of(100)
    slow = [Upload(memory, 30) for _ in range(3)]
    normal = Upload(memory, 40)
    async with trio.open_nursery() as nursery:
        for upload in slow:
            nursery.start_soon(upload.run)
            await trio.sleep(1)
        await trio.sleep(100 * SLOW_S)
        assert not any(upload.is_ended for upload in slow)
        nursery.start_soon(normal.run)
        await wait_all_tasks_blocked()
        assert [upload.is_ended for upload in slow] == [True, False, False]
        assert normal.claim.held_bytes == 40
        for upload in (*slow, normal):
            upload.over.set()
    assert memory.taken_bytes == 0


async def test_nobody_is_slow_before_its_time(autojump_clock: MockClock) -> None:
    """Who waits gets the memory of an upload when that has become slow; waiting itself makes nobody slow."""
    memory = memory_of(100)
    slow, waiting, late = Upload(memory, 100), Upload(memory, 80), Upload(memory, 30)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(slow.run)
        await wait_all_tasks_blocked()
        nursery.start_soon(waiting.run)
        await trio.sleep(SLOW_S - 1)
        assert not slow.is_ended
        await trio.sleep(1.5)
        assert slow.is_ended
        assert waiting.claim.held_bytes == 80
        nursery.start_soon(late.run)
        await trio.sleep(SLOW_S - 1)
        assert not waiting.is_ended
        waiting.over.set()
        late.over.set()
    assert memory.taken_bytes == 0


@pytest.mark.parametrize("waiters", [1, 50])
async def test_who_stops_waiting_takes_nothing(autojump_clock: MockClock, waiters: int) -> None:
    """A client that goes away while it waits leaves its place to the next."""
    memory = memory_of(100)
    holder = Upload(memory, 100)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(holder.run)
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as gone:
            for _ in range(waiters):
                gone.start_soon(Upload(memory, 20).run)
            await wait_all_tasks_blocked()
            gone.cancel_scope.cancel()
        late = Upload(memory, 50)
        nursery.start_soon(late.run)
        await wait_all_tasks_blocked()
        holder.over.set()
        await wait_all_tasks_blocked()
        assert memory.taken_bytes == late.claim.held_bytes == 50
        late.over.set()
    assert memory.taken_bytes == 0


async def test_a_body_costs_what_was_received() -> None:
    """A client that has sent 20 KB of a block of 100 KB costs less than twice that, and nothing once it is
    gone.
    """
    memory, content = memory_of(1 << 20), content_of(100_000)
    head = head_of(signed({}, "UNSIGNED-PAYLOAD"), f"Content-Length: {len(content)}")
    async with serving(make_handler(memory)) as running:
        async with connected(running) as client:
            await client.send(head + content[:1000])
            await wait_all_tasks_blocked(0.01)
            assert memory.taken_bytes == 0
            await client.send(content[1000:20_000])
            await until(lambda: 20_000 < memory.taken_bytes < 80_000)
        await until(lambda: memory.taken_bytes == 0)
        async with connected(running) as client:
            assert await exchange(client, head, content) == expected(content)


async def test_a_body_that_is_too_slow_is_told_so() -> None:
    """The client hears SlowDown, and the upload that waited gets through."""
    memory, content = UploadMemory(100_000, 0.05, TrioClock()), content_of(100_000)
    head = head_of(signed({}, "UNSIGNED-PAYLOAD"), f"Content-Length: {len(content)}")
    async with serving(make_handler(memory)) as running, connected(running) as slow:
        await slow.send(head + content[:70_000])
        await until(lambda: memory.taken_bytes > 0)
        async with connected(running) as client:
            assert await exchange(client, head, content) == expected(content)
        assert (await slow.answer())[2] == b"SlowDown"
