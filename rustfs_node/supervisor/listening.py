"""Whether the address is free. Acceptors share their port by SO_REUSEPORT, which would let the acceptors of a
second node of the same user join in and take half of the clients; so the supervisor looks first, without it.
"""

from __future__ import annotations

import errno
import socket

import trio

_POLL_S = 0.05


class AddressError(Exception):
    """The address cannot be listened at; the text says why and what to do."""


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
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise AddressError(f"address {address!r}: write host:port, :port for all addresses, or [IPv6]:port")
    flags = socket.AI_PASSIVE
    found = socket.getaddrinfo(host.strip("[]") or None, int(port), type=socket.SOCK_STREAM, flags=flags)
    for family, kind, protocol, _, place in found:
        with socket.socket(family, kind, protocol) as probe:
            # Connections that linger after a stop do not matter; a listener does.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(place)
