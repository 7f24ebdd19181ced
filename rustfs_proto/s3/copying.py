"""The headers of CopyObject and UploadPartCopy: the source, the directives, and when copying onto itself is
refused.
"""

from __future__ import annotations

import attrs

from rustfs_proto.s3.errors import S3Error, invalid_argument, not_implemented
from rustfs_proto.s3.names import check_bucket_name, check_object_key, percent_decode
from rustfs_proto.s3.target import HeaderMap

COPY_SOURCE_MAX_BYTES = 5 * 1024**3
"""CopyObject and UploadPartCopy take at most 5 GiB at once; more needs UploadPartCopy with ranges."""

_CHANGES = ("x-amz-storage-class", "x-amz-website-redirect-location", "x-amz-checksum-algorithm")


@attrs.frozen
class CopySource:
    """Which object to copy; `version_id` None for the newest version."""

    bucket: str
    key: str
    version_id: str | None


def parse_copy_source(value: str) -> CopySource:
    """`[/]bucket/key[?versionId=id]`, percent-encoded; raises InvalidArgument or NotImplemented."""
    if value.startswith("arn:"):
        raise not_implemented("Copying from an access point", header="x-amz-copy-source")
    path, _, version_id = value.partition("?versionId=")
    try:
        # Decoded before it is split: some clients encode the slashes too.
        bucket, _, key = percent_decode(path).removeprefix("/").partition("/")
        source = CopySource(bucket, key, version_id or None)
        check_object_key(source.key)
    except S3Error as fault:
        message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise invalid_argument(message, "x-amz-copy-source", value) from fault
    check_bucket_name(source.bucket)
    return source


def replaces_metadata(headers: HeaderMap) -> bool:
    """True for x-amz-metadata-directive: REPLACE; raises InvalidArgument for anything but it and COPY."""
    directive = headers.get("x-amz-metadata-directive", "COPY")
    if directive not in ("COPY", "REPLACE"):
        raise invalid_argument("Unknown metadata directive.", "x-amz-metadata-directive", directive)
    return directive == "REPLACE"


def check_self_copy(source: CopySource, bucket: str, key: str, headers: HeaderMap) -> None:
    """Raise InvalidRequest when an object is copied onto itself and nothing about it changes."""
    same = source.bucket == bucket and source.key == key and source.version_id is None
    if same and not replaces_metadata(headers) and not any(name in headers for name in _CHANGES):
        raise S3Error(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing "
            "the object's metadata, storage class, website redirect location or encryption attributes.",
        )
