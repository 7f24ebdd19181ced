"""An operator's sequences, below `/minio/admin/v3/`:

POST healing/start[?bucket=B[&prefix=P]][&set=0,2][&dry_run=true][&deep=true]   begin one; its id
GET  healing/status[?id=ID]                                                    how it is, or how all are
POST healing/stop?id=ID                                                        stop it

Where a bucket is named the record of the bucket is gone over, too.
"""

from __future__ import annotations

from rustfs_node.acceptor.buckets import bucket_key
from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.sequences import begin, hear, report, stop
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.s3.target import Params
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.sequence_ops import Scope, SequenceStart

HEALING_REQUESTS = frozenset({("POST", "healing/start"), ("GET", "healing/status"), ("POST", "healing/stop")})
"""Method and name."""


async def answer_healing(
    asked: tuple[str, str], params: Params, services: Services, trace: str
) -> dict[str, object]:
    """Do what is asked. Raises `S3Error`."""
    try:
        if asked[1] == "healing/start":
            return {"id": await begin(services, await _order(params, services, trace))}
        if asked[1] == "healing/stop":
            await stop(services, _id_of(params))
        return await _status(params, services)
    except Fault as fault:
        raise S3Error("ServiceUnavailable", fault.message) from fault


async def _order(params: Params, services: Services, trace: str) -> SequenceStart:
    bucket, prefix = params.get("bucket", ""), params.get("prefix", "")
    if prefix and not bucket:
        raise S3Error("InvalidArgument", "a prefix is of a bucket: name that too, bucket=...")
    return SequenceStart(
        "",
        await scopes_of(bucket, prefix, services, trace),
        dry_run=params.get("dry_run") == "true",
        deep=params.get("deep") == "true",
        sets=chosen_sets(params.get("set", ""), len(services.monitor.plan.sets)),
        asked_for=f"{bucket}/{prefix}" if prefix else bucket,
    )


async def scopes_of(
    bucket: str, prefix: str, services: Services, trace: str, *, is_exact: bool = False
) -> tuple[Scope, ...]:
    """What is gone over: everything, or a bucket's record and its keys. Raises `S3Error` NoSuchBucket."""
    if not bucket:
        return (Scope(),)
    await services.buckets.get(bucket, trace)
    key = prefix.encode("utf-8", "surrogateescape")
    return (Scope(SYSTEM_BUCKET, bucket_key(bucket), is_exact=True), Scope(bucket, key, is_exact))


def chosen_sets(text: str, count: int) -> tuple[int, ...]:
    """Those whose numbers are named, with commas between; all where none is. Raises `S3Error`."""
    if not text:
        return tuple(range(count))
    try:
        chosen = sorted({int(number) for number in text.split(",")})
    except ValueError:
        chosen = [-1]
    if not all(0 <= number < count for number in chosen):
        raise S3Error("InvalidArgument", f"set={text!r} names no sets: write numbers from 0 to {count - 1}")
    return tuple(chosen)


def _id_of(params: Params) -> str:
    if not params.get("id"):
        raise S3Error("InvalidArgument", "name the sequence: id=...; healing/status tells of all")
    return params["id"]


async def _status(params: Params, services: Services) -> dict[str, object]:
    name = params.get("id", "")
    heard = await hear(services, name)
    if name and name not in heard.views:
        if heard.silent:
            sets = ", ".join(map(str, sorted(heard.silent)))
            raise S3Error("ServiceUnavailable", f"workers of these sets do not answer: {sets}")
        text = f"no set worker knows a sequence {name}: they were started since, or it is long over"
        raise S3Error("InvalidArgument", text)
    reports = [report(services, heard, one) for one in heard.views]
    return {"sequences": sorted(reports, key=lambda one: (one["began_ms"], one["id"]))}
