"""Which endpoints may be used. A wrong one is refused before a socket exists, with the remedy."""

from __future__ import annotations

import ipaddress
import re

_UNIX_PATH_BYTES_MAX = 107
"""sizeof(sockaddr_un.sun_path) is 108 on Linux, one of which ends the string (unix(7))."""

_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_NUMBERS = re.compile(r"[0-9.]+")


def check_endpoint(endpoint: str) -> None:
    """Raises `ValueError`, in words for the operator, for an endpoint that cannot work or is not safe."""
    scheme, separator, rest = endpoint.partition("://")
    if not separator or scheme not in {"ipc", "tcp"}:
        raise ValueError(f"bus endpoint {endpoint!r}: want ipc:///path or tcp://127.0.0.1:port")
    if scheme == "ipc":
        _check_path(endpoint, rest)
    else:
        _check_address(endpoint, rest)


def _check_path(endpoint: str, path: str) -> None:
    if not path.startswith("/"):
        raise ValueError(f"bus endpoint {endpoint!r}: the path must be absolute")
    length = len(path.encode())
    if length > _UNIX_PATH_BYTES_MAX:
        raise ValueError(
            f"bus endpoint {endpoint!r}: the path has {length} bytes and a unix socket allows"
            f" {_UNIX_PATH_BYTES_MAX}: choose a shorter runtime folder"
        )


def _check_address(endpoint: str, address: str) -> None:
    host, _ = _split(endpoint, address)
    if host != "localhost" and not _address(host).is_loopback:
        raise ValueError(
            f"bus endpoint {endpoint!r}: only loopback addresses are served, as what travels here is neither"
            " encrypted nor authenticated: use ipc:// or tcp://127.0.0.1:port"
        )


def host_and_port(endpoint: str) -> tuple[str, int]:
    """Of a peer on another node: `tcp://host:port`, IPv6 in brackets. Raises `ValueError` for all else."""
    scheme, _, address = endpoint.partition("://")
    if scheme != "tcp":
        raise ValueError(f"bus endpoint {endpoint!r}: another node is reached at tcp://host:port")
    host, port = _split(endpoint, address)
    if not _is_written_well(host):
        raise ValueError(f"bus endpoint {endpoint!r}: {host!r} is no name, IPv4 address or [IPv6 address]")
    return host, port


def check_door(endpoint: str) -> None:
    """Of this process, for other nodes: `tcp://address:port`. Names may have several addresses."""
    host, _ = host_and_port(endpoint)
    if _address(host) is _NOWHERE:
        raise ValueError(
            f"bus endpoint {endpoint!r}: want an address of this machine, or 0.0.0.0 or [::] for all of them,"
            f" not the name {host!r}"
        )


_NOWHERE = ipaddress.ip_address("0.0.0.1")
"""Stands for a host that is no address; itself it is none that can be used (RFC 1122, 3.2.1.3)."""


def _split(endpoint: str, address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or not port.isascii() or not 0 < int(port) < 65536:
        raise ValueError(f"bus endpoint {endpoint!r}: want tcp://host:port with a port of 1 to 65535")
    return host, int(port)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return _NOWHERE


def _is_written_well(host: str) -> bool:
    address = _address(host)
    if isinstance(address, ipaddress.IPv6Address):
        return host.startswith("[") and host.endswith("]")
    if host.startswith("["):
        return False
    return address is not _NOWHERE or (_NAME.fullmatch(host) is not None and not _NUMBERS.fullmatch(host))
