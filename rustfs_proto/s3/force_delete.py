"""MinIO's x-minio-force-delete: DeleteObject of everything below a key, DeleteBucket with all that it has."""

from __future__ import annotations

from rustfs_proto.s3.errors import S3Error, invalid_argument
from rustfs_proto.s3.target import HeaderMap, Params

_HEADER = "x-minio-force-delete"
_CONDITIONS = ("if-match", "x-amz-if-match-last-modified-time", "x-amz-if-match-size")


def forces_delete(headers: HeaderMap) -> bool:
    """Whether the header is there and says true; raises InvalidArgument where it says neither true nor
    false.
    """
    text = headers.get(_HEADER, "")
    if text.lower() not in ("true", "false", ""):
        raise invalid_argument(f"The header {_HEADER} must be true or false.", _HEADER, text)
    return text.lower() == "true"


def check_unconditional(headers: HeaderMap, params: Params) -> None:
    """Raises InvalidRequest where the request also names one object: by a condition or by a version."""
    named = [name for name in _CONDITIONS if name in headers] + ["versionId"] * ("versionId" in params)
    if named:
        raise S3Error("InvalidRequest", f"{_HEADER} removes many objects and does not go with {named[0]}.")


def prefix_below(key: str) -> str:
    """The prefix of all keys below `key`, as folders have it: `a/b` is below `a`, `ab` is not."""
    return key if key.endswith("/") else key + "/"
