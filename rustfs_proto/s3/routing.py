"""Which operation a request asks for, decided from its method, target and a few headers.

A sub-resource that S3 knows never falls through to the plain operation on the bucket or object: it routes to
its own name, or to MethodNotAllowed where that sub-resource has no such method. Parameters that are not
sub-resources (`prefix`, `versionId`, `X-Amz-*`, `x-id`, unknown ones) do not route.
"""

from __future__ import annotations

from rustfs_proto.s3.errors import S3Error, invalid_argument
from rustfs_proto.s3.operations import Op
from rustfs_proto.s3.subresources import BUCKET_CONFIGURATIONS_BY_ID, BUCKET_SUBRESOURCES, OBJECT_SUBRESOURCES
from rustfs_proto.s3.target import HeaderMap, Params

_SERVICE_PLAIN = {"GET": Op.ListBuckets, "POST": Op.SecurityTokenService}
_BUCKET_PLAIN = {
    "GET": Op.ListObjects,
    "PUT": Op.CreateBucket,
    "HEAD": Op.HeadBucket,
    "DELETE": Op.DeleteBucket,
}
_OBJECT_PLAIN = {
    "GET": Op.GetObject,
    "PUT": Op.PutObject,
    "HEAD": Op.HeadObject,
    "DELETE": Op.DeleteObject,
}


def route(method: str, *, has_bucket: bool, has_key: bool, params: Params, headers: HeaderMap) -> Op:
    """The operation asked for. Raises MethodNotAllowed, or InvalidArgument for a contradictory query."""
    if method == "OPTIONS":
        return Op.Preflight
    if has_key:
        return _object_operation(method, params, headers)
    if has_bucket:
        return _bucket_operation(method, params, headers)
    if method == "GET" and "events" in params:
        return Op.ListenNotification
    return _plain(_SERVICE_PLAIN, method)


def _object_operation(method: str, params: Params, headers: HeaderMap) -> Op:
    operation = _subresource(OBJECT_SUBRESOURCES, method, params) if params else None
    if method != "PUT":
        return operation or _plain(_OBJECT_PLAIN, method)
    if operation is None and "partNumber" in params:
        raise invalid_argument("This operation does not accept partNumber without uploadId", "uploadId", "")
    copies = "x-amz-copy-source" in headers
    if operation is Op.UploadPart:
        if "partNumber" not in params:
            raise invalid_argument(
                "This operation does not accept uploadId without partNumber", "partNumber", ""
            )
        return Op.UploadPartCopy if copies else Op.UploadPart
    if operation is not None:
        return operation
    if copies:
        return Op.CopyObject
    return Op.AppendObject if "x-amz-write-offset-bytes" in headers else Op.PutObject


def _bucket_operation(method: str, params: Params, headers: HeaderMap) -> Op:
    operation = _subresource(BUCKET_SUBRESOURCES, method, params) if params else None
    if operation is not None:
        return operation
    if method == "POST" and "x-amz-request-route" in headers:
        return Op.WriteGetObjectResponse
    if method == "POST" and headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return Op.PostObject
    if method == "GET" and "list-type" in params:
        if params["list-type"] == "2":
            return Op.ListObjectsV2
        raise invalid_argument("Invalid List Type specified in Request", "list-type", params["list-type"])
    return _plain(_BUCKET_PLAIN, method)


def _subresource(table: dict[str, dict[str, Op]], method: str, params: Params) -> Op | None:
    found = [name for name in params if name in table]
    if not found:
        return None
    if len(found) > 1:
        raise S3Error("InvalidArgument", f"Conflicting query string parameters: {', '.join(sorted(found))}")
    name = found[0]
    if method == "GET" and "id" in params and name in BUCKET_CONFIGURATIONS_BY_ID:
        return BUCKET_CONFIGURATIONS_BY_ID[name]
    return _plain(table[name], method)


def _plain(table: dict[str, Op], method: str) -> Op:
    operation = table.get(method)
    if operation is None:
        extra = {"Method": method}
        raise S3Error("MethodNotAllowed", extra=extra, headers={"allow": ", ".join(sorted(table))})
    return operation
