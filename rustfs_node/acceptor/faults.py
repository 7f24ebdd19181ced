"""Which S3 error a client gets for a fault of the bus or of a set worker: the one table.

Handlers translate only what they know better: NOT_FOUND and CONFLICT mean different things to a read, an
upload and a conditional write.
"""

from __future__ import annotations

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.object_lock import object_is_locked
from rustfs_proto.wire.faults import Fault, FaultCode

RETRY_AFTER = {"retry-after": "1"}
"""Seconds; a set worker that was restarted answers again within one."""

_QUORUM = "quorum"
_LOCK = "lock"

_TABLE: dict[FaultCode, str] = {
    FaultCode.STALE: "OperationAborted",
    FaultCode.CONFLICT: "OperationAborted",
    FaultCode.NOT_FOUND: "NoSuchKey",
    FaultCode.DAMAGED: _QUORUM,
    FaultCode.FULL: "XMinioStorageFull",
    FaultCode.FULL_UNKNOWN: "XMinioStorageFull",
    FaultCode.DRIVE_FAULT: _QUORUM,
    FaultCode.NO_QUORUM: _QUORUM,
    FaultCode.EXPIRED: "SlowDown",
    FaultCode.TIMEOUT: "ServiceUnavailable",
    FaultCode.PEER_DOWN: "ServiceUnavailable",
    FaultCode.OVERLOADED: "SlowDown",
    FaultCode.INVALID: "InternalError",
    FaultCode.UNKNOWN_OP: "InternalError",
    FaultCode.INTERNAL: "InternalError",
    FaultCode.INVALID_PART: "InvalidPart",
    FaultCode.INVALID_PART_ORDER: "InvalidPartOrder",
    FaultCode.PART_TOO_SMALL: "EntityTooSmall",
    FaultCode.LOCKED: _LOCK,
    FaultCode.UNRESOLVED: "SlowDown",
    FaultCode.UNRESOLVED_UNKNOWN: "SlowDown",
    FaultCode.MOVED: "SlowDown",
    FaultCode.MOVED_UNKNOWN: "SlowDown",
}


def s3_error_of(fault: Fault, *, is_write: bool) -> S3Error:
    """The answer to a request that failed by `fault`. Its text stays in the log: it names drives and
    processes.
    """
    code = _TABLE[fault.code]
    if code is _LOCK:
        return object_is_locked()
    if code is _QUORUM:
        code = "SlowDownWrite" if is_write else "SlowDownRead"
    error = S3Error(code)
    if error.status == 503:
        error.headers.update(RETRY_AFTER)
    return error


def fault_named(code: str) -> Fault:
    """The fault of one key among several, of which only the code travelled; a code of a later release counts
    as unknown effect.
    """
    known = code in FaultCode.__members__.values()
    return Fault(FaultCode(code) if known else FaultCode.INTERNAL, f"the set worker answered {code}")
