"""Documents of clients, among them hostile ones."""

from __future__ import annotations

from functools import lru_cache

import botocore.serialize
import botocore.session
import pytest

from rustfs_proto.s3.delete_conditions import DeleteCondition
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.xml_in import (
    COMPLETE_BODY_MAX_BYTES,
    CREATE_BUCKET_BODY_MAX_BYTES,
    DELETE_BODY_MAX_BYTES,
    CompletedPart,
    KeyToDelete,
    parse_complete_multipart_upload,
    parse_create_bucket,
    parse_delete,
)

NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
PART = "<Part><PartNumber>{0}</PartNumber><ETag>&quot;e{0}&quot;</ETag></Part>"


def complete(*numbers: int, namespace: str = "") -> bytes:
    parts = "".join(PART.format(number) for number in numbers)
    return f"<CompleteMultipartUpload{namespace}>{parts}</CompleteMultipartUpload>".encode()


def delete(inner: str) -> bytes:
    return f"<Delete>{inner}</Delete>".encode()


@lru_cache
def service_model():
    return botocore.session.get_session().get_service_model("s3")


def written(operation: str, params: dict) -> bytes:
    """The body that botocore writes for `operation`."""
    model = service_model().operation_model(operation)
    return botocore.serialize.create_serializer("rest-xml").serialize_to_request(params, model)["body"]


def code_of(parse, body: bytes) -> str:
    with pytest.raises(S3Error) as caught:
        parse(body)
    return caught.value.code


def test_completions_of_botocore():
    """What botocore writes is read, checksums included."""
    parts = [{"PartNumber": 1, "ETag": '"a"', "ChecksumCRC32": "x"}, {"PartNumber": 3, "ETag": "b"}]
    params = {"Bucket": "b", "Key": "k", "UploadId": "u", "MultipartUpload": {"Parts": parts}}
    assert parse_complete_multipart_upload(written("CompleteMultipartUpload", params)) == (
        CompletedPart(1, "a", {"CRC32": "x"}),
        CompletedPart(3, "b", {}),
    )


def test_deletes_of_botocore():
    """What botocore writes is read, blanks and markup in keys included."""
    objects = [{"Key": " a&<b> \n"}, {"Key": "k", "VersionId": "v", "ETag": '"e"'}]
    params = {"Bucket": "b", "Delete": {"Objects": objects, "Quiet": True}}
    request = parse_delete(written("DeleteObjects", params))
    assert request.quiet is True
    assert request.keys == (KeyToDelete(" a&<b> \n"), KeyToDelete("k", "v", DeleteCondition('"e"')))


def test_bucket_configurations_of_botocore():
    """What botocore writes is read."""
    params = {"Bucket": "b", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    assert parse_create_bucket(written("CreateBucket", params)) == "eu-west-1"


@pytest.mark.parametrize("namespace", ["", NAMESPACE])
def test_namespaces(namespace):
    """Documents in S3's namespace and in none mean the same."""
    assert [part.number for part in parse_complete_multipart_upload(complete(1, 2, namespace=namespace))] == [
        1,
        2,
    ]


@pytest.mark.parametrize("numbers", [(2, 1), (1, 1), (1, 3, 2)])
def test_part_order(numbers):
    """Part numbers ascend strictly."""
    assert code_of(parse_complete_multipart_upload, complete(*numbers)) == "InvalidPartOrder"


@pytest.mark.parametrize("number", [0, 10001])
def test_part_number_bounds(number):
    """Part numbers are 1 to 10000."""
    assert code_of(parse_complete_multipart_upload, complete(number)) == "InvalidArgument"
    assert len(parse_complete_multipart_upload(complete(*range(1, 10001)))) == 10000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"<CompleteMultipartUpload>",
        b"<Delete/>",
        complete(),
        complete(1, namespace=' xmlns="urn:other"'),
        b"<CompleteMultipartUpload><Part/></CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Piece/></CompleteMultipartUpload>",
        complete(1).replace(b"<PartNumber>1<", b"<PartNumber>one<"),
        complete(1).replace(b"<PartNumber>1<", b"<PartNumber>-1<"),
        complete(1).replace(b"<PartNumber>1<", b"<PartNumber>" + b"1" * 5000 + b"<"),
        complete(1).replace(b"<PartNumber>1</PartNumber>", b""),
        complete(1).replace(b"&quot;e1&quot;", b""),
        complete(1).replace(b"<ETag>", b"<ETag><b/>"),
        complete(1).replace(b"<ETag>", b"<ChecksumMD4>x</ChecksumMD4><ETag>"),
        complete(1).replace(b"<ETag>", b"<PartNumber>2</PartNumber><ETag>"),
        complete(1) + b"<x/>",
        "<CompleteMultipartUpload>é".encode("latin-1"),
    ],
)
def test_malformed_completions(body):
    """What does not follow the schema is MalformedXML."""
    assert code_of(parse_complete_multipart_upload, body) == "MalformedXML"


@pytest.mark.parametrize(
    "inner",
    [
        "",
        "<Quiet>true</Quiet>",
        "<Object/>",
        "<Object><Key/></Object>",
        "<Object><Key>a</Key><Owner>me</Owner></Object>",
        "<Object><Key>a</Key></Object><Other/>",
        "<Object><Key>a</Key></Object>" * 1001,
        "<Object><Key>&#1;</Key></Object>",
    ],
)
def test_malformed_deletes(inner):
    """Anything but 1 to 1000 keys and Quiet is MalformedXML."""
    assert code_of(parse_delete, delete(inner)) == "MalformedXML"


def test_a_thousand_keys():
    """1000 keys of the greatest length, escaped at length, are within the bound on bodies."""
    inner = "".join(f"<Object><Key>{'&quot;' * 1019}{number:05}</Key></Object>" for number in range(1000))
    assert len(parse_delete(delete(inner)).keys) == 1000


def test_conditions_of_deletes():
    """ETag, time and size are read as they are in headers; one that cannot be read is never ignored."""
    conditions = (
        "<ETag>*</ETag><LastModifiedTime>Thu, 01 Jan 1970 00:01:00 GMT</LastModifiedTime><Size>7</Size>"
    )
    read = parse_delete(delete(f"<Object><Key>a</Key>{conditions}</Object>"))
    assert read.keys == (KeyToDelete("a", None, DeleteCondition("*", 60, 7)),)
    for element in ("<Size>-1</Size>", "<Size>1k</Size>", "<LastModifiedTime>now</LastModifiedTime>"):
        assert code_of(parse_delete, delete(f"<Object><Key>a</Key>{element}</Object>")) == "InvalidArgument"


@pytest.mark.parametrize("body", [b"", b" \n", b"<CreateBucketConfiguration/>"])
def test_no_location(body):
    """A bucket may be created without naming a location."""
    assert parse_create_bucket(body) is None


def test_bucket_options():
    """Options of directory buckets are NotImplemented, unknown ones MalformedXML."""
    for inner, code in (
        ("<Bucket><Type>Directory</Type></Bucket>", "NotImplemented"),
        ("<Tags><Tag/></Tags>", "NotImplemented"),
        ("<Colour>red</Colour>", "MalformedXML"),
    ):
        body = f"<CreateBucketConfiguration>{inner}</CreateBucketConfiguration>".encode()
        assert code_of(parse_create_bucket, body) == code


ATTACKS = {
    "billion laughs": (
        b'<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
        b'<!ENTITY c "&b;&b;&b;&b;&b;">]>'
        b"<Delete><Object><Key>&c;&c;&c;</Key></Object></Delete>"
    ),
    "external file": (
        b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        b"<Delete><Object><Key>&x;</Key></Object></Delete>"
    ),
    "external DTD": b'<!DOCTYPE Delete SYSTEM "http://127.0.0.1:1/x.dtd"><Delete/>',
    "parameter entity": (
        b'<!DOCTYPE d [<!ENTITY % x SYSTEM "http://127.0.0.1:1/">%x;]>'
        b"<Delete><Object><Key>a</Key></Object></Delete>"
    ),
    "quadratic": (
        b'<!DOCTYPE d [<!ENTITY x "' + b"a" * 50000 + b'">]><Delete><Object><Key>' + b"&x;" * 5000 + b"</Key>"
        b"</Object></Delete>"
    ),
    "harmless document type": b"<!DOCTYPE Delete><Delete><Object><Key>a</Key></Object></Delete>",
    "undefined entity": b"<Delete><Object><Key>&nbsp;</Key></Object></Delete>",
    "deep nesting": b"<Delete>" + b"<a>" * 200_000 + b"</a>" * 200_000 + b"</Delete>",
    "other encoding": b"<?xml version='1.0' encoding='UTF-16'?><Delete/>",
    "xinclude": (
        b'<Delete xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></Delete>'
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks(name):
    """Entity bombs, external entities, includes and deep nesting are refused before anything is expanded."""
    assert code_of(parse_delete, ATTACKS[name]) == "MalformedXML"


def test_comments_and_instructions_are_nothing():
    """Comments and processing instructions neither count nor split text."""
    inner = "<!-- c --><?pi x?><Object><Key>a<!-- c -->b</Key></Object>"
    assert parse_delete(delete(inner)).keys == (KeyToDelete("ab"),)


def test_the_size_cap():
    """A document over the bound is refused without being parsed."""
    for parse, max_bytes in (
        (parse_complete_multipart_upload, COMPLETE_BODY_MAX_BYTES),
        (parse_delete, DELETE_BODY_MAX_BYTES),
        (parse_create_bucket, CREATE_BUCKET_BODY_MAX_BYTES),
    ):
        assert code_of(parse, b"<" * (max_bytes + 1)) == "MaxMessageLengthExceeded"
