"""The documents that clients send: CompleteMultipartUpload, Delete, CreateBucketConfiguration,
VersioningConfiguration, Tagging.

Parsed by libxml2 with entities, network and huge trees off; a document type of any kind is refused, and with
it every entity attack. Sizes are capped before parsing. Elements may be in the S3 namespace or in none;
whatever else the schema does not know is MalformedXML.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import attrs
from lxml import etree

from rustfs_proto.s3.checksums import ChecksumAlgorithm
from rustfs_proto.s3.delete_conditions import UNCONDITIONAL, DeleteCondition, parse_modified, parse_size
from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.listing import PART_NUMBER_MAX
from rustfs_proto.s3.xmltext import S3_NAMESPACE

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
    root = _parse(body, "CompleteMultipartUpload", COMPLETE_BODY_MAX_BYTES)
    parts = tuple(_completed_part(child) for child in root)
    if not parts:
        raise _malformed("it names no part")
    for before, part in pairwise(parts):
        if part.number <= before.number:
            raise S3Error("InvalidPartOrder")
    return parts


def parse_delete(body: bytes) -> DeleteRequest:
    """1 to 1000 keys; raises MalformedXML, or InvalidArgument for a condition that cannot be read."""
    root = _parse(body, "Delete", DELETE_BODY_MAX_BYTES)
    keys: list[KeyToDelete] = []
    quiet = False
    for child in root:
        match _name(child):
            case "Object":
                keys.append(_key_to_delete(child))
            case "Quiet":
                quiet = _text(child).strip().lower() == "true"
            case name:
                raise _malformed(f"<{name}> is not part of Delete")
    if not 1 <= len(keys) <= DELETE_KEYS_MAX:
        raise _malformed(f"it names {len(keys)} keys; 1 to {DELETE_KEYS_MAX} are allowed")
    return DeleteRequest(tuple(keys), quiet)


def parse_create_bucket(body: bytes) -> str | None:
    """The LocationConstraint, or None when the body is empty or names none; raises MalformedXML."""
    if not body.strip():
        return None
    fields = _fields(_parse(body, "CreateBucketConfiguration", CREATE_BUCKET_BODY_MAX_BYTES), several=False)
    unbuilt = [name for name in fields if name in ("Location", "Bucket", "Tags")]
    if unbuilt:
        raise not_implemented(f"CreateBucketConfiguration with <{unbuilt[0]}>")
    _check_names(fields, ("LocationConstraint",))
    return fields.get("LocationConstraint", "").strip() or None


def parse_versioning(body: bytes) -> str:
    """The Status of a VersioningConfiguration: Enabled or Suspended. Raises MalformedXML,
    IllegalVersioningConfigurationException, or NotImplemented for MFA delete.
    """
    fields = _fields(_parse(body, "VersioningConfiguration", VERSIONING_BODY_MAX_BYTES))
    _check_names(fields, ("Status", "MfaDelete"))
    mfa, status = fields.get("MfaDelete", "Disabled").strip(), fields.get("Status", "").strip()
    if mfa not in ("Enabled", "Disabled"):
        raise _malformed(f"MfaDelete is {mfa!r}")
    if mfa == "Enabled":
        raise not_implemented("MFA delete")
    if not status:
        message = "The Versioning element must be specified"
        raise S3Error("IllegalVersioningConfigurationException", message)
    if status not in ("Enabled", "Suspended"):
        raise _malformed(f"Status is {status!r}, not Enabled or Suspended")
    return status


def parse_tagging(body: bytes) -> tuple[tuple[str, str], ...]:
    """Keys and values of a Tagging document, in order and unchecked; raises MalformedXML."""
    root = _parse(body, "Tagging", TAGGING_BODY_MAX_BYTES)
    if [_name(child) for child in root] != ["TagSet"]:
        raise _malformed("Tagging holds one <TagSet>")
    return tuple(_tag(child) for child in root[0])


def _parse(body: bytes, root_name: str, max_bytes: int) -> etree._Element:
    if len(body) > max_bytes:
        raise S3Error("MaxMessageLengthExceeded", extra={"MaxMessageLengthBytes": str(max_bytes)})
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise _malformed(str(fault)) from fault
    # The stubs say that every document has a DTD; those without a DOCTYPE have None.
    if cast("etree.DTD | None", root.getroottree().docinfo.internalDTD) is not None:
        raise _malformed("a document type is not allowed")
    if _name(root) != root_name:
        raise _malformed(f"its root is <{_name(root)}>, not <{root_name}>")
    return root


def _tag(item: etree._Element) -> tuple[str, str]:
    if _name(item) != "Tag":
        raise _malformed(f"<{_name(item)}> is not part of TagSet")
    fields = _fields(item)
    _check_names(fields, ("Key", "Value"))
    for name in ("Key", "Value"):
        if name not in fields:
            raise _malformed(f"a <Tag> has no <{name}>")
    return fields["Key"], fields["Value"]


def _completed_part(part: etree._Element) -> CompletedPart:
    if _name(part) != "Part":
        raise _malformed(f"<{_name(part)}> is not part of CompleteMultipartUpload")
    fields = _fields(part)
    _check_names(fields, ("PartNumber", "ETag", *_CHECKSUMS))
    number = fields.get("PartNumber", "").strip()
    if not (number.isascii() and number.isdigit()) or len(number) > _INTEGER_DIGITS_MAX:
        raise _malformed(f"PartNumber is {number!r}")
    if not 1 <= int(number) <= PART_NUMBER_MAX:
        raise S3Error("InvalidArgument", f"PartNumber must be between 1 and {PART_NUMBER_MAX}, not {number}.")
    etag = fields.get("ETag", "").strip().strip('"')
    if not etag:
        raise _malformed(f"part {number} has no ETag")
    checksums = {
        algorithm.value: fields[name].strip() for name, algorithm in _CHECKSUMS.items() if name in fields
    }
    return CompletedPart(int(number), etag, checksums)


def _key_to_delete(item: etree._Element) -> KeyToDelete:
    fields = _fields(item)
    _check_names(fields, ("Key", "VersionId", "ETag", "LastModifiedTime", "Size"))
    if not fields.get("Key"):
        raise _malformed("an <Object> has no <Key>")
    modified, size = fields.get("LastModifiedTime"), fields.get("Size")
    condition = DeleteCondition(
        fields.get("ETag"),
        None if modified is None else parse_modified(modified, "LastModifiedTime"),
        None if size is None else parse_size(size, "Size"),
    )
    return KeyToDelete(fields["Key"], fields.get("VersionId") or None, condition)


def _fields(parent: etree._Element, *, several: bool = True) -> dict[str, str]:
    """Child elements as name -> text; `several` False tolerates children that have children of their own."""
    fields: dict[str, str] = {}
    for child in parent:
        name = _name(child)
        if name in fields:
            raise _malformed(f"<{name}> stands twice in <{_name(parent)}>")
        fields[name] = _text(child) if several or not len(child) else ""
    return fields


def _check_names(fields: dict[str, str], known: tuple[str, ...]) -> None:
    for name in fields:
        if name not in known:
            raise _malformed(f"<{name}> is not known here")


def _name(item: etree._Element) -> str:
    namespace, _, name = str(item.tag).rpartition("}")
    if namespace not in ("", "{" + S3_NAMESPACE):
        raise _malformed(f"namespace {namespace[1:]!r} is not S3's")
    return name


def _text(item: etree._Element) -> str:
    if len(item):
        raise _malformed(f"<{_name(item)}> holds elements instead of text")
    return item.text or ""


def _malformed(fault: str) -> S3Error:
    return S3Error(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema: "
        f"{fault}.",
    )
