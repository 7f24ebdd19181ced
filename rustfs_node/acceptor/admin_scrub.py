"""The scrubs of all drives, below `/minio/admin/v3/`:

GET  scrub/status[?set=N][&drive=D]                how they are
POST scrub/start[?set=N][&drive=D][&flat_out=true] begin a round now, within the budget or as fast as it goes
POST scrub/stop[?set=N][&drive=D]                  end rounds that were ordered

`drive` is a folder as nodes were given it, or that with its node before it, as `info` tells it.
"""

from __future__ import annotations

from typing import Any

import trio
from msgspec import structs

from rustfs_node.acceptor.admin_healing import chosen_sets
from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.sets import typed
from rustfs_node.plan import DrivePlan
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.target import Params
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.scrub_ops import (
    SCRUB_START,
    SCRUB_STOP,
    SCRUB_TELL,
    ScrubRefusal,
    SetScrub,
    SetScrubTold,
)

_ACTIONS = {
    ("GET", "scrub/status"): SCRUB_TELL,
    ("POST", "scrub/start"): SCRUB_START,
    ("POST", "scrub/stop"): SCRUB_STOP,
}
SCRUB_REQUESTS = frozenset(_ACTIONS)
"""Method and name."""


async def answer_scrub(
    asked: tuple[str, str], params: Params, services: Services, trace: str
) -> dict[str, object]:
    """Do what is asked; each drive that was chosen with how its scrub is, or why that is not known. Raises
    `S3Error`.
    """
    action, is_flat_out = _ACTIONS[asked], params.get("flat_out") == "true"
    chosen = _chosen(params, services)
    told: dict[int, SetScrubTold] = {}

    async def ask(index: int, slots: tuple[int, ...]) -> None:
        told[index] = await _ask(index, SetScrub(action, is_flat_out, slots), services, trace)

    async with trio.open_nursery() as nursery:
        for index, slots in chosen.items():
            nursery.start_soon(ask, index, slots)
    plan, names = services.monitor.plan, services.monitor.names
    places = [
        (index, drive, f"{names[drive.node]}{drive.path}")
        for index, slots in chosen.items()
        for drive in plan.sets[index].drives
        if drive.slot in slots
    ]
    return {"drives": [_document(index, drive, name, told[index]) for index, drive, name in places]}


def _chosen(params: Params, services: Services) -> dict[int, tuple[int, ...]]:
    """Slots by set."""
    plan, names, wanted = services.monitor.plan, services.monitor.names, params.get("drive", "")
    sets = chosen_sets(params.get("set", ""), len(plan.sets))
    slots = {
        index: tuple(
            drive.slot
            for drive in plan.sets[index].drives
            if wanted in {"", drive.path, f"{names[drive.node]}{drive.path}"}
        )
        for index in sets
    }
    found = {index: those for index, those in slots.items() if those}
    if not found:
        raise S3Error("InvalidArgument", f"no drive {wanted}: see rustfs-node ctl drive list")
    return found


async def _ask(index: int, message: SetScrub, services: Services, trace: str) -> SetScrubTold:
    """A set that does not answer is told as its drives' silence."""
    sets, deadline_s = services.sets, services.settings.set_deadline_s
    try:
        reply = await sets.bus.call(sets.names[index], message, deadline_s=deadline_s, trace=trace)
    except Fault as fault:
        reason = f"set {index} does not answer: {fault.message}"
        return SetScrubTold((), tuple(ScrubRefusal(slot, reason) for slot in message.slots))
    return typed(reply, SetScrubTold)


def _document(index: int, drive: DrivePlan, name: str, told: SetScrubTold) -> dict[str, Any]:
    place = {"set_index": index, "disk_index": drive.slot, "endpoint": name, "path": drive.path}
    reasons = [one.reason for one in told.refusals if one.slot == drive.slot]
    views = [one for one in told.scrubs if one.slot == drive.slot]
    if reasons or not views:
        return place | {"reason": next(iter(reasons), "its set tells nothing of it")}
    fields = structs.asdict(views[0])
    fields["running"] = fields.pop("is_running")
    fields["left_s"] = None if fields["left_s"] < 0 else fields["left_s"]
    del fields["slot"]
    return place | fields
