"""Which endpoints may be used. A wrong one is refused before a socket exists, with the remedy."""

from __future__ import annotations

import ipaddress

_UNIX_PATH_BYTES_MAX = 107
"""sizeof(sockaddr_un.sun_path) is 108 on Linux, one of which ends the string (unix(7))."""


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
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"bus endpoint {endpoint!r}: want tcp://host:port with a port of 1 to 65535")
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError(
            f"bus endpoint {endpoint!r}: only loopback addresses are served, as what travels here is neither"
            " encrypted nor authenticated: use ipc:// or tcp://127.0.0.1:port"
        )
