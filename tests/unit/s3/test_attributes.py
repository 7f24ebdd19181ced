"""What is asked of an object's attributes, and how it is told."""

from __future__ import annotations

import botocore.parsers
import botocore.session
import pytest

from rustfs_proto.s3.attributes import (
    ATTRIBUTES,
    AttributePart,
    ObjectAttributes,
    check_optional_attributes,
    object_attributes,
    parse_attributes,
)
from rustfs_proto.s3.errors import S3Error

ALL = ",".join(ATTRIBUTES)
PARTS = [AttributePart(number, 10 * number, {"CRC32": f"c{number}"}) for number in (1, 2, 5, 9)]
WHOLE = ObjectAttributes("e-4", 170, "GLACIER", {"CRC32": "abc-4"}, "COMPOSITE", PARTS)


def told(headers: dict[str, str], found: ObjectAttributes = WHOLE, wanted: str = ALL) -> dict[str, object]:
    """What botocore makes of the answer."""
    body = object_attributes(parse_attributes({"x-amz-object-attributes": wanted} | headers), found)
    shape = (
        botocore.session.get_session()
        .get_service_model("s3")
        .operation_model("GetObjectAttributes")
        .output_shape
    )
    response = {"status_code": 200, "headers": {}, "body": body}
    parsed = botocore.parsers.create_parser("rest-xml").parse(response, shape)
    return {name: value for name, value in parsed.items() if name != "ResponseMetadata"}


@pytest.mark.parametrize("wanted", [*ATTRIBUTES, "ETag, ObjectSize", ALL])
def test_only_what_is_asked_for_is_told(wanted):
    """The document has exactly the attributes that were named."""
    assert set(told({}, wanted=wanted)) == {name.strip() for name in wanted.split(",")}


def test_what_is_told_of_an_object():
    """ETag without quotes, checksum without the number of parts, size and class."""
    answer = told({})
    assert (answer["ETag"], answer["ObjectSize"], answer["StorageClass"]) == ("e-4", 170, "GLACIER")
    assert answer["Checksum"] == {"ChecksumCRC32": "abc", "ChecksumType": "COMPOSITE"}


@pytest.mark.parametrize(
    ("limit", "marker", "numbers", "following", "is_truncated"),
    [
        ("", "", [1, 2, 5, 9], 9, False),
        ("2", "", [1, 2], 2, True),
        ("2", "2", [5, 9], 9, False),
        ("1", "3", [5], 5, True),
        ("4", "9", [], 9, False),
        ("0", "", [], 0, False),
        ("many", "-1", [1, 2, 5, 9], 9, False),
        ("99999", "0", [1, 2, 5, 9], 9, False),
    ],
)
def test_pages_of_parts(limit, marker, numbers, following, is_truncated):
    """A page holds the parts behind the marker and says where the next begins; limits that are no numbers are
    passed over.
    """
    page = told({"x-amz-max-parts": limit, "x-amz-part-number-marker": marker})["ObjectParts"]
    assert [part["PartNumber"] for part in page.get("Parts", [])] == numbers
    assert (page["TotalPartsCount"], page["IsTruncated"]) == (4, is_truncated)
    assert page["NextPartNumberMarker"] == following
    for part in page.get("Parts", []):
        assert (part["Size"], part["ChecksumCRC32"]) == (part["PartNumber"] * 10, f"c{part['PartNumber']}")


def test_what_an_object_does_not_have_is_left_out():
    """No ObjectParts after one PUT, no Checksum where there is none; parts of an object without one are only
    counted.
    """
    single = ObjectAttributes("e", 1, "STANDARD", {}, "")
    assert set(told({}, single)) == {"ETag", "StorageClass", "ObjectSize"}
    plain = ObjectAttributes("e-1", 10, "STANDARD", {}, "", [AttributePart(1, 10, {})])
    assert told({}, plain)["ObjectParts"] == {"TotalPartsCount": 1}


@pytest.mark.parametrize("wanted", ["", "Size", "ETag,", "etag", "ETag;ObjectSize"])
def test_unknown_attributes_are_refused(wanted):
    """A name that S3 does not know, or none at all, is InvalidArgument."""
    with pytest.raises(S3Error, match="InvalidArgument"):
        parse_attributes({"x-amz-object-attributes": wanted} if wanted else {})


def test_attributes_of_listings():
    """RestoreStatus may be asked for, and nothing else."""
    check_optional_attributes({})
    check_optional_attributes({"x-amz-optional-object-attributes": "RestoreStatus"})
    for text in ("", "ETag", "RestoreStatus,ETag"):
        with pytest.raises(S3Error, match="InvalidArgument"):
            check_optional_attributes({"x-amz-optional-object-attributes": text})
