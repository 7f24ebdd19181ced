"""A line: the sockets with which one peer is dialled.

To a peer on this machine ZeroMQ keeps the connection up by itself. To another node the socket is replaced
when a connection is lost: a call that waits in it would be carried out after the connection is made again, by
a process that still lives, long after it was given up here. The process at the other end of a local
connection is dead when it is lost, and its next life refuses what was meant for the former.
"""

from __future__ import annotations

import attrs
import zmq

from rustfs_node.bus.attempt import MONITORED, Attempt
from rustfs_node.bus.curve import KeyPair, RemotePeer
from rustfs_node.bus.endpoints import host_and_port
from rustfs_node.bus.link import LinkEvent
from rustfs_node.bus.names import is_address
from rustfs_node.bus.stations import Station, Stations
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.bus import BusSettings

_UP = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
_MONITORED_HERE = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED


@attrs.define(eq=False)
class Line:
    """To one peer on this machine. `news` is where it puts what happens to its connection."""

    name: str
    endpoint: str
    stations: Stations
    settings: BusSettings
    news: list[LinkEvent]
    dealer: Station | None = None
    monitor: Station | None = None

    def dial(self) -> None:
        """Connect, however long it takes."""
        socket = self._socket()
        # ZMQ_IMMEDIATE stays off: with it a lost connection takes along what was received and not yet read.
        # What it is for, not to queue for a peer that is away, the bus does itself; and what is queued in the
        # moment before a loss is noticed names the life it is meant for, so that the next one refuses it.
        socket.setsockopt(zmq.RECONNECT_IVL, self.settings.reconnect_min_ms)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, self.settings.reconnect_max_ms)
        self.monitor = self.stations.monitor(socket, self._monitored(), self.name, self._hear)
        socket.connect(self._address())
        self.dealer = self.stations.watch(Station(socket, self.name))

    def hang_up(self) -> None:
        """Forget the connection."""
        if self.dealer is not None:
            self.stations.close_one(self.dealer, self.monitor)
        self.dealer = self.monitor = None

    def reset(self) -> None:
        """Dial anew."""
        self.hang_up()
        self.dial()

    def settle(self, event: LinkEvent) -> None:
        """All that came over the connection before this event was taken in."""

    def _socket(self) -> zmq.Socket[bytes]:
        return self.stations.socket(zmq.DEALER)

    def _monitored(self) -> int:
        return _MONITORED_HERE

    def _address(self) -> str:
        return self.endpoint

    def _hear(self, monitor: Station) -> None:
        for event, _ in monitor.events():
            connected = event == _UP
            self.news.append(LinkEvent(self.name, connected))


@attrs.define(eq=False)
class RemoteLine(Line):
    """To one peer on another node. `address`: what its host is believed to be, empty if not yet known."""

    keys: KeyPair = attrs.field(kw_only=True)
    public_key: str = attrs.field(kw_only=True)
    clock: Clock = attrs.field(kw_only=True)
    host: str = attrs.field(kw_only=True)
    port: int = attrs.field(kw_only=True)
    address: str = ""
    attempt: Attempt = attrs.field(init=False)
    _dialled_at: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.attempt = self._new_attempt()
        if is_address(self.host):
            self.address = self.host

    @property
    def wants_help(self) -> bool:
        """Whether it stays down by itself: nobody tries, or perhaps at an address that is no longer right."""
        attempt = self.attempt
        if attempt.is_up:
            return False
        may_have_moved = attempt.has_failed and self.host != self.address
        return self.dealer is None or attempt.is_given_up or may_have_moved

    def help(self, found: list[str] | str) -> None:
        """Dial one of the addresses that were found for the host, or tell why there is none."""
        if isinstance(found, str):
            self.news.append(LinkEvent(self.name, connected=False, reason=found))
            return
        if not found:
            return
        # In turns: which of several addresses works is not known from here.
        following = found.index(self.address) + 1 if self.address in found else 0
        address = found[following % len(found)]
        if address != self.address or self.dealer is None or self.attempt.is_given_up:
            self.address = address
            self.reset()

    def dial(self) -> None:
        if self.address:
            self.attempt = self._new_attempt()
            self._dialled_at = self.clock.monotonic_s()
            super().dial()

    def hang_up(self) -> None:
        if self.dealer is not None:
            # What is queued was given up with the connection.
            self.dealer.socket.setsockopt(zmq.LINGER, 0)
        super().hang_up()

    def settle(self, event: LinkEvent) -> None:
        if event.connected or not self.attempt.is_lost:
            return
        # A connection that is lost as soon as it is made is left to those who help, so that it is not made
        # and lost without end.
        self.hang_up()
        if self.clock.monotonic_s() - self._dialled_at >= self.settings.reconnect_max_ms / 1000:
            self.dial()

    def _socket(self) -> zmq.Socket[bytes]:
        socket = self.stations.secured_socket(zmq.DEALER)
        socket.setsockopt(zmq.CONNECT_TIMEOUT, self.settings.remote_connect_ms)
        socket.setsockopt(zmq.CURVE_SERVERKEY, self.public_key.encode())
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self.keys.public.encode())
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.keys.secret.encode())
        if self.address.startswith("["):
            socket.setsockopt(zmq.IPV6, 1)
        return socket

    def _monitored(self) -> int:
        return MONITORED

    def _address(self) -> str:
        return f"tcp://{self.address}:{self.port}"

    def _new_attempt(self) -> Attempt:
        return Attempt(f"{self.host}:{self.port}", self.settings.remote_connect_ms / 1000)

    def _hear(self, monitor: Station) -> None:
        now = self.clock.monotonic_s()
        for event, value in monitor.events():
            turn = self.attempt.take(event, value, now)
            if turn is not None:
                self.news.append(LinkEvent(self.name, turn.connected, turn.reason))


def remote_line(
    name: str,
    peer: RemotePeer,
    keys: KeyPair,
    stations: Stations,
    settings: BusSettings,
    news: list[LinkEvent],
    clock: Clock,
) -> RemoteLine:
    """The line to a peer on another node."""
    host, port = host_and_port(peer.endpoint)
    return RemoteLine(
        name,
        peer.endpoint,
        stations,
        settings,
        news,
        keys=keys,
        public_key=peer.public_key,
        clock=clock,
        host=host,
        port=port,
    )
