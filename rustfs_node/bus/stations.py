"""Stations: ZeroMQ sockets, each with its descriptor in one epoll set.

There is a trap: the descriptor of a ZeroMQ socket becomes readable when its state *changes*, and any
operation on the socket, sending included, may take note of the change and reset it. So readiness of the
descriptor says "look at EVENTS", and the lack of it says nothing once the socket was touched. The rule here:
a socket that was touched is looked at again (`pending`) before anybody waits for its descriptor.

All descriptors are in one epoll set, so that the event loop watches one descriptor however many peers there
are.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator

import attrs
import zmq
from zmq.utils.monitor import parse_monitor_message

from rustfs_node.settings.bus import BusSettings

# As plain integers: arithmetic with pyzmq's enumerations costs more than the calls that it is for.
_EVENTS, _POLLIN = int(zmq.EVENTS), int(zmq.POLLIN)
_NOW = int(zmq.NOBLOCK)


@attrs.define(eq=False)
class Station:
    """A socket with the descriptor that tells of changes.

    `peer` is who is dialled with it; for one that others dial it is empty, and `prefix` begins the tokens of
    its clients. `attend`: it carries no messages of the bus, and this deals with all that it has.
    """

    socket: zmq.Socket[bytes]
    peer: str = ""
    prefix: bytes = b""
    attend: Callable[[Station], None] | None = None

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

    def events(self) -> Iterator[tuple[int, int]]:
        """Of a monitor: what has happened, each event with its value."""
        while self.has_message():
            message = parse_monitor_message(self.socket.recv_multipart(_NOW))
            yield int(message["event"]), message["value"]


class Stations:
    """All of a process, with the context that they live in."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._epoll = select.epoll()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._by_descriptor: dict[int, Station] = {}
        self._monitors = 0
        self.touched: dict[Station, None] = {}

    def socket(self, kind: int) -> zmq.Socket[bytes]:
        """A socket that carries messages."""
        settings = self._settings
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, settings.linger_ms)
        socket.setsockopt(zmq.SNDHWM, settings.socket_messages_max)
        socket.setsockopt(zmq.RCVHWM, settings.socket_messages_max)
        # The batches' headers hold up to `batch_bytes` of many calls, or one call of up to `frame_bytes_max`.
        socket.setsockopt(zmq.MAXMSGSIZE, settings.frame_bytes_max + settings.batch_bytes)
        socket.copy_threshold = settings.zero_copy_bytes
        return socket

    def secured_socket(self, kind: int) -> zmq.Socket[bytes]:
        """One that carries messages between nodes; its keys are still to be set."""
        settings = self._settings
        socket = self.socket(kind)
        socket.setsockopt(zmq.HANDSHAKE_IVL, settings.remote_handshake_ms)
        # What the other machine's kernel does not acknowledge is given up, by ours and in time: else it
        # would go on to send what a socket that is closed here has left, and calls would arrive that were
        # given up long ago.
        socket.setsockopt(zmq.TCP_MAXRT, settings.remote_unacknowledged_ms)
        # And where nothing is sent, a connection without another side is found by probes.
        socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, settings.remote_keepalive_s)
        socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, settings.remote_keepalive_s)
        return socket

    def question_socket(self, address: bytes) -> zmq.Socket[bytes]:
        """One that ZeroMQ itself asks at."""
        socket = self._context.socket(zmq.REP)
        socket.setsockopt(zmq.LINGER, 0)
        socket.bind(address.decode())
        return socket

    def monitor(
        self, socket: zmq.Socket[bytes], events: int, peer: str, attend: Callable[[Station], None]
    ) -> Station:
        """What happens to the connections of a socket."""
        self._monitors += 1
        address = f"inproc://monitor-{self._monitors}"
        socket.monitor(address, events)
        monitor = self._context.socket(zmq.PAIR)
        monitor.setsockopt(zmq.LINGER, 0)
        # Without a bound: where it is full, the thread that serves all connections waits until it is read.
        # An event takes about a hundred bytes.
        monitor.setsockopt(zmq.RCVHWM, 0)
        monitor.connect(address)
        return self.watch(Station(monitor, peer, attend=attend))

    def watch(self, station: Station) -> Station:
        """From now on it is looked at when something changes."""
        descriptor = station.descriptor()
        self._by_descriptor[descriptor] = station
        self._epoll.register(descriptor, select.EPOLLIN)
        self.touched[station] = None
        return station

    def close_one(self, station: Station, monitor: Station | None = None) -> None:
        """Close a socket, and what monitors it."""
        for each in (station, monitor):
            if each is not None:
                descriptor = each.descriptor()
                self._epoll.unregister(descriptor)
                del self._by_descriptor[descriptor]
                self.touched.pop(each, None)
        if monitor is not None:
            station.socket.disable_monitor()
            monitor.socket.close()
        station.socket.close()

    def take_touched(self) -> dict[Station, None]:
        """Those that may have something."""
        for descriptor, _ in self._epoll.poll(0):
            self.touched[self._by_descriptor[descriptor]] = None
        touched, self.touched = self.touched, {}
        return touched

    def pending(self) -> bool:
        """Whether one that was touched has something; those that have not are left to their descriptors."""
        for station in list(self.touched):
            if station.has_message():
                return True
            del self.touched[station]
        return False

    def fileno(self) -> int:
        """Becomes readable when a socket that nobody has touched since changes."""
        return self._epoll.fileno()

    def close(self) -> None:
        """Close all; waits until everything has left or the linger time is over."""
        self._epoll.close()
        for station in self._by_descriptor.values():
            station.socket.close()
        self._context.term()
