"""What it means to a request that something is not there."""

from __future__ import annotations

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.wire.faults import Fault, FaultCode


def not_found_means(code: str, fault: Fault) -> Exception:
    """The S3 error `code` where `fault` says NOT_FOUND; any other fault as it is."""
    return S3Error(code) if fault.code is FaultCode.NOT_FOUND else fault
