"""The lock of a version that is about to be made: what the request asks for, or what the bucket gives.

A bucket's default retention counts from when the version is made, so it is worked out when the last byte has
passed. Both need the time of the set in which the version will be, which is asked for only where there is
something to lock.
"""

from __future__ import annotations

from msgspec.structs import replace

from rustfs_node.acceptor.body import BodyReader
from rustfs_node.acceptor.call import Call
from rustfs_proto.locking import UNLOCKED, ObjectLock, Retention, with_retention
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.object_lock import bucket_lacks_lock, check_in_future, lock_of_headers
from rustfs_proto.s3.sigv4_claims import PayloadMode
from rustfs_proto.wire.set_ops import LockTime, LockTimeTold, ObjectInfo

_UNHASHED = (PayloadMode.UNSIGNED, PayloadMode.STREAMING_UNSIGNED_TRAILER)


async def lock_asked(call: Call) -> ObjectLock | None:
    """The lock that the headers ask for, None where they do not. Raises InvalidArgument, or InvalidRequest in
    a bucket without Object Lock.
    """
    lock = lock_of_headers(call.headers)
    if lock == UNLOCKED:
        return None
    if not call.record.object_lock:
        raise bucket_lacks_lock(is_upload=True)
    if lock.retention is not None:
        check_in_future(lock.retention, (await lock_time(call)).now_ms)
    return lock


def require_digest(call: Call, body: BodyReader, lock: ObjectLock | None) -> None:
    """What cannot be replaced must be what was meant: raises InvalidRequest for an upload that will be locked
    and that nothing vouches for, neither a digest nor its signature.
    """
    will_be_locked = lock is not None or call.record.default_retention is not None
    if will_be_locked and not body.has_digest and call.verified.claim.mode in _UNHASHED:
        raise S3Error(
            "InvalidRequest",
            "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock "
            "parameters",
        )


async def as_bucket_locks(call: Call, info: ObjectInfo) -> ObjectInfo:
    """`info` of a version that is made now, with the bucket's retention where it has none of its own."""
    lock = info.lock
    if call.record.default_retention is None or (lock is not None and lock.retention is not None):
        return info
    return replace(info, lock=with_retention(lock, await default_retention(call)))


async def default_retention(call: Call) -> Retention | None:
    """What the bucket gives to a version that is made now, if it gives anything."""
    default = call.record.default_retention
    if default is None:
        return None
    return default.begun_at((await lock_time(call)).period_begin_ms)


async def lock_time(call: Call) -> LockTimeTold:
    """What time it is by the lock clock of the set in which the key is at home."""
    told, _ = await call.sets.ask(call.home, LockTime(), LockTimeTold, trace=call.request_id)
    return told
