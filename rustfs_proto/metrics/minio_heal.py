"""What MinIO's heal API tells, as `mc admin heal` reads it: of a sequence, of versions that it went over, and
of how the deployment heals by itself.

A heal of MinIO's never says more than how each drive's shard was before and after, in MinIO's words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
import msgspec

from rustfs_proto.erasure.durability import Damage
from rustfs_proto.erasure.surveying import GOOD
from rustfs_proto.metrics.admin import Deployment, drive_info
from rustfs_proto.metrics.standing import DriveStanding, SetStanding, Standing
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.versions import NULL_VERSION, version_id_of
from rustfs_proto.wire.heal_ops import HealView, RebuildView
from rustfs_proto.wire.sequence_ops import ENDED, FINISHED, SequenceItem, SequenceView

NORMAL_SCAN, DEEP_SCAN = 1, 2
"""MinIO's scan modes: whether shards are there, and whether they can be read."""

_BUCKETS = b"buckets/"
_STATES: Mapping[str, str] = {
    GOOD: "ok",
    Damage.MISSING: "missing",
    Damage.STALE: "missing",
    Damage.AWAY: "offline",
}
_CORRUPT = "corrupt"


class HealOptions(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a request that begins a heal. `pool` and `set` choose an erasure set."""

    recursive: bool = False
    dry_run: bool = False
    remove: bool = False
    recreate: bool = False
    scan_mode: int = NORMAL_SCAN
    update_parity: bool = False
    nolock: bool = False
    pool: int | None = None
    set: int | None = None


@attrs.frozen
class DriveName:
    """A drive as MinIO's clients know it."""

    drive_id: str
    endpoint: str


def time_text(ms: int) -> str:
    """A time as Go reads it."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def heal_started(token: str, client: str, began_ms: int) -> dict[str, Any]:
    """What is answered when a heal was begun, or stopped."""
    return {"clientToken": token, "clientAddress": client, "startTime": time_text(began_ms)}


def heal_status(
    views: Sequence[SequenceView],
    items: Sequence[tuple[int, SequenceItem]],
    drives: Mapping[int, Sequence[DriveName]],
    *,
    silent: Collection[int] = (),
    lost: Collection[int] = (),
) -> dict[str, Any]:
    """How a heal is; `items` with the index of their set, and `drives` by set and slot. Of the sets that it
    is in, workers of those in `silent` do not answer, and those of `lost` know nothing of it any more.
    """
    first = views[0]
    has_ended = all(view.state in ENDED for view in views) and not silent
    is_whole = all(view.state == FINISHED for view in views) and not lost
    detail = [f"set {view.set_index}: {view.reason}" for view in views if view.reason]
    detail += [f"set {index}: its worker was started again amid it" for index in sorted(lost)]
    ended = "finished" if is_whole else "stopped"
    return {
        "Summary": ended if has_ended else "running",
        **({"Detail": "; ".join(detail)} if detail else {}),
        "StartTime": time_text(min((view.began_ms for view in views if view.began_ms), default=0)),
        "NumDisks": sum(map(len, drives.values())),
        "Settings": {
            "recursive": True,
            "dryRun": first.dry_run,
            "remove": False,
            "recreate": False,
            "scanMode": DEEP_SCAN if first.deep else NORMAL_SCAN,
        },
        "Items": [_item(number, item, drives[index]) for number, (index, item) in enumerate(items, start=1)],
    }


def _item(number: int, item: SequenceItem, drives: Sequence[DriveName]) -> dict[str, Any]:
    kind, bucket, key = "object", item.bucket, item.key
    if bucket == SYSTEM_BUCKET:
        is_bucket = key.startswith(_BUCKETS)
        kind = "bucket" if is_bucket else "metadata"
        bucket, key = (key.removeprefix(_BUCKETS).decode(), b"") if is_bucket else (bucket, key)
    return {
        "resultId": number,
        "type": kind,
        "bucket": bucket,
        "object": key.decode(errors="replace"),
        "versionId": "" if item.sub == NULL_VERSION else version_id_of(item.sub),
        "detail": item.reason,
        "parityBlocks": len(drives) - item.k,
        "dataBlocks": item.k,
        "diskCount": len(drives),
        "setCount": 1,
        "before": {"drives": _shards(item.before, drives)},
        "after": {"drives": _shards(item.after, drives)},
        "objectSize": item.object_bytes,
    }


def _shards(shards: Sequence[str], drives: Sequence[DriveName]) -> list[dict[str, str]]:
    return [
        {"uuid": drive.drive_id, "endpoint": drive.endpoint, "state": _STATES.get(shard, _CORRUPT)}
        for shard, drive in zip(shards, drives, strict=True)
    ]


def background_heal(standing: Standing, told: Deployment, healing: Mapping[int, HealView]) -> dict[str, Any]:
    """How the deployment heals by itself: its drives by set, and those that are being rebuilt; `healing` is
    what set workers say, by the index of their set.
    """
    sets = [_set(one, standing, told, healing.get(one.index, HealView())) for one in standing.sets]
    return {
        "ScannedItemsCount": sum(scrub.rows for view in healing.values() for scrub in view.scrubs),
        "HealDisks": [disk["endpoint"] for one in sets for disk in one["disks"] if disk["healing"]],
        "sets": sets,
        "mrf": {
            told.names[told.own_node]: {
                "items_healed": sum(view.healed for view in healing.values()),
                "total_items": sum(view.healed + view.notes for view in healing.values()),
            }
        },
        "scParity": {
            "STANDARD": max((one.parity for one in standing.sets), default=0),
            "REDUCED_REDUNDANCY": told.rrs_parity,
        },
    }


def _set(one: SetStanding, standing: Standing, told: Deployment, view: HealView) -> dict[str, Any]:
    rebuilds = {rebuild.slot: rebuild for rebuild in view.rebuilds}
    own = [drive for drive in standing.drives if drive.set_index == one.index]
    return {
        "id": str(one.index),
        "pool_index": 0,
        "set_index": one.index,
        "heal_status": "Healing" if one.healing or view.notes else "",
        "heal_priority": "",
        "total_objects": 0,
        "disks": [_disk(drive, told, rebuilds.get(drive.slot)) for drive in own],
    }


def _disk(drive: DriveStanding, told: Deployment, rebuild: RebuildView | None) -> dict[str, Any]:
    disk = drive_info(drive, told)
    if rebuild is None:
        return disk
    return disk | {
        "heal_info": {
            "id": disk["uuid"],
            "pool_index": 0,
            "set_index": drive.set_index,
            "disk_index": drive.slot,
            "endpoint": disk["endpoint"],
            "path": drive.path,
            "objects_total_count": rebuild.rows + rebuild.rows_left,
            "items_healed": rebuild.rows,
            "bytes_done": rebuild.size_bytes,
            "finished": False,
        }
    }
