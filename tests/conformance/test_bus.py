"""What a bus promises, whatever carries its messages."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
import trio
import trio.testing

from rustfs_node.bus import Bus, BusSettings, Reply, Request
from rustfs_proto.wire.drive_ops import DriveStatus, Settle, ShardDrop, ShardRead, ShardWrite, ShardWritten
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.conformance.nets import Stage

WRITE = ShardWrite(b"0123456789abcdef", 7, b"check")
SIZES = [0, 1, 4095, 4096, 4097, 65_535, 65_536, 1 << 20, 5 << 20]


@attrs.define
class Keeper:
    """A handler that keeps what it got, batch by batch, and answers only when told."""

    batches: list[list[Request]] = attrs.field(factory=list)
    arrived: trio.Event = attrs.field(factory=trio.Event)

    def __call__(self, requests: list[Request]) -> None:
        self.batches.append(requests)
        self.arrived.set()

    @property
    def requests(self) -> list[Request]:
        """All so far."""
        return [request for batch in self.batches for request in batch]

    async def wait_for(self, count: int) -> list[Request]:
        """When at least that many have come."""
        while len(self.requests) < count:
            await self.arrived.wait()
            self.arrived = trio.Event()
        return self.requests


def echo(requests: list[Request]) -> None:
    """Give every payload back."""
    for request in requests:
        request.reply(ShardWritten(), request.frames)


async def fault_of(bus: Bus, peer: str, request: object = WRITE, deadline_s: float = 10) -> Fault:
    """How the call fails."""
    with pytest.raises(Fault) as caught:
        await bus.call(peer, request, deadline_s=deadline_s)
    return caught.value


async def until(condition: Callable[[], bool]) -> None:
    """When it holds; looked at in every pass of the event loop."""
    while not condition():
        await trio.lowlevel.checkpoint()


async def up(bus: Bus, peer: str) -> None:
    """When calls to the peer would be sent."""
    await until(lambda: bus.is_up(peer))


class Answers:
    """Takes answers in the order in which they come."""

    def __init__(self) -> None:
        self.got: list[Reply | Fault] = []
        self._more = trio.Event()

    def __call__(self, answer: Reply | Fault) -> None:
        self.got.append(answer)
        self._more.set()

    async def wait_for(self, count: int) -> list[Reply | Fault]:
        """When at least that many have come."""
        while len(self.got) < count:
            await self._more.wait()
            self._more = trio.Event()
        return self.got


async def test_payload_frames_come_back_as_they_were_sent(stage: Stage) -> None:
    """Frames of every size, inside the header or on their own, arrive whole and in order, both ways."""
    await stage.start("drive", handler=echo)
    bus = await stage.start("set", ("drive",))
    frames = [bytes([index]) * size for index, size in enumerate(SIZES)]
    reply = await bus.call("drive", WRITE, frames, deadline_s=10)
    assert reply == Reply(ShardWritten(), tuple(frames))
    for frame in frames:
        assert (await bus.call("drive", WRITE, [frame], deadline_s=10)).frames == (frame,)


async def test_a_request_says_who_asks_what_and_until_when(stage: Stage) -> None:
    """The handler sees the message, its trace, the sender's name and a deadline on its own clock."""
    keeper = Keeper()
    await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",))
    start = trio.current_time()
    bus.ask("drive", WRITE, deadline_s=10, on_reply=Answers(), trace="request-7")
    (request,) = await keeper.wait_for(1)
    assert (request.message, request.trace, request.peer) == (WRITE, "request-7", "set")
    # trio's clock has another origin than the machine's, so compare what is left of it.
    left_s = request.deadline - (await clock_of(stage))
    assert 10 - (trio.current_time() - start) - 0.1 < left_s <= 10.1


async def clock_of(stage: Stage) -> float:
    """The clock that the buses of this stage go by."""
    from rustfs_node.seams.clock import SystemClock
    from tests.conformance.nets import InMemory

    return trio.current_time() if isinstance(stage.net, InMemory) else SystemClock().monotonic_s()


async def test_what_is_asked_in_one_tick_travels_together(stage: Stage) -> None:
    """A hundred calls of one tick are one message, one batch for the handler, and one message back."""
    keeper = Keeper()
    drive = await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",))
    await up(bus, "drive")
    before = bus.statistics().messages_sent
    answers = Answers()
    for index in range(100):
        bus.ask("drive", ShardWrite(b"", index, b""), deadline_s=10, on_reply=answers)
    requests = await keeper.wait_for(100)
    assert len(keeper.batches) == 1
    assert [request.message.index for request in requests] == list(range(100))
    for request in requests:
        request.reply(ShardWritten(), [str(request.message.index).encode()])
    got = await answers.wait_for(100)
    assert [int(answer.frames[0]) for answer in got if isinstance(answer, Reply)] == list(range(100))
    assert bus.statistics().messages_sent == before + 1
    assert drive.statistics().messages_sent == 2


async def test_a_batch_beyond_the_limits_is_sent_as_several(stage: Stage) -> None:
    """Limits of bytes and of calls per message split a batch; nothing is lost or reordered by it."""
    settings = BusSettings(batch_bytes=10_000, batch_calls=20, frames_max=8)
    await stage.start("drive", handler=echo, settings=settings)
    bus = await stage.start("set", ("drive",), settings=settings)
    await up(bus, "drive")
    answers = Answers()
    for size in [100] * 50 + [5_000] * 20 + [9_000, 20_000, 1]:
        bus.ask("drive", WRITE, [bytes(size)], deadline_s=10, on_reply=answers)
    got = await answers.wait_for(73)
    assert [len(answer.frames[0]) for answer in got if isinstance(answer, Reply)][-4:] == [
        5_000,
        9_000,
        20_000,
        1,
    ]
    assert bus.statistics().messages_sent > 5


async def test_a_fault_is_raised_where_it_was_asked(stage: Stage) -> None:
    """Code, text and numbers of a fault arrive; the bus stays usable."""

    def refuse(requests: list[Request]) -> None:
        for request in requests:
            request.fail(Fault(FaultCode.STALE, "newer is there", newest=42))

    await stage.start("drive", handler=refuse)
    bus = await stage.start("set", ("drive",))
    for _ in range(2):
        fault = await fault_of(bus, "drive")
        assert (fault.code, fault.message, fault.newest) == (FaultCode.STALE, "newer is there", 42)


async def test_a_call_without_an_answer_times_out_and_its_late_answer_is_dropped(stage: Stage) -> None:
    """TIMEOUT comes soon after the deadline; what comes afterwards is counted and reaches nobody."""
    keeper = Keeper()
    await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",))
    await up(bus, "drive")
    start = trio.current_time()
    assert (await fault_of(bus, "drive", deadline_s=0.05)).code == FaultCode.TIMEOUT
    assert 0.04 < trio.current_time() - start < 2
    keeper.requests[0].reply(ShardWritten())
    bus.ask("drive", WRITE, deadline_s=10, on_reply=(answers := Answers()))
    (await keeper.wait_for(2))[1].reply(ShardWritten())
    await answers.wait_for(1)
    statistics = bus.statistics()
    assert (statistics.late_replies, statistics.timeouts, statistics.peers["drive"].calls) == (1, 1, 0)


async def test_a_deadline_that_has_passed_is_not_sent(stage: Stage) -> None:
    """A call without time left fails as EXPIRED, which says that nothing was done."""
    await stage.start("drive", handler=echo)
    bus = await stage.start("set", ("drive",))
    fault = await fault_of(bus, "drive", deadline_s=-0.5)
    assert fault.code == FaultCode.EXPIRED
    assert fault.not_applied


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


async def test_who_serves_nothing_says_so(stage: Stage) -> None:
    """A call to a process without a handler is answered UNKNOWN_OP."""
    drive = stage.net.open_bus("drive", (), stage.settings, listens=True)
    await stage.nursery.start(drive.run)
    bus = await stage.start("set", ("drive",))
    assert (await fault_of(bus, "drive", DriveStatus())).code == FaultCode.UNKNOWN_OP


async def test_fields_of_wrong_types_are_answered_invalid(stage: Stage) -> None:
    """The message is checked against its class where it arrives, and the handler never sees a wrong one."""
    keeper = Keeper()
    await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",))
    wrong = ShardRead(data_id=b"", bucket=5, key=b"", shard=0, index=0)
    fault = await fault_of(bus, "drive", wrong)
    assert fault.code == FaultCode.INVALID
    assert "bucket" in fault.message
    assert not keeper.requests


async def test_a_notice_arrives_and_is_never_answered(stage: Stage) -> None:
    """Notices keep their place among calls; reply and fail do nothing on them."""
    keeper = Keeper()
    drive = await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",))
    await up(bus, "drive")
    bus.notify("drive", ShardDrop(b"1"), trace="t")
    bus.ask("drive", WRITE, deadline_s=10, on_reply=(answers := Answers()))
    bus.notify("drive", Settle(()), [bytes(10_000)])
    drop, write, settle = await keeper.wait_for(3)
    assert (drop.message, drop.trace, settle.message, len(settle.frames[0])) == (
        ShardDrop(b"1"),
        "t",
        Settle(()),
        10_000,
    )
    drop.reply(ShardWritten())
    settle.fail(Fault(FaultCode.FULL, ""))
    write.reply(ShardWritten())
    await answers.wait_for(1)
    assert drive.statistics().messages_sent == 2
    assert bus.statistics().peers["drive"].queued_bytes == 0


async def test_a_notice_to_a_peer_that_is_down_is_dropped(stage: Stage) -> None:
    """It is counted, and costs no memory."""
    bus = await stage.start("set", ("drive",), settings=BusSettings(connect_grace_s=0.01))
    assert (await fault_of(bus, "drive")).code == FaultCode.PEER_DOWN
    bus.notify("drive", ShardDrop(b"1"))
    bus.notify("nobody", ShardDrop(b"1"))
    statistics = bus.statistics()
    assert (statistics.notices, statistics.notices_dropped) == (0, 2)
    assert statistics.peers["drive"].queued_bytes == 0


async def test_a_forgotten_call_is_never_answered(stage: Stage) -> None:
    """Neither `cancel` nor the cancellation of a task that waits leaves anything behind."""
    keeper = Keeper()
    await stage.start("drive", handler=keeper)
    bus = await stage.start("set", ("drive",))
    call_id = bus.ask("drive", WRITE, deadline_s=60, on_reply=(never := Answers()))
    await keeper.wait_for(1)
    bus.cancel(call_id)
    bus.cancel(call_id)
    with trio.move_on_after(0.01):
        await bus.call("drive", WRITE, deadline_s=60)
    assert bus.statistics().peers["drive"].calls == 0
    bus.ask("drive", WRITE, deadline_s=60, on_reply=(answers := Answers()))
    for request in await keeper.wait_for(3):
        request.reply(ShardWritten())
    await answers.wait_for(1)
    assert not never.got
    assert bus.statistics().late_replies == 2


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
