"""Deleting a bucket without losing a write that is acknowledged meanwhile.

The bucket is first *marked*: every acceptor refuses writes once its cache has expired. Then writes in flight
are waited for, all sets are asked whether anything is left, and only then the bucket goes. The mark is a
lease: if the one who deletes dies, the bucket is as before when it has run out. A write that takes longer
than a cache lives looks at the bucket again before it is acknowledged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

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


@attrs.define
class Lease:
    """The mark of a bucket that is being deleted, as the one who deletes it holds it."""

    _buckets: Buckets
    _sets: Sets
    _clock: Clock
    _trace: str
    marked: BucketRecord

    @property
    def is_over(self) -> bool:
        """Whether the bucket may take writes again."""
        return self._left_s <= 0

    async def extend(self) -> None:
        """Have enough time for another call to the sets, also as acceptors see it that know the mark from
        their cache. Raises OperationAborted where it is over.
        """
        settings = self._sets.settings
        if self.is_over:
            raise _in_use()
        needed_s = settings.set_deadline_s + settings.bucket_cache_s
        if self._left_s < max(needed_s, settings.bucket_delete_lease_s / 2):
            until_ms = self._clock.wall_ms() + int(settings.bucket_delete_lease_s * 1000)
            await self._write(until_ms)

    async def end(self) -> None:
        """The bucket stays, and takes writes again."""
        await self._write(0)

    @property
    def _left_s(self) -> float:
        return (self.marked.leased_until_ms - self._clock.wall_ms()) / 1000

    async def _write(self, until_ms: int) -> None:
        record = attrs.evolve(self.marked, leased_until_ms=until_ms)
        self.marked = await self._buckets.write(record, expect=self.marked.stamp, trace=self._trace)


Empty = Callable[[Lease], Awaitable[None]]
"""Removes all that is in a bucket while nothing comes in; it extends the lease before each step."""


async def delete_bucket(
    buckets: Buckets, sets: Sets, clock: Clock, name: str, trace: str, *, empty: Empty | None = None
) -> None:
    """Remove a bucket, which is empty or which `empty` makes so; raises NoSuchBucket, BucketNotEmpty or
    OperationAborted.
    """
    found = await buckets.look_up(name, trace)
    if found is None:
        raise S3Error("NoSuchBucket", extra={"BucketName": name})
    if empty is None:
        await _refuse_if_not_empty(sets, name, trace)
    lease = Lease(buckets, sets, clock, trace, await _mark(buckets, sets, clock, found, trace))
    try:
        with trio.move_on_after(sets.settings.bucket_delete_lease_s / 2) as waiting:
            await buckets.wait_for_writes(name)
        if empty is not None:
            # Before the last write has ended, what is removed could be what it is about to acknowledge.
            if waiting.cancelled_caught:
                raise _in_use()
            await empty(lease)
        await _refuse_if_not_empty(sets, name, trace)
        if waiting.cancelled_caught or lease.is_over:
            raise _in_use()
    # Cancelled or refused: the bucket stays, so its mark must go, whatever the reason was.
    except BaseException:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + sets.settings.set_deadline_s):
            await lease.end()
        raise
    key = bucket_key(name)
    lead = sets.lead(SYSTEM_BUCKET, key)
    try:
        deleted, _ = await sets.ask(lead, Delete(SYSTEM_BUCKET, (key,)), Deleted, trace=trace)
    finally:
        buckets.forget(name)
    if deleted.faults[0]:
        raise fault_named(deleted.faults[0])


def _in_use() -> S3Error:
    return S3Error("OperationAborted", "Writes into the bucket did not end; try again.")


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
