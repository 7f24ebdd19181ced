"""The parameters of the listings, parsed and checked, and the opaque tokens that continue them.

A position in a listing is the last thing shown: a key, or a common prefix, which stands for every key below
it. Tokens carry it with a version and a check sum, so that one made by hand or cut short is refused instead
of silently listing from somewhere else.
"""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote

import attrs

from rustfs_proto.s3.errors import invalid_argument
from rustfs_proto.s3.target import Params

PAGE_MAX = 1000
BUCKETS_MAX = 10_000
PART_NUMBER_MAX = 10_000

_URL_SAFE = re.compile(r"[A-Za-z0-9/\-_.~]*")
_TOKEN_VERSION = 1
_BUCKETS_PARAMS = frozenset({"prefix", "continuation-token", "max-buckets", "bucket-region"})
_INTEGER_DIGITS_MAX = 10


@attrs.frozen
class Position:
    """Where a page ended: behind `key`, or behind every key that begins with it when `is_prefix`."""

    key: str
    is_prefix: bool = False


@attrs.frozen
class ObjectsQuery:
    """ListObjects v1 and v2. `start` is where to continue (None: at the beginning).

    `marker` echoes v1's parameter, `start_after` and `token` v2's; `fetch_owner` is True for v1, which always
    shows owners.
    """

    prefix: str
    delimiter: str
    max_keys: int
    url_encoded: bool
    start: Position | None
    marker: str = ""
    start_after: str | None = None
    token: str | None = None
    fetch_owner: bool = True


@attrs.frozen
class VersionsQuery:
    """ListObjectVersions. `version_id_marker` None continues behind the whole of `start`."""

    prefix: str
    delimiter: str
    max_keys: int
    url_encoded: bool
    start: Position | None
    key_marker: str
    version_id_marker: str | None


@attrs.frozen
class UploadsQuery:
    """ListMultipartUploads. `upload_id_marker` "" continues behind every upload of `key_marker`."""

    prefix: str
    delimiter: str
    max_uploads: int
    url_encoded: bool
    start: Position | None
    key_marker: str
    upload_id_marker: str


@attrs.frozen
class PartsQuery:
    """ListParts: parts whose number is above `part_number_marker`."""

    upload_id: str
    part_number_marker: int
    max_parts: int
    url_encoded: bool


@attrs.frozen
class BucketsQuery:
    """ListBuckets: names that begin with `prefix`, behind `after` ("": all of them), at most `max_buckets`.
    `tells_regions`: any parameter was given, and then S3 tells the region of each bucket.
    """

    prefix: str
    after: str
    max_buckets: int
    region: str | None
    tells_regions: bool


def parse_list_objects(params: Params) -> ObjectsQuery:
    """ListObjects, version 1. Raises InvalidArgument."""
    prefix, delimiter, marker = (
        params.get("prefix", ""),
        params.get("delimiter", ""),
        params.get("marker", ""),
    )
    return ObjectsQuery(
        prefix=prefix,
        delimiter=delimiter,
        max_keys=_limit(params, "max-keys"),
        url_encoded=_url_encoded(params),
        start=_behind(marker, prefix, delimiter),
        marker=marker,
    )


def parse_list_objects_v2(params: Params) -> ObjectsQuery:
    """ListObjects, version 2. A continuation token decides over start-after. Raises InvalidArgument."""
    token, start_after = params.get("continuation-token"), params.get("start-after")
    start = Position(start_after) if start_after else None
    return ObjectsQuery(
        prefix=params.get("prefix", ""),
        delimiter=params.get("delimiter", ""),
        max_keys=_limit(params, "max-keys"),
        url_encoded=_url_encoded(params),
        start=start if token is None else decode_token(token),
        start_after=start_after,
        token=token,
        fetch_owner=params.get("fetch-owner", "").lower() == "true",
    )


def parse_list_versions(params: Params) -> VersionsQuery:
    """ListObjectVersions. Raises InvalidArgument."""
    prefix, delimiter, marker = (
        params.get("prefix", ""),
        params.get("delimiter", ""),
        params.get("key-marker", ""),
    )
    version_id = params.get("version-id-marker") or None
    if version_id is not None and not marker:
        message = "A version-id marker cannot be specified without a key marker."
        raise invalid_argument(message, "version-id-marker", version_id)
    return VersionsQuery(
        prefix=prefix,
        delimiter=delimiter,
        max_keys=_limit(params, "max-keys"),
        url_encoded=_url_encoded(params),
        start=_behind(marker, prefix, delimiter),
        key_marker=marker,
        version_id_marker=version_id,
    )


def parse_list_uploads(params: Params) -> UploadsQuery:
    """ListMultipartUploads; as in S3, an upload-id-marker without a key-marker is ignored. Raises
    InvalidArgument.
    """
    prefix, delimiter, marker = (
        params.get("prefix", ""),
        params.get("delimiter", ""),
        params.get("key-marker", ""),
    )
    return UploadsQuery(
        prefix=prefix,
        delimiter=delimiter,
        max_uploads=_limit(params, "max-uploads"),
        url_encoded=_url_encoded(params),
        start=_behind(marker, prefix, delimiter),
        key_marker=marker,
        upload_id_marker=params.get("upload-id-marker", "") if marker else "",
    )


def parse_list_parts(params: Params) -> PartsQuery:
    """ListParts. Raises InvalidArgument."""
    return PartsQuery(
        upload_id=params.get("uploadId", ""),
        part_number_marker=_integer(params, "part-number-marker", 0),
        max_parts=_limit(params, "max-parts"),
        url_encoded=_url_encoded(params),
    )


def parse_list_buckets(params: Params) -> BucketsQuery:
    """ListBuckets. Raises InvalidArgument."""
    token = params.get("continuation-token")
    limit = _integer(params, "max-buckets", BUCKETS_MAX)
    if not 1 <= limit <= BUCKETS_MAX:
        message = f"Argument max-buckets must be an integer between 1 and {BUCKETS_MAX}"
        raise invalid_argument(message, "max-buckets", str(limit))
    return BucketsQuery(
        prefix=params.get("prefix", ""),
        after=decode_token(token).key if token else "",
        max_buckets=limit,
        region=params.get("bucket-region"),
        tells_regions=not _BUCKETS_PARAMS.isdisjoint(params),
    )


def parse_part_number(params: Params) -> int:
    """`partNumber`, 1..10000; raises InvalidArgument."""
    text = params.get("partNumber", "")
    if (
        text.isascii()
        and text.isdigit()
        and len(text) <= _INTEGER_DIGITS_MAX
        and 1 <= int(text) <= PART_NUMBER_MAX
    ):
        return int(text)
    message = f"Part number must be an integer between 1 and {PART_NUMBER_MAX}, inclusive"
    raise invalid_argument(message, "partNumber", text)


def common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    """What `key` is rolled up into by `delimiter` behind `prefix`, or None when it is listed itself."""
    if not delimiter:
        return None
    end = key.find(delimiter, len(prefix))
    return None if end < 0 else key[: end + len(delimiter)]


def encode_token(position: Position) -> str:
    """The opaque continuation token for `position`."""
    body = bytes([_TOKEN_VERSION, position.is_prefix]) + position.key.encode()
    return urlsafe_b64encode(zlib.crc32(body).to_bytes(4, "big") + body).decode()


def decode_token(token: str) -> Position:
    """The inverse of `encode_token`; raises InvalidArgument on anything it did not make."""
    try:
        raw = urlsafe_b64decode(token.encode())
        check, body = raw[:4], raw[4:]
        if zlib.crc32(body).to_bytes(4, "big") == check and body[0] == _TOKEN_VERSION:
            return Position(body[2:].decode(), is_prefix=bool(body[1]))
    except (binascii.Error, UnicodeError, IndexError):
        pass  # answered below, as every other token that is not ours
    raise invalid_argument("The continuation token provided is incorrect", "continuation-token", token)


def url_encode(text: str) -> str:
    """A name for encoding-type=url. A space becomes %20, which both ways of decoding URLs understand."""
    return text if _URL_SAFE.fullmatch(text) else quote(text, safe="/-_.~")


def _behind(marker: str, prefix: str, delimiter: str) -> Position | None:
    """Behind a marker; one that is itself a common prefix, as NextMarker may be, stands for all below it."""
    if not marker:
        return None
    return Position(
        marker, is_prefix=marker.startswith(prefix) and common_prefix(marker, prefix, delimiter) == marker
    )


def _limit(params: Params, name: str) -> int:
    return min(_integer(params, name, PAGE_MAX), PAGE_MAX)


def _integer(params: Params, name: str, default: int) -> int:
    text = params.get(name, "")
    if not text:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _INTEGER_DIGITS_MAX:
        raise invalid_argument(f"Provided {name} not an integer or within integer range", name, text)
    value = int(text)
    if not 0 <= value < 2**31:
        raise invalid_argument(f"Argument {name} must be an integer between 0 and 2147483647", name, text)
    return value


def _url_encoded(params: Params) -> bool:
    encoding = params.get("encoding-type", "")
    if encoding and encoding != "url":
        raise invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", encoding)
    return encoding == "url"
