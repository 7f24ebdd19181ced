"""Deleting a bucket without losing a write that is acknowledged meanwhile.

The bucket is first *marked*: every acceptor refuses writes once its cache has expired. Then writes in flight
are waited for, all sets are asked whether anything is left, and only then the bucket goes. The mark is a
lease: if the one who deletes dies, the bucket is as before when it has run out. A write that takes longer
than a cache lives looks at the bucket again before it is acknowledged.
"""

from __future__ import annotations

import attrs
import trio

from rustfs_node.acceptor.buckets import BucketRecord, Buckets, bucket_key
from rustfs_node.acceptor.faults import fault_named
from rustfs_node.acceptor.sets import Sets
from rustfs_node.seams.clock import Clock
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    Delete,
    Deleted,
    ListVersions,
    VersionsListed,
)
from rustfs_proto.wire.upload_ops import UploadList, UploadsListed


async def delete_bucket(buckets: Buckets, sets: Sets, clock: Clock, name: str, trace: str) -> None:
    """Remove an empty bucket; raises NoSuchBucket, BucketNotEmpty or OperationAborted."""
    found = await buckets.look_up(name, trace)
    if found is None:
        raise S3Error("NoSuchBucket", extra={"BucketName": name})
    await _refuse_if_not_empty(sets, name, trace)
    marked = await _mark(buckets, sets, clock, found, trace)
    try:
        with trio.move_on_after(sets.settings.bucket_delete_lease_s / 2) as waiting:
            await buckets.wait_for_writes(name)
        await _refuse_if_not_empty(sets, name, trace)
        if waiting.cancelled_caught or clock.wall_ms() >= marked.leased_until_ms:
            raise S3Error("OperationAborted", "Writes into the bucket did not end; try again.")
    # Cancelled or refused: the bucket stays, so its mark must go, whatever the reason was.
    except BaseException:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + sets.settings.set_deadline_s):
            await buckets.write(attrs.evolve(marked, leased_until_ms=0), expect=marked.stamp, trace=trace)
        raise
    key = bucket_key(name)
    home = sets.home(SYSTEM_BUCKET, key)
    try:
        deleted, _ = await sets.ask(home, Delete(SYSTEM_BUCKET, (key,)), Deleted, trace=trace)
    finally:
        buckets.forget(name)
    if deleted.faults[0]:
        raise fault_named(deleted.faults[0])


async def _mark(buckets: Buckets, sets: Sets, clock: Clock, found: BucketRecord, trace: str) -> BucketRecord:
    busy = S3Error("OperationAborted", "The bucket is being deleted by another request.")
    if found.leased_until_ms > clock.wall_ms():
        raise busy
    until_ms = clock.wall_ms() + int(sets.settings.bucket_delete_lease_s * 1000)
    try:
        return await buckets.write(
            attrs.evolve(found, leased_until_ms=until_ms), expect=found.stamp, trace=trace
        )
    except Fault as fault:
        if fault.code is not FaultCode.CONFLICT:
            raise
        raise busy from None


async def _refuse_if_not_empty(sets: Sets, name: str, trace: str) -> None:
    objects = await sets.ask_all(ListVersions(name, limit=1), VersionsListed, trace=trace)
    uploads = await sets.ask_all(UploadList(name, limit=1), UploadsListed, trace=trace)
    if any(page.entries for page in objects) or any(page.entries for page in uploads):
        raise S3Error("BucketNotEmpty", extra={"BucketName": name})
