"""What a bus promises of single calls and notices, whatever carries its messages."""

from __future__ import annotations

import trio
import trio.testing

from rustfs_node.bus import BusSettings, Reply, Request
from rustfs_proto.wire.drive_ops import DriveStatus, Settle, ShardDrop, ShardRead, ShardWrite, ShardWritten
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.conformance.actors import WRITE, Answers, Keeper, clock_of, echo, fault_of, up
from tests.conformance.nets import Stage

SIZES = [0, 1, 4095, 4096, 4097, 65_535, 65_536, 1 << 20, 5 << 20]


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
