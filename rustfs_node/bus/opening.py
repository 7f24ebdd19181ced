"""Opens a bus between processes."""

from __future__ import annotations

from collections.abc import Mapping

from rustfs_node.bus.bus import Bus
from rustfs_node.bus.curve import RemotePeer, RemoteSide, key_bytes
from rustfs_node.bus.endpoints import check_door, check_endpoint, host_and_port
from rustfs_node.bus.zmq_link import ZmqLink
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.bus import BusSettings


def open_bus(
    own_name: str,
    listen: str | None,
    peers: Mapping[str, str | RemotePeer],
    settings: BusSettings,
    clock: Clock,
    remote: RemoteSide | None = None,
) -> Bus:
    """A bus that answers at the endpoint `listen` (None: only asks) and dials `peers`, a map of names to
    endpoints on this node or to peers on others, with whom it speaks as `remote` says.

    Endpoints are `ipc:///path` or `tcp://127.0.0.1:port`. Nothing happens before `Bus.run`. Raises
    `ValueError` for an endpoint or a key that cannot be used.
    """
    if listen is not None:
        check_endpoint(listen)
    if remote is not None:
        _check_side(remote)
    for name, peer in peers.items():
        if isinstance(peer, str):
            check_endpoint(peer)
            continue
        if remote is None:
            raise ValueError(f"{name} is on another node, and this process has no keys: give `remote`")
        host_and_port(peer.endpoint)
        key_bytes(peer.public_key)
    far = frozenset(name for name, peer in peers.items() if isinstance(peer, RemotePeer))
    link = ZmqLink(listen, dict(peers), settings, clock, remote)
    # Two lives of one process never begin in the same millisecond: starting one takes longer.
    return Bus(own_name, clock.wall_ms(), peers, link, settings, clock, far)


def _check_side(remote: RemoteSide) -> None:
    if remote.listen is not None:
        check_door(remote.listen)
    for key in (remote.keys.public, remote.keys.secret, *remote.allowed):
        key_bytes(key)
