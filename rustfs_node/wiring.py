"""From the plan to the arguments of a bus: who is dialled how, and who may dial.

Between the bus, which knows no plans, and the roles, which know no keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from rustfs_node import __version__
from rustfs_node.bus import Bus, KeyPair, RemotePeer, RemoteSide, open_bus
from rustfs_node.plan import NodePlan
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.usage import own_usage
from rustfs_proto.wire.metrics_ops import Measure


def open_worker_bus(
    plan: NodePlan,
    name: str,
    clock: Clock,
    *,
    listen: str | None = None,
    listen_remote: str = "",
    peers: Mapping[str, tuple[int, str]] | None = None,
) -> Bus:
    """The bus of a worker that answers at `listen` and, for other nodes, at `listen_remote`. `peers`: name to
    number of the node and endpoint.
    """
    dialled: dict[str, str | RemotePeer] = {
        peer: endpoint if node == plan.node_number else RemotePeer(endpoint, plan.nodes[node].public_key)
        for peer, (node, endpoint) in (peers or {}).items()
    }
    bus = open_bus(name, listen, dialled, plan.settings.bus, clock, _remote_side(plan, listen_remote))
    bus.meter.add(partial(_usage, clock, clock.wall_ms() / 1000))
    return bus


def _usage(clock: Clock, started_s: float) -> Iterator[Measure]:
    used = own_usage()
    yield Measure("rustfs_build_info", 1, {"version": __version__})
    yield Measure("rustfs_process_clock_seconds", clock.wall_ms() / 1000)
    yield Measure("rustfs_process_start_time_seconds", started_s)
    yield Measure("rustfs_process_cpu_seconds_total", used.cpu_s)
    yield Measure("rustfs_process_resident_memory_bytes", used.resident_bytes)
    yield Measure("rustfs_process_open_fds", used.descriptors)
    yield Measure("rustfs_process_max_fds", used.descriptors_max)


def _remote_side(plan: NodePlan, listen_remote: str) -> RemoteSide | None:
    if plan.keys is None:
        return None
    others = [one.public_key for number, one in enumerate(plan.nodes) if number != plan.node_number]
    keys = KeyPair(plan.keys.public, plan.keys.secret)
    return RemoteSide(keys, listen_remote or None, frozenset(others))
