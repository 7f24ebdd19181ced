"""Object headers: from a PUT into storage, and from storage into answers.

Values stay header text all the way (one Latin-1 character per byte, see `target`), so that user metadata
comes back byte for byte: raw UTF-8 as raw UTF-8, and an RFC 2047 encoded word as that encoded word. AWS
instead decodes a raw value as Latin-1 and answers it as an encoded word, from which no client gets back what
it sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from rustfs_proto.s3.errors import S3Error, invalid_argument
from rustfs_proto.s3.httpdate import format_http_date
from rustfs_proto.s3.target import HeaderMap, Params

USER_METADATA_MAX_BYTES = 2048
DEFAULT_CONTENT_TYPE = "binary/octet-stream"
DEFAULT_STORAGE_CLASS = "STANDARD"
USER_PREFIX = "x-amz-meta-"

_STORED = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
    "x-amz-website-redirect-location",
)
_OVERRIDES = {
    "response-content-type": "content-type",
    "response-content-language": "content-language",
    "response-expires": "expires",
    "response-cache-control": "cache-control",
    "response-content-disposition": "content-disposition",
    "response-content-encoding": "content-encoding",
}
_REDIRECT_STARTS = ("/", "http://", "https://")


@attrs.frozen
class StoredHeaders:
    """What a version keeps: content headers by lower-case name, user metadata without its prefix."""

    content: dict[str, str]
    user: dict[str, str]


def stored_headers(headers: HeaderMap) -> StoredHeaders:
    """What to keep of a PutObject, CopyObject (REPLACE) or CreateMultipartUpload; raises MetadataTooLarge."""
    content = {name: headers[name] for name in _STORED if name in headers}
    content.setdefault("content-type", DEFAULT_CONTENT_TYPE)
    if "content-encoding" in content:
        encoding = _without_aws_chunked(content.pop("content-encoding"))
        if encoding:
            content["content-encoding"] = encoding
    redirect = content.get("x-amz-website-redirect-location")
    if redirect is not None and not redirect.startswith(_REDIRECT_STARTS):
        message = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."
        raise invalid_argument(message, "x-amz-website-redirect-location", redirect)
    return StoredHeaders(content, _user_metadata(headers))


def response_overrides(params: Params, *, is_signed: bool) -> dict[str, str]:
    """Content headers that response-* parameters replace; raises InvalidRequest if the GET is anonymous."""
    found = {_OVERRIDES[name]: value for name, value in params.items() if name in _OVERRIDES}
    if found and not is_signed:
        raise S3Error(
            "InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests."
        )
    return {name: _header_text(name, value) for name, value in found.items()}


def object_headers(
    *,
    etag: str,
    modified_ms: int,
    content: Mapping[str, str],
    user: Mapping[str, str],
    storage_class: str = DEFAULT_STORAGE_CLASS,
    overrides: Mapping[str, str] | None = None,
) -> list[tuple[bytes, bytes]]:
    """The headers that describe an object in the answer to GET or HEAD, ready for h11.

    Content-Length, Content-Range and checksums belong to the answer, not to the object, and are the caller's.
    """
    shown = {**content, **overrides} if overrides else content
    answer = [
        (b"last-modified", format_http_date(modified_ms // 1000).encode()),
        (b"etag", b'"%b"' % etag.encode()),
        (b"accept-ranges", b"bytes"),
    ]
    answer += [(name.encode(), value.encode("latin-1")) for name, value in shown.items()]
    answer += [
        ((USER_PREFIX + name).encode("latin-1"), value.encode("latin-1")) for name, value in user.items()
    ]
    if storage_class != DEFAULT_STORAGE_CLASS:
        answer.append((b"x-amz-storage-class", storage_class.encode()))
    return answer


def checksum_headers(
    checksums: Mapping[str, str], checksum_type: str, headers: HeaderMap
) -> list[tuple[bytes, bytes]]:
    """x-amz-checksum-* of an object, when the request asks by x-amz-checksum-mode: ENABLED; else nothing.

    `checksums` maps algorithm names to base64 values; `checksum_type` is COMPOSITE, FULL_OBJECT or "" (as
    FULL_OBJECT).
    """
    if headers.get("x-amz-checksum-mode", "").upper() != "ENABLED" or not checksums:
        return []
    answer = [
        (f"x-amz-checksum-{name.lower()}".encode(), value.encode()) for name, value in checksums.items()
    ]
    return [*answer, (b"x-amz-checksum-type", (checksum_type or "FULL_OBJECT").encode())]


def _without_aws_chunked(encoding: str) -> str:
    """The content coding of the object; aws-chunked is only that of its transfer and is never stored."""
    return ",".join(token for token in _tokens(encoding) if token.lower() != "aws-chunked")


def _tokens(value: str) -> Iterator[str]:
    return (token.strip() for token in value.split(",") if token.strip())


def _user_metadata(headers: HeaderMap) -> dict[str, str]:
    user = {
        name[len(USER_PREFIX) :]: value for name, value in headers.items() if name.startswith(USER_PREFIX)
    }
    size = sum(len(name) + len(value) for name, value in user.items())
    if size > USER_METADATA_MAX_BYTES:
        extra = {"Size": str(size), "MaxSizeAllowed": str(USER_METADATA_MAX_BYTES)}
        raise S3Error("MetadataTooLarge", extra=extra)
    return user


def _header_text(name: str, value: str) -> str:
    # A line break here would let the maker of a link write headers of our answer (response splitting).
    if any(char < " " or char == "\x7f" for char in value):
        raise invalid_argument(
            "A response header value must not hold control characters.", f"response-{name}", value
        )
    return value.encode().decode("latin-1")
