"""Operations on objects and on the bucket as HTTP requests."""

from __future__ import annotations

from collections.abc import Callable
from xml.sax.saxutils import escape

from tests.model import operations as ops
from tests.model.headers import (
    Request,
    carried_headers,
    digest_headers,
    etag_text,
    read_headers,
    source_text,
    version_text,
    write_headers,
)
from tests.model.names import Names


def put(operation: ops.Put, _names: Names, _bucket: str) -> Request:
    headers = carried_headers(operation.carried) | write_headers(operation.on)
    headers |= digest_headers(operation.digest, operation.body.data)
    return Request("PUT", operation.key, {}, headers, operation.body.data)


def read(operation: ops.Read, names: Names, _bucket: str) -> Request:
    headers = read_headers(operation.on, names, "")
    if operation.range is not None:
        headers["Range"] = str(operation.range)
    if operation.shows_checksum:
        headers["x-amz-checksum-mode"] = "ENABLED"
    query = {"partNumber": operation.part, "versionId": version_text(operation.version, names)}
    return Request("HEAD" if operation.is_head else "GET", operation.key, query, headers)


def copy(operation: ops.Copy, names: Names, bucket: str) -> Request:
    headers = carried_headers(operation.carried) | write_headers(operation.on)
    headers |= read_headers(operation.on_source, names, "x-amz-copy-source-")
    headers["x-amz-copy-source"] = source_text(bucket, operation.source, operation.version, names)
    directives = {"metadata": operation.replaces_metadata, "tagging": operation.replaces_tags}
    for name, replaces in directives.items():
        if replaces is not None:
            headers[f"x-amz-{name}-directive"] = "REPLACE" if replaces else "COPY"
    if operation.algorithm:
        headers["x-amz-checksum-algorithm"] = operation.algorithm
    return Request("PUT", operation.key, {}, headers)


def rename(operation: ops.Rename, names: Names, bucket: str) -> Request:
    headers = read_headers(operation.on, names, "")
    headers |= read_headers(operation.on_source, names, "x-amz-rename-source-")
    headers["x-amz-rename-source"] = source_text(bucket, operation.source, None, names)
    return Request("PUT", operation.key, {"renameObject": ""}, headers)


def delete(operation: ops.Delete, names: Names, _bucket: str) -> Request:
    headers: dict[str, str] = {}
    if operation.if_match is not None:
        headers["If-Match"] = etag_text(operation.if_match)
    if operation.if_size is not None:
        headers["x-amz-if-match-size"] = str(operation.if_size)
    if operation.if_modified is not None:
        headers["x-amz-if-match-last-modified-time"] = names.date(operation.if_modified)
    query = {"versionId": version_text(operation.version, names)}
    return Request("DELETE", operation.key, query, headers)


def delete_many(operation: ops.DeleteMany, names: Names, _bucket: str) -> Request:
    listed = "".join(
        f"<Object>{_element('Key', key)}{_element('VersionId', version_text(version, names))}</Object>"
        for key, version in operation.items
    )
    quiet = "<Quiet>true</Quiet>" if operation.is_quiet else ""
    body = f"<Delete>{quiet}{listed}</Delete>".encode()
    return Request("POST", None, {"delete": ""}, digest_headers(ops.Digest("CRC32"), body), body)


def object_tags(method: str) -> Callable[[ops.GetTags, Names, str], Request]:
    def make(operation: ops.GetTags, names: Names, _bucket: str) -> Request:
        query = {"tagging": "", "versionId": version_text(operation.version, names)}
        tags = operation.tags if isinstance(operation, ops.PutTags) else ()
        listed = "".join(
            f"<Tag>{_element('Key', key)}{_element('Value', value)}</Tag>" for key, value in tags
        )
        body = f"<Tagging><TagSet>{listed}</TagSet></Tagging>".encode() if method == "PUT" else b""
        headers = digest_headers(ops.Digest("CRC32"), body) if body else {}
        return Request(method, operation.key, query, headers, body)

    return make


def attributes(operation: ops.GetAttributes, names: Names, _bucket: str) -> Request:
    headers = {"x-amz-object-attributes": ",".join(operation.wanted)}
    headers["x-amz-part-number-marker"] = str(operation.after)
    headers["x-amz-max-parts"] = str(operation.limit)
    query = {"attributes": "", "versionId": version_text(operation.version, names)}
    return Request("GET", operation.key, query, headers)


def put_versioning(operation: ops.PutVersioning, _names: Names, _bucket: str) -> Request:
    status = _element("Status", operation.status)
    body = f"<VersioningConfiguration>{status}</VersioningConfiguration>".encode()
    return Request("PUT", None, {"versioning": ""}, digest_headers(ops.Digest("CRC32"), body), body)


def get_versioning(_operation: ops.GetVersioning, _names: Names, _bucket: str) -> Request:
    return Request("GET", None, {"versioning": ""})


def _element(name: str, text: str | None) -> str:
    return "" if text is None else f"<{name}>{escape(text)}</{name}>"
