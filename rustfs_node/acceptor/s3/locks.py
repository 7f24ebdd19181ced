"""The lock of a version that is about to be made: what the request asks for, or what the bucket gives.

A bucket's default retention counts from when the version is made, so it is worked out when the last byte has
passed. Both need the time of the set in which the version will be, which is asked for only where there is
something to lock.
"""

from __future__ import annotations

from msgspec.structs import replace

from rustfs_node.acceptor.buckets import BucketRecord
from rustfs_node.acceptor.call import Call
from rustfs_proto.locking import UNLOCKED, DefaultRetention, ObjectLock, Retention
from rustfs_proto.s3.object_lock import bucket_lacks_lock, check_in_future, lock_of_headers
from rustfs_proto.wire.set_ops import LockTime, LockTimeTold


async def lock_asked(call: Call, record: BucketRecord) -> ObjectLock | None:
    """The lock that the headers ask for, None where they do not. Raises InvalidArgument, or InvalidRequest in
    a bucket without Object Lock.
    """
    lock = lock_of_headers(call.headers)
    if lock == UNLOCKED:
        return None
    if not record.object_lock:
        raise bucket_lacks_lock(is_upload=True)
    if lock.retention is not None:
        check_in_future(lock.retention, (await lock_time(call)).now_ms)
    return lock


async def with_default(
    call: Call, lock: ObjectLock | None, default: DefaultRetention | None
) -> ObjectLock | None:
    """The lock of a version that is made now: a retention of its own goes before the bucket's."""
    if default is None or (lock is not None and lock.retention is not None):
        return lock
    return replace(lock or UNLOCKED, retention=await default_retention(call, default))


async def default_retention(call: Call, default: DefaultRetention) -> Retention:
    """What the bucket gives to a version that is made now."""
    return default.begun_at((await lock_time(call)).period_begin_ms)


async def lock_time(call: Call) -> LockTimeTold:
    """What time it is by the lock clock of the set in which the key is at home."""
    told, _ = await call.sets.ask(call.home, LockTime(), LockTimeTold, trace=call.request_id)
    return told
