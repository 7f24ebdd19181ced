"""What only the memory link can show: networks that fail in chosen ways, on a clock that jumps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock as Clock

from rustfs_node.bus import Bus, BusSettings, MemoryNet, Reply
from rustfs_proto.wire.drive_ops import ShardWritten
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.conformance.actors import WRITE, Answers, Keeper, echo, fault_of, up

SETTINGS = BusSettings(heartbeat_s=1.0, silence_s=5.0)


class World:
    """A set worker and a drive, on a net, running."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.net, self.nursery = MemoryNet(), nursery
        self.keeper = Keeper()

    async def start(self, *, echoes: bool = False) -> tuple[Bus, Bus]:
        drive = self.net.open_bus("drive", (), SETTINGS)
        drive.serve(echo if echoes else self.keeper)
        bus = self.net.open_bus("set", ("drive",), SETTINGS)
        await self.nursery.start(drive.run)
        await self.nursery.start(bus.run)
        await up(bus, "drive")
        return drive, bus


@pytest.fixture
async def world(autojump_clock: Clock) -> AsyncIterator[World]:
    """Ends with the test."""
    async with trio.open_nursery() as nursery:
        yield World(nursery)
        nursery.cancel_scope.cancel()


async def test_a_silent_peer_is_down_after_the_silence_limit(world: World, autojump_clock: Clock) -> None:
    """Where packets vanish and no connection breaks, heartbeats find it out, and later that it is back."""
    _, bus = await world.start()
    bus.ask("drive", WRITE, deadline_s=60, on_reply=(answers := Answers()))
    start = trio.current_time()
    world.net.cut("set", "drive")
    (fault,) = await answers.wait_for(1)
    assert isinstance(fault, Fault)
    assert fault.code == FaultCode.PEER_DOWN
    assert 4 <= trio.current_time() - start <= 7
    assert not bus.is_up("drive")
    world.net.mend("set", "drive")
    await trio.sleep(3)
    assert bus.is_up("drive")


async def test_an_idle_peer_stays_up(world: World, autojump_clock: Clock) -> None:
    """Heartbeats keep a connection on which nothing is asked alive, for hours, on both sides."""
    drive, bus = await world.start()
    await trio.sleep(3_600)
    assert bus.is_up("drive")
    assert drive.statistics().clients == 1


async def test_a_client_that_went_silent_is_forgotten(world: World, autojump_clock: Clock) -> None:
    """What is kept for a client goes when nothing was heard of it for long."""
    drive, _ = await world.start()
    world.net.cut_one_way("set", "drive")
    await trio.sleep(60)
    assert drive.statistics().clients == 0


async def test_a_call_delayed_beyond_its_deadline_is_not_served(world: World, autojump_clock: Clock) -> None:
    """The receiver notices how long a message was under way, and says that nothing was done."""
    drive, bus = await world.start()
    await bus_is_used(bus, world)
    world.net.delay("set", "drive", 2.0)
    bus.ask("drive", WRITE, deadline_s=1.5, on_reply=(answers := Answers()))
    await trio.sleep(3)
    assert [answer.code for answer in answers.got if isinstance(answer, Fault)] == [FaultCode.TIMEOUT]
    assert len(world.keeper.requests) == 1
    assert drive.statistics().expired == 1
    assert bus.statistics().late_replies == 1


async def bus_is_used(bus: Bus, world: World) -> None:
    """One call goes through without delay."""
    bus.ask("drive", WRITE, deadline_s=10, on_reply=(answers := Answers()))
    (await world.keeper.wait_for(1))[0].reply(ShardWritten())
    await answers.wait_for(1)


async def test_a_delayed_call_has_less_time_left(world: World, autojump_clock: Clock) -> None:
    """Time spent on the way counts against the deadline that the handler sees."""
    _, bus = await world.start()
    await bus_is_used(bus, world)
    world.net.delay("set", "drive", 2.0)
    bus.ask("drive", WRITE, deadline_s=10, on_reply=Answers())
    request = (await world.keeper.wait_for(2))[1]
    assert 7.9 < request.deadline - trio.current_time() < 8.1


async def test_messages_keep_their_order_when_a_delay_ends(world: World, autojump_clock: Clock) -> None:
    """What is sent later never overtakes."""
    _, bus = await world.start(echoes=True)
    answers = Answers()
    world.net.delay("set", "drive", 1.0)
    bus.ask("drive", WRITE, [b"first"], deadline_s=10, on_reply=answers)
    await trio.sleep(0.1)
    world.net.delay("set", "drive", 0.0)
    bus.ask("drive", WRITE, [b"second"], deadline_s=10, on_reply=answers)
    got = await answers.wait_for(2)
    assert [answer.frames[0] for answer in got if isinstance(answer, Reply)] == [b"first", b"second"]


@pytest.mark.parametrize("direction", [("set", "drive"), ("drive", "set")])
async def test_what_a_full_queue_did_not_take_leaves_when_there_is_room(
    world: World, autojump_clock: Clock, direction: tuple[str, str]
) -> None:
    """Calls and answers wait in order behind a link that takes nothing, and none is lost."""
    _, bus = await world.start(echoes=True)
    world.net.stall(*direction)
    answers = Answers()
    for index in range(50):
        bus.ask("drive", WRITE, [bytes([index])], deadline_s=10, on_reply=answers)
        await trio.sleep(0.01)
    assert not answers.got
    world.net.mend(*direction)
    got = await answers.wait_for(50)
    assert [answer.frames[0][0] for answer in got if isinstance(answer, Reply)] == list(range(50))


async def test_a_call_that_waited_too_long_in_its_outbox_is_never_sent(
    world: World, autojump_clock: Clock
) -> None:
    """It has timed out by then, and the drive is spared the work."""
    _, bus = await world.start()
    world.net.stall("set", "drive")
    assert (await fault_of(bus, "drive", deadline_s=0.5)).code == FaultCode.TIMEOUT
    world.net.mend("set", "drive")
    bus.ask("drive", WRITE, deadline_s=10, on_reply=Answers())
    assert len(await world.keeper.wait_for(1)) == 1


async def test_a_broken_connection_fails_what_was_under_way_on_it(
    world: World, autojump_clock: Clock
) -> None:
    """Then it is made again and serves."""
    _, bus = await world.start()
    bus.ask("drive", WRITE, deadline_s=60, on_reply=(answers := Answers()))
    await world.keeper.wait_for(1)
    world.net.disconnect("set", "drive")
    (fault,) = await answers.wait_for(1)
    assert isinstance(fault, Fault)
    assert fault.code == FaultCode.PEER_DOWN
    await up(bus, "drive")


async def test_the_same_run_twice_sends_the_same_messages(world: World, autojump_clock: Clock) -> None:
    """Nothing in the bus or the net depends on chance or on real time."""

    async def run() -> tuple[float, int]:
        net = MemoryNet()
        async with trio.open_nursery() as nursery:
            drive = net.open_bus("drive", (), SETTINGS)
            drive.serve(echo)
            bus = net.open_bus("set", ("drive",), SETTINGS)
            await nursery.start(drive.run)
            await nursery.start(bus.run)
            net.delay("drive", "set", 0.25)
            start = trio.current_time()
            for _ in range(20):
                await bus.call("drive", WRITE, deadline_s=10)
            result = round(trio.current_time() - start, 6), bus.statistics().messages_sent
            nursery.cancel_scope.cancel()
        return result

    assert await run() == await run()


async def test_one_name_is_taken_once(world: World, autojump_clock: Clock) -> None:
    """A second bus of the same name cannot open."""
    await world.start()
    with pytest.raises(OSError, match="drive is already"):
        await world.net.open_bus("drive").run()
