"""The link over ZeroMQ: a ROUTER where this process is dialled, a DEALER for each peer that it dials.

The one owner of every ZeroMQ socket, because of a trap: the descriptor of a ZeroMQ socket becomes readable
when its state *changes*, and any operation on the socket, sending included, may take note of the change and
reset it. So readiness of the descriptor says "look at EVENTS", and the lack of it says nothing once the
socket was touched. The rule here: a socket that was touched is looked at again (`pending`) before anybody
waits for its descriptor.

All descriptors are in one epoll set, so that the event loop watches one descriptor however many peers there
are.
"""

from __future__ import annotations

import select
from collections.abc import Iterator, Mapping, Sequence

import attrs
import trio
import zmq
from zmq.utils.monitor import parse_monitor_message

from rustfs_node.bus.link import Arrival, LinkEvent, Route, Sent
from rustfs_node.settings.bus import BusSettings

# As plain integers: arithmetic with pyzmq's enumerations costs more than the calls that it is for.
_EVENTS, _RCVMORE, _POLLIN = int(zmq.EVENTS), int(zmq.RCVMORE), int(zmq.POLLIN)
_NOW = int(zmq.NOBLOCK)
_NOW_MORE = int(zmq.NOBLOCK | zmq.SNDMORE)
_MONITORED = zmq.Event.HANDSHAKE_SUCCEEDED | zmq.Event.DISCONNECTED


@attrs.define(eq=False)
class _Station:
    """A socket with the descriptor that tells of changes. `peer` is empty for the socket that others dial."""

    socket: zmq.Socket[bytes]
    peer: str
    is_monitor: bool = False

    def descriptor(self) -> int:
        """Changes of the socket make it readable."""
        descriptor = self.socket.getsockopt(zmq.FD)
        assert isinstance(descriptor, int)
        return descriptor

    def has_message(self) -> bool:
        """Whether a message can be received now."""
        events = self.socket.getsockopt(_EVENTS)
        assert isinstance(events, int)
        return bool(events & _POLLIN)


class ZmqLink:
    """See `rustfs_node.bus.link`."""

    _epoll: select.epoll
    _context: zmq.Context[zmq.Socket[bytes]]

    def __init__(self, listen: str | None, peers: Mapping[str, str], settings: BusSettings) -> None:
        self._listen, self._peers, self._settings = listen, dict(peers), settings
        self._router: _Station | None = None
        self._dealers: dict[str, _Station] = {}
        self._monitors: dict[str, _Station] = {}
        self._by_descriptor: dict[int, _Station] = {}
        self._touched: dict[_Station, None] = {}

    def open(self) -> None:
        # Not before: a process may be forked until its bus runs, and ZeroMQ has threads.
        self._epoll, self._context = select.epoll(), zmq.Context()
        if self._listen is not None:
            socket = self._socket(zmq.ROUTER)
            self._router = self._watch(_Station(socket, ""))
            # Without this, what cannot be sent is dropped in silence.
            socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
            try:
                socket.bind(self._listen)
            except zmq.ZMQError as error:
                raise OSError(error.errno, f"the bus cannot listen at {self._listen}: {error}") from error
        for peer, endpoint in self._peers.items():
            self._dial(peer, endpoint)

    def send(self, route: Route, frames: Sequence[bytes]) -> Sent:
        try:
            if isinstance(route, str):
                station = self._dealers[route]
                self._touched[station] = None
                self._send_frames(station.socket, frames)
            else:
                assert self._router is not None
                self._touched[self._router] = None
                self._router.socket.send(route, _NOW_MORE)
                self._send_frames(self._router.socket, frames)
        except zmq.Again:
            return Sent.BLOCKED
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return Sent.GONE
        return Sent.SENT

    def receive(self, limit: int) -> tuple[list[Arrival], list[LinkEvent]]:
        for descriptor, _ in self._epoll.poll(0):
            self._touched[self._by_descriptor[descriptor]] = None
        touched, self._touched = self._touched, {}
        arrivals: list[Arrival] = []
        left = [
            station
            for station in touched
            if not station.is_monitor and not self._drain(station, arrivals, limit)
        ]
        if left:
            # Those that had no turn come first next time. News of a connection must not overtake what came
            # over it.
            self._touched = dict.fromkeys([*left[1:], left[0], *touched])
            return arrivals, []
        return arrivals, [event for station in touched if station.is_monitor for event in _events(station)]

    def pending(self) -> bool:
        for station in list(self._touched):
            if station.has_message():
                return True
            del self._touched[station]
        return False

    def reset(self, peer: str) -> None:
        self._hang_up(peer)
        self._dial(peer, self._peers[peer])

    async def wait(self) -> None:
        await trio.lowlevel.wait_readable(self._epoll.fileno())

    def close(self) -> None:
        for peer in [*self._dealers]:
            self._hang_up(peer)
        if self._router is not None:
            self._unwatch(self._router)
            self._router.socket.close()
        self._epoll.close()
        # Waits until everything has left or the linger time is over.
        self._context.term()

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        settings = self._settings
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, settings.linger_ms)
        socket.setsockopt(zmq.SNDHWM, settings.socket_messages_max)
        socket.setsockopt(zmq.RCVHWM, settings.socket_messages_max)
        # The batches' headers hold up to `batch_bytes` of many calls, or one call of up to `frame_bytes_max`.
        socket.setsockopt(zmq.MAXMSGSIZE, settings.frame_bytes_max + settings.batch_bytes)
        socket.copy_threshold = settings.zero_copy_bytes
        return socket

    def _dial(self, peer: str, endpoint: str) -> None:
        socket = self._socket(zmq.DEALER)
        # ZMQ_IMMEDIATE stays off: with it a lost connection takes along what was received and not yet read.
        # What it is for, not to queue for a peer that is away, the bus does itself; and what is queued in the
        # moment before a loss is noticed names the life it is meant for, so that the next one refuses it.
        socket.setsockopt(zmq.RECONNECT_IVL, self._settings.reconnect_min_ms)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, self._settings.reconnect_max_ms)
        monitor = socket.get_monitor_socket(_MONITORED)
        self._monitors[peer] = self._watch(_Station(monitor, peer, is_monitor=True))
        socket.connect(endpoint)
        self._dealers[peer] = self._watch(_Station(socket, peer))

    def _hang_up(self, peer: str) -> None:
        dealer, monitor = self._dealers.pop(peer), self._monitors.pop(peer)
        self._unwatch(dealer)
        self._unwatch(monitor)
        dealer.socket.disable_monitor()
        monitor.socket.close()
        dealer.socket.close()

    def _watch(self, station: _Station) -> _Station:
        descriptor = station.descriptor()
        self._by_descriptor[descriptor] = station
        self._epoll.register(descriptor, select.EPOLLIN)
        self._touched[station] = None
        return station

    def _unwatch(self, station: _Station) -> None:
        descriptor = station.descriptor()
        self._epoll.unregister(descriptor)
        del self._by_descriptor[descriptor]
        self._touched.pop(station, None)

    def _send_frames(self, socket: zmq.Socket[bytes], frames: Sequence[bytes]) -> None:
        last = len(frames) - 1
        for index, frame in enumerate(frames):
            flags = _NOW if index == last else _NOW_MORE
            socket.send(frame, flags, copy=len(frame) < self._settings.zero_copy_bytes)

    def _arrival(self, station: _Station) -> Arrival:
        socket = station.socket
        frames = [socket.recv(_NOW)]
        while socket.getsockopt(_RCVMORE):
            frames.append(socket.recv(_NOW))
        return Arrival(station.peer, frames) if station.peer else Arrival(frames[0], frames[1:])

    def _drain(self, station: _Station, arrivals: list[Arrival], limit: int) -> bool:
        """Take messages until there is none (true) or there are `limit` in all."""
        try:
            while len(arrivals) < limit:
                arrivals.append(self._arrival(station))
        except zmq.Again:
            return True
        return False


def _events(station: _Station) -> Iterator[LinkEvent]:
    while station.has_message():
        message = parse_monitor_message(station.socket.recv_multipart(_NOW))
        yield LinkEvent(station.peer, connected=message["event"] == zmq.Event.HANDSHAKE_SUCCEEDED)
