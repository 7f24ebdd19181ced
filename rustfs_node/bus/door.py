"""The door for other nodes: a ROUTER over TCP, encrypted, for those whose keys are allowed.

ZeroMQ hands over nothing of a connection before its handshake is done, and ends the handshake only when it
was told here that the key is good. That question is answered within the turns of the bus, like everything
else that arrives.
"""

from __future__ import annotations

import zmq

from rustfs_node.bus.attempt import why_refused
from rustfs_node.bus.curve import RemoteSide, key_bytes
from rustfs_node.bus.stations import Station, Stations
from rustfs_node.bus.strangers import Strangers
from rustfs_node.bus.zap import ADDRESS, DOMAIN, judge
from rustfs_node.settings.bus import BusSettings

_NOW = int(zmq.NOBLOCK)
_MONITORED = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL


def open_door(
    stations: Stations, side: RemoteSide, settings: BusSettings, strangers: Strangers, prefix: bytes
) -> Station:
    """Listen. Raises `OSError` where that cannot be."""
    assert side.listen is not None
    listen, allowed = side.listen, frozenset(map(key_bytes, side.allowed))

    def answer(station: Station) -> None:
        while station.has_message():
            judgement = judge(station.socket.recv_multipart(_NOW), allowed)
            if judgement.refused:
                strangers.turned_away(listen, judgement.address, judgement.refused)
            station.socket.send_multipart(judgement.answer, _NOW)

    def hear(station: Station) -> None:
        for event, value in station.events():
            strangers.turned_away(listen, "", why_refused(event, value))

    # Before there is a door: without somebody to ask, ZeroMQ would have to let everybody in or nobody.
    stations.watch(Station(stations.question_socket(ADDRESS), attend=answer))
    socket = stations.secured_socket(zmq.ROUTER)
    door = stations.watch(Station(socket, prefix=prefix))
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.setsockopt(zmq.CURVE_SERVER, 1)
    socket.setsockopt(zmq.CURVE_SECRETKEY, side.keys.secret.encode())
    socket.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
    socket.setsockopt(zmq.BACKLOG, settings.remote_backlog)
    if "[" in listen:
        socket.setsockopt(zmq.IPV6, 1)
    stations.monitor(socket, _MONITORED, "", hear)
    bind(socket, listen)
    return door


def bind(socket: zmq.Socket[bytes], listen: str) -> None:
    """Raises `OSError` with a sentence for the operator."""
    try:
        socket.bind(listen)
    except zmq.ZMQError as error:
        raise OSError(error.errno, f"the bus cannot listen at {listen}: {error}") from error
