"""The lock clock of a set, over starts, losses of power, absent drives, and wall clocks that are wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from rustfs_node.erasureset.lock_clock import KEY
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.wire.drive_ops import Commit
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, Get, LockTime, LockTimeTold, ObjectInfo, PutSmall
from tests.unit.erasureset.kit import Client, TestSet, running_set
from tests.unit.erasureset.virtual_set import Drive, Machine, chance_of, new_machine

YEARS_10_MS = 3652 * 86_400_000
KEEP_MS = 60_000
EPOCH_MS = 1_700_000_000_000


async def tell(client: Client) -> LockTimeTold:
    told = await client.ask(LockTime())
    assert isinstance(told, LockTimeTold)
    return told


def after(wait_s: float) -> Callable[[TestSet[Drive]], Awaitable[LockTimeTold]]:
    """A life of that length, at whose end somebody asks."""

    async def story(running: TestSet[Drive]) -> LockTimeTold:
        await trio.sleep(wait_s)
        return await tell(running.client)

    return story


def live(machine: Machine, wait_s: float = 0.0) -> LockTimeTold:
    told = machine.live(after(wait_s))
    machine.end()
    assert told is not None
    return told


@pytest.mark.parametrize("off_ms", [0, YEARS_10_MS, -YEARS_10_MS])
def test_a_wall_clock_that_is_moved_changes_nothing(off_ms: int) -> None:
    """Through six starts, each after a jump of the wall clock, it gains nothing on what passes, and loses
    only what was not written down.
    """
    machine = new_machine()
    begun_ms = live(machine).now_ms
    assert abs(begun_ms - EPOCH_MS - 1_000_000) < 1000
    counted_ms = 0
    for life in range(6):
        machine.clock.off_ms = off_ms if life % 2 else -off_ms
        told = live(machine, 150.0)
        counted_ms += 150_000
        passed_ms = told.now_ms - begun_ms
        assert counted_ms - (life + 1) * (KEEP_MS + 1000) <= passed_ms
        assert passed_ms <= counted_ms + 2000
        assert told.period_begin_ms >= told.now_ms


def test_a_jump_while_it_runs() -> None:
    """The same without a start in between."""

    async def story(running: TestSet[Drive]) -> None:
        before_ms = (await tell(running.client)).now_ms
        for off_ms in (YEARS_10_MS, -YEARS_10_MS, YEARS_10_MS):
            machine.clock.off_ms = off_ms
            begun_s = trio.current_time()
            at_once = await tell(running.client)
            assert before_ms <= at_once.now_ms <= before_ms + 1000
            await trio.sleep(100.0)
            passed_ms = (trio.current_time() - begun_s) * 1000
            now_ms = (await tell(running.client)).now_ms
            assert passed_ms - 1 <= now_ms - before_ms <= passed_ms + 1000
            before_ms = now_ms

    machine = new_machine()
    machine.live(story)
    assert machine.clock.off_ms == YEARS_10_MS


def test_a_period_counts_from_the_later_clock() -> None:
    """The wall's time where the lock clock is behind, that one's where the wall is."""
    machine = new_machine()
    begun_ms = live(machine).now_ms
    machine.clock.off_ms = YEARS_10_MS
    assert live(machine).period_begin_ms >= begun_ms + YEARS_10_MS
    machine.clock.off_ms = -YEARS_10_MS
    told = live(machine)
    assert told.period_begin_ms == told.now_ms >= begun_ms


def test_it_is_kept_before_anybody_hears_of_it() -> None:
    """The power goes at each call that changes a drive: what was told is not forgotten, though the wall clock
    is ten years ahead afterwards.
    """
    heard: list[int] = []

    async def story(running: TestSet[Drive]) -> None:
        heard.append((await tell(running.client)).now_ms)
        await trio.sleep(100.0)

    counting = new_machine()
    counting.live(story)
    assert heard and counting.calls > 20
    for at in range(1, counting.calls + 1):
        machine = new_machine(seed=at)
        machine.at = at
        heard.clear()
        machine.live(story)
        assert machine.is_over, at
        machine.end(chance_of(at))
        machine.clock.off_ms = YEARS_10_MS
        now_ms = live(machine).now_ms
        assert not heard or heard[0] <= now_ms <= heard[0] + 150_000, at


def test_too_few_drives_know_no_time() -> None:
    """While the row cannot be told, nothing can be judged; with the drives the time is back."""
    machine = new_machine()
    begun_ms = live(machine).now_ms
    machine.clock.off_ms = YEARS_10_MS
    for drive in machine.drives[:3]:
        drive.is_out = True

    async def story(running: TestSet[Drive]) -> FaultCode:
        return await running.client.fault_of(LockTime())

    fault = machine.live(story)
    machine.end()
    assert fault is FaultCode.NO_QUORUM
    for drive in machine.drives:
        drive.is_out = False
    assert begun_ms <= live(machine).now_ms <= begun_ms + 1000


async def test_without_drives_that_take_it_there_is_no_first_time() -> None:
    """It does not begin before a write quorum has the row."""
    async with running_set(4) as a_set:
        for drive in a_set.drives[:2]:
            drive.refuses_where = lambda message: isinstance(message, Commit)
        assert await a_set.client.fault_of(LockTime()) is FaultCode.NO_QUORUM
        for drive in a_set.drives[:2]:
            drive.refuses_where = lambda _: False
        assert abs((await tell(a_set.client)).now_ms - EPOCH_MS - trio.current_time() * 1000) < 60_000


async def test_a_set_without_locks_writes_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """The row comes with the first question, once for many that come together, and is then written again and
    again.
    """
    async with running_set(4) as a_set:
        await trio.sleep(1000.0)
        assert not any(isinstance(message, Commit) for message in a_set.drives[0].seen)
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(tell, a_set.client)
        commits = [message for message in a_set.drives[0].seen if isinstance(message, Commit)]
        assert [(commit.bucket, commit.key) for commit in commits] == [(SYSTEM_BUCKET, KEY)]
        await trio.sleep(600.0)
        commits = [message for message in a_set.drives[0].seen if isinstance(message, Commit)]
        assert 9 <= len(commits) <= 12


async def test_two_workers_count_from_the_later(autojump_clock: trio.testing.MockClock) -> None:
    """A row that another worker has brought further is taken over, one that is behind is not, and neither
    keeps this one from writing.
    """
    async with running_set(4) as a_set:
        begun_ms = (await tell(a_set.client)).now_ms
        for ahead_ms in (500_000, -500_000):
            info = ObjectInfo(user={"lock_time_ms": str(begun_ms + ahead_ms)})
            await a_set.client.ask(PutSmall(SYSTEM_BUCKET, KEY, info, expect=ANY_STAMP))
            await trio.sleep(200.0)
            now_ms = (await tell(a_set.client)).now_ms
            assert now_ms >= begun_ms + 500_000
            got = await a_set.client.ask(Get(SYSTEM_BUCKET, KEY, want_data=False))
            assert now_ms - KEEP_MS - 1000 <= int(got.meta.user["lock_time_ms"]) <= now_ms


async def test_a_row_that_is_gone_comes_again(autojump_clock: trio.testing.MockClock) -> None:
    """Where all drives forgot it, the worker that knows the time writes it again."""
    async with running_set(4) as a_set:
        begun_ms = (await tell(a_set.client)).now_ms
        for drive in a_set.drives:
            drive.rows.clear()
        await trio.sleep(200.0)
        got = await a_set.client.ask(Get(SYSTEM_BUCKET, KEY, want_data=False))
        assert int(got.meta.user["lock_time_ms"]) > begun_ms


async def test_a_row_that_says_no_time_is_not_believed(autojump_clock: trio.testing.MockClock) -> None:
    """Whatever is in the row, the worker goes on, and judges nothing by it."""
    async with running_set(4) as a_set:
        for user in ({}, {"lock_time_ms": "soon"}, {"lock_time_ms": "-5"}):
            await a_set.client.ask(PutSmall(SYSTEM_BUCKET, KEY, ObjectInfo(user=user)))
            await trio.sleep(200.0)
            assert await a_set.client.fault_of(LockTime()) is FaultCode.DAMAGED


async def test_a_fault_names_no_time() -> None:
    """A worker without drives answers with a fault and no guess."""
    async with running_set(4, lookup_timeout_s=0.1) as a_set:
        for drive in a_set.drives:
            drive.is_silent = True
        with pytest.raises(Fault):
            await tell(a_set.client)
