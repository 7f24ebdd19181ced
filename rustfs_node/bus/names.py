"""Names of other nodes and the addresses behind them.

ZeroMQ would look names up itself, but in the thread that serves all connections: one name that a resolver
does not answer for stops them all, and every peer seems silent. So it is only ever given addresses, and names
are looked up beside it, anew for each time that a node is dialled afresh: its address may have changed.
"""

from __future__ import annotations

import ipaddress

import trio


def is_address(host: str) -> bool:
    """Whether there is nothing to look up; IPv6 in brackets."""
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


async def look_up(host: str, limit_s: float) -> list[str] | str:
    """Addresses of a host, IPv6 in brackets, best first; or why there is none."""
    if is_address(host):
        return [host]
    with trio.move_on_after(limit_s):
        try:
            found = await trio.socket.getaddrinfo(host, None, type=trio.socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            return f"the name {host} does not resolve: {error}"
        return [_written(str(place[0])) for *_, place in found]
    return f"the name {host} does not resolve: no answer within {limit_s} s"


def _written(address: str) -> str:
    return f"[{address}]" if ":" in address else address
