"""What is stored beside the bytes: user metadata, content headers, and what a GET may override."""

from __future__ import annotations

from datetime import UTC, datetime
from email.header import decode_header, make_header

import pytest
from botocore.exceptions import ClientError

from tests.clients.raw import path_of

CONTENT_HEADERS = {
    "CacheControl": "max-age=3600, public",
    "ContentDisposition": 'attachment; filename="a b.txt"',
    "ContentEncoding": "gzip",
    "ContentLanguage": "de-CH, en",
    "ContentType": "text/plain; charset=utf-8",
}
EXPIRES = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)


def test_content_headers_come_back(s3, bucket):
    """Every content header of a PUT is answered by GET and HEAD as it was given."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", Expires=EXPIRES, **CONTENT_HEADERS)
    for answer in (s3.get_object(Bucket=bucket, Key="key"), s3.head_object(Bucket=bucket, Key="key")):
        assert {name: answer[name] for name in CONTENT_HEADERS} == CONTENT_HEADERS
        assert answer["ExpiresString"] == "Wed, 18 May 2033 03:33:20 GMT"


def test_user_metadata_comes_back(s3, bucket):
    """Names are lower case, values are kept as they are, and an empty value is a value."""
    metadata = {"plain": "value", "with-dash": "a=b; c, d", "empty": "", "number": "42", "long": "v" * 1000}
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", Metadata=metadata | {"UPPER": "Case"})
    expected = metadata | {"upper": "Case"}
    assert s3.head_object(Bucket=bucket, Key="key")["Metadata"] == expected
    assert s3.get_object(Bucket=bucket, Key="key")["Metadata"] == expected


def test_user_metadata_in_utf8(raw, bucket):
    """A value in UTF-8 comes back as the same text, in UTF-8 or, as AWS writes it, by RFC 2047."""
    text = "Grüße, 世界 😀"
    target = path_of(bucket, "key")
    assert raw.request("PUT", target, {"x-amz-meta-greeting": text}, b"x").status == 200
    for method in ("GET", "HEAD"):
        received = raw.request(method, target).headers["x-amz-meta-greeting"].encode("latin-1").decode()
        assert str(make_header(decode_header(received))) == text


def test_user_metadata_too_large(s3, bucket):
    """More than 2 KiB of names and values is MetadataTooLarge, and nothing is stored."""
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=bucket, Key="key", Body=b"x", Metadata={"name": "v" * 2048})
    assert caught.value.response["Error"]["Code"] == "MetadataTooLarge"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_an_overwrite_forgets_old_metadata(s3, bucket):
    """Metadata and content headers belong to one PUT: the next begins with none."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", Metadata={"old": "1"}, **CONTENT_HEADERS)
    s3.put_object(Bucket=bucket, Key="key", Body=b"y")
    head = s3.head_object(Bucket=bucket, Key="key")
    assert head["Metadata"] == {}
    assert "CacheControl" not in head and "ContentEncoding" not in head
    assert head["ContentType"] == "binary/octet-stream"


def test_response_overrides(s3, bucket):
    """Each response-* parameter of a signed GET replaces the header stored, for that answer alone."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", **CONTENT_HEADERS)
    overrides = {
        "ResponseCacheControl": ("CacheControl", "no-store"),
        "ResponseContentDisposition": ("ContentDisposition", 'inline; filename="b+&.txt"'),
        "ResponseContentEncoding": ("ContentEncoding", "identity"),
        "ResponseContentLanguage": ("ContentLanguage", "fr"),
        "ResponseContentType": ("ContentType", "application/json"),
    }
    asked = {parameter: value for parameter, (_, value) in overrides.items()}
    got = s3.get_object(Bucket=bucket, Key="key", ResponseExpires=EXPIRES, **asked)
    assert {header: got[header] for header, _ in overrides.values()} == dict(overrides.values())
    assert got["ExpiresString"] == "Wed, 18 May 2033 03:33:20 GMT"
    assert s3.get_object(Bucket=bucket, Key="key")["ContentType"] == CONTENT_HEADERS["ContentType"]


def test_response_overrides_need_a_signature(raw, bucket):
    """An unsigned request may not choose response headers, even where it could read."""
    target = path_of(bucket, "key")
    assert raw.request("PUT", target, body=b"x").status == 200
    answer = raw.request("GET", f"{target}?response-content-type=text%2Fhtml", anonymous=True)
    assert answer.status in {400, 403}


def test_storage_class(s3, bucket):
    """STANDARD is accepted and not answered; a class that does not exist is InvalidStorageClass."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x", StorageClass="STANDARD")
    assert "StorageClass" not in s3.head_object(Bucket=bucket, Key="key")
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"] == "STANDARD"
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=bucket, Key="other", Body=b"x", StorageClass="SHINY")
    assert caught.value.response["Error"]["Code"] == "InvalidStorageClass"


def test_last_modified_is_the_time_of_the_put(s3, bucket):
    """Listing, GET and HEAD tell the same second, and it lies between request and answer."""
    before = datetime.now(UTC).replace(microsecond=0)
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    after = datetime.now(UTC)
    modified = s3.head_object(Bucket=bucket, Key="key")["LastModified"]
    assert before <= modified <= after
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]["LastModified"]
    assert listed.replace(microsecond=0) == modified
