"""Answers, read back by botocore, which is how most clients read them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import botocore.parsers
import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from rustfs_proto.s3 import xml_listings, xml_out
from rustfs_proto.s3.listing import (
    Position,
    encode_token,
    parse_list_objects,
    parse_list_objects_v2,
    parse_list_parts,
    parse_list_uploads,
    parse_list_versions,
)
from rustfs_proto.s3.xml_listings import (
    ListedObject,
    ListedPart,
    ListedUpload,
    ListedVersion,
    ObjectsPage,
    PartsPage,
    UploadsPage,
    VersionsPage,
)
from rustfs_proto.s3.xml_out import DeletedKey, FailedKey, ListedBucket, Owner
from rustfs_proto.s3.xmltext import escape, iso_ms

OWNER = Owner("id<1>", "me & you")
WHEN_MS = 1_700_000_000_123
WHEN = datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)


@lru_cache
def service_model():
    return botocore.session.get_session().get_service_model("s3")


def read(operation: str, body: bytes) -> dict:
    """What botocore understands of `body` as the answer to `operation`, without its own additions."""
    shape = service_model().operation_model(operation).output_shape
    parser = botocore.parsers.create_parser("rest-xml")
    answer = parser.parse({"status_code": 200, "headers": {}, "body": body}, shape)
    answer.pop("ResponseMetadata")
    return answer


def test_list_buckets():
    """ListBuckets names owner, buckets and the token of the next page."""
    body = xml_out.list_buckets(
        [ListedBucket("b1", WHEN_MS, "eu")], OWNER, prefix="b", continuation_token="t"
    )
    assert read("ListBuckets", body) == {
        "Owner": {"ID": "id<1>", "DisplayName": "me & you"},
        "Buckets": [{"Name": "b1", "CreationDate": WHEN, "BucketRegion": "eu"}],
        "Prefix": "b",
        "ContinuationToken": "t",
    }
    assert read("ListBuckets", xml_out.list_buckets([], OWNER))["Buckets"] == []


def test_location():
    """us-east-1 is written as nothing, every other region by name."""
    assert etree.fromstring(xml_out.location_constraint("us-east-1")).text is None
    assert etree.fromstring(xml_out.location_constraint("eu-west-1")).text == "eu-west-1"


def test_versioning():
    """A bucket that never had versioning answers an empty configuration."""
    assert read("GetBucketVersioning", xml_out.versioning_configuration("")) == {}
    suspended = read("GetBucketVersioning", xml_out.versioning_configuration("Suspended"))
    assert suspended == {"Status": "Suspended"}


def listed(key: str, owner: Owner | None = None) -> ListedObject:
    return ListedObject(key, 5, "e", WHEN_MS, owner=owner)


def shown(key: str, **more: object) -> dict:
    return {"Key": key, "LastModified": WHEN, "ETag": '"e"', "Size": 5, "StorageClass": "STANDARD", **more}


def test_list_objects():
    """Version 1 echoes its parameters and names the next marker."""
    query = parse_list_objects({"prefix": "a&", "marker": "a", "delimiter": "/", "max-keys": "2"})
    page = ObjectsPage([listed("a&<>\"'", OWNER)], ["a&b/"], Position("a&b/", is_prefix=True))
    assert read("ListObjects", xml_listings.list_objects("b", query, page)) == {
        "Name": "b",
        "Prefix": "a&",
        "Marker": "a",
        "NextMarker": "a&b/",
        "MaxKeys": 2,
        "Delimiter": "/",
        "IsTruncated": True,
        "Contents": [shown("a&<>\"'", Owner={"ID": "id<1>", "DisplayName": "me & you"})],
        "CommonPrefixes": [{"Prefix": "a&b/"}],
    }


def test_list_objects_v2():
    """Version 2 counts what it shows, keys and prefixes, and hands out a token."""
    token = encode_token(Position("a"))
    query = parse_list_objects_v2({"continuation-token": token, "start-after": "0", "delimiter": "/"})
    page = ObjectsPage([listed("a"), listed("b")], ["c/"], Position("c/", is_prefix=True))
    assert read("ListObjectsV2", xml_listings.list_objects_v2("b", query, page)) == {
        "Name": "b",
        "Prefix": "",
        "StartAfter": "0",
        "ContinuationToken": token,
        "NextContinuationToken": encode_token(Position("c/", is_prefix=True)),
        "KeyCount": 3,
        "MaxKeys": 1000,
        "Delimiter": "/",
        "IsTruncated": True,
        "Contents": [shown("a"), shown("b")],
        "CommonPrefixes": [{"Prefix": "c/"}],
    }
    last = read("ListObjectsV2", xml_listings.list_objects_v2("b", parse_list_objects_v2({}), ObjectsPage()))
    assert last == {"Name": "b", "Prefix": "", "KeyCount": 0, "MaxKeys": 1000, "IsTruncated": False}


def test_url_encoded_listings():
    """With encoding-type=url every name is encoded, so that keys XML cannot hold come through."""
    params = {"encoding-type": "url", "prefix": "\x01 ", "delimiter": "\x02", "start-after": "é"}
    page = ObjectsPage([listed("\x01 a")], ["\x01 b\x02"])
    answer = read("ListObjectsV2", xml_listings.list_objects_v2("b", parse_list_objects_v2(params), page))
    assert answer["EncodingType"] == "url"
    assert (answer["Prefix"], answer["Delimiter"], answer["StartAfter"]) == ("%01%20", "%02", "%C3%A9")
    assert answer["Contents"][0]["Key"] == "%01%20a"
    assert answer["CommonPrefixes"] == [{"Prefix": "%01%20b%02"}]


def test_list_versions():
    """Versions and delete markers are told apart."""
    query = parse_list_versions({"key-marker": "a", "version-id-marker": "v0"})
    page = VersionsPage(
        [
            ListedVersion(listed("k", OWNER), "null", is_latest=True),
            ListedVersion(listed("l"), "v1", is_latest=False, is_delete_marker=True),
        ],
        ["m/"],
        Position("l"),
        "v1",
    )
    assert read("ListObjectVersions", xml_listings.list_versions("b", query, page)) == {
        "Name": "b",
        "Prefix": "",
        "KeyMarker": "a",
        "VersionIdMarker": "v0",
        "NextKeyMarker": "l",
        "NextVersionIdMarker": "v1",
        "MaxKeys": 1000,
        "IsTruncated": True,
        "Versions": [
            shown("k", Owner={"ID": "id<1>", "DisplayName": "me & you"}, VersionId="null", IsLatest=True)
        ],
        "DeleteMarkers": [{"Key": "l", "LastModified": WHEN, "VersionId": "v1", "IsLatest": False}],
        "CommonPrefixes": [{"Prefix": "m/"}],
    }


def test_list_uploads():
    """Uploads show who began them, when, and with which checksum."""
    query = parse_list_uploads({"prefix": "p", "delimiter": "/", "key-marker": "k", "upload-id-marker": "u"})
    upload = ListedUpload("p1", "u1", WHEN_MS, checksum_algorithm="CRC32", checksum_type="COMPOSITE")
    body = xml_listings.list_uploads("b", query, UploadsPage([upload], ["p/"], Position("p1"), "u1"), OWNER)
    person = {"ID": "id<1>", "DisplayName": "me & you"}
    assert read("ListMultipartUploads", body) == {
        "Bucket": "b",
        "KeyMarker": "k",
        "UploadIdMarker": "u",
        "NextKeyMarker": "p1",
        "NextUploadIdMarker": "u1",
        "Prefix": "p",
        "Delimiter": "/",
        "MaxUploads": 1000,
        "IsTruncated": True,
        "Uploads": [
            {
                "Key": "p1",
                "UploadId": "u1",
                "Initiator": person,
                "Owner": person,
                "StorageClass": "STANDARD",
                "Initiated": WHEN,
                "ChecksumAlgorithm": "CRC32",
                "ChecksumType": "COMPOSITE",
            }
        ],
        "CommonPrefixes": [{"Prefix": "p/"}],
    }


def test_list_parts():
    """Parts show number, size, tag and checksum, and where the next page begins."""
    query = parse_list_parts({"uploadId": "u", "part-number-marker": "1", "max-parts": "1"})
    page = PartsPage([ListedPart(2, 5, "e", WHEN_MS, {"CRC32": "AAAAAA=="})], is_truncated=True)
    upload = ListedUpload("k", "u", WHEN_MS, checksum_algorithm="CRC32", checksum_type="FULL_OBJECT")
    person = {"ID": "id<1>", "DisplayName": "me & you"}
    answer = read("ListParts", xml_listings.list_parts("b", "k", query, page, upload, OWNER))
    assert answer == {
        "Bucket": "b",
        "Key": "k",
        "UploadId": "u",
        "Initiator": person,
        "Owner": person,
        "StorageClass": "STANDARD",
        "PartNumberMarker": 1,
        "NextPartNumberMarker": 2,
        "MaxParts": 1,
        "IsTruncated": True,
        "ChecksumAlgorithm": "CRC32",
        "ChecksumType": "FULL_OBJECT",
        "Parts": [
            {"PartNumber": 2, "LastModified": WHEN, "ETag": '"e"', "Size": 5, "ChecksumCRC32": "AAAAAA=="}
        ],
    }


def test_multipart_answers():
    """The answers that open and complete an upload."""
    assert read("CreateMultipartUpload", xml_out.initiate_multipart_upload("b", "k<", "u")) == {
        "Bucket": "b",
        "Key": "k<",
        "UploadId": "u",
    }
    body = xml_out.complete_multipart_upload(
        location="http://h/b/k",
        bucket="b",
        key="k",
        etag="e-2",
        checksums={"CRC64NVME": "x"},
        checksum_type="FULL_OBJECT",
    )
    assert read("CompleteMultipartUpload", body) == {
        "Location": "http://h/b/k",
        "Bucket": "b",
        "Key": "k",
        "ETag": '"e-2"',
        "ChecksumCRC64NVME": "x",
        "ChecksumType": "FULL_OBJECT",
    }


def test_copy_answers():
    """The answers to copies carry tag, time and checksums."""
    body = xml_out.copy_object(
        etag="e", modified_ms=WHEN_MS, checksums={"SHA1": "x"}, checksum_type="COMPOSITE"
    )
    assert read("CopyObject", body)["CopyObjectResult"] == {
        "ETag": '"e"',
        "LastModified": WHEN,
        "ChecksumSHA1": "x",
        "ChecksumType": "COMPOSITE",
    }
    part = read("UploadPartCopy", xml_out.copy_part(etag="e", modified_ms=WHEN_MS))
    assert part["CopyPartResult"] == {"ETag": '"e"', "LastModified": WHEN}


def test_delete_result():
    """Successes and failures are listed, and only failures when the request was quiet."""
    deleted, failed = [DeletedKey("a"), DeletedKey("b", "v")], [FailedKey("c", "AccessDenied", "no", "w")]
    errors = [{"Key": "c", "VersionId": "w", "Code": "AccessDenied", "Message": "no"}]
    loud = read("DeleteObjects", xml_out.delete_result(deleted, failed, quiet=False))
    assert loud == {"Deleted": [{"Key": "a"}, {"Key": "b", "VersionId": "v"}], "Errors": errors}
    assert read("DeleteObjects", xml_out.delete_result(deleted, failed, quiet=True)) == {"Errors": errors}


@given(st.text())
def test_any_text_is_well_formed(text):
    """Whatever a name holds, the document parses, and what XML can hold comes through."""
    found = etree.fromstring(f'<a b="{escape(text)}">{escape(text)}</a>'.encode("utf-8", "strict"))
    survivors = all(char in "\t\n\r" or (char >= " " and char not in "\ufffe\uffff") for char in text)
    if survivors and not any("\ud800" <= char <= "\udfff" for char in text):
        assert (found.text or "") == text


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "1970-01-01T00:00:00.000Z"), (WHEN_MS, "2023-11-14T22:13:20.123Z")]
)
def test_known_times(ms, text):
    """Times are written with milliseconds and in UTC."""
    assert iso_ms(ms) == text


@given(st.integers(0, 253_402_300_799_999))
def test_any_time(ms):
    """Every time is written as the calendar has it."""
    assert (
        iso_ms(ms)
        == datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03}Z"
    )
