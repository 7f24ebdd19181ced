"""Object Lock of buckets and of versions: configured, given, changed, told.

What a lock forbids is judged by the set in which the version is, under the lock of its key; here only the
request is understood. Everybody who may send these requests at all is the owner, who may bypass governance:
so far the header alone decides.
"""

from __future__ import annotations

from rustfs_node.acceptor.buckets import BucketRecord
from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.conditional import refuse_version
from rustfs_node.acceptor.s3.documents import read_document
from rustfs_node.acceptor.s3.locks import lock_time
from rustfs_proto.locking import UNLOCKED, ObjectLock
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.object_lock import bucket_lacks_lock, bypasses_governance, check_in_future
from rustfs_proto.s3.xml_locks import (
    LOCK_BODY_MAX_BYTES,
    legal_hold,
    object_lock_configuration,
    parse_legal_hold,
    parse_retention,
    retention,
)
from rustfs_proto.wire.set_ops import Amend, Amended, Get, Got, LockChange


async def get_object_lock_configuration(call: Call) -> Response:
    """What the bucket gives to new versions; raises ObjectLockConfigurationNotFoundError where it has no
    Object Lock.
    """
    record = await _record(call)
    if not record.object_lock:
        raise S3Error("ObjectLockConfigurationNotFoundError", extra={"BucketName": call.bucket})
    return Response(200, list(XML_HEADERS), object_lock_configuration(record.default_retention))


async def put_object_retention(call: Call) -> Response:
    """The version is retained until that date, or no longer where the document is empty."""
    asked = parse_retention(await read_document(call.body(), LOCK_BODY_MAX_BYTES))
    await _require_object_lock(call)
    if asked is not None:
        check_in_future(asked, (await lock_time(call)).now_ms, "RetainUntilDate")
    await _change(call, LockChange(asked, bypass_governance=may_bypass_governance(call)))
    return Response(200)


async def get_object_retention(call: Call) -> Response:
    """Mode and date, also of a retention that is over; raises NoSuchObjectLockConfiguration."""
    lock = await _lock(call)
    if lock.retention is None:
        raise S3Error("NoSuchObjectLockConfiguration")
    return Response(200, list(XML_HEADERS), retention(lock.retention))


async def put_object_legal_hold(call: Call) -> Response:
    """The version's hold is put on or taken off."""
    is_on = parse_legal_hold(await read_document(call.body(), LOCK_BODY_MAX_BYTES))
    await _require_object_lock(call)
    await _change(call, LockChange(legal_hold=is_on))
    return Response(200)


async def get_object_legal_hold(call: Call) -> Response:
    """ON or OFF; raises NoSuchObjectLockConfiguration for a version that never had one."""
    lock = await _lock(call)
    if lock.legal_hold is None:
        raise S3Error("NoSuchObjectLockConfiguration")
    return Response(200, list(XML_HEADERS), legal_hold(lock.legal_hold))


def may_bypass_governance(call: Call) -> bool:
    """Whether the request passes over GOVERNANCE: its sender wants to, and has the permission
    s3:BypassGovernanceRetention, which the owner has.
    """
    return bypasses_governance(call.headers)


async def _record(call: Call) -> BucketRecord:
    # Not from the cache: another acceptor may have changed it a moment ago.
    record = await call.services.buckets.look_up(call.bucket, call.request_id)
    if record is None:
        raise S3Error("NoSuchBucket", extra={"BucketName": call.bucket})
    return record


async def _require_object_lock(call: Call) -> None:
    if not (await _record(call)).object_lock:
        raise bucket_lacks_lock()


async def _change(call: Call, change: LockChange) -> None:
    refuse_version(call)
    request = Amend(call.bucket, call.key_bytes, lock=change)
    await call.sets.ask(call.home, request, Amended, trace=call.request_id)


async def _lock(call: Call) -> ObjectLock:
    await _require_object_lock(call)
    refuse_version(call)
    request = Get(call.bucket, call.key_bytes, want_data=False)
    got, _ = await call.sets.ask(call.home, request, Got, trace=call.request_id)
    return got.meta.lock or UNLOCKED
