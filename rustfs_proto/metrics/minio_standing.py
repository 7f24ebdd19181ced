"""MinIO's metrics of drives, sets and the cluster, from how the deployment stands.

There is one pool yet: its number is 0, as in MinIO a cluster's that was never made larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rustfs_proto.metrics.families import Family, Kind
from rustfs_proto.metrics.standing import DriveStanding, SetStanding, Standing
from rustfs_proto.wire.metrics_ops import Measure

_POOL = "0"

_DRIVE_VALUES: dict[str, Callable[[DriveStanding], int]] = {
    "total_bytes": lambda one: one.total_bytes,
    "used_bytes": lambda one: one.total_bytes - one.free_bytes,
    "free_bytes": lambda one: one.free_bytes,
}

_SET_VALUES: dict[str, Callable[[SetStanding], int]] = {
    "online_drives": lambda one: one.online,
    "healing_drives": lambda one: one.healing,
    "read_quorum": lambda one: one.read_quorum,
    "write_quorum": lambda one: one.write_quorum,
    "status": lambda one: one.online >= one.write_quorum,
}

_SET_VALUES_V3: dict[str, Callable[[SetStanding], int]] = {
    "online_drives_count": lambda one: one.online,
    "healing_drives_count": lambda one: one.healing,
    "read_quorum": lambda one: one.read_quorum,
    "write_quorum": lambda one: one.write_quorum,
    "health": lambda one: one.online >= one.write_quorum,
    "read_health": lambda one: one.online >= one.read_quorum,
    "write_health": lambda one: one.online >= one.write_quorum,
    "read_tolerance": lambda one: one.online - one.read_quorum,
    "write_tolerance": lambda one: one.online - one.write_quorum,
}

_FAMILIES: dict[str, str] = {
    "minio_cluster_capacity_raw_total_bytes": "Bytes of all drives.",
    "minio_cluster_capacity_raw_free_bytes": "Bytes free on all drives.",
    "minio_cluster_capacity_usable_total_bytes": "Bytes of all drives, without those for parity.",
    "minio_cluster_capacity_usable_free_bytes": "Bytes free on all drives, without those for parity.",
    "minio_cluster_drive_total": "Drives.",
    "minio_cluster_drive_online_total": "Drives that serve.",
    "minio_cluster_drive_offline_total": "Drives that do not serve.",
    "minio_cluster_nodes_online_total": "Nodes that answer.",
    "minio_cluster_nodes_offline_total": "Nodes that do not answer.",
    "minio_cluster_write_quorum": "Drives that writes need, the most of all sets.",
    "minio_cluster_health_status": "Whether every set can be written to.",
    "minio_cluster_health_drives_count": "Drives.",
    "minio_cluster_health_drives_online_count": "Drives that serve.",
    "minio_cluster_health_drives_offline_count": "Drives that do not serve.",
    "minio_cluster_health_nodes_online_count": "Nodes that answer.",
    "minio_cluster_health_nodes_offline_count": "Nodes that do not answer.",
    "minio_cluster_health_capacity_raw_total_bytes": "Bytes of all drives.",
    "minio_cluster_health_capacity_raw_free_bytes": "Bytes free on all drives.",
    "minio_cluster_health_capacity_usable_total_bytes": "Bytes of all drives, without those for parity.",
    "minio_cluster_health_capacity_usable_free_bytes": "Bytes free, without those for parity.",
    "minio_cluster_config_standard_parity": "Parity shards of an object.",
    "minio_node_drive_total": "Drives of the node.",
    "minio_node_drive_online_total": "Drives of the node that serve.",
    "minio_node_drive_offline_total": "Drives of the node that do not serve.",
    "minio_system_drive_count": "Drives of the node.",
    "minio_system_drive_online_count": "Drives of the node that serve.",
    "minio_system_drive_offline_count": "Drives of the node that do not serve.",
    "minio_system_drive_health": "Whether the drive serves.",
    **{f"minio_node_drive_{name}": "Bytes of the drive's file system." for name in _DRIVE_VALUES},
    **{f"minio_system_drive_{name}": "Bytes of the drive's file system." for name in _DRIVE_VALUES},
    **{f"minio_cluster_health_erasure_set_{name}": "Of the erasure set." for name in _SET_VALUES},
    **{f"minio_cluster_erasure_set_{name}": "Of the erasure set." for name in _SET_VALUES_V3},
    "minio_cluster_erasure_set_overall_write_quorum": "Drives that writes need, the most of all sets.",
    "minio_cluster_erasure_set_overall_health": "Whether every set can be written to.",
}

STANDING_FAMILIES = tuple(Family(name, Kind.GAUGE, text) for name, text in _FAMILIES.items())


def v2_cluster(standing: Standing) -> Iterator[Measure]:
    """What `/minio/v2/metrics/cluster` tells of nodes, drives, sets and capacity."""
    if standing.sets:
        yield from _whole_v2(standing)
    for name, value in _nodes(standing).items():
        yield Measure(f"minio_cluster_{name}_total", value)
    for one in standing.sets:
        for name, of_set in _SET_VALUES.items():
            labels = _of_set(one, "pool", "set")
            yield Measure(f"minio_cluster_health_erasure_set_{name}", of_set(one), labels)


def _whole_v2(standing: Standing) -> Iterator[Measure]:
    for name, value in _capacities(standing).items():
        yield Measure(f"minio_cluster_capacity_{name}", value)
    for name, value in _drives(standing).items():
        yield Measure(f"minio_cluster_{name}", value)
    yield Measure("minio_cluster_write_quorum", _write_quorum(standing))
    yield Measure("minio_cluster_health_status", _is_well(standing))


def v3_cluster_health(standing: Standing) -> Iterator[Measure]:
    """`/cluster/health` of version 3."""
    for name, value in _nodes(standing).items():
        yield Measure(f"minio_cluster_health_{name}_count", value)
    if standing.sets:
        for name, value in _capacities(standing).items():
            yield Measure(f"minio_cluster_health_capacity_{name}", value)
        for name, value in _drives(standing).items():
            theirs = name.replace("drive", "drives").removesuffix("_total")
            yield Measure(f"minio_cluster_health_{theirs}_count", value)


def v3_erasure_sets(standing: Standing) -> Iterator[Measure]:
    """`/cluster/erasure-set` of version 3."""
    if standing.sets:
        yield Measure("minio_cluster_erasure_set_overall_write_quorum", _write_quorum(standing))
        yield Measure("minio_cluster_erasure_set_overall_health", _is_well(standing))
    for one in standing.sets:
        for name, of_set in _SET_VALUES_V3.items():
            labels = _of_set(one, "pool_id", "set_id")
            yield Measure(f"minio_cluster_erasure_set_{name}", of_set(one), labels)


def v3_config(standing: Standing) -> Iterator[Measure]:
    """`/cluster/config` of version 3."""
    if standing.sets:
        parity = max(one.parity for one in standing.sets)
        yield Measure("minio_cluster_config_standard_parity", parity)


def drives_of_nodes(standing: Standing, prefix: str, servers: Mapping[int, str]) -> Iterator[Measure]:
    """The drives of `servers`. `prefix` is minio_node_drive or minio_system_drive."""
    end = "_total" if prefix == "minio_node_drive" else "_count"
    for node, server in servers.items():
        own = [one for one in standing.drives if one.node == node]
        if not own:
            continue
        whose = {"server": server}
        online = sum(one.is_serving for one in own)
        yield Measure(f"{prefix}{end}", len(own), whose)
        yield Measure(f"{prefix}_online{end}", online, whose)
        yield Measure(f"{prefix}_offline{end}", len(own) - online, whose)
        for one in own:
            yield from _drive(one, prefix, {"drive": one.path, "server": server})


def _drive(one: DriveStanding, prefix: str, labels: dict[str, str]) -> Iterator[Measure]:
    if prefix == "minio_system_drive":
        yield Measure(f"{prefix}_health", one.is_serving, labels)
    if one.total_bytes:
        for name, value in _DRIVE_VALUES.items():
            yield Measure(f"{prefix}_{name}", value(one), labels)


def _capacities(standing: Standing) -> dict[str, int]:
    drives = [one for one in standing.drives if one.total_bytes]
    if not drives:
        return {}
    return {
        "raw_total_bytes": sum(one.total_bytes for one in drives),
        "raw_free_bytes": sum(one.free_bytes for one in drives),
        "usable_total_bytes": sum(standing.usable(one, one.total_bytes) for one in drives),
        "usable_free_bytes": sum(standing.usable(one, one.free_bytes) for one in drives),
    }


def _drives(standing: Standing) -> dict[str, int]:
    online = sum(one.is_serving for one in standing.drives)
    return {
        "drive_total": len(standing.drives),
        "drive_online_total": online,
        "drive_offline_total": len(standing.drives) - online,
    }


def _nodes(standing: Standing) -> dict[str, int]:
    online = sum(one.answers for one in standing.nodes)
    return {"nodes_online": online, "nodes_offline": len(standing.nodes) - online}


def _write_quorum(standing: Standing) -> int:
    return max(one.write_quorum for one in standing.sets)


def _is_well(standing: Standing) -> bool:
    return all(one.online >= one.write_quorum for one in standing.sets)


def _of_set(one: SetStanding, pool: str, number: str) -> dict[str, str]:
    return {pool: _POOL, number: str(one.index)}
