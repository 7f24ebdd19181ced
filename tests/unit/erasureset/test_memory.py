"""Bytes in flight: whoever finds no memory waits, in order, and uploads on busy drives get through."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from rustfs_node.bus import Reply, TrioClock
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.memory import Memory
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ObjectInfo, PutBlock, PutFinish, PutOpen
from tests.unit.erasureset.kit import raise_fault, running_real_set, running_set
from tests.unit.erasureset.test_objects import body_of


async def test_memory_is_given_out_in_order() -> None:
    """The first in the queue is not passed by smaller ones, and one larger than everything goes alone."""
    memory = Memory(10, 100, TrioClock())
    came: list[int] = []

    def ask(size: int) -> None:
        memory.take(size, trio.current_time() + 60, lambda fault: came.append(-1 if fault else size))

    for size in (8, 5, 1, 50, 2):
        ask(size)
    assert came == [8]
    memory.give_back(8)
    assert came == [8, 5, 1]
    memory.give_back(5)
    memory.give_back(1)
    assert came == [8, 5, 1, 50]
    ask(99)
    assert came[-1] == -1
    memory.give_back(50)
    assert came[-1] == 2
    memory.give_back(2)
    assert memory.taken_bytes == 0


async def test_any_number_of_reads_may_wait() -> None:
    """What is still to be read takes no memory while it waits, and does not count against those that bring
    theirs along.
    """
    memory = Memory(10, 20, TrioClock())
    came: list[Fault | None] = []

    def read() -> None:
        memory.take(10, trio.current_time() + 60, came.append, is_here=False)

    for _ in range(100):
        read()
    memory.take(20, trio.current_time() + 60, came.append)
    read()
    assert came == [None]
    for size_bytes in [10] * 100 + [20, 10]:
        memory.give_back(size_bytes)
    assert came == [None] * 102
    assert memory.taken_bytes == 0


async def test_whoever_waited_too_long_gets_none(autojump_clock: MockClock) -> None:
    """A deadline that has passed is told, and gives way to the next; giving back on the spot is allowed."""
    memory = Memory(10, 10_000, TrioClock())
    faults: list[Fault | None] = []

    def go(fault: Fault | None) -> None:
        faults.append(fault)
        if fault is None:
            memory.give_back(10)

    memory.take(10, trio.current_time() + 1, lambda _: None)
    for wait_s in (1, 3, *([100] * 900)):
        memory.take(10, trio.current_time() + wait_s, go)
    await trio.sleep(2)
    memory.give_back(10)
    assert isinstance(faults[0], Fault)
    assert faults[0].code is FaultCode.EXPIRED
    assert faults[1:] == [None] * 901
    assert memory.taken_bytes == 0


async def test_more_uploads_than_memory() -> None:
    """They take turns instead of failing, and so do the downloads; every drive has every shard."""
    bodies = {b"k%d" % number: body_of(4 * 4096, number) for number in range(30)}
    async with running_set(4, in_flight_bytes_max=20_000, waiting_bytes_max=1 << 20) as a_set:
        async with trio.open_nursery() as nursery:
            for key, body in bodies.items():
                nursery.start_soon(a_set.client.put, key, body)
        assert [len(drive.files) for drive in a_set.drives] == [len(bodies)] * 4

        async def check(key: bytes) -> None:
            assert await a_set.client.get(key) == bodies[key]

        async with trio.open_nursery() as nursery:
            for key in bodies:
                nursery.start_soon(check, key)


async def test_a_gap_in_a_stream_is_its_end(autojump_clock: MockClock) -> None:
    """A block that expired while it waited for memory is lost, so that nothing of the stream can be
    committed.
    """
    async with running_set(1, in_flight_bytes_max=4096) as a_set:
        client = a_set.client
        first, second = [(await client.ask(PutOpen("b", b"k", -1))).handle for _ in range(2)]
        a_set.drives[0].hold()
        answers = [Answer[Reply | Fault]() for _ in range(2)]
        for handle, answer, deadline_s in zip((first, second), answers, (15, 1), strict=True):
            block = (bytes(4096),)
            client.bus.ask("set-0", PutBlock(handle, 0), block, deadline_s=deadline_s, on_reply=answer.set)
        outcome = await answers[1].wait()
        assert isinstance(outcome, Fault)
        await trio.sleep(5)
        a_set.drives[0].release()
        raise_fault(await answers[0].wait())
        assert await client.fault_of(PutFinish(second, ObjectInfo())) is FaultCode.NOT_FOUND
        await client.ask(PutFinish(first, ObjectInfo()))


async def test_a_finish_before_the_answers_to_its_blocks_is_refused() -> None:
    """A stream of which blocks still wait must not be committed without them."""
    async with running_set(1, in_flight_bytes_max=4096) as a_set:
        client = a_set.client
        handle = (await client.ask(PutOpen("b", b"k", -1))).handle
        a_set.drives[0].hold()
        for index in range(2):
            client.bus.ask(
                "set-0", PutBlock(handle, index), (bytes(4096),), deadline_s=5, on_reply=lambda _: None
            )
        assert await client.fault_of(PutFinish(handle, ObjectInfo())) is FaultCode.INVALID
        a_set.drives[0].release()
        await client.put(b"k", bytes(4096))


async def test_busy_drives_are_waited_for(autojump_clock: MockClock) -> None:
    """Where a block takes its time on all drives, one that is a little later than the others is not left
    out of the write.
    """
    async with running_set(4, straggler_wait_s=0.0) as a_set:
        for drive in a_set.drives:
            drive.hold()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(a_set.client.put, b"k", body_of(4096))
            await trio.sleep(2)
            for drive in a_set.drives[:3]:
                drive.release()
            await trio.sleep(1)
            a_set.drives[3].release()
        assert [len(drive.files) for drive in a_set.drives] == [1] * 4
        assert all(drive.versions("b", b"k") for drive in a_set.drives)


async def test_real_drives_take_what_the_set_worker_sends(tmp_path) -> None:
    """Many uploads at once leave no drive out."""
    async with running_real_set(tmp_path, 4, in_flight_bytes_max=1 << 16) as a_set:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(a_set.client.put, b"k%d" % number, body_of(30_000, number))
        assert [len(drive.shard_files()) for drive in a_set.drives] == [20] * 4
