"""The headers of RenameObject: the source, and the token by which a repeated request is known."""

from __future__ import annotations

import hashlib

from rustfs_proto.s3.errors import S3Error, invalid_argument
from rustfs_proto.s3.names import check_object_key, percent_decode
from rustfs_proto.s3.target import HeaderMap

_SOURCE = "x-amz-rename-source"
_TOKEN = "x-amz-client-token"  # noqa: S105 - the name of a header
_TOKEN_BYTES_MAX = 64
_CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


def parse_rename_source(headers: HeaderMap, bucket: str, key: str) -> str:
    """The key that `[/]bucket/key`, percent-encoded, names. Raises InvalidArgument, or InvalidRequest for
    what cannot become `key` of `bucket`.
    """
    value = headers.get(_SOURCE, "")
    try:
        # Decoded before it is split: some clients encode the slashes too.
        source_bucket, _, source = percent_decode(value).removeprefix("/").partition("/")
        check_object_key(source)
    except S3Error as error:
        message = "Rename Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise invalid_argument(message, _SOURCE, value) from error
    if source_bucket != bucket:
        raise S3Error("InvalidRequest", "An object is renamed within its bucket.")
    if source == key:
        raise S3Error("InvalidRequest", "The source and the destination of a rename are the same object.")
    if source.endswith("/") or key.endswith("/"):
        raise S3Error("InvalidRequest", "Objects whose names end with a slash are not renamed.")
    return source


def parse_client_token(headers: HeaderMap) -> str:
    """The token, empty for none; raises InvalidArgument."""
    token = headers.get(_TOKEN)
    if token is None:
        return ""
    if not 0 < len(token) <= _TOKEN_BYTES_MAX or any(not 33 <= ord(letter) <= 126 for letter in token):
        message = f"A client token has 1 to {_TOKEN_BYTES_MAX} visible ASCII characters."
        raise invalid_argument(message, _TOKEN, token)
    return token


def request_digest(headers: HeaderMap, source: str, key: str) -> str:
    """What tells requests with one token apart: both keys and all conditions."""
    names = [prefix + name for prefix in ("", _SOURCE + "-") for name in _CONDITIONS]
    fields = [source, key, *(f"{name}={headers.get(name)}" for name in names)]
    return hashlib.sha256("\0".join(fields).encode("utf-8", "surrogatepass")).hexdigest()
