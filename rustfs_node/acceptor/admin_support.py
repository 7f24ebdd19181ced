"""What this node runs on, for an operator's bundle: `GET support` below `/minio/admin/v3/`.

Nothing here asks a disk: a drive that hangs is what the bundle may be about.
"""

from __future__ import annotations

from typing import Any

from rustfs_node import __version__
from rustfs_node.plan import NodePlan
from rustfs_node.seams.machine import own_versions, processors, read_mounts
from rustfs_proto.topology.hardware import deepest_at, unescaped

SUPPORT = "support"


def told_support(plan: NodePlan) -> dict[str, Any]:
    """The release, versions, and each drive of this node: who it is by the plan, and where it is mounted."""
    mounts = read_mounts()
    return {
        "release": __version__,
        "versions": own_versions(),
        "processors": processors(),
        "deployment_id": plan.deployment_id,
        "node": plan.node_number,
        "nodes": [one.name for one in plan.nodes],
        "drives": [
            {
                "set_index": one.index,
                "disk_index": drive.slot,
                "path": drive.path,
                "drive_id": drive.drive_id,
                "healing": drive.healing,
                "fault": drive.fault,
                "mount": mount_of(drive.path, mounts),
            }
            for one in plan.sets
            for drive in plan.own_drives(one)
        ],
    }


def mount_of(path: str, mounts: str) -> dict[str, str]:
    """The mount of the table below whose folder the path lies, the last of several there; {} where there is
    none.
    """
    found: list[dict[str, str]] = []
    for line in mounts.splitlines():
        source, folder, kind, options, *_ = map(unescaped, line.split(" "))
        found.append({"source": source, "folder": folder, "type": kind, "options": options})
    return deepest_at(path, ((one["folder"], one) for one in found)) or {}
