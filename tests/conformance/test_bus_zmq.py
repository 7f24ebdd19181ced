"""What only real sockets can show: other processes, their death, and peers that speak nonsense."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
import trio
import zmq

from rustfs_node.bus import Bus, BusSettings, Reply, open_bus
from rustfs_node.seams.clock import SystemClock
from rustfs_proto.wire.envelope import FAULT, HELLO, PROTOCOL_MAJOR, REPLY, Envelope, Header, pack, unpack
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.conformance.actors import WRITE, Answers, Keeper, echo, fault_of, up

SETTINGS = BusSettings(heartbeat_s=0.05, silence_s=0.5)


@pytest.fixture
def folder() -> Iterator[str]:
    """Short enough for the path of a socket."""
    with tempfile.TemporaryDirectory(prefix="bus") as path:
        yield path


@pytest.fixture
async def nursery() -> AsyncIterator[trio.Nursery]:
    """Ends with the test; a test that hangs fails."""
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            yield nursery
            nursery.cancel_scope.cancel()


def client(endpoint: str, settings: BusSettings = BusSettings()) -> Bus:  # noqa: B008 - a value
    """A bus that asks the drive at that endpoint."""
    return open_bus("set", None, {"drive": endpoint}, settings, SystemClock())


def start_drive(endpoint: str) -> subprocess.Popen[bytes]:
    """The echo in a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "tests.conformance.echo_process", endpoint])


async def test_two_processes_under_load_never_hang(folder: str, nursery: trio.Nursery) -> None:
    """Thousands of calls of mixed sizes, hundreds under way at once both ways, all come back right."""
    drive = start_drive(f"ipc://{folder}/drive")
    try:
        bus = client(f"ipc://{folder}/drive")
        await nursery.start(bus.run)
        await exchange(bus, calls=12_000, window=300)
    finally:
        drive.kill()
        drive.wait()


async def exchange(bus: Bus, calls: int, window: int) -> None:
    """Keep `window` calls open until all were answered with their own payload."""
    chance = random.Random(5)
    sizes = [0, 10, 4_000, 5_000, 70_000, 300_000, 1 << 20]
    weights = [30, 100, 30, 30, 8, 3, 1]
    finished = trio.Event()
    started = done = 0

    def ask_one() -> None:
        nonlocal started
        started += 1
        payload = tuple(
            bytes([started & 0xFF]) * size
            for size in chance.choices(sizes, weights, k=chance.choice([0, 1, 1, 3]))
        )

        def answered(answer: Reply | Fault) -> None:
            nonlocal done
            assert isinstance(answer, Reply), answer
            assert answer.frames == payload
            done += 1
            if started < calls:
                ask_one()
            elif done == calls:
                finished.set()

        bus.ask("drive", WRITE, payload, deadline_s=50, on_reply=answered)

    # A second source of calls, outside of turns: sending and receiving interleave in every possible way.
    async def ask_from_a_task() -> None:
        while not finished.is_set():
            await bus.call("drive", WRITE, [b"x" * chance.choice(sizes)], deadline_s=50)

    async with trio.open_nursery() as tasks:
        for _ in range(5):
            tasks.start_soon(ask_from_a_task)
        for _ in range(window):
            ask_one()


async def test_a_killed_process_fails_its_calls_at_once_and_its_next_life_serves(
    folder: str, nursery: trio.Nursery
) -> None:
    """Kill -9 is noticed by the connection, not by the deadline."""
    endpoint = f"ipc://{folder}/drive"
    drive = start_drive(endpoint)
    try:
        bus = client(endpoint)
        await nursery.start(bus.run)
        await bus.call("drive", WRITE, deadline_s=30)
        drive.send_signal(signal.SIGSTOP)
        bus.ask("drive", WRITE, deadline_s=60, on_reply=(answers := Answers()))
        drive.kill()
        drive.wait()
        with trio.fail_after(5):
            (fault,) = await answers.wait_for(1)
        assert isinstance(fault, Fault)
        assert fault.code == FaultCode.PEER_DOWN
        drive = start_drive(endpoint)
        await up(bus, "drive")
        await bus.call("drive", WRITE, deadline_s=30)
    finally:
        drive.kill()
        drive.wait()


async def test_a_stopped_process_is_down_after_the_silence_limit(folder: str, nursery: trio.Nursery) -> None:
    """A connection that stays open does not help a process that says nothing; awake again, it is let in."""
    endpoint = f"ipc://{folder}/drive"
    drive = start_drive(endpoint)
    try:
        bus = client(endpoint, SETTINGS)
        await nursery.start(bus.run)
        await bus.call("drive", WRITE, deadline_s=30)
        drive.send_signal(signal.SIGSTOP)
        assert (await fault_of(bus, "drive", deadline_s=60)).code == FaultCode.PEER_DOWN
        drive.send_signal(signal.SIGCONT)
        await up(bus, "drive")
        await bus.call("drive", WRITE, deadline_s=30)
    finally:
        drive.kill()
        drive.wait()


async def test_it_works_over_tcp_on_the_loopback_interface(nursery: trio.Nursery) -> None:
    """The other kind of endpoint."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"tcp://127.0.0.1:{port}"
    drive = open_bus("drive", endpoint, {}, BusSettings(), SystemClock())
    drive.serve(echo)
    await nursery.start(drive.run)
    bus = client(endpoint)
    await nursery.start(bus.run)
    payload = [b"x" * 300_000, b"y"]
    assert (await bus.call("drive", WRITE, payload, deadline_s=10)).frames == tuple(payload)


async def test_an_endpoint_that_cannot_be_bound_is_a_clear_error(folder: str) -> None:
    """It names the endpoint and what the system says."""
    bus = open_bus("drive", f"ipc://{folder}/no-such-folder/drive", {}, BusSettings(), SystemClock())
    with pytest.raises(OSError, match="no-such-folder/drive: No such file"):
        await bus.run()


async def test_garbage_is_counted_and_harms_nobody(folder: str, nursery: trio.Nursery) -> None:
    """Whatever bytes a client sends, the others are served."""
    endpoint = f"ipc://{folder}/drive"
    drive = open_bus("drive", endpoint, {}, BusSettings(frames_max=4), SystemClock())
    drive.serve(echo)
    await nursery.start(drive.run)
    context: zmq.Context[zmq.Socket[bytes]]
    with zmq.Context() as context, context.socket(zmq.DEALER) as raw:
        raw.setsockopt(zmq.LINGER, 0)
        raw.connect(endpoint)
        header = pack(
            Header(PROTOCOL_MAJOR, "x", 1, 0, 0, [Envelope(99), Envelope(REPLY, 1), Envelope(FAULT, 2)]), []
        )
        for frames in ([b""], [b"\xc1" * 50], [b"\x90" * 5000], [b"a"] * 5, [*header, b"surplus"], header):
            raw.send_multipart(frames)
        bus = client(endpoint)
        await nursery.start(bus.run)
        while drive.statistics().messages_received < 7 or drive.statistics().malformed < 5:
            await bus.call("drive", WRITE, deadline_s=10)
        assert drive.statistics().malformed == 5


class FakePeer:
    """A ROUTER in the hands of a test, in place of a drive."""

    def __init__(self, endpoint: str) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind(endpoint)

    async def receive(self) -> tuple[bytes, Header]:
        """The next message: whose, and its header."""
        while not self._socket.poll(0):
            await trio.lowlevel.checkpoint()
        token, *frames = self._socket.recv_multipart()
        return token, unpack(frames, 100)

    def send(
        self,
        token: bytes,
        kind: int,
        *,
        major: int = PROTOCOL_MAJOR,
        name: str = "drive",
        life: int = 1,
        call_id: int = 0,
    ) -> None:
        """One envelope, as this life of a process of this name."""
        header = Header(major, name, life, 0, 0, [Envelope(kind, call_id)])
        self._socket.send_multipart([token, *pack(header, [])])

    def close(self) -> None:
        self._context.destroy()


@pytest.fixture
def peer(folder: str) -> Iterator[FakePeer]:
    """Listens where the bus expects the drive."""
    fake = FakePeer(f"ipc://{folder}/drive")
    yield fake
    fake.close()


async def test_a_peer_of_another_major_version_is_refused(
    folder: str, nursery: trio.Nursery, peer: FakePeer
) -> None:
    """Every call to it fails with a sentence that says what to do; its successor is let in."""
    bus = client(f"ipc://{folder}/drive")
    await nursery.start(bus.run)
    bus.ask("drive", WRITE, deadline_s=20, on_reply=(answers := Answers()))
    token, header = await peer.receive()
    assert header.envelopes[0].kind == HELLO
    peer.send(token, HELLO, major=PROTOCOL_MAJOR + 1)
    (fault,) = await answers.wait_for(1)
    later = await fault_of(bus, "drive")
    for seen in (fault, later):
        assert isinstance(seen, Fault)
        assert seen.code == FaultCode.PEER_DOWN
        assert "speaks bus protocol 2, this process speaks 1: update the older one" in seen.message
    assert bus.statistics().peers["drive"].state == "refused"


async def test_a_client_of_another_major_version_is_told_ours(folder: str, nursery: trio.Nursery) -> None:
    """The listening side answers with its own greeting, which the other side can read the version from."""
    endpoint = f"ipc://{folder}/drive"
    drive = open_bus("drive", endpoint, {}, BusSettings(), SystemClock())
    await nursery.start(drive.run)
    context: zmq.Context[zmq.Socket[bytes]]
    with zmq.Context() as context, context.socket(zmq.DEALER) as raw:
        raw.setsockopt(zmq.LINGER, 0)
        raw.connect(endpoint)
        raw.send(msgspec.msgpack.encode([PROTOCOL_MAJOR + 1, {"all": "else", "is": "different"}]))
        while not raw.poll(0):
            await trio.lowlevel.checkpoint()
        assert msgspec.msgpack.decode(raw.recv())[0] == PROTOCOL_MAJOR


async def test_a_busy_peer_leaves_room_for_the_others(
    folder: str, nursery: trio.Nursery, peer: FakePeer
) -> None:
    """However much one peer sends, what another sends is taken in soon, not when the first is quiet."""
    other = FakePeer(f"ipc://{folder}/other")
    try:
        endpoints = {name: f"ipc://{folder}/{name}" for name in ("drive", "other")}
        bus = open_bus("set", None, endpoints, BusSettings(drain_messages=1), SystemClock())
        await nursery.start(bus.run)
        token, _ = await peer.receive()
        other_token, _ = await other.receive()
        for _ in range(900):
            peer.send(token, HELLO)
        other.send(other_token, HELLO, name="other")
        await up(bus, "other")
        assert bus.statistics().messages_received < 900
    finally:
        other.close()


async def test_a_peer_of_another_name_is_not_asked(
    folder: str, nursery: trio.Nursery, peer: FakePeer
) -> None:
    """A wrong endpoint in a plan must not send a drive's data to another one."""
    bus = client(f"ipc://{folder}/drive")
    await nursery.start(bus.run)
    bus.ask("drive", WRITE, deadline_s=20, on_reply=(answers := Answers()))
    token, _ = await peer.receive()
    peer.send(token, HELLO, name="drive-of-somebody-else")
    (fault,) = await answers.wait_for(1)
    assert isinstance(fault, Fault)
    assert "drive-of-somebody-else answers at its endpoint" in fault.message


async def test_a_peer_that_was_restarted_unnoticed_fails_what_its_former_life_was_asked(
    folder: str, nursery: trio.Nursery, peer: FakePeer
) -> None:
    """A new incarnation on the same connection is noticed by its first message."""
    bus = client(f"ipc://{folder}/drive")
    await nursery.start(bus.run)
    token, _ = await peer.receive()
    peer.send(token, HELLO, life=1)
    bus.ask("drive", WRITE, deadline_s=20, on_reply=(answers := Answers()))
    _, header = await peer.receive()
    assert header.target == 1
    peer.send(token, HELLO, life=2)
    (fault,) = await answers.wait_for(1)
    assert isinstance(fault, Fault)
    assert (fault.code, fault.message) == (FaultCode.PEER_DOWN, "drive was restarted")
    bus.ask("drive", WRITE, deadline_s=20, on_reply=answers)
    _, header = await peer.receive()
    assert header.target == 2


async def test_calls_meant_for_a_former_life_are_not_served(folder: str, nursery: trio.Nursery) -> None:
    """They were given up by the asker; who sends them is told which life this is."""
    endpoint = f"ipc://{folder}/drive"
    drive = open_bus("drive", endpoint, {}, BusSettings(), SystemClock())
    drive.serve(keeper := Keeper())
    await nursery.start(drive.run)
    context: zmq.Context[zmq.Socket[bytes]]
    with zmq.Context() as context, context.socket(zmq.DEALER) as raw:
        raw.setsockopt(zmq.LINGER, 0)
        raw.connect(endpoint)
        call = Envelope(3, 1, "ShardDrop", 1000, "", msgspec.Raw(msgspec.msgpack.encode({"data_id": b""})))
        raw.send_multipart(pack(Header(PROTOCOL_MAJOR, "set", 1, 12345, 0, [call]), []))
        while not raw.poll(0):
            await trio.lowlevel.checkpoint()
        assert unpack(raw.recv_multipart(), 100).envelopes[0].kind == HELLO
    assert not keeper.requests


async def test_an_answer_that_makes_no_sense_fails_its_call(
    folder: str, nursery: trio.Nursery, peer: FakePeer
) -> None:
    """An empty body where a message belongs is INTERNAL: a bug of the peer, and nobody's death."""
    bus = client(f"ipc://{folder}/drive")
    await nursery.start(bus.run)
    token, _ = await peer.receive()
    peer.send(token, HELLO)
    for kind in (REPLY, FAULT):
        bus.ask("drive", WRITE, deadline_s=20, on_reply=(answers := Answers()))
        _, header = await peer.receive()
        peer.send(token, kind, call_id=header.envelopes[0].id)
        (fault,) = await answers.wait_for(1)
        assert isinstance(fault, Fault)
        assert fault.code == FaultCode.INTERNAL
