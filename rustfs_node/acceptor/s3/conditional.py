"""Conditional writes, and requests that name a version.

A condition is checked against the current version, and the stamp of that version goes along with the write as
`expect`: every drive compares it at commit, so a write that was overtaken changes nothing.
"""

from __future__ import annotations

from rustfs_node.acceptor.call import Call
from rustfs_proto.s3.conditions import check_write, has_write_condition
from rustfs_proto.s3.errors import S3Error, invalid_argument
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, Get, Got


async def expected_stamp(call: Call) -> int:
    """The `expect` of a write to the request's key; raises PreconditionFailed, or NoSuchKey for If-Match on
    nothing.
    """
    if not has_write_condition(call.headers):
        return ANY_STAMP
    try:
        request = Get(call.bucket, call.key_bytes, want_data=False)
        got, _ = await call.sets.ask(call.home, request, Got, trace=call.request_id)
    except Fault as fault:
        if fault.code is not FaultCode.NOT_FOUND:
            raise
        check_write(call.headers, None)
        return NO_STAMP
    check_write(call.headers, None if got.is_marker else got.head.etag)
    return got.stamp


async def conflict_of(call: Call, fault: Fault) -> Exception:
    """What a client is told when its conditional write was overtaken; any other fault as it is."""
    if fault.code is not FaultCode.CONFLICT:
        return fault
    try:
        # Whatever overtook it may have made its condition false for good.
        await expected_stamp(call)
    except S3Error as refused:
        return refused
    return S3Error("ConditionalRequestConflict")


def refuse_version(call: Call) -> None:
    """A write makes a version of its own: raises InvalidArgument where the request names one."""
    version_id = call.params.get("versionId")
    if version_id is not None:
        message = "This operation does not accept a version-id."
        raise invalid_argument(message, "versionId", version_id)
