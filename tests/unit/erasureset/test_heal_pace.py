"""Healing is slower while clients call, and never stands still."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from rustfs_node.bus import TrioClock
from rustfs_node.erasureset.heal_pace import Pace
from rustfs_node.settings.erasureset import SetSettings

BUSY = SetSettings(heal_busy_bytes_per_s=100, heal_row_bytes=50)


async def spent_s(pace: Pace, size_bytes: int) -> float:
    began_s = trio.current_time()
    await pace.spend(size_bytes)
    return trio.current_time() - began_s


async def test_bytes_come_from_a_budget(autojump_clock: MockClock) -> None:
    """However they are cut, and by how many at a time."""
    pace, began_s = Pace(SetSettings(heal_bytes_per_s=1000), TrioClock()), trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(pace.spend, 500)
    assert 1.9 < trio.current_time() - began_s < 2.1


async def test_without_a_budget_it_is_as_fast_as_it_can_be(autojump_clock: MockClock) -> None:
    """While nobody calls."""
    pace = Pace(SetSettings(), TrioClock())
    await trio.sleep(5.0)
    assert await spent_s(pace, 1 << 40) == 0.0


async def test_it_is_slower_as_long_as_clients_call(autojump_clock: MockClock) -> None:
    """As slow as what is guaranteed; and not once nobody has called for a second."""
    pace = Pace(BUSY, TrioClock())
    await trio.sleep(5.0)
    assert await spent_s(pace, 100) == 0.0
    pace.called()
    assert 0.8 < await spent_s(pace, 100) < 1.1
    pace.called()
    assert 0.9 < await spent_s(pace, 100_000) < 1.1
    async with trio.open_nursery() as nursery:
        nursery.start_soon(call_again_and_again, pace)
        await trio.sleep(1.0)
        assert 9.5 < await spent_s(pace, 1000) < 10.5
        began_s = trio.current_time()
        for _ in range(10):
            await pace.row_done()
        assert 4.5 < trio.current_time() - began_s < 5.5
        nursery.cancel_scope.cancel()


async def call_again_and_again(pace: Pace) -> None:
    while True:
        pace.called()
        await trio.sleep(0.2)
