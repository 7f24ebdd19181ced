"""The bus between nodes when the network between them falls silent, breaks, and is whole again."""

from __future__ import annotations

import attrs
import pytest
import trio
import trio.testing

from rustfs_node.bus import Bus, BusSettings, MemoryNet, RemotePeer, RemoteSide, Reply, node_keys, open_bus
from rustfs_node.seams.clock import SystemClock
from rustfs_proto.wire.drive_ops import ShardWrite, ShardWritten
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.conformance.actors import WRITE, Answers, Keeper, echo, fault_of, up
from tests.conformance.nets import SECRET, free_port
from tests.conformance.relay import Relay

SETTINGS = BusSettings(remote_heartbeat_s=0.05, remote_silence_s=0.3, remote_redial_s=0.05)
KEYS = node_keys(SECRET, "node2:9001")


@attrs.frozen
class Scene:
    """A drive that keeps its requests, one who asks it, and the wire between them."""

    relay: Relay
    keeper: Keeper
    drive: Bus
    bus: Bus


async def set_up(nursery: trio.Nursery, settings: BusSettings) -> Scene:
    """All is well."""
    port = free_port()
    relay = Relay(nursery, port)
    await relay.start()
    allowed = frozenset({KEYS.public})
    side = RemoteSide(KEYS, f"tcp://127.0.0.1:{port}", allowed)
    drive = open_bus("drive", None, {}, settings, SystemClock(), side)
    drive.serve(keeper := Keeper())
    await nursery.start(drive.run)
    peer = RemotePeer(f"tcp://127.0.0.1:{relay.port}", KEYS.public)
    side = RemoteSide(KEYS, None, allowed)
    bus = open_bus("set", None, {"drive": peer}, settings, SystemClock(), side)
    await nursery.start(bus.run)
    await up(bus, "drive")
    return Scene(relay, keeper, drive, bus)


@pytest.fixture
async def scene(nursery: trio.Nursery) -> Scene:
    """The usual one."""
    return await set_up(nursery, SETTINGS)


async def answers_again(scene: Scene) -> None:
    """A call is asked and answered."""
    before = len(scene.keeper.requests)
    scene.bus.ask("drive", WRITE, deadline_s=10, on_reply=(answers := Answers()))
    for request in (await scene.keeper.wait_for(before + 1))[before:]:
        request.reply(ShardWritten())
    assert isinstance((await answers.wait_for(1))[0], Reply)


async def test_a_silent_network_is_noticed_and_a_whole_one_is_found_soon(scene: Scene) -> None:
    """Nobody closes the connection: calls fail by the silence, and the peer is up soon after it has ended."""
    scene.bus.ask("drive", WRITE, deadline_s=60, on_reply=(answers := Answers()))
    await scene.keeper.wait_for(1)
    scene.relay.freeze()
    (fault,) = await answers.wait_for(1)
    assert isinstance(fault, Fault)
    assert (fault.code, fault.message) == (FaultCode.PEER_DOWN, "drive: it was silent for 0.3 s")
    assert (await fault_of(scene.bus, "drive")).code == FaultCode.PEER_DOWN
    scene.relay.thaw()
    with trio.fail_after(2):
        await up(scene.bus, "drive")
    await answers_again(scene)


async def test_a_broken_connection_fails_its_calls_at_once_and_is_made_again(scene: Scene) -> None:
    """A reset tells more than silence, and sooner."""
    scene.bus.ask("drive", WRITE, deadline_s=60, on_reply=(answers := Answers()))
    await scene.keeper.wait_for(1)
    scene.relay.cut()
    (fault,) = await answers.wait_for(1)
    assert isinstance(fault, Fault)
    assert (fault.code, fault.message) == (FaultCode.PEER_DOWN, "drive: the connection is lost")
    with trio.fail_after(2):
        await up(scene.bus, "drive")
    await answers_again(scene)


async def test_what_waits_for_a_broken_connection_is_not_carried_out_later(nursery: trio.Nursery) -> None:
    """The process at the other end lives on, so only the queue itself can forget what was given up."""
    scene = await set_up(nursery, attrs.evolve(SETTINGS, remote_silence_s=20.0))
    # A connection that breaks as soon as it is made is another matter.
    await trio.sleep(SETTINGS.reconnect_max_ms / 1000)
    scene.relay.freeze()
    answers = Answers()
    # More than the kernel and the wire take: the rest waits in this process.
    for index in range(1, 30):
        scene.bus.ask("drive", ShardWrite(b"", index, b""), [bytes(1 << 20)], deadline_s=60, on_reply=answers)
        await trio.testing.wait_all_tasks_blocked(0.001)
    scene.relay.cut()
    assert all(isinstance(answer, Fault) for answer in await answers.wait_for(29))
    scene.relay.thaw()
    await up(scene.bus, "drive")
    await answers_again(scene)
    (request,) = scene.keeper.requests
    assert request.message == WRITE


async def test_as_shipped_a_partition_is_known_within_two_seconds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Whenever it begins between two heartbeats; a peer on the same node is given more time."""
    for begin_s in (0.01, 0.13, 0.24):
        net = MemoryNet()
        async with trio.open_nursery() as nursery:
            for name in ("near", "far"):
                served = net.open_bus(name)
                served.serve(echo)
                await nursery.start(served.run)
            bus = net.open_bus("set", ["near"], remote=["far"])
            await nursery.start(bus.run)
            await bus.call("far", WRITE, deadline_s=1)
            await bus.call("near", WRITE, deadline_s=1)
            await trio.sleep(3 + begin_s)
            net.cut("set", "far")
            net.cut("set", "near")
            start = trio.current_time()
            fault = await fault_of(bus, "far", deadline_s=60)
            assert fault.code == FaultCode.PEER_DOWN
            assert 1.25 < trio.current_time() - start < 1.8
            assert bus.is_up("near")
            nursery.cancel_scope.cancel()


async def test_as_shipped_an_event_loop_may_stall_for_a_second(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A peer whose answers are late by that much is still up."""
    net = MemoryNet()
    async with trio.open_nursery() as nursery:
        served = net.open_bus("far")
        served.serve(echo)
        await nursery.start(served.run)
        bus = net.open_bus("set", remote=["far"])
        await nursery.start(bus.run)
        await bus.call("far", WRITE, deadline_s=1)
        net.delay("far", "set", 1.0)
        await trio.sleep(20)
        assert bus.is_up("far")
        nursery.cancel_scope.cancel()
