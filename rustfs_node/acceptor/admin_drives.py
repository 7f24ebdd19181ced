"""What an operator asks of one drive of this node, passed on to its supervisor.

    POST drive/replace?path=/data1[&accept=true]   an empty folder becomes the slot's new drive
    POST drive/online?path=/data1[&accept=true]    the drive that belongs there is served again
    POST drive/offline?path=/data1[&accept=true]   it is served no more, until it is told otherwise; where its
                                                   set could not be written to any more only if accepted
    POST drive/locate?path=/data1[&light=on|off]   where its disk is; the light there is switched

below `/minio/admin/v3/`. Unlike other faults those of the supervisor are told as they are: they are written
for the one who asks.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.health import AWAY
from rustfs_node.acceptor.sets import typed
from rustfs_node.bus import Reply
from rustfs_node.plan import CONTROL
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.target import Params
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.message import Message
from rustfs_proto.wire.set_ops import SetStatus, SetStatusReply
from rustfs_proto.wire.supervisor_ops import (
    DriveGone,
    DriveLetGo,
    DriveLocate,
    DriveLocated,
    DriveLookAgain,
    DriveStands,
)

_CODES = {
    FaultCode.NOT_FOUND: "InvalidArgument",
    FaultCode.CONFLICT: "InvalidBucketState",
    FaultCode.DRIVE_FAULT: "InternalError",
    FaultCode.INVALID: "InvalidArgument",
}

_REQUESTS: dict[str, Callable[[str, bool], Message]] = {
    "drive/replace": lambda path, accepts: DriveLookAgain(path, formats=True, accepts=accepts),
    "drive/online": lambda path, accepts: DriveLookAgain(path, accepts=accepts),
    "drive/offline": lambda path, _: DriveLetGo(path),
}

LOCATE = "drive/locate"
ACTIONS = frozenset({*_REQUESTS, LOCATE})


async def answer_drive(name: str, params: Params, services: Services, trace: str) -> dict[str, object]:
    """What became of the drive. Raises `S3Error` with the supervisor's words."""
    path = params.get("path", "")
    if not path:
        raise S3Error("InvalidArgument", "name the drive: path=/the/folder/of/the/drive")
    if name == LOCATE:
        return await _locate(path, params.get("light", ""), services, trace)
    accepts = params.get("accept") == "true"
    if name == "drive/offline" and not accepts:
        await _refuse_where_needed(path, services)
    try:
        reply = await _ask_supervisor(_REQUESTS[name](path, accepts), services, trace)
    except Fault as fault:
        # Its worker was let go to look at the folder, and there is none now.
        if fault.code == FaultCode.CONFLICT:
            _tell_gone(path, fault.message, services)
        raise _as_told(fault) from fault
    stands = typed(reply, DriveStands)
    if name == "drive/offline":
        _tell_gone(path, f"it was taken offline: rustfs-node ctl drive online {path} takes it back", services)
    return {
        "path": path,
        "set_index": stands.set_index,
        "disk_index": stands.slot,
        "uuid": stands.drive_id,
        "new": stands.is_new,
    }


async def _locate(path: str, light: str, services: Services, trace: str) -> dict[str, object]:
    try:
        reply = await _ask_supervisor(DriveLocate(path, light), services, trace)
    except Fault as fault:
        raise _as_told(fault) from fault
    found = structs.asdict(typed(reply, DriveLocated))
    place = {"path": path, "node": services.monitor.names[services.monitor.plan.node_number]}
    named = {
        "set_index": found.pop("set_index"),
        "disk_index": found.pop("slot"),
        "uuid": found.pop("drive_id"),
    }
    disks = [structs.asdict(one) for one in found.pop("disks")]
    return place | named | found | {"disks": disks}


async def _ask_supervisor(message: Message, services: Services, trace: str) -> Reply:
    """Raises `Fault`."""
    return await services.sets.bus.call(
        CONTROL, message, deadline_s=services.settings.drive_deadline_s, trace=trace
    )


def _as_told(fault: Fault) -> S3Error:
    """With the supervisor's words."""
    return S3Error(_CODES.get(fault.code, "ServiceUnavailable"), fault.message)


def _tell_gone(path: str, reason: str, services: Services) -> None:
    """Let the workers of its set know why the drive does not answer; who does not hear it says only that."""
    place = _place_of(path, services)
    if place is not None:
        services.sets.notify_set(place[0], DriveGone(place[1], reason))


def _place_of(path: str, services: Services) -> tuple[int, int] | None:
    """Set and slot of a drive of this node."""
    plan = services.monitor.plan
    own = ((one.index, drive) for one in plan.sets for drive in plan.own_drives(one))
    return next(((index, drive.slot) for index, drive in own if drive.path == path), None)


async def _refuse_where_needed(path: str, services: Services) -> None:
    place = _place_of(path, services)
    if place is None:
        # The supervisor says which drives there are.
        return
    statuses = await services.sets.status_of_all(
        SetStatus(), SetStatusReply, deadline_s=services.settings.health_deadline_s
    )
    status = statuses[place[0]]
    if isinstance(status, Fault):
        raise S3Error("ServiceUnavailable", f"set {place[0]} does not tell how it is: {status.message}")
    left = sum(view.state not in AWAY and view.slot != place[1] for view in status.drives)
    if left < status.write_quorum:
        raise S3Error(
            "InvalidBucketState",
            f"without {path} set {place[0]} has {left} drives that serve, writes need {status.write_quorum}:"
            " wait until others are back, or add --accept",
        )
