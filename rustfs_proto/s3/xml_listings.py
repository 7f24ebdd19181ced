"""The documents that answer the listings.

Each takes the parsed query, whose parameters it echoes, and a page of results in the order to show. With
encoding-type=url every key, prefix, delimiter and marker is percent-encoded, and tokens are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from rustfs_proto.s3.listing import (
    ObjectsQuery,
    PartsQuery,
    Position,
    UploadsQuery,
    VersionsQuery,
    encode_token,
    url_encode,
)
from rustfs_proto.s3.metadata_listing import Described, described_elements
from rustfs_proto.s3.xml_out import (
    Owner,
    boolean,
    checksum_elements,
    document,
    element,
    etag_element,
    owner_element,
)
from rustfs_proto.s3.xmltext import escape, iso_ms

_Encode = Callable[[str], str]


@attrs.frozen(slots=True)
class ListedObject:
    """An object in a listing; `etag` without quotes. `owner` None leaves the owner out, `described` None what
    only MinIO's listings tell.
    """

    key: str
    size: int
    etag: str
    modified_ms: int
    storage_class: str = "STANDARD"
    owner: Owner | None = None
    checksum_algorithm: str = ""
    checksum_type: str = ""
    described: Described | None = None


@attrs.frozen
class ObjectsPage:
    """A page of objects. `next` is where the following page begins, None on the last one."""

    objects: Sequence[ListedObject] = ()
    common_prefixes: Sequence[str] = ()
    next: Position | None = None


@attrs.frozen
class ListedVersion:
    """A version in ListObjectVersions; a delete marker has `is_delete_marker` and no size or etag to show."""

    item: ListedObject
    version_id: str
    is_latest: bool
    is_delete_marker: bool = False


@attrs.frozen
class VersionsPage:
    """A page of versions; `next_version_id` belongs to `next` and is "" when that is a prefix."""

    versions: Sequence[ListedVersion] = ()
    common_prefixes: Sequence[str] = ()
    next: Position | None = None
    next_version_id: str = ""


@attrs.frozen
class ListedUpload:
    """An upload in progress. `checksum_algorithm` and `checksum_type` are "" when none was asked for."""

    key: str
    upload_id: str
    initiated_ms: int
    storage_class: str = "STANDARD"
    checksum_algorithm: str = ""
    checksum_type: str = ""


@attrs.frozen
class UploadsPage:
    """A page of uploads; `next_upload_id` belongs to `next` and is "" when that is a prefix."""

    uploads: Sequence[ListedUpload] = ()
    common_prefixes: Sequence[str] = ()
    next: Position | None = None
    next_upload_id: str = ""


@attrs.frozen
class ListedPart:
    """A part that has been uploaded."""

    number: int
    size: int
    etag: str
    modified_ms: int
    checksums: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class PartsPage:
    """A page of parts; more follow when `is_truncated`."""

    parts: Sequence[ListedPart]
    is_truncated: bool


def list_objects(bucket: str, query: ObjectsQuery, page: ObjectsPage) -> bytes:
    """ListBucketResult, version 1; NextMarker is given whenever more follows, delimiter or not."""
    encode = _encoder(query.url_encoded)
    inner = element("Name", bucket) + element("Prefix", encode(query.prefix))
    inner += element("Marker", encode(query.marker))
    if page.next is not None:
        inner += element("NextMarker", encode(page.next.key))
    inner += _objects_tail(query, page, encode)
    return document("ListBucketResult", inner)


def list_objects_v2(bucket: str, query: ObjectsQuery, page: ObjectsPage) -> bytes:
    """ListBucketResult, version 2."""
    encode = _encoder(query.url_encoded)
    inner = element("Name", bucket) + element("Prefix", encode(query.prefix))
    if query.start_after is not None:
        inner += element("StartAfter", encode(query.start_after))
    inner += element("ContinuationToken", query.token)
    if page.next is not None:
        inner += element("NextContinuationToken", encode_token(page.next))
    inner += element("KeyCount", len(page.objects) + len(page.common_prefixes))
    inner += _objects_tail(query, page, encode)
    return document("ListBucketResult", inner)


def list_versions(bucket: str, query: VersionsQuery, page: VersionsPage) -> bytes:
    """ListVersionsResult; versions and delete markers in the order given."""
    encode = _encoder(query.url_encoded)
    inner = element("Name", bucket) + element("Prefix", encode(query.prefix))
    inner += element("KeyMarker", encode(query.key_marker))
    inner += element("VersionIdMarker", query.version_id_marker or "")
    if page.next is not None:
        inner += element("NextKeyMarker", encode(page.next.key))
        inner += element("NextVersionIdMarker", page.next_version_id or None)
    inner += element("MaxKeys", query.max_keys) + _shape(query, encode, is_truncated=page.next is not None)
    inner += "".join([_version(version, encode) for version in page.versions])
    inner += _prefixes(page.common_prefixes, encode)
    return document("ListVersionsResult", inner)


def list_uploads(bucket: str, query: UploadsQuery, page: UploadsPage, owner: Owner) -> bytes:
    """ListMultipartUploadsResult; `owner` owns and initiated every upload."""
    encode = _encoder(query.url_encoded)
    inner = element("Bucket", bucket) + element("KeyMarker", encode(query.key_marker))
    inner += element("UploadIdMarker", query.upload_id_marker)
    if page.next is not None:
        inner += element("NextKeyMarker", encode(page.next.key))
        inner += element("NextUploadIdMarker", page.next_upload_id)
    inner += element("Prefix", encode(query.prefix)) + element("MaxUploads", query.max_uploads)
    inner += _shape(query, encode, is_truncated=page.next is not None)
    people = owner_element(owner, "Initiator") + owner_element(owner)
    inner += "".join([_upload(upload, encode, people) for upload in page.uploads])
    inner += _prefixes(page.common_prefixes, encode)
    return document("ListMultipartUploadsResult", inner)


def list_parts(
    bucket: str, key: str, query: PartsQuery, page: PartsPage, upload: ListedUpload, owner: Owner
) -> bytes:
    """ListPartsResult of `upload`, which `owner` owns and initiated."""
    encode = _encoder(query.url_encoded)
    last = page.parts[-1].number if page.parts else 0
    inner = element("Bucket", bucket) + element("Key", encode(key)) + element("UploadId", query.upload_id)
    inner += owner_element(owner, "Initiator") + owner_element(owner)
    inner += element("StorageClass", upload.storage_class)
    inner += element("PartNumberMarker", query.part_number_marker)
    inner += element("NextPartNumberMarker", last) + element("MaxParts", query.max_parts)
    inner += boolean("IsTruncated", page.is_truncated)
    inner += element("ChecksumAlgorithm", upload.checksum_algorithm or None)
    inner += element("ChecksumType", upload.checksum_type or None)
    inner += "<EncodingType>url</EncodingType>" if query.url_encoded else ""
    inner += "".join([_part(part) for part in page.parts])
    return document("ListPartsResult", inner)


def _plain(text: str) -> str:
    return text


def _encoder(url_encoded: bool) -> _Encode:
    return url_encode if url_encoded else _plain


def _objects_tail(query: ObjectsQuery, page: ObjectsPage, encode: _Encode) -> str:
    head = element("MaxKeys", query.max_keys) + _shape(query, encode, is_truncated=page.next is not None)
    contents = "".join([f"<Contents>{_object(item, encode)}</Contents>" for item in page.objects])
    return head + contents + _prefixes(page.common_prefixes, encode)


def _shape(query: ObjectsQuery | VersionsQuery | UploadsQuery, encode: _Encode, *, is_truncated: bool) -> str:
    shape = element("Delimiter", encode(query.delimiter)) if query.delimiter else ""
    shape += boolean("IsTruncated", is_truncated)
    return shape + ("<EncodingType>url</EncodingType>" if query.url_encoded else "")


def _object(item: ListedObject, encode: _Encode) -> str:
    return (
        f"<Key>{escape(encode(item.key))}</Key><LastModified>{iso_ms(item.modified_ms)}</LastModified>"
        f"{etag_element(item.etag)}{_checksum(item) if item.checksum_algorithm else ''}"
        f"<Size>{item.size}</Size>"
        f"{owner_element(item.owner) if item.owner is not None else ''}"
        f"<StorageClass>{item.storage_class}</StorageClass>"
        f"{described_elements(item.described) if item.described is not None else ''}"
    )


def _checksum(item: ListedObject) -> str:
    algorithm = f"<ChecksumAlgorithm>{item.checksum_algorithm}</ChecksumAlgorithm>"
    return f"{algorithm}<ChecksumType>{item.checksum_type}</ChecksumType>"


def _prefixes(prefixes: Sequence[str], encode: _Encode) -> str:
    return "".join(
        [f"<CommonPrefixes>{element('Prefix', encode(prefix))}</CommonPrefixes>" for prefix in prefixes]
    )


def _version(version: ListedVersion, encode: _Encode) -> str:
    named = element("VersionId", version.version_id) + boolean("IsLatest", version.is_latest)
    if not version.is_delete_marker:
        return f"<Version>{_object(version.item, encode)}{named}</Version>"
    item = version.item
    inner = element("Key", encode(item.key)) + element("LastModified", iso_ms(item.modified_ms))
    inner += owner_element(item.owner) if item.owner is not None else ""
    return f"<DeleteMarker>{inner}{named}</DeleteMarker>"


def _upload(upload: ListedUpload, encode: _Encode, people: str) -> str:
    inner = element("Key", encode(upload.key)) + element("UploadId", upload.upload_id) + people
    inner += element("StorageClass", upload.storage_class) + element("Initiated", iso_ms(upload.initiated_ms))
    inner += element("ChecksumAlgorithm", upload.checksum_algorithm or None)
    return f"<Upload>{inner}{element('ChecksumType', upload.checksum_type or None)}</Upload>"


def _part(part: ListedPart) -> str:
    return (
        f"<Part><PartNumber>{part.number}</PartNumber><LastModified>{iso_ms(part.modified_ms)}</LastModified>"
        f"{etag_element(part.etag)}<Size>{part.size}</Size>{checksum_elements(part.checksums)}</Part>"
    )
