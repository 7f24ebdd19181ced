"""Who waits for writes of a key that are under way."""

from __future__ import annotations

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from rustfs_node.erasureset.locks import WritesUnderWay

NAME = ("b", b"k")


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


async def test_a_write_that_takes_too_long_is_not_waited_for(autojump_clock: MockClock) -> None:
    """The wait is bounded, and the write's end disturbs nobody afterwards."""
    writes = WritesUnderWay()
    writes.begin(NAME)
    assert not await writes.settled(NAME, 1.0)
    writes.end(NAME)
    assert await writes.settled(NAME, 1.0)
