"""What a bus promises when peers come, go and misbehave, and at its limits, whatever carries its messages."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from rustfs_node.bus import Bus, BusSettings, Reply, Request
from rustfs_proto.wire.drive_ops import DriveStatus, ShardDrop, ShardWritten
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.conformance.actors import WRITE, Answers, Keeper, echo, fault_of, until, up
from tests.conformance.nets import Stage


async def test_calls_wait_for_a_peer_that_starts_later(stage: Stage) -> None:
    """Processes of a node start in any order."""
    bus = await stage.start("set", ("drive",))
    bus.ask("drive", WRITE, deadline_s=10, on_reply=(answers := Answers()))
    await trio.testing.wait_all_tasks_blocked()
    assert not bus.is_up("drive")
    await stage.start("drive", handler=echo)
    assert isinstance((await answers.wait_for(1))[0], Reply)


async def test_a_peer_that_never_comes_is_down_after_the_grace_time(stage: Stage) -> None:
    """Then waiting calls and new ones fail as PEER_DOWN, long before their deadline."""
    bus = await stage.start("set", ("drive",), settings=BusSettings(connect_grace_s=0.05))
    assert (await fault_of(bus, "drive")).code == FaultCode.PEER_DOWN
    assert (await fault_of(bus, "drive")).code == FaultCode.PEER_DOWN
    # It is let in all the same when it comes.
    await stage.start("drive", handler=echo)
    await up(bus, "drive")
    await bus.call("drive", WRITE, deadline_s=10)


async def test_a_peer_that_nobody_named_is_down(stage: Stage) -> None:
    """The fault names those that are known."""
    bus = await stage.start("set", ("drive-0", "drive-1"))
    fault = await fault_of(bus, "drive-7")
    assert fault.code == FaultCode.PEER_DOWN
    assert "drive-0, drive-1" in fault.message


async def test_the_loss_of_a_peer_fails_its_calls_at_once(stage: Stage) -> None:
    """What was under way fails, what is asked meanwhile fails fast, and its next life is served."""
    keeper = Keeper()
    await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",))
    bus.ask("drive", WRITE, deadline_s=60, on_reply=(answers := Answers()))
    await keeper.wait_for(1)
    first_life = bus.statistics().peers["drive"].incarnation
    await stage.stop("drive")
    (fault,) = await answers.wait_for(1)
    assert isinstance(fault, Fault)
    assert fault.code == FaultCode.PEER_DOWN
    assert (await fault_of(bus, "drive")).code == FaultCode.PEER_DOWN
    await stage.start("drive", handler=echo)
    await up(bus, "drive")
    await bus.call("drive", WRITE, deadline_s=10)
    assert bus.statistics().peers["drive"].incarnation > first_life


async def test_an_answer_given_before_a_peer_stops_arrives(stage: Stage) -> None:
    """A process that stops in good order first sends what it has answered."""
    keeper = Keeper()
    await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",))
    bus.ask("drive", WRITE, deadline_s=60, on_reply=(answers := Answers()))
    (request,) = await keeper.wait_for(1)
    request.reply(ShardWritten(), [bytes(300_000)])
    await stage.stop("drive")
    assert isinstance((await answers.wait_for(1))[0], Reply)


async def test_a_peer_that_leaves_finishes_what_it_was_asked(stage: Stage) -> None:
    """Who has the choice asks others from then on, who connects later hears it too, and calls are answered
    all the same; its next life is chosen again.
    """
    keeper = Keeper()
    drive = await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",))
    bus.ask("drive", WRITE, deadline_s=60, on_reply=(answers := Answers()))
    (request,) = await keeper.wait_for(1)
    assert bus.is_up("drive")
    drive.leave()
    await until(lambda: not bus.is_up("drive"))
    late = await stage.start("late", ("drive",))
    bus.ask("drive", WRITE, deadline_s=60, on_reply=answers)
    late.ask("drive", WRITE, deadline_s=60, on_reply=answers)
    await keeper.wait_for(3)
    # It hears of it right behind the greeting, by which it may have asked already.
    await until(lambda: not late.is_up("drive"))
    assert drive.unanswered == 3
    for request in keeper.requests:
        request.reply(ShardWritten())
    assert [type(one) for one in await answers.wait_for(3)] == [Reply] * 3
    assert drive.unanswered == 0
    await stage.stop("drive")
    await stage.start("drive", handler=echo)
    await up(bus, "drive")


async def test_answers_to_one_who_has_gone_are_dropped(stage: Stage) -> None:
    """A client that stops while its request is worked on costs nothing but a count."""
    keeper = Keeper()
    drive = await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",))
    bus.ask("drive", WRITE, deadline_s=60, on_reply=Answers())
    (request,) = await keeper.wait_for(1)
    await stage.stop("set")
    other = await stage.start("other", ("drive",))

    def answer_again() -> bool:
        request.is_answered = False
        request.reply(ShardWritten())
        return drive.statistics().unanswerable > 0

    # The loss of a client is not told, so the first answers may still be taken by its connection.
    await until(answer_again)
    other.ask("drive", WRITE, deadline_s=10, on_reply=(answers := Answers()))
    (await keeper.wait_for(2))[1].reply(ShardWritten())
    await answers.wait_for(1)


async def test_too_many_calls_or_bytes_are_refused_on_the_spot(stage: Stage) -> None:
    """The bounds hold per peer; OVERLOADED says that nothing was done; answers make room again."""
    keeper = Keeper()
    await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",), settings=BusSettings(calls_max=3, queued_bytes_max=10_000))
    answers = Answers()
    for size in (3_000, 3_000, 5_000, 100, 100):
        bus.ask("drive", WRITE, [bytes(size)], deadline_s=10, on_reply=answers)
    faults = await answers.wait_for(2)
    assert [fault.code for fault in faults if isinstance(fault, Fault)] == [FaultCode.OVERLOADED] * 2
    for request in await keeper.wait_for(3):
        request.reply(ShardWritten())
    await answers.wait_for(5)
    assert bus.statistics().peers["drive"].queued_bytes == 0
    bus.ask("drive", WRITE, [bytes(9_000)], deadline_s=10, on_reply=answers)
    await keeper.wait_for(4)


async def test_a_callback_that_asks_again_and_again_holds_nobody_up(stage: Stage) -> None:
    """A call that fails at once and is repeated by its callback leaves room for others in between."""
    await stage.start("drive", handler=echo)
    bus = await stage.start("set", ("drive",))
    tries = 0

    def again(_answer: Reply | Fault) -> None:
        nonlocal tries
        tries += 1
        bus.ask("nobody", WRITE, deadline_s=10, on_reply=again)

    bus.ask("nobody", WRITE, deadline_s=10, on_reply=again)
    await bus.call("drive", WRITE, deadline_s=10)
    assert tries > 0


async def test_a_frame_too_large_for_the_receiver_is_refused_by_the_sender(stage: Stage) -> None:
    """INVALID tells both sizes, for a call as for an answer (then INTERNAL, as something was done)."""
    settings = BusSettings(frame_bytes_max=100_000)

    def answer_much(requests: list[Request]) -> None:
        for request in requests:
            request.reply(ShardWritten(), [bytes(100_001)])

    await stage.start("drive", handler=answer_much, settings=settings)
    bus = await stage.start("set", ("drive",), settings=settings)
    with pytest.raises(Fault, match="100001 bytes in one frame, at most 100000") as caught:
        await bus.call("drive", WRITE, [bytes(100_001)], deadline_s=10)
    assert caught.value.code == FaultCode.INVALID
    fault = await fault_of(bus, "drive")
    assert fault.code == FaultCode.INTERNAL
    assert "100001" in fault.message


async def test_a_notice_to_a_peer_that_is_down_is_dropped(stage: Stage) -> None:
    """It is counted, and costs no memory."""
    bus = await stage.start("set", ("drive",), settings=BusSettings(connect_grace_s=0.01))
    assert (await fault_of(bus, "drive")).code == FaultCode.PEER_DOWN
    bus.notify("drive", ShardDrop(b"1"))
    bus.notify("nobody", ShardDrop(b"1"))
    statistics = bus.statistics()
    assert (statistics.notices, statistics.notices_dropped) == (0, 2)
    assert statistics.peers["drive"].queued_bytes == 0


async def test_a_call_that_fails_at_once_can_be_cancelled_before_it_is_told(stage: Stage) -> None:
    """A task that is cancelled already gets its cancellation, and the bus lives on."""
    await stage.start("drive", handler=echo)
    bus = await stage.start("set", ("drive",))
    with trio.CancelScope() as scope:
        scope.cancel()
        await bus.call("nobody", WRITE, deadline_s=10)
    assert scope.cancelled_caught
    await bus.call("drive", WRITE, deadline_s=10)


async def test_two_processes_can_ask_each_other(stage: Stage) -> None:
    """Each dials the other; a handler may ask back before it answers."""
    buses: dict[str, Bus] = {}

    def ask_back(requests: list[Request]) -> None:
        for request in requests:
            buses["two"].ask(
                "one",
                WRITE,
                request.frames,
                deadline_s=10,
                on_reply=lambda a, r=request: r.reply(ShardWritten(), a.frames),
            )

    buses["one"] = await stage.start("one", ("two",), echo)
    buses["two"] = await stage.start("two", ("one",), ask_back)
    reply = await buses["one"].call("two", WRITE, [b"there and back"], deadline_s=10)
    assert reply.frames == (b"there and back",)


async def test_what_is_under_way_fails_when_the_bus_ends(stage: Stage) -> None:
    """Nobody waits for ever: calls under way and later ones are told that this process stops."""
    keeper = Keeper()
    await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",))
    bus.ask("drive", WRITE, deadline_s=60, on_reply=(answers := Answers()))
    await keeper.wait_for(1)
    await stage.stop("set")
    fault = await fault_of(bus, "drive")
    assert fault.code == FaultCode.PEER_DOWN
    assert [answer.code for answer in answers.got if isinstance(answer, Fault)] == [FaultCode.PEER_DOWN]


async def test_an_answer_is_given_once_and_is_of_its_class(stage: Stage) -> None:
    """A second answer, or one of another operation, is a programmer's error."""
    keeper = Keeper()
    await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",))
    bus.ask("drive", DriveStatus(), deadline_s=10, on_reply=Answers())
    bus.ask("drive", WRITE, deadline_s=10, on_reply=Answers())
    status, write = await keeper.wait_for(2)
    with pytest.raises(AssertionError):
        status.reply(ShardWritten())
    write.reply(ShardWritten())
    with pytest.raises(AssertionError, match="answered twice"):
        write.reply(ShardWritten())
    with pytest.raises(AssertionError, match="notice"):
        bus.ask("drive", ShardDrop(b""), deadline_s=1, on_reply=Answers())
    with pytest.raises(AssertionError, match="ask or call"):
        bus.notify("drive", WRITE)


@pytest.mark.parametrize("place", ["handler", "callback"])
async def test_a_bug_in_a_handler_or_callback_ends_the_bus(stage: Stage, place: str) -> None:
    """What either raises comes out of `run`: the process ends and the supervisor starts it anew."""

    def fail(_argument: object) -> None:
        raise ZeroDivisionError

    drive = stage.net.open_bus("drive", (), stage.settings, listens=True)
    drive.serve(fail if place == "handler" else echo)
    bus = stage.net.open_bus("set", ("drive",), stage.settings, listens=False)
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            await nursery.start(drive.run)
            await nursery.start(bus.run)
            bus.ask("drive", WRITE, deadline_s=10, on_reply=fail if place == "callback" else Answers())


async def test_many_peers_and_clients_at_once(stage: Stage) -> None:
    """Several processes ask several others without a mix-up."""
    names = tuple(f"drive-{index}" for index in range(6))
    for name in names:
        await stage.start(name, handler=echo)
    buses = [await stage.start(f"set-{index}", names) for index in range(3)]

    async def ask(bus: Bus, name: str) -> None:
        for count in range(20):
            frame = f"{bus.own_name} {name} {count}".encode() * 400
            assert (await bus.call(name, WRITE, [frame], deadline_s=20)).frames == (frame,)

    async with trio.open_nursery() as nursery:
        for bus in buses:
            for name in names:
                nursery.start_soon(ask, bus, name)
