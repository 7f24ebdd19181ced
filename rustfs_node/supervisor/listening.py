"""Whether the address is free. Acceptors share their port by SO_REUSEPORT, which would let the acceptors of a
second node of the same user join in and take half of the clients; so the supervisor looks first, without it.
"""

from __future__ import annotations

import errno
import socket

import trio

_POLL_S = 0.05
_PORT_MAX = 65535


class AddressError(Exception):
    """The address cannot be listened at; the text says why and what to do."""


def parse_address(address: str) -> tuple[str, int]:
    """Host (empty: all) and port. Raises `AddressError`."""
    host, colon, port = address.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > _PORT_MAX:
        raise AddressError(f"address {address!r}: write host:port, :port for all addresses, or [IPv6]:port")
    if int(port) == 0:
        raise AddressError(
            f"address {address!r}: name a port from 1 to {_PORT_MAX}; a chosen one is told to nobody"
        )
    return host.strip("[]"), int(port)


async def check_address(address: str, wait_s: float) -> None:
    """Return when nobody listens there, waiting a moment for the acceptors of a node that was killed. Raises
    `AddressError`.
    """
    deadline_s = trio.current_time() + wait_s
    while True:
        try:
            _try_to_listen(address)
            return
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise AddressError(
                    f"address {address}: {error.strerror}; choose another --address"
                ) from error
            if trio.current_time() >= deadline_s:
                raise AddressError(
                    f"address {address} is in use by another process; stop it or choose another --address"
                ) from error
        await trio.sleep(_POLL_S)


def _try_to_listen(address: str) -> None:
    host, port = parse_address(address)
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, place in found:
        with socket.socket(family, kind, protocol) as probe:
            # Connections that linger after a stop do not matter; a listener does.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(place)
