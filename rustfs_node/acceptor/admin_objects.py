"""Where the shards of an object are, for an operator: `GET object/inspect?bucket=B&key=K[&deep=true]` below
`/minio/admin/v3/`.
"""

from __future__ import annotations

from rustfs_node.acceptor.call import Services
from rustfs_node.plan import SetPlan
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.target import Params
from rustfs_proto.versions import version_id_of
from rustfs_proto.wire.drive_ops import RowKind
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.inspect_ops import Inspect, Inspected, VersionView

INSPECT = "object/inspect"


async def answer_inspect(params: Params, services: Services, trace: str) -> dict[str, object]:
    """The key's versions, the newest first, with the state of each drive. Raises `S3Error`."""
    bucket, key = params.get("bucket", ""), params.get("key", "")
    if not bucket or not key:
        raise S3Error("InvalidArgument", "name what to inspect: bucket=...&key=...")
    await services.buckets.get(bucket, trace)
    name = key.encode("utf-8", "surrogateescape")
    message, sets = Inspect(bucket, name, params.get("deep") == "true"), services.sets
    one = services.monitor.plan.sets[sets.index_of(bucket, name)]
    try:
        told, _ = await sets.ask(sets.home(bucket, name), message, Inspected, trace=trace)
    except Fault as fault:
        raise S3Error("ServiceUnavailable", fault.message) from fault
    if not told.versions:
        raise S3Error("NoSuchKey", f"no drive knows of {key!r} in {bucket}")
    versions = [_version(view, one, services.monitor.names) for view in told.versions]
    return {"bucket": bucket, "key": key, "set_index": one.index, "versions": versions, "more": told.more}


def _version(view: VersionView, one: SetPlan, names: tuple[str, ...]) -> dict[str, object]:
    drives = [
        {
            "endpoint": f"{names[plan.node]}{plan.path}",
            "disk_index": shard.slot,
            "shard": shard.shard,
            "state": shard.state,
        }
        for shard, plan in zip(view.drives, one.drives, strict=True)
    ]
    return {
        "version_id": version_id_of(view.sub),
        "delete_marker": view.kind == RowKind.MARKER,
        "verdict": view.verdict,
        "size": view.size_bytes,
        "etag": view.etag,
        "data_shards": view.k,
        "parity_shards": view.m,
        "drives": drives,
    }
