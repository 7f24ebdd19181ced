"""Listings and multipart uploads as HTTP requests."""

from __future__ import annotations

from xml.sax.saxutils import escape

from tests.model import operations as ops
from tests.model.headers import (
    Request,
    carried_headers,
    digest_headers,
    read_headers,
    source_text,
    version_text,
    write_headers,
)
from tests.model.names import Names


def list_objects(operation: ops.ListObjects, _names: Names, _bucket: str) -> Request:
    query = {"prefix": operation.prefix, "delimiter": operation.delimiter, "marker": operation.marker}
    return Request("GET", None, query | {"max-keys": operation.limit})


def list_objects_2(operation: ops.ListObjects2, names: Names, _bucket: str) -> Request:
    token = None if operation.token is None else names.text(operation.token)
    query = {"list-type": "2", "prefix": operation.prefix, "delimiter": operation.delimiter}
    query |= {"start-after": operation.start_after or None, "continuation-token": token}
    return Request("GET", None, query | {"max-keys": operation.limit})


def list_versions(operation: ops.ListVersions, names: Names, _bucket: str) -> Request:
    query = {"versions": "", "prefix": operation.prefix, "delimiter": operation.delimiter}
    query |= {
        "key-marker": operation.key_marker,
        "version-id-marker": version_text(operation.version_marker, names),
    }
    return Request("GET", None, query | {"max-keys": operation.limit})


def list_uploads(operation: ops.ListUploads, names: Names, _bucket: str) -> Request:
    marker = None if operation.upload_marker is None else names.text(operation.upload_marker)
    query = {"uploads": "", "prefix": operation.prefix, "delimiter": operation.delimiter}
    query |= {"key-marker": operation.key_marker, "upload-id-marker": marker}
    return Request("GET", None, query | {"max-uploads": operation.limit})


def list_parts(operation: ops.ListParts, names: Names, _bucket: str) -> Request:
    query = {"uploadId": names.text(operation.upload), "part-number-marker": operation.after}
    return Request("GET", operation.key, query | {"max-parts": operation.limit})


def create_upload(operation: ops.CreateUpload, _names: Names, _bucket: str) -> Request:
    headers = carried_headers(operation.carried)
    if operation.algorithm:
        headers["x-amz-checksum-algorithm"] = operation.algorithm
        headers["x-amz-checksum-type"] = operation.kind
    return Request("POST", operation.key, {"uploads": ""}, headers)


def upload_part(operation: ops.UploadPart, names: Names, _bucket: str) -> Request:
    query = {"uploadId": names.text(operation.upload), "partNumber": operation.number}
    data = operation.body.data
    return Request("PUT", operation.key, query, digest_headers(operation.digest, data), data)


def copy_part(operation: ops.CopyPart, names: Names, bucket: str) -> Request:
    query = {"uploadId": names.text(operation.upload), "partNumber": operation.number}
    headers = read_headers(operation.on_source, names, "x-amz-copy-source-")
    headers["x-amz-copy-source"] = source_text(bucket, operation.source, operation.version, names)
    if operation.range is not None:
        headers["x-amz-copy-source-range"] = str(operation.range)
    return Request("PUT", operation.key, query, headers)


def complete(operation: ops.Complete, names: Names, _bucket: str) -> Request:
    parts = "".join(map(_named_part, operation.parts))
    headers = write_headers(operation.on)
    if operation.size is not None:
        headers["x-amz-mp-object-size"] = str(operation.size)
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    return Request("POST", operation.key, {"uploadId": names.text(operation.upload)}, headers, body)


def abort(operation: ops.Abort, names: Names, _bucket: str) -> Request:
    return Request("DELETE", operation.key, {"uploadId": names.text(operation.upload)})


def _named_part(part: ops.NamedPart) -> str:
    checksum = ""
    if part.checksum is not None:
        name, value = part.checksum
        checksum = f"<{name}>{escape(value)}</{name}>"
    etag = f"<ETag>&quot;{part.etag}&quot;</ETag>"
    return f"<Part><PartNumber>{part.number}</PartNumber>{etag}{checksum}</Part>"
