"""A set worker that is told to stop finishes what was begun."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from rustfs_proto.wire import set_ops
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.unit.erasureset.kit import Client, running_set

BODY = bytes(10_000)


async def ended(client: Client) -> None:
    """Until nobody answers any more."""
    while client.bus.statistics().peers["set-0"].state == "up":  # noqa: ASYNC110 - the bus has no such event
        await trio.sleep(0.01)


async def test_what_is_under_way_is_answered_before_a_worker_stops(autojump_clock):
    """A write that still waits for its drives, and one whose blocks still come, succeed; then the worker
    ends.
    """
    stopping = trio.Event()
    async with running_set(4, stopping=stopping) as one:
        handle = await one.client.send_blocks(set_ops.PutOpen("b", b"streamed", len(BODY)), BODY)
        for drive in one.drives:
            drive.hold()
        stamps: list[int] = []

        async def put() -> None:
            stamps.append(await one.client.put(b"small", b"body"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(put)
            await trio.testing.wait_all_tasks_blocked()
            stopping.set()
            await trio.sleep(2)
            assert not one.client.bus.is_up("set-0")
            for drive in one.drives:
                drive.release()
        assert stamps
        info = set_ops.ObjectInfo(etag="e")
        await one.client.ask(set_ops.PutFinish(handle, info, set_ops.ANY_STAMP))
        await ended(one.client)


async def test_a_worker_waits_no_longer_than_it_may(autojump_clock):
    """A write that nobody goes on with does not keep a node from stopping."""
    stopping = trio.Event()
    async with running_set(4, stopping=stopping, leave_max_s=3.0) as one:
        handle = await one.client.send_blocks(set_ops.PutOpen("b", b"k", len(BODY)), BODY)
        stopping.set()
        began_s = trio.current_time()
        await ended(one.client)
        assert trio.current_time() - began_s == pytest.approx(3.0, abs=0.5)
        with pytest.raises(Fault) as caught:
            await one.client.ask(set_ops.PutFinish(handle, set_ops.ObjectInfo(etag="e"), set_ops.ANY_STAMP))
        assert caught.value.code is FaultCode.PEER_DOWN
