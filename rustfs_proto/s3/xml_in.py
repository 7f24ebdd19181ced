"""The documents that clients send: CompleteMultipartUpload, Delete, CreateBucketConfiguration,
VersioningConfiguration, Tagging.

How they are read, and what is refused in all of them, is `xml_reading`.
"""

from __future__ import annotations

from itertools import pairwise

import attrs
from lxml import etree

from rustfs_proto.s3.checksums import ChecksumAlgorithm
from rustfs_proto.s3.delete_conditions import UNCONDITIONAL, DeleteCondition, parse_modified, parse_size
from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.listing import PART_NUMBER_MAX
from rustfs_proto.s3.xml_reading import check_names, fields_of, malformed, name_of, parse_document, text_of

COMPLETE_BODY_MAX_BYTES = 4 * 1024**2
"""10,000 parts with an ETag and a SHA-256 make 2 MiB; twice that leaves room for any style of indentation."""
DELETE_BODY_MAX_BYTES = 8 * 1024**2
"""1,000 keys of 1,024 bytes make 1.1 MiB, and 6 MiB when every byte of them is written as `&quot;`."""
CREATE_BUCKET_BODY_MAX_BYTES = 64 * 1024
"""The document has one short field; clients add blanks and a namespace."""
VERSIONING_BODY_MAX_BYTES = 64 * 1024
"""The document has two short fields; clients add blanks and a namespace."""
TAGGING_BODY_MAX_BYTES = 512 * 1024
"""50 tags of 384 characters make 170 KiB when each is written as a character reference of nine bytes."""
BODY_MAX_BYTES = max(COMPLETE_BODY_MAX_BYTES, DELETE_BODY_MAX_BYTES, CREATE_BUCKET_BODY_MAX_BYTES)
"""What a server may have to hold before it can parse; each parser then has its own cap."""
DELETE_KEYS_MAX = 1000

_CHECKSUMS = {algorithm.element: algorithm for algorithm in ChecksumAlgorithm}
_INTEGER_DIGITS_MAX = 10


@attrs.frozen(slots=True)
class CompletedPart:
    """A part to complete with: `etag` without quotes, `checksums` as `{algorithm: base64}`."""

    number: int
    etag: str
    checksums: dict[str, str]


@attrs.frozen(slots=True)
class KeyToDelete:
    """An object that DeleteObjects names, and what is expected of it."""

    key: str
    version_id: str | None = None
    condition: DeleteCondition = UNCONDITIONAL


@attrs.frozen
class DeleteRequest:
    """A DeleteObjects document; `quiet` asks for failures only."""

    keys: tuple[KeyToDelete, ...]
    quiet: bool


def parse_complete_multipart_upload(body: bytes) -> tuple[CompletedPart, ...]:
    """At least one part, numbers strictly ascending in 1..10000; raises MalformedXML or InvalidPartOrder."""
    root = parse_document(body, "CompleteMultipartUpload", COMPLETE_BODY_MAX_BYTES)
    parts = tuple(_completed_part(child) for child in root)
    if not parts:
        raise malformed("it names no part")
    for before, part in pairwise(parts):
        if part.number <= before.number:
            raise S3Error("InvalidPartOrder")
    return parts


def parse_delete(body: bytes) -> DeleteRequest:
    """1 to 1000 keys; raises MalformedXML, or InvalidArgument for a condition that cannot be read."""
    root = parse_document(body, "Delete", DELETE_BODY_MAX_BYTES)
    keys: list[KeyToDelete] = []
    quiet = False
    for child in root:
        match name_of(child):
            case "Object":
                keys.append(_key_to_delete(child))
            case "Quiet":
                quiet = text_of(child).strip().lower() == "true"
            case name:
                raise malformed(f"<{name}> is not part of Delete")
    if not 1 <= len(keys) <= DELETE_KEYS_MAX:
        raise malformed(f"it names {len(keys)} keys; 1 to {DELETE_KEYS_MAX} are allowed")
    return DeleteRequest(tuple(keys), quiet)


def parse_create_bucket(body: bytes) -> str | None:
    """The LocationConstraint, or None when the body is empty or names none; raises MalformedXML."""
    if not body.strip():
        return None
    fields = fields_of(
        parse_document(body, "CreateBucketConfiguration", CREATE_BUCKET_BODY_MAX_BYTES), several=False
    )
    unbuilt = [name for name in fields if name in ("Location", "Bucket", "Tags")]
    if unbuilt:
        raise not_implemented(f"CreateBucketConfiguration with <{unbuilt[0]}>")
    check_names(fields, ("LocationConstraint",))
    return fields.get("LocationConstraint", "").strip() or None


def parse_versioning(body: bytes) -> str:
    """The Status of a VersioningConfiguration: Enabled or Suspended. Raises MalformedXML,
    IllegalVersioningConfigurationException, or NotImplemented for MFA delete.
    """
    fields = fields_of(parse_document(body, "VersioningConfiguration", VERSIONING_BODY_MAX_BYTES))
    check_names(fields, ("Status", "MfaDelete"))
    mfa, status = fields.get("MfaDelete", "Disabled").strip(), fields.get("Status", "").strip()
    if mfa not in ("Enabled", "Disabled"):
        raise malformed(f"MfaDelete is {mfa!r}")
    if mfa == "Enabled":
        raise not_implemented("MFA delete")
    if not status:
        message = "The Versioning element must be specified"
        raise S3Error("IllegalVersioningConfigurationException", message)
    if status not in ("Enabled", "Suspended"):
        raise malformed(f"Status is {status!r}, not Enabled or Suspended")
    return status


def parse_tagging(body: bytes) -> tuple[tuple[str, str], ...]:
    """Keys and values of a Tagging document, in order and unchecked; raises MalformedXML."""
    root = parse_document(body, "Tagging", TAGGING_BODY_MAX_BYTES)
    if [name_of(child) for child in root] != ["TagSet"]:
        raise malformed("Tagging holds one <TagSet>")
    return tuple(_tag(child) for child in root[0])


def _tag(item: etree._Element) -> tuple[str, str]:
    if name_of(item) != "Tag":
        raise malformed(f"<{name_of(item)}> is not part of TagSet")
    fields = fields_of(item)
    check_names(fields, ("Key", "Value"))
    for name in ("Key", "Value"):
        if name not in fields:
            raise malformed(f"a <Tag> has no <{name}>")
    return fields["Key"], fields["Value"]


def _completed_part(part: etree._Element) -> CompletedPart:
    if name_of(part) != "Part":
        raise malformed(f"<{name_of(part)}> is not part of CompleteMultipartUpload")
    fields = fields_of(part)
    check_names(fields, ("PartNumber", "ETag", *_CHECKSUMS))
    number = fields.get("PartNumber", "").strip()
    if not (number.isascii() and number.isdigit()) or len(number) > _INTEGER_DIGITS_MAX:
        raise malformed(f"PartNumber is {number!r}")
    if not 1 <= int(number) <= PART_NUMBER_MAX:
        raise S3Error("InvalidArgument", f"PartNumber must be between 1 and {PART_NUMBER_MAX}, not {number}.")
    etag = fields.get("ETag", "").strip().strip('"')
    if not etag:
        raise malformed(f"part {number} has no ETag")
    checksums = {
        algorithm.value: fields[name].strip() for name, algorithm in _CHECKSUMS.items() if name in fields
    }
    return CompletedPart(int(number), etag, checksums)


def _key_to_delete(item: etree._Element) -> KeyToDelete:
    fields = fields_of(item)
    check_names(fields, ("Key", "VersionId", "ETag", "LastModifiedTime", "Size"))
    if not fields.get("Key"):
        raise malformed("an <Object> has no <Key>")
    modified, size = fields.get("LastModifiedTime"), fields.get("Size")
    condition = DeleteCondition(
        fields.get("ETag"),
        None if modified is None else parse_modified(modified, "LastModifiedTime"),
        None if size is None else parse_size(size, "Size"),
    )
    return KeyToDelete(fields["Key"], fields.get("VersionId") or None, condition)
