"""Healing is slower while clients call, and never stands still."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from rustfs_node.bus import TrioClock
from rustfs_node.erasureset.heal_pace import Pace
from rustfs_node.settings.erasureset import SetSettings

SETTINGS = SetSettings(heal_bytes_per_s=1000, heal_yield_factor=4.0, heal_yield_s=2.0)


async def rested_s(pace: Pace, worked_s: float) -> float:
    began_s = trio.current_time()
    await pace.rest(began_s - worked_s)
    return trio.current_time() - began_s


async def test_bytes_come_from_a_budget(autojump_clock: MockClock) -> None:
    """However they are cut, and by how many at a time."""
    pace, began_s = Pace(SETTINGS, TrioClock()), trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(pace.spend, 500)
    assert 1.9 < trio.current_time() - began_s < 2.1


async def test_rests_are_as_long_as_clients_call(autojump_clock: MockClock) -> None:
    """So many times the work, up to a limit; none once nobody has called for a second."""
    pace = Pace(SETTINGS, TrioClock())
    await trio.sleep(5.0)
    assert await rested_s(pace, 0.1) == 0.0
    pace.called()
    assert 0.39 < await rested_s(pace, 0.1) < 0.41
    pace.called()
    assert 0.9 < await rested_s(pace, 10.0) < 1.1
    pace.called()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(call_again_and_again, pace)
        assert 1.9 < await rested_s(pace, 10.0) < 2.1
        nursery.cancel_scope.cancel()


async def call_again_and_again(pace: Pace) -> None:
    while True:
        pace.called()
        await trio.sleep(0.2)
