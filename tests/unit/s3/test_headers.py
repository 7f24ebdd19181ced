"""Object headers, copy headers, and headers that ask for what this server does not do."""

from __future__ import annotations

import botocore.session
import pytest

from rustfs_proto.s3.copying import CopySource, check_self_copy, parse_copy_source, replaces_metadata
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.features import check_expected_owner, refuse_unbuilt, storage_class
from rustfs_proto.s3.headers import checksum_headers, object_headers, response_overrides, stored_headers


def test_content_headers_are_kept():
    """The content headers and user metadata are kept, everything else is not."""
    kept = {
        "content-type": "text/plain",
        "cache-control": "no-cache",
        "content-disposition": "attachment",
        "content-language": "de",
        "expires": "never",
        "x-amz-website-redirect-location": "/other",
    }
    sent = {
        **kept,
        "host": "h",
        "x-amz-date": "d",
        "x-amz-meta-a": "1",
        "x-amz-meta-": "2",
        "content-length": "1",
    }
    stored = stored_headers(sent)
    assert stored.content == kept
    assert stored.user == {"a": "1", "": "2"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("aws-chunked", None),
        ("aws-chunked,gzip", "gzip"),
        ("gzip, aws-chunked", "gzip"),
        ("AWS-Chunked", None),
        ("gzip,br", "gzip,br"),
        ("", None),
    ],
)
def test_aws_chunked_is_not_a_coding_of_the_object(sent, kept):
    """aws-chunked is taken out of Content-Encoding, and an empty rest with it."""
    assert stored_headers({"content-encoding": sent}).content.get("content-encoding") == kept


def test_the_default_content_type():
    """An object without a type is binary/octet-stream, as in S3."""
    assert stored_headers({}).content == {"content-type": "binary/octet-stream"}


def test_the_bound_on_user_metadata():
    """Names and values together may have 2 KiB."""
    assert stored_headers({"x-amz-meta-abcd": "v" * 2044}).user["abcd"] == "v" * 2044
    with pytest.raises(S3Error) as caught:
        stored_headers({"x-amz-meta-abcd": "v" * 2045})
    assert caught.value.code == "MetadataTooLarge"
    assert caught.value.extra == {"Size": "2049", "MaxSizeAllowed": "2048"}


def test_a_bad_redirect_is_refused():
    """A website redirect is a path or an http URL."""
    with pytest.raises(S3Error, match="InvalidArgument"):
        stored_headers({"x-amz-website-redirect-location": "javascript:x"})


@pytest.mark.parametrize("raw", ["é".encode(), b"\xe9", b"=?UTF-8?Q?=C3=A9?=", b"plain", b""])
def test_user_metadata_comes_back_byte_for_byte(raw):
    """Whatever bytes a client sent as a value, it gets back."""
    user = stored_headers({"x-amz-meta-a": raw.decode("latin-1")}).user
    answer = object_headers(etag="e", modified_ms=0, content={}, user=user)
    assert (b"x-amz-meta-a", raw) in answer


def test_the_answer_describes_the_object():
    """Stored headers, overrides, tag and time are in the answer; the default storage class is not."""
    answer = object_headers(
        etag="e",
        modified_ms=784_111_777_999,
        content={"content-type": "a/b", "expires": "x"},
        user={},
        overrides={"content-type": "c/d"},
    )
    assert dict(answer) == {
        b"last-modified": b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"etag": b'"e"',
        b"accept-ranges": b"bytes",
        b"content-type": b"c/d",
        b"expires": b"x",
    }
    colder = object_headers(etag="e", modified_ms=0, content={}, user={}, storage_class="COLD")
    assert (b"x-amz-storage-class", b"COLD") in colder


def test_checksums_are_shown_on_request():
    """Checksums are in the answer only when x-amz-checksum-mode asks for them."""
    asked = {"x-amz-checksum-mode": "ENABLED"}
    assert checksum_headers({"CRC32": "AAAAAA=="}, "", {}) == []
    assert checksum_headers({}, "", asked) == []
    assert checksum_headers({"CRC32": "AAAAAA=="}, "", asked) == [
        (b"x-amz-checksum-crc32", b"AAAAAA=="),
        (b"x-amz-checksum-type", b"FULL_OBJECT"),
    ]
    assert (b"x-amz-checksum-type", b"COMPOSITE") in checksum_headers({"SHA1": "x-2"}, "COMPOSITE", asked)


def test_overrides_of_a_signed_get():
    """A signed GET may replace content headers by parameters, UTF-8 included."""
    params = {"response-content-type": "a/b", "response-content-disposition": 'x="é"', "prefix": "p"}
    found = response_overrides(params, is_signed=True)
    assert found["content-type"] == "a/b"
    assert found["content-disposition"].encode("latin-1") == 'x="é"'.encode()


def test_overrides_are_refused():
    """Anonymous overrides and line breaks in them are refused."""
    assert response_overrides({"prefix": "p"}, is_signed=False) == {}
    with pytest.raises(S3Error, match="InvalidRequest"):
        response_overrides({"response-expires": "x"}, is_signed=False)
    with pytest.raises(S3Error, match="InvalidArgument"):
        response_overrides({"response-expires": "x\r\nset-cookie: a=b"}, is_signed=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bucket/key", ("bucket", "key", None)),
        ("/bucket/key", ("bucket", "key", None)),
        ("/bucket/a/b%20c+d", ("bucket", "a/b c+d", None)),
        ("bucket/%2Fkey", ("bucket", "/key", None)),
        ("%2Fbucket%2Fa%2Fb", ("bucket", "a/b", None)),
        ("bucket/k?versionId=v1", ("bucket", "k", "v1")),
        ("bucket/k%3FversionId=v1", ("bucket", "k?versionId=v1", None)),
        ("bucket/Ã©", ("bucket", "é", None)),
    ],
)
def test_copy_sources(value, expected):
    """A source is decoded, with or without a leading slash and a version."""
    assert parse_copy_source(value) == CopySource(*expected)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "InvalidArgument"),
        ("bucket", "InvalidArgument"),
        ("/bucket/", "InvalidArgument"),
        ("bucket/%zz", "InvalidArgument"),
        ("bucket/" + "k" * 1025, "InvalidArgument"),
        ("B/key", "InvalidBucketName"),
        (".rustfs.sys/key", "InvalidBucketName"),
        ("arn:aws:s3:eu-west-1:1:accesspoint/a/object/k", "NotImplemented"),
    ],
)
def test_bad_copy_sources(value, code):
    """A source that names no object is refused."""
    with pytest.raises(S3Error) as caught:
        parse_copy_source(value)
    assert caught.value.code == code


def test_metadata_directives():
    """COPY is the default; anything but it and REPLACE is refused."""
    assert replaces_metadata({}) is False
    assert replaces_metadata({"x-amz-metadata-directive": "COPY"}) is False
    assert replaces_metadata({"x-amz-metadata-directive": "REPLACE"}) is True
    with pytest.raises(S3Error, match="InvalidArgument"):
        replaces_metadata({"x-amz-metadata-directive": "MERGE"})


def test_copying_onto_itself():
    """An object is copied onto itself only to change something about it."""
    source = CopySource("b", "k", None)
    with pytest.raises(S3Error, match="InvalidRequest"):
        check_self_copy(source, "b", "k", {})
    check_self_copy(source, "b", "other", {})
    check_self_copy(source, "b", "k", {"x-amz-metadata-directive": "REPLACE"})
    check_self_copy(source, "b", "k", {"x-amz-storage-class": "STANDARD"})
    check_self_copy(CopySource("b", "k", "v"), "b", "k", {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
        ("x-amz-copy-source-server-side-encryption-customer-key", "k"),
        ("x-amz-object-lock-mode", "GOVERNANCE"),
        ("x-amz-object-lock-legal-hold", "ON"),
        ("x-amz-object-lock-event-hold", "ON"),
        ("x-amz-object-lock-event-hold-duration-days", "1"),
        ("x-amz-grant-read", "id=1"),
        ("x-amz-acl", "public-read"),
        ("x-amz-mfa", "1 2"),
        ("x-amz-if-match-size", "1"),
        ("x-amz-if-match-initiated-time", "Thu, 01 Jan 1970 00:01:00 GMT"),
        ("x-amz-object-ownership", "ObjectWriter"),
    ],
)
def test_what_is_not_built_is_refused(name, value):
    """A header whose wish cannot be granted is NotImplemented and named, never ignored."""
    with pytest.raises(S3Error) as caught:
        refuse_unbuilt({"host": "h", name: value})
    assert (caught.value.status, caught.value.extra) == (501, {"Header": name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-amz-acl", "private"),
        ("x-amz-acl", "bucket-owner-full-control"),
        ("x-amz-object-lock-mode", ""),
        ("x-amz-bucket-object-lock-enabled", "true"),
        ("x-amz-object-ownership", "BucketOwnerEnforced"),
        ("x-amz-tagging", "a=b"),
        ("x-amz-meta-x-amz-tagging", "a"),
        ("x-amz-request-payer", "requester"),
    ],
)
def test_what_asks_for_nothing_passes(name, value):
    """A header that asks for what is already so is no reason to refuse."""
    refuse_unbuilt({name: value})


def test_locks_are_given_where_versions_are_made():
    """By the operations that make one, and by no other."""
    headers = {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": "2099-01-01"}
    refuse_unbuilt(headers, locks=True)
    with pytest.raises(S3Error, match="NotImplemented"):
        refuse_unbuilt(headers | {"x-amz-object-lock-event-hold": "ON"}, locks=True)


def test_an_unknown_acl_is_a_mistake():
    """A canned ACL that S3 does not know is InvalidArgument."""
    with pytest.raises(S3Error, match="InvalidArgument"):
        refuse_unbuilt({"x-amz-acl": "everybody"})


def test_storage_classes():
    """Every class that AWS's own client knows is taken by its name; without one it is STANDARD."""
    known = botocore.session.get_session().get_service_model("s3").shape_for("StorageClass").enum
    assert len(known) >= 13
    for name in known:
        assert storage_class({"x-amz-storage-class": name}) == name
    assert storage_class({}) == "STANDARD"
    for name in ("GOLD", "standard", ""):
        with pytest.raises(S3Error, match="InvalidStorageClass"):
            storage_class({"x-amz-storage-class": name})


def test_the_expected_owner():
    """A client that expects another owner is refused, so that it does not write into a stranger's bucket."""
    check_expected_owner({}, "me")
    check_expected_owner({"x-amz-expected-bucket-owner": "me"}, "me")
    for name in ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"):
        with pytest.raises(S3Error, match="AccessDenied"):
            check_expected_owner({name: "you"}, "me")


def test_conditions_of_deletes_are_refused_elsewhere():
    """A condition on time or size means something to DeleteObject and would be ignored by a PUT."""
    for name in ("x-amz-if-match-size", "x-amz-if-match-last-modified-time"):
        refuse_unbuilt({name: "1"}, deletes=True)
        with pytest.raises(S3Error, match="NotImplemented"):
            refuse_unbuilt({name: "1"})
