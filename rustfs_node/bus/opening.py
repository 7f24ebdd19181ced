"""Opens a bus between processes."""

from __future__ import annotations

from collections.abc import Mapping

from rustfs_node.bus.bus import Bus
from rustfs_node.bus.endpoints import check_endpoint
from rustfs_node.bus.zmq_link import ZmqLink
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.bus import BusSettings


def open_bus(
    own_name: str, listen: str | None, peers: Mapping[str, str], settings: BusSettings, clock: Clock
) -> Bus:
    """A bus that answers at the endpoint `listen` (None: only asks) and dials `peers`, a map of names to
    endpoints.

    Endpoints are `ipc:///path` or `tcp://127.0.0.1:port`. Nothing happens before `Bus.run`. Raises
    `ValueError` for an endpoint that cannot be used.
    """
    for endpoint in [*([] if listen is None else [listen]), *peers.values()]:
        check_endpoint(endpoint)
    # Two lives of one process never begin in the same millisecond: starting one takes longer.
    return Bus(own_name, clock.wall_ms(), peers, ZmqLink(listen, peers, settings), settings, clock)
