"""A request, and the headers in which operations write what several of them have in common."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

import attrs

from tests.model import operations as ops
from tests.model.names import Names
from tests.model.s3.digests import checksum_text
from tests.model.symbols import When


@attrs.frozen
class Request:
    """`key` None: about the bucket. A query parameter that is None is left out."""

    method: str
    key: str | None
    query: Mapping[str, object] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""

    def target(self, bucket: str) -> str:
        """The path and query, escaped."""
        path = f"/{bucket}" if self.key is None else f"/{bucket}/{quote(self.key, safe='/-_.~')}"
        query = {name: str(value) for name, value in self.query.items() if value is not None}
        return f"{path}?{urlencode(query, quote_via=quote, safe='-_.~')}" if query else path


def carried_headers(carried: ops.Carried) -> dict[str, str]:
    """What goes with an object, as a write gives it."""
    headers = dict(carried.content) | {f"x-amz-meta-{name}": value for name, value in carried.user}
    if carried.tags:
        headers["x-amz-tagging"] = urlencode(carried.tags)
    if carried.storage_class:
        headers["x-amz-storage-class"] = carried.storage_class
    return headers


def write_headers(on: ops.OnWrite) -> dict[str, str]:
    """Conditions on what is replaced."""
    headers = {"If-None-Match": "*"} if on.if_none_match else {}
    return headers if on.if_match is None else headers | {"If-Match": etag_text(on.if_match)}


def read_headers(on: ops.OnRead, names: Names, prefix: str) -> dict[str, str]:
    """Conditions on what is read, or under `prefix` copied."""
    given = {
        "if-match": on.if_match,
        "if-none-match": on.if_none_match,
        "if-modified-since": on.if_modified_since,
        "if-unmodified-since": on.if_unmodified_since,
    }
    return {
        prefix + name: names.date(value) if isinstance(value, When) else etag_text(value)
        for name, value in given.items()
        if value is not None
    }


def digest_headers(digest: ops.Digest | None, data: bytes) -> dict[str, str]:
    """The checksum of the body, or that of another one."""
    if digest is None:
        return {}
    value = checksum_text(digest.algorithm, data if digest.is_right else data + b"!")
    return {f"x-amz-checksum-{digest.algorithm.lower()}": value}


def etag_text(etag: str) -> str:
    return etag if etag == "*" else f'"{etag}"'


def version_text(version: ops.Version, names: Names) -> str | None:
    return None if version is None else names.text(version)


def source_text(bucket: str, key: str, version: ops.Version, names: Names) -> str:
    """The value of x-amz-copy-source."""
    source = f"{bucket}/{quote(key, safe='/')}"
    return source if version is None else f"{source}?versionId={quote(names.text(version))}"
