"""Which attributes of objects a request asks for, and the document that answers GetObjectAttributes.

API reference, GetObjectAttributes. Only what x-amz-object-attributes names is shown. An object of one PUT has
no ObjectParts; of a multipart object the parts themselves are shown only where it has an additional checksum,
as in general purpose buckets of S3. Unlike in every other document the ETag stands without quotes, and a
composite checksum without the number of parts, which PartsCount tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from rustfs_proto.s3.errors import invalid_argument
from rustfs_proto.s3.listing import PAGE_MAX, PART_NUMBER_MAX
from rustfs_proto.s3.target import HeaderMap
from rustfs_proto.s3.xml_out import boolean, checksum_elements, document, element

ATTRIBUTES = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")
"""The names that x-amz-object-attributes knows, in the order of the document."""

_WANTED = "x-amz-object-attributes"
_OPTIONAL = "x-amz-optional-object-attributes"
_OF_LISTINGS = ("RestoreStatus",)
_DIGITS_MAX = 10


@attrs.frozen
class AttributesQuery:
    """`wanted` are names of `ATTRIBUTES`; the page of parts is those with numbers above `part_number_marker`,
    at most `max_parts`.
    """

    wanted: frozenset[str]
    part_number_marker: int
    max_parts: int


@attrs.frozen
class AttributePart:
    """A part of a multipart object; `checksums` as `{algorithm name: base64}`."""

    number: int
    size: int
    checksums: Mapping[str, str]


@attrs.frozen
class ObjectAttributes:
    """What there is to tell of an object. `parts` is empty for an object of one PUT."""

    etag: str
    size: int
    storage_class: str
    checksums: Mapping[str, str]
    checksum_type: str
    parts: Sequence[AttributePart] = ()


def check_optional_attributes(headers: HeaderMap) -> None:
    """What x-amz-optional-object-attributes asks of a listing: RestoreStatus, which only objects have that
    were archived once. Raises InvalidArgument for any other name.
    """
    text = headers.get(_OPTIONAL)
    if text is not None:
        _check_names(text, _OPTIONAL, _OF_LISTINGS)


def parse_attributes(headers: HeaderMap) -> AttributesQuery:
    """Raises InvalidArgument where no attribute is named, or one that S3 does not know. Limits of pages that
    are no numbers are passed over, as S3 does.
    """
    return AttributesQuery(
        frozenset(_check_names(headers.get(_WANTED, ""), _WANTED, ATTRIBUTES)),
        _number(headers, "x-amz-part-number-marker", 0, PART_NUMBER_MAX),
        _number(headers, "x-amz-max-parts", PAGE_MAX, PAGE_MAX),
    )


def object_attributes(query: AttributesQuery, found: ObjectAttributes) -> bytes:
    """GetObjectAttributesResponse."""
    shown = {
        "ETag": element("ETag", found.etag),
        "Checksum": _checksum(found),
        "ObjectParts": _parts(query, found),
        "StorageClass": element("StorageClass", found.storage_class),
        "ObjectSize": element("ObjectSize", found.size),
    }
    return document(
        "GetObjectAttributesResponse", "".join([shown[name] for name in ATTRIBUTES if name in query.wanted])
    )


def _checksum(found: ObjectAttributes) -> str:
    if not found.checksums:
        return ""
    kind = element("ChecksumType", found.checksum_type or "FULL_OBJECT")
    values = {name: value.partition("-")[0] for name, value in found.checksums.items()}
    return f"<Checksum>{checksum_elements(values)}{kind}</Checksum>"


def _parts(query: AttributesQuery, found: ObjectAttributes) -> str:
    if not found.parts:
        return ""
    inner = element("PartsCount", len(found.parts))
    if found.checksums:
        inner += _page(query, found.parts)
    return f"<ObjectParts>{inner}</ObjectParts>"


def _page(query: AttributesQuery, parts: Sequence[AttributePart]) -> str:
    following = [part for part in parts if part.number > query.part_number_marker]
    page = following[: query.max_parts]
    # A page of none would have no marker to go on from.
    is_truncated = 0 < len(page) < len(following)
    last = page[-1].number if page else query.part_number_marker
    inner = element("PartNumberMarker", query.part_number_marker)
    inner += element("NextPartNumberMarker", last)
    inner += element("MaxParts", query.max_parts) + boolean("IsTruncated", is_truncated)
    return inner + "".join([_part(part) for part in page])


def _part(part: AttributePart) -> str:
    named = element("PartNumber", part.number) + element("Size", part.size)
    return f"<Part>{named}{checksum_elements(part.checksums)}</Part>"


def _check_names(text: str, header: str, known: Sequence[str]) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(name in known for name in names):
        raise invalid_argument("Invalid attribute name specified.", header, text)
    return names


def _number(headers: HeaderMap, name: str, default: int, most: int) -> int:
    text = headers.get(name, "").strip()
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS_MAX:
        return default
    return min(int(text), most)
