"""What MinIO's administration tells of a deployment, as `mc admin info` and MinioAdmin read it.

The documents have the fields that can be told. Additions of our own: `reason` and `full` of a drive, the
quorums of a set, and of a node by how much its clock is ahead and which of its processes are silent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from rustfs_proto.metrics.standing import DriveStanding, NodeStanding, SetStanding, Standing
from rustfs_proto.wire.drive_ops import DriveState

_ERASURE = 2
"""The number of MinIO's kind of backend."""

_STATES = {
    int(DriveState.ONLINE): "ok",
    int(DriveState.SUSPECT): "ok",
    int(DriveState.HEALING): "ok",
    int(DriveState.FAULTY): "faulty",
}


@attrs.frozen
class Deployment:
    """What is told beside how things stand. `drive_ids` and `reasons` go by set and slot; `rrs_parity` is
    that of REDUCED_REDUNDANCY, `buckets` None where that cannot be read now, and `stored` what is stored, as
    `info` has it.
    """

    deployment_id: str
    region: str
    names: Sequence[str]
    own_node: int
    now_s: float
    drive_ids: Mapping[tuple[int, int], str]
    reasons: Mapping[tuple[int, int], str]
    rrs_parity: int
    buckets: int | None
    stored: Mapping[str, Any] = attrs.field(factory=dict)


def server_info(standing: Standing, told: Deployment) -> dict[str, Any]:
    """The document of `info`."""
    online = sum(one.is_serving for one in standing.drives)
    return {
        "mode": "online",
        "region": told.region,
        "deploymentID": told.deployment_id,
        "buckets": _buckets(told),
        **told.stored,
        "backend": {
            "backendType": "Erasure",
            "onlineDisks": online,
            "offlineDisks": len(standing.drives) - online,
            "standardSCParity": _parity(standing),
            "rrSCParity": told.rrs_parity,
            "totalSets": [len(standing.sets)],
            "totalDrivesPerSet": [max((one.drives for one in standing.sets), default=0)],
        },
        "servers": [_server(number, standing, told) for number in range(len(told.names))],
        "pools": {"0": {str(one.index): _set(one, standing) for one in standing.sets}},
    }


def _buckets(told: Deployment) -> dict[str, Any]:
    if told.buckets is None:
        return {"count": 0, "error": "not enough drives answered"}
    return {"count": told.buckets}


def storage_info(standing: Standing, told: Deployment) -> dict[str, Any]:
    """The document of `storageinfo`."""
    by_node = {name: _own_drives(number, standing) for number, name in enumerate(told.names)}
    return {
        "Disks": [drive_info(one, told) for one in standing.drives],
        "Backend": {
            "Type": _ERASURE,
            "OnlineDisks": {name: sum(one.is_serving for one in own) for name, own in by_node.items()},
            "OfflineDisks": {name: sum(not one.is_serving for one in own) for name, own in by_node.items()},
            "StandardSCParity": _parity(standing),
            "RRSCParity": told.rrs_parity,
            "TotalSets": [len(standing.sets)],
            "DrivesPerSet": [max((one.drives for one in standing.sets), default=0)],
        },
    }


def _parity(standing: Standing) -> int:
    return max((one.parity for one in standing.sets), default=0)


def _own_drives(number: int, standing: Standing) -> list[DriveStanding]:
    return [one for one in standing.drives if one.node == number]


def _server(number: int, standing: Standing, told: Deployment) -> dict[str, Any]:
    up = {one.name for one in standing.nodes if one.answers}
    name = told.names[number]
    node = next((one for one in standing.nodes if one.name == name), NodeStanding(name, answers=False))
    return {
        "state": "online" if node.answers else "offline",
        "endpoint": name,
        **({"uptime": max(0, int(told.now_s - node.began_s))} if node.began_s else {}),
        **({"version": node.release} if node.release else {}),
        **({"clockAheadSeconds": round(node.clock_s - told.now_s, 3)} if node.clock_s else {}),
        "silentProcesses": list(node.silent),
        "network": {one: "online" if one in up else "offline" for one in told.names},
        "drives": [drive_info(one, told) for one in _own_drives(number, standing)],
        "poolNumber": 1,
    }


def drive_info(one: DriveStanding, told: Deployment) -> dict[str, Any]:
    """One drive, as all these documents have it."""
    place = (one.set_index, one.slot)
    sizes = {
        "totalspace": one.total_bytes,
        "usedspace": one.total_bytes - one.free_bytes,
        "availspace": one.free_bytes,
    }
    reason = told.reasons.get(place, "")
    return {
        "endpoint": f"{told.names[one.node]}{one.path}",
        "path": one.path,
        "state": _STATES.get(one.state, "offline"),
        "healing": one.state == DriveState.HEALING,
        "full": one.is_full,
        "uuid": told.drive_ids.get(place, ""),
        **(sizes if one.total_bytes else {}),
        "local": one.node == told.own_node,
        "pool_index": 0,
        "set_index": one.set_index,
        "disk_index": one.slot,
        **({"reason": reason} if reason else {}),
    }


def _set(one: SetStanding, standing: Standing) -> dict[str, Any]:
    own = [drive for drive in standing.drives if drive.set_index == one.index]
    return {
        "id": one.index,
        "rawCapacity": sum(drive.total_bytes for drive in own),
        "rawUsage": sum(drive.total_bytes - drive.free_bytes for drive in own),
        "healDisks": one.healing,
        "drives": one.drives,
        "onlineDrives": one.online,
        "readQuorum": one.read_quorum,
        "writeQuorum": one.write_quorum,
        # Each note is on several drives, so the most that one has is nearest to how many there are.
        "healNotes": max((drive.heal_notes for drive in own), default=0),
    }
