"""Who waits for writes of a key that are under way."""

from __future__ import annotations

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from rustfs_node.erasureset.locks import KeyLocks, WritesUnderWay
from rustfs_node.seams.clock import SystemClock

NAME = ("b", b"k")


class MockSeconds(SystemClock):
    """The time of trio."""

    def monotonic_s(self) -> float:
        return trio.current_time()


async def test_whoever_waits_is_woken_by_the_last_write() -> None:
    """Two writes of a key and two that wait: they go on once both writes are decided, and not before."""
    writes = WritesUnderWay()
    writes.begin(NAME)
    writes.begin(NAME)
    outcomes: list[bool] = []

    async def wait() -> None:
        outcomes.append(await writes.settled(NAME, 60.0))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        writes.end(NAME)
        await wait_all_tasks_blocked()
        assert not outcomes
        writes.end(NAME)
    assert outcomes == [True, True]


async def test_locks_are_told_by_their_age(autojump_clock: MockClock) -> None:
    """The longest held first, with how many wait; who gets a turn that others had holds it from then on."""
    locks = KeyLocks(60.0, MockSeconds())
    order: list[list[tuple[bytes, float, int]]] = []

    async def hold(key: bytes, seconds: float) -> None:
        async with locks.hold(("b", key)):
            await trio.sleep(seconds)

    async with trio.open_nursery() as nursery:
        for key, seconds in ((b"old", 4.0), (b"old", 2.0), (b"young", 9.0)):
            nursery.start_soon(hold, key, seconds)
            await trio.sleep(1.0)
        for _ in range(2):
            order.append([(one.key, round(one.held_s), one.waiting) for one in locks.oldest(5)])
            await trio.sleep(1.2)
        assert len(locks.oldest(1)) == 1 and len(locks) == 2
    assert order == [[(b"old", 3, 1), (b"young", 1, 0)], [(b"young", 2, 0), (b"old", 0, 0)]]
    assert not locks.oldest(5)


async def test_a_write_that_takes_too_long_is_not_waited_for(autojump_clock: MockClock) -> None:
    """The wait is bounded, and the write's end disturbs nobody afterwards."""
    writes = WritesUnderWay()
    writes.begin(NAME)
    assert not await writes.settled(NAME, 1.0)
    writes.end(NAME)
    assert await writes.settled(NAME, 1.0)
