"""Releases side by side: what an earlier or later one says over the real bus between nodes is understood, or
refused with words.

The other release is a socket in the hands of the test, which writes each message as that release would.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
import structlog.testing
import trio
import zmq

from rustfs_node.bus import Bus, BusSettings, RemotePeer, RemoteSide, Request, node_keys, open_bus
from rustfs_node.seams.clock import SystemClock
from rustfs_proto.wire.drive_ops import LookedUp, Lookup
from rustfs_proto.wire.envelope import CALL, FAULT, HELLO, PROTOCOL_MAJOR, REPLY
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import SetStatus, SetStatusReply
from tests.conformance.actors import Keeper, fault_of, until, up
from tests.conformance.nets import SECRET, free_port

OURS, THEIRS = node_keys(SECRET, "node1:9000"), node_keys(SECRET, "node2:9000")
ALLOWED = frozenset({OURS.public, THEIRS.public})
LATER = 77
"""A kind of envelope, and a field, that this release does not know."""


class OtherRelease:
    """A node of another release: listens as `name`, or dials, over CURVE."""

    def __init__(self, kind: int, endpoint: str, name: str) -> None:
        self.name = name
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(kind)
        self._socket.linger = 0
        self._socket.curve_publickey, self._socket.curve_secretkey = (
            THEIRS.public.encode(),
            THEIRS.secret.encode(),
        )
        if kind == zmq.ROUTER:
            self._socket.curve_server = 1
            self._socket.bind(endpoint)
        else:
            self._socket.curve_serverkey = OURS.public.encode()
            self._socket.connect(endpoint)

    async def receive(self, kind: int) -> tuple[list[bytes], list[object], list[object]]:
        """The next message with an envelope of that kind: its route, its header, the envelope."""
        while True:
            while not self._socket.poll(0):
                await trio.lowlevel.checkpoint()
            parts = self._socket.recv_multipart()
            route, raw = (parts[:1], parts[1]) if self._socket.type == zmq.ROUTER else ([], parts[0])
            header = msgspec.msgpack.decode(raw)
            for envelope in header[5]:
                if envelope[0] == kind:
                    return route, header, envelope

    def send(self, route: list[bytes], envelopes: list[object], major: int = PROTOCOL_MAJOR) -> None:
        """One message."""
        header = [major, self.name, 1, 0, 0, envelopes, {"a field": "of a later release"}]
        self._socket.send_multipart([*route, msgspec.msgpack.encode(header)])

    def close(self) -> None:
        self._context.destroy()


@pytest.fixture
def endpoint() -> str:
    return f"tcp://127.0.0.1:{free_port()}"


@pytest.fixture
def listening(endpoint: str) -> Iterator[OtherRelease]:
    """A set worker of the other release."""
    other = OtherRelease(zmq.ROUTER, endpoint, "set-0")
    yield other
    other.close()


@pytest.fixture
def dialling(endpoint: str) -> Iterator[OtherRelease]:
    """Who asks a drive of this release."""
    other = OtherRelease(zmq.DEALER, endpoint, "set-0-1")
    yield other
    other.close()


async def our_client(nursery: trio.Nursery, endpoint: str) -> Bus:
    """An acceptor of this release that dials the other's set worker."""
    side = RemoteSide(OURS, None, frozenset())
    bus = open_bus(
        "acceptor-0", None, {"set-0": RemotePeer(endpoint, THEIRS.public)}, BusSettings(), SystemClock(), side
    )
    await nursery.start(bus.run)
    return bus


async def our_drive(nursery: trio.Nursery, endpoint: str, keeper: Keeper) -> Bus:
    """A drive of this release, which the other asks."""
    bus = open_bus("drive-0-0", None, {}, BusSettings(), SystemClock(), RemoteSide(OURS, endpoint, ALLOWED))
    bus.serve(keeper)
    await nursery.start(bus.run)
    return bus


@pytest.mark.parametrize("reason", [None, "spun down"])
async def test_answers_of_other_releases_are_understood(nursery, endpoint, listening, reason):
    """A field that an earlier release does not send has its default, what a later one adds is passed over,
    and so is a kind of message that is unknown here.
    """
    bus = await our_client(nursery, endpoint)
    route, _, _ = await listening.receive(HELLO)
    listening.send(route, [[HELLO], [LATER, 0, "", 0, "", None, [], "more"]])
    await up(bus, "set-0")
    view = {"slot": 0, "path": "/d", "state": 0} | ({} if reason is None else {"reason": reason, "later": 1})
    reply = {"set_index": 0, "k": 1, "m": 0, "write_quorum": 1, "readable": True, "writable": True}
    replies: list[object] = []

    async def ask() -> None:
        replies.append((await bus.call("set-0", SetStatus(), deadline_s=10)).message)

    nursery.start_soon(ask)
    route, _, call = await listening.receive(CALL)
    listening.send(route, [[REPLY, call[1], "", 0, "", reply | {"drives": [view], "later": [1, 2]}]])
    await until(lambda: bool(replies))
    (got,) = replies
    assert isinstance(got, SetStatusReply)
    assert got.drives[0].reason == (reason or "")


@pytest.mark.parametrize("surplus", [{}, {"later": {"deep": [1]}}])
async def test_questions_of_other_releases_are_understood(nursery, endpoint, dialling, surplus):
    """Likewise for what another release asks: an envelope may end early or go on, a message may have fewer
    fields or more.
    """
    keeper = Keeper()
    await our_drive(nursery, endpoint, keeper)
    dialling.send([], [[HELLO]])
    await dialling.receive(HELLO)
    body = {"space": 0, "bucket": "b", "key": b"k"} | surplus
    dialling.send([], [[CALL, 5, "Lookup", 10_000, "", body, [], *surplus]])
    (request,) = await keeper.wait_for(1)
    assert request.message == Lookup(0, "b", b"k")
    answer(request)
    _, _, reply = await dialling.receive(REPLY)
    assert reply[1] == 5


def answer(request: Request) -> None:
    """With nothing found."""
    request.reply(LookedUp(state=0, evidence=True))


async def test_a_question_that_is_unknown_here_is_refused_by_name(nursery, endpoint, dialling):
    """A later release that asks for what this one cannot do hears so, and the connection goes on."""
    await our_drive(nursery, endpoint, Keeper())
    dialling.send([], [[HELLO]])
    await dialling.receive(HELLO)
    dialling.send([], [[CALL, 6, "Defragment", 10_000, "", {}]])
    _, _, fault = await dialling.receive(FAULT)
    assert fault[1] == 6
    assert fault[5] == [FaultCode.UNKNOWN_OP, "'Defragment' is not served here", 0]


async def test_a_fault_that_is_unknown_here_is_told_as_it_is(nursery, endpoint, listening):
    """A code of a later release counts as an unknown effect, and is named."""
    bus = await our_client(nursery, endpoint)
    route, _, _ = await listening.receive(HELLO)
    listening.send(route, [[HELLO]])
    faults: list[Fault] = []

    async def ask() -> None:
        faults.append(await fault_of(bus, "set-0", SetStatus()))

    nursery.start_soon(ask)
    route, _, call = await listening.receive(CALL)
    listening.send(route, [[FAULT, call[1], "", 0, "", ["too_warm", "41 degrees"]]])
    await until(lambda: bool(faults))
    assert faults[0].code is FaultCode.INTERNAL
    assert "too_warm" in faults[0].message


async def test_another_major_version_is_refused_by_the_one_who_dials(nursery, endpoint, listening):
    """Every call fails with both versions and what to do, and the log says the same."""
    with structlog.testing.capture_logs() as logs:
        bus = await our_client(nursery, endpoint)
        route, _, _ = await listening.receive(HELLO)
        listening.send(route, [[HELLO]], major=PROTOCOL_MAJOR + 1)
        await until(lambda: bus.statistics().peers["set-0"].state == "refused")
    fault = await fault_of(bus, "set-0", SetStatus())
    said = f"bus protocol {PROTOCOL_MAJOR + 1}, this process speaks {PROTOCOL_MAJOR}: update the older one"
    assert fault.code is FaultCode.PEER_DOWN
    assert said in fault.message
    assert [said in entry["reason"] for entry in logs if entry["event"] == "peer_down"] == [True]


async def test_another_major_version_is_refused_by_the_one_who_is_dialled(nursery, endpoint, dialling):
    """It tells its log, and its greeting tells the other which version is spoken here."""
    keeper = Keeper()
    with structlog.testing.capture_logs() as logs:
        await our_drive(nursery, endpoint, keeper)
        dialling.send([], [[HELLO], [CALL, 5, "Lookup", 10_000, "", {}]], major=PROTOCOL_MAJOR + 1)
        _, header, _ = await dialling.receive(HELLO)
    assert header[0] == PROTOCOL_MAJOR
    said = f"bus protocol {PROTOCOL_MAJOR + 1}, this process speaks {PROTOCOL_MAJOR}: update the older one"
    assert [entry["reason"] for entry in logs if entry["event"] == "client_refused"] == [said]
    assert keeper.requests == []
