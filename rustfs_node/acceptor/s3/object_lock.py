"""Object Lock of buckets and of versions: configured, given, changed, told.

What a lock forbids is judged by the set in which the version is, under the lock of its key; here only the
request is understood. Object Lock, once a bucket has it, is never taken off.
"""

from __future__ import annotations

import attrs
import trio

from rustfs_node.acceptor.buckets import BucketRecord
from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.documents import read_document
from rustfs_node.acceptor.s3.locks import lock_time
from rustfs_node.acceptor.s3.permissions import may_bypass_governance
from rustfs_node.acceptor.s3.versions import look_at, not_there, sub_asked, version_lines
from rustfs_proto.locking import UNLOCKED, ObjectLock
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.object_lock import bucket_lacks_lock, check_in_future, versioning_not_enabled
from rustfs_proto.s3.xml_locks import (
    LOCK_BODY_MAX_BYTES,
    legal_hold,
    object_lock_configuration,
    parse_legal_hold,
    parse_object_lock_configuration,
    parse_retention,
    retention,
)
from rustfs_proto.versions import Versioning
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import Amend, Amended, LockChange


async def put_object_lock_configuration(call: Call) -> Response:
    """The bucket has Object Lock from now on, and gives that retention to new versions, or none."""
    default = parse_object_lock_configuration(await read_document(call.body(), LOCK_BODY_MAX_BYTES))
    buckets = call.services.buckets
    found = await _record(call)
    if not found.object_lock:
        await _prepare(call, found)

    def changed(record: BucketRecord) -> BucketRecord:
        if not record.object_lock and record.stamp != found.stamp:
            raise S3Error("OperationAborted", "The bucket was changed meanwhile; try again.")
        return attrs.evolve(record, object_lock=True, default_retention=default)

    await buckets.change(call.bucket, call.request_id, changed)
    await buckets.in_force()
    return Response(200)


async def _prepare(call: Call, record: BucketRecord) -> None:
    """Nothing that was begun while the bucket may not have had versioning may still be under way when the
    first of its versions is locked: it would replace or remove the null version, whatever its lock.
    """
    if record.versioning is not Versioning.ENABLED:
        raise versioning_not_enabled()
    with trio.move_on_after(call.services.settings.set_deadline_s) as waiting:
        await call.services.buckets.wait_for_writes(call.bucket)
    if waiting.cancelled_caught:
        raise S3Error("OperationAborted", "Writes into the bucket did not end; try again.")


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
    change = LockChange(asked, bypass_governance=may_bypass_governance(call))
    return Response(200, await _change(call, change))


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
    return Response(200, await _change(call, LockChange(legal_hold=is_on)))


async def get_object_legal_hold(call: Call) -> Response:
    """ON or OFF; raises NoSuchObjectLockConfiguration for a version that never had one."""
    lock = await _lock(call)
    if lock.legal_hold is None:
        raise S3Error("NoSuchObjectLockConfiguration")
    return Response(200, list(XML_HEADERS), legal_hold(lock.legal_hold))


async def _record(call: Call) -> BucketRecord:
    # Not from the cache: another acceptor may have changed it a moment ago.
    record = await call.services.buckets.look_up(call.bucket, call.request_id)
    if record is None:
        raise S3Error("NoSuchBucket", extra={"BucketName": call.bucket})
    return record


async def _require_object_lock(call: Call) -> None:
    if not (await _record(call)).object_lock:
        raise bucket_lacks_lock()


async def _change(call: Call, change: LockChange) -> list[tuple[bytes, bytes]]:
    # Says precisely why where there is nothing that has a lock.
    sub = (await look_at(call)).sub
    request = Amend(call.bucket, call.key_bytes, sub=sub, lock=change)
    try:
        await call.sets.ask(call.lead, request, Amended, trace=call.request_id)
    except Fault as fault:
        raise not_there(call, sub_asked(call), fault) from fault
    return version_lines(call, sub)


async def _lock(call: Call) -> ObjectLock:
    await _require_object_lock(call)
    return (await look_at(call)).meta.lock or UNLOCKED
