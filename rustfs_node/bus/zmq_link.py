"""The link over ZeroMQ: a ROUTER where this process is dialled, a DEALER for each peer that it dials.

It is dialled at up to two places: by processes of its own node (`ipc`), and by other nodes through the
`door`. A client's token begins with the place, so that the two never name two clients alike.

`stations` owns the sockets and knows the trap in them; `line` is how one peer is dialled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import trio
import zmq

from rustfs_node.bus.curve import RemotePeer, RemoteSide
from rustfs_node.bus.door import bind, open_door
from rustfs_node.bus.line import Line, RemoteLine, remote_line
from rustfs_node.bus.link import Arrival, LinkEvent, Route, Sent
from rustfs_node.bus.names import look_up
from rustfs_node.bus.stations import Station, Stations
from rustfs_node.bus.strangers import Strangers
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.bus import BusSettings

_RCVMORE = int(zmq.RCVMORE)
_NOW = int(zmq.NOBLOCK)
_NOW_MORE = int(zmq.NOBLOCK | zmq.SNDMORE)
_HERE, _THERE = b"h", b"t"


@attrs.define(eq=False)
class ZmqLink:
    """See `rustfs_node.bus.link`."""

    _listen: str | None
    _peers: Mapping[str, str | RemotePeer]
    _settings: BusSettings
    _clock: Clock
    _remote: RemoteSide | None = None
    _stations: Stations = attrs.field(init=False)
    _listeners: dict[bytes, Station] = attrs.field(factory=dict)
    _lines: dict[str, Line] = attrs.field(factory=dict)
    _news: list[LinkEvent] = attrs.field(factory=list)
    _waiting: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    def open(self) -> None:
        # Not before: a process may be forked until its bus runs, and ZeroMQ has threads.
        self._stations = Stations(self._settings)
        if self._listen is not None:
            socket = self._stations.socket(zmq.ROUTER)
            self._listeners[_HERE] = self._stations.watch(Station(socket, prefix=_HERE))
            # Without this, what cannot be sent is dropped in silence.
            socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
            bind(socket, self._listen)
        if self._remote is not None and self._remote.listen is not None:
            strangers = Strangers(self._settings, self._clock)
            door = open_door(self._stations, self._remote, self._settings, strangers, _THERE)
            self._listeners[_THERE] = door
        for name, peer in self._peers.items():
            line = self._lines[name] = self._new_line(name, peer)
            line.dial()

    def send(self, route: Route, frames: Sequence[bytes]) -> Sent:
        try:
            if isinstance(route, str):
                station = self._lines[route].dealer
                if station is None:
                    return Sent.GONE
                self._stations.touched[station] = None
            else:
                station = self._listeners[route[:1]]
                self._stations.touched[station] = None
                station.socket.send(route[1:], _NOW_MORE)
            self._send_frames(station.socket, frames)
        except zmq.Again:
            return Sent.BLOCKED
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return Sent.GONE
        return Sent.SENT

    def receive(self, limit: int) -> tuple[list[Arrival], list[LinkEvent]]:
        touched = self._stations.take_touched()
        carrying = [station for station in touched if station.attend is None]
        # Before the messages are taken: news of a connection must not overtake what came over it.
        for station in touched:
            if station.attend is not None:
                station.attend(station)
        arrivals: list[Arrival] = []
        left = [station for station in carrying if not self._drain(station, arrivals, limit)]
        if left:
            # Those that had no turn come first next time, and the news waits for them.
            self._stations.touched = dict.fromkeys([*left[1:], left[0], *self._stations.touched])
            return arrivals, []
        news = self._news.copy()
        self._news.clear()
        for event in news:
            self._lines[event.peer].settle(event)
        return arrivals, news

    def pending(self) -> bool:
        return bool(self._news) or self._stations.pending()

    def reset(self, peer: str) -> None:
        self._lines[peer].reset()

    async def attend(self) -> None:
        hosts: dict[str, list[RemoteLine]] = {}
        for line in self._lines.values():
            if isinstance(line, RemoteLine):
                hosts.setdefault(line.host, []).append(line)
        async with trio.open_nursery() as nursery:
            for host, lines in hosts.items():
                nursery.start_soon(self._help, host, lines)

    async def wait(self) -> None:
        with trio.CancelScope() as self._waiting:
            await trio.lowlevel.wait_readable(self._stations.fileno())

    def close(self) -> None:
        self._stations.close()

    def _new_line(self, name: str, peer: str | RemotePeer) -> Line:
        if isinstance(peer, str):
            return Line(name, peer, self._stations, self._settings, self._news)
        assert self._remote is not None
        keys = self._remote.keys
        return remote_line(name, peer, keys, self._stations, self._settings, self._news, self._clock)

    async def _help(self, host: str, lines: list[RemoteLine]) -> None:
        """Dial the peers on one node where ZeroMQ does not by itself, for as long as the bus runs."""
        while True:
            if any(line.wants_help for line in lines):
                found = await look_up(host, self._settings.remote_name_s)
                # Some may have come up meanwhile.
                for line in lines:
                    if line.wants_help:
                        line.help(found)
                self._waiting.cancel()
            await trio.sleep(self._settings.remote_redial_s)

    def _send_frames(self, socket: zmq.Socket[bytes], frames: Sequence[bytes]) -> None:
        last = len(frames) - 1
        for index, frame in enumerate(frames):
            flags = _NOW if index == last else _NOW_MORE
            socket.send(frame, flags, copy=len(frame) < self._settings.zero_copy_bytes)

    def _arrival(self, station: Station) -> Arrival:
        socket = station.socket
        frames = [socket.recv(_NOW)]
        while socket.getsockopt(_RCVMORE):
            frames.append(socket.recv(_NOW))
        return (
            Arrival(station.peer, frames) if station.peer else Arrival(station.prefix + frames[0], frames[1:])
        )

    def _drain(self, station: Station, arrivals: list[Arrival], limit: int) -> bool:
        """Take messages until there is none (true) or there are `limit` in all."""
        try:
            while len(arrivals) < limit:
                arrivals.append(self._arrival(station))
        except zmq.Again:
            return True
        return False
