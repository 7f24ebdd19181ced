"""The bus between nodes over real sockets: who is let in, and what is said of those who are not."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import attrs
import pytest
import structlog.testing
import trio
import zmq

from rustfs_node.bus import Bus, BusSettings, KeyPair, RemotePeer, RemoteSide, node_keys, open_bus
from rustfs_node.seams.clock import SystemClock
from rustfs_proto.wire.faults import FaultCode
from tests.conformance.actors import WRITE, Keeper, echo, fault_of, until, up
from tests.conformance.nets import SECRET, free_port

SETTINGS = BusSettings(
    connect_grace_s=0.0,
    heartbeat_s=0.05,
    remote_heartbeat_s=0.05,
    remote_silence_s=0.3,
    remote_redial_s=0.05,
    remote_connect_ms=200,
    remote_handshake_ms=300,
)
HERE, THERE = node_keys(SECRET, "node1:9001"), node_keys(SECRET, "node2:9001")
ALLOWED = frozenset({HERE.public, THERE.public})


@attrs.frozen
class Far:
    """Opens the two ends of a connection between nodes."""

    nursery: trio.Nursery
    port: int = attrs.field(factory=free_port)

    async def drive(self, allowed: frozenset[str] = ALLOWED, settings: BusSettings = SETTINGS) -> Bus:
        """A drive on the other node; it gives every payload back."""
        side = RemoteSide(THERE, f"tcp://127.0.0.1:{self.port}", allowed)
        bus = open_bus("drive", None, {}, settings, SystemClock(), side)
        bus.serve(echo)
        await self.nursery.start(bus.run)
        return bus

    async def client(
        self,
        keys: KeyPair = HERE,
        server: str = THERE.public,
        host: str = "127.0.0.1",
        settings: BusSettings = SETTINGS,
    ) -> Bus:
        """Who asks it from this node."""
        peer = RemotePeer(f"tcp://{host}:{self.port}", server)
        side = RemoteSide(keys, None, frozenset())
        bus = open_bus("set", None, {"drive": peer}, settings, SystemClock(), side)
        await self.nursery.start(bus.run)
        return bus


@pytest.fixture
def far(nursery: trio.Nursery) -> Far:
    """At a port where nobody listens yet."""
    return Far(nursery)


async def reason_of(bus: Bus, words: str) -> None:
    """Until calls fail with these words."""
    while words not in (await fault_of(bus, "drive")).message:
        await trio.lowlevel.checkpoint()


def told(logs: list[object], event: str) -> list[str]:
    """The reasons with which the log tells of that."""
    return [str(entry["reason"]) for entry in logs if isinstance(entry, dict) and entry["event"] == event]


async def test_one_process_serves_its_node_and_others_and_asks_both(
    tmp_path_factory: pytest.TempPathFactory, nursery: trio.Nursery, far: Far
) -> None:
    """Over both listeners at once nobody gets another's answer; peers of both kinds are dialled at once."""
    folder = tmp_path_factory.mktemp("b")
    local = f"ipc://{folder}/both"
    both = open_bus(
        "both",
        local,
        {},
        SETTINGS,
        SystemClock(),
        RemoteSide(THERE, f"tcp://127.0.0.1:{far.port}", ALLOWED),
    )
    both.serve(echo)
    await nursery.start(both.run)
    remote = RemotePeer(f"tcp://127.0.0.1:{far.port}", THERE.public)
    side = RemoteSide(HERE, None, frozenset())
    near = open_bus("near", None, {"both": local}, SETTINGS, SystemClock())
    away = open_bus("away", None, {"both": remote}, SETTINGS, SystemClock(), side)
    mixed = open_bus("mixed", None, {"both": local, "drive": remote}, SETTINGS, SystemClock(), side)
    for bus in (near, away, mixed):
        await nursery.start(bus.run)
        await up(bus, "both")

    async def ask(bus: Bus) -> None:
        for count in range(50):
            frame = f"{bus.own_name} {count}".encode() * 500
            assert (await bus.call("both", WRITE, [frame], deadline_s=10)).frames == (frame,)

    async with trio.open_nursery() as askers:
        for bus in (near, away, mixed):
            askers.start_soon(ask, bus)
    assert both.statistics().clients == 4
    assert "both answers at its endpoint" in (await fault_of(mixed, "drive")).message


async def test_nodes_with_different_secrets_say_so_once(far: Far) -> None:
    """Both logs and the faults of calls name the secret as what may be wrong."""
    with structlog.testing.capture_logs() as logs:
        await far.drive()
        stranger, believed = (node_keys(b"another secret", node) for node in ("node1:9001", "node2:9001"))
        bus = await far.client(stranger, believed.public)
        await reason_of(
            bus, f"127.0.0.1:{far.port} hangs up in the handshake: is the cluster secret the same"
        )
        # Several attempts later.
        with trio.move_on_after(0.4):
            await up(bus, "drive")
    (refused,) = told([*logs], "client_refused")
    assert "is the cluster secret the same on both nodes?" in refused
    assert sum("hangs up" in reason for reason in told([*logs], "peer_down")) == 1


async def test_a_key_that_is_not_allowed_is_refused_until_it_is(far: Far) -> None:
    """Both sides say so, once, and nothing that was sent is read; with the key in the list it is let in."""
    with structlog.testing.capture_logs() as logs, trio.CancelScope() as life:
        async with trio.open_nursery() as nursery:
            drive = await attrs.evolve(far, nursery=nursery).drive(frozenset({THERE.public}))
            bus = await far.client()
            await reason_of(
                bus, "refused our key: is this node in its list of nodes, and is the cluster secret"
            )
            with trio.move_on_after(0.4):
                await up(bus, "drive")
            assert drive.statistics().messages_received == 0
            life.cancel()
    (refused,) = told([*logs], "client_refused")
    assert refused.startswith("a process at 127.0.0.1 offered a key that belongs to no node: is its node")
    assert sum("refused our key" in reason for reason in told([*logs], "peer_down")) == 1
    await far.drive()
    await up(bus, "drive")
    await bus.call("drive", WRITE, deadline_s=10)


async def hang_up(connection: trio.socket.SocketType) -> None:
    connection.close()
    await trio.lowlevel.checkpoint()


async def keep_silent(_connection: trio.socket.SocketType) -> None:
    await trio.lowlevel.checkpoint()


async def speak_http(connection: trio.socket.SocketType) -> None:
    await connection.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (hang_up, "hangs up in the handshake"),
        (keep_silent, "accepts connections and says nothing: does its process hang"),
        (speak_http, "is no bus: is this the port of a node's bus?"),
    ],
)
async def test_what_is_no_bus_is_named_and_its_successor_is_let_in(
    far: Far, behave: Callable[[trio.socket.SocketType], Awaitable[None]], words: str
) -> None:
    """A wrong port is a common error; when a node listens there at last it is found."""
    accepted = []
    with trio.socket.from_stdlib_socket(socket.create_server(("127.0.0.1", far.port))) as listener:

        async def accept() -> None:
            while True:
                connection, _ = await listener.accept()
                accepted.append(connection)
                await behave(connection)

        async with trio.open_nursery() as acceptor:
            acceptor.start_soon(accept)
            bus = await far.client()
            await reason_of(bus, words)
            acceptor.cancel_scope.cancel()
    for connection in accepted:
        connection.close()
    await far.drive()
    await up(bus, "drive")


async def test_a_node_that_does_not_encrypt_is_not_spoken_with(nursery: trio.Nursery, far: Far) -> None:
    """Neither where it is dialled nor where it dials is anything of a plain connection read."""
    plain = open_bus("drive", f"tcp://127.0.0.1:{far.port}", {}, SETTINGS, SystemClock())
    await nursery.start(plain.run)
    bus = await far.client()
    await reason_of(bus, "does not encrypt: is this the port of a node's bus?")
    assert plain.statistics().messages_received == 0
    secured = Far(nursery)
    with structlog.testing.capture_logs() as logs:
        drive = await secured.drive()
        asking = open_bus("set", None, {"drive": f"tcp://127.0.0.1:{secured.port}"}, SETTINGS, SystemClock())
        await nursery.start(asking.run)
        await until(lambda: bool(told([*logs], "client_refused")))
    # ZeroMQ reports the mechanism, or only that the handshake came to nothing, whichever it notices first.
    reason = told([*logs], "client_refused")[0]
    assert "did not encrypt" in reason or "did not finish the handshake" in reason
    assert drive.statistics().messages_received == 0


async def test_a_node_that_is_not_there_is_told_from_one_that_does_not_answer(
    nursery: trio.Nursery, far: Far
) -> None:
    """A refused connection means that the program does not run; dropped packets mean something else."""
    bus = await far.client()
    await reason_of(bus, f"127.0.0.1:{far.port} cannot be reached: do the machine and its node run")
    silent = Far(nursery)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", silent.port))
        listener.listen(0)
        # The kernel drops what asks for more connections than the listener has room for.
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", silent.port))
        bus = await silent.client()
        await reason_of(bus, f"127.0.0.1:{silent.port} does not answer: is the machine on")
        for each in waiting:
            each.close()


class Names(trio.abc.HostnameResolver):
    """Resolves the names of nodes as a test wants it. None: it never answers."""

    def __init__(self, addresses: dict[str, str | None]) -> None:
        self.addresses = addresses

    async def getaddrinfo(self, host: object, port: object, *_: object, **__: object) -> list[object]:
        """See `trio.socket.getaddrinfo`."""
        assert isinstance(host, bytes)
        name = host.decode()
        if name not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        address = self.addresses[name]
        if address is None:
            await trio.sleep_forever()
            raise AssertionError
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in address.split()]

    async def getnameinfo(self, *_: object) -> tuple[str, str]:
        """Nobody asks."""
        raise NotImplementedError


@pytest.fixture
def names() -> Names:
    """Of all hosts."""
    return Names({})


async def test_names_are_looked_up_again_until_they_lead_to_the_node(far: Far, names: Names) -> None:
    """No such name, no answer, a wrong address: each is told; of several the one that works is found."""
    trio.socket.set_custom_hostname_resolver(names)
    await far.drive()
    bus = await far.client(host="node2.example", settings=attrs.evolve(SETTINGS, remote_name_s=0.1))
    await reason_of(bus, "the name node2.example does not resolve: [Errno -2]")
    names.addresses["node2.example"] = None
    await reason_of(bus, "the name node2.example does not resolve: no answer within 0.1 s")
    names.addresses["node2.example"] = "127.0.0.3"
    await reason_of(bus, f"node2.example:{far.port} cannot be reached")
    names.addresses["node2.example"] = "127.0.0.3 127.0.0.4 127.0.0.1"
    await up(bus, "drive")


async def test_a_name_that_nobody_answers_for_holds_no_other_peer_up(
    nursery: trio.Nursery, far: Far, names: Names
) -> None:
    """The others are served, and are not taken for silent."""
    trio.socket.set_custom_hostname_resolver(names)
    names.addresses["lost"] = None
    await far.drive()
    peers = {
        "drive": RemotePeer(f"tcp://127.0.0.1:{far.port}", THERE.public),
        "other": RemotePeer("tcp://lost:9001", THERE.public),
    }
    bus = open_bus("set", None, peers, SETTINGS, SystemClock(), RemoteSide(HERE, None, frozenset()))
    await nursery.start(bus.run)
    await up(bus, "drive")
    await trio.sleep(2 * SETTINGS.remote_silence_s)
    await bus.call("drive", WRITE, deadline_s=5)
    assert bus.is_up("drive")


async def test_a_call_that_waits_in_vain_for_a_node_to_start_says_why(far: Far) -> None:
    """While calls still wait for those that start, their deadline may come first."""
    bus = await far.client(settings=attrs.evolve(SETTINGS, connect_grace_s=20.0))
    fault = await fault_of(bus, "drive", deadline_s=0.3)
    assert fault.code == FaultCode.TIMEOUT
    assert f"in time: 127.0.0.1:{far.port} cannot be reached" in fault.message


async def test_floods_of_connections_harm_nobody(far: Far) -> None:
    """Hundreds that say nonsense or nothing: the others are served, and no connection of them is left."""
    drive = await far.drive()
    crowd = [socket.create_connection(("127.0.0.1", far.port)) for _ in range(300)]
    for index, stranger in enumerate(crowd):
        if index % 3:
            stranger.sendall([b"GET / HTTP/1.1\r\n\r\n" * 40, b"\xff\0\0\0\0\0\0\0\1\x7f\3"][index % 2])
    bus = await far.client()
    await up(bus, "drive")
    await bus.call("drive", WRITE, [b"x" * 100_000], deadline_s=5)
    for stranger in crowd:
        stranger.settimeout(5)
        # To the end that the other side has made: what it says first is its part of the handshake.
        while _received(stranger):
            pass
        stranger.close()
    assert (drive.statistics().clients, drive.statistics().malformed) == (1, 0)


def _received(stranger: socket.socket) -> bytes:
    try:
        return stranger.recv(4096)
    except ConnectionResetError:
        return b""


async def test_a_frame_beyond_all_limits_costs_its_sender_the_connection(far: Far) -> None:
    """Even a node that is let in cannot make this process take it in; the others are served."""
    drive = await far.drive(settings=attrs.evolve(SETTINGS, frame_bytes_max=100_000, batch_bytes=100_000))
    context: zmq.Context[zmq.Socket[bytes]]
    with zmq.Context() as context, context.socket(zmq.DEALER) as raw:
        raw.setsockopt(zmq.LINGER, 0)
        raw.setsockopt(zmq.CURVE_SERVERKEY, THERE.public.encode())
        raw.setsockopt(zmq.CURVE_PUBLICKEY, HERE.public.encode())
        raw.setsockopt(zmq.CURVE_SECRETKEY, HERE.secret.encode())
        raw.connect(f"tcp://127.0.0.1:{far.port}")
        monitor = raw.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        raw.send(bytes(300_000))
        while not monitor.poll(0):
            await trio.lowlevel.checkpoint()
        raw.disable_monitor()
        monitor.close()
    bus = await far.client()
    await up(bus, "drive")
    await bus.call("drive", WRITE, deadline_s=5)
    assert drive.statistics().malformed == 0


async def test_a_place_for_other_nodes_that_cannot_be_had_is_a_clear_error(far: Far) -> None:
    """Two processes at one port: the second says which."""
    await far.drive()
    with pytest.RaisesGroup(pytest.RaisesExc(OSError, match=f"cannot listen at tcp://127.0.0.1:{far.port}")):
        async with trio.open_nursery() as nursery:
            await attrs.evolve(far, nursery=nursery).drive()


async def test_a_stopping_node_is_down_at_once(far: Far, nursery: trio.Nursery) -> None:
    """Its goodbye and the end of its connection need no silence."""
    keeper = Keeper()
    side = RemoteSide(THERE, f"tcp://127.0.0.1:{far.port}", ALLOWED)
    drive = open_bus("drive", None, {}, SETTINGS, SystemClock(), side)
    drive.serve(keeper)
    bus = await far.client(settings=attrs.evolve(SETTINGS, remote_silence_s=20.0))
    with trio.CancelScope() as life:
        async with trio.open_nursery() as own:
            await own.start(drive.run)
            await up(bus, "drive")
            nursery.start_soon(_end_when_asked, keeper, life)
            fault = await fault_of(bus, "drive", deadline_s=20)
            assert fault.code == FaultCode.PEER_DOWN


async def _end_when_asked(keeper: Keeper, life: trio.CancelScope) -> None:
    await keeper.wait_for(1)
    life.cancel()
