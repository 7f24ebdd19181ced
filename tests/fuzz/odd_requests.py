"""Requests that are signed by the owner and right in their form, with parameters and headers that make no
sense.

What a signature keeps out elsewhere comes through here: every handler's own reading of what it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from urllib.parse import quote

import attrs

from tests.fuzz.mutation import NUMBERS

_PATHS = (
    "/",
    "/bucket",
    "/bucket/",
    "/bucket/k",
    "/bucket/none",
    "/none",
    "/none/k",
    "/bucket/%00",
    "/bucket/%C3%A4/..//x",
    "/a",
    "/bucket/" + "k" * 1100,
)
_METHODS = ("GET", "GET", "HEAD", "PUT", "PUT", "POST", "DELETE", "PATCH", "OPTIONS")
_PARAMETERS = (
    "list-type", "prefix", "delimiter", "marker", "max-keys", "start-after", "continuation-token",
    "encoding-type", "fetch-owner", "uploads",
    "uploadId", "partNumber", "part-number-marker", "max-parts", "key-marker", "upload-id-marker",
    "max-uploads", "delete", "versionId", "versions",
    "location", "acl", "policy", "tagging", "attributes", "max-buckets", "bucket-region", "x-id",
    "response-content-type", "response-expires", "torrent",
    "restore", "select", "legal-hold", "lifecycle", "website", "cors", "events", "id", "inventory", "session",
)  # fmt: skip
_HEADERS = (
    "range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "x-amz-copy-source",
    "x-amz-copy-source-range",
    "x-amz-copy-source-if-match", "x-amz-copy-source-if-modified-since", "x-amz-metadata-directive",
    "x-amz-meta-a", "content-md5", "content-type",
    "content-encoding", "expires", "x-amz-storage-class", "x-amz-acl", "x-amz-tagging",
    "x-amz-checksum-crc32", "x-amz-checksum-sha256",
    "x-amz-checksum-algorithm", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-type",
    "x-amz-checksum-mode", "x-amz-trailer", "x-amz-mp-object-size",
    "x-amz-server-side-encryption", "x-amz-website-redirect-location", "x-amz-expected-bucket-owner",
    "x-amz-write-offset-bytes", "x-amz-object-attributes",
    "x-amz-max-parts", "x-amz-part-number-marker", "x-amz-request-payer", "x-amz-object-lock-mode",
    "x-amz-bucket-object-lock-enabled", "date", "expect",
)  # fmt: skip
_VALUES = (
    "", " ", "*", ",", '"', '""', "a", "k", "/", "/bucket/k", "bucket/k?versionId=x", "/bucket/%", "bucket",
    "//", "true", "url", "2", "bytes=0-", "bytes=-0",
    "bytes=5-2", "bytes=0-1,3-4", "bytes=-99999999999999999999", "bytes=0-99999999999999999999",
    "items=0-1", "Mon, 01 Jan 2024 00:00:00 GMT",
    "Thu, 31 Feb 0000 99:99:99 GMT", "CRC32", "SHA256", "crc32c", "COMPOSITE", "FULL_OBJECT", "ENABLED",
    "COPY", "REPLACE", "STANDARD", "AAAAAA==", "====",
    "x" * 700, "ä", "\U0001f600", "x-amz-checksum-crc32", "ETag,Checksum,ObjectParts,Nonsense", "AES256",
    "null", "0" * 32, "f" * 64, "100-continue",
)  # fmt: skip


@attrs.frozen
class OddRequest:
    """Method, target, headers and body; not signed yet."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def odd_requests(seed: int, count: int) -> Iterator[OddRequest]:
    """That many, the same ones for a seed."""
    random = Random(f"odd {seed}")
    values = [*_VALUES, *(number.decode("latin-1") for number in NUMBERS)]
    for _ in range(count):
        names = random.sample(_PARAMETERS, random.choice((0, 1, 1, 2, 3)))
        query = "&".join(f"{name}={quote(random.choice(values), safe='')}" for name in names)
        headers = {
            # As a client sends them: bytes of UTF-8, one character each.
            name: random.choice(values).encode().decode("latin-1").strip()
            for name in random.sample(_HEADERS, random.choice((0, 1, 1, 2, 3)))
        }
        target = random.choice(_PATHS) + (f"?{query}" if query else "")
        yield OddRequest(
            random.choice(_METHODS), target, headers, random.choice((b"", b"", b"body", b"<Delete/>"))
        )
