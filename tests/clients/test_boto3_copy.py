"""CopyObject and UploadPartCopy: the bytes, and what goes with them or is replaced."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from tests.clients.content import INLINE_BYTES, MIB, PART_BYTES_MIN, content

HEADERS = {"ContentType": "text/x-source", "CacheControl": "no-cache", "Metadata": {"from": "source"}}


def code_of(call, **arguments) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize("size", [0, 1000, INLINE_BYTES + 1, 11 * MIB + 3])
def test_a_copy_is_the_same(s3, bucket, size):
    """A copy has the bytes, ETag, headers and metadata of its source, and a life of its own."""
    data = content(size, seed=size)
    s3.put_object(Bucket=bucket, Key="source", Body=data, **HEADERS)
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "source"})
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    assert copied["CopyObjectResult"]["LastModified"]
    s3.delete_object(Bucket=bucket, Key="source")
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert got["Body"].read() == data
    assert {name: got[name] for name in HEADERS} == HEADERS


def test_between_buckets(s3, bucket):
    """A copy crosses buckets, and source names with every kind of character are found."""
    other = f"{bucket}-other"
    s3.create_bucket(Bucket=other)
    for key in ("plain", "with space+plus", "é/日本", "a?b#c&d=e%20", "per%cent"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
        s3.copy_object(Bucket=other, Key=key, CopySource={"Bucket": bucket, "Key": key})
        assert s3.get_object(Bucket=other, Key=key)["Body"].read() == key.encode()


def test_forms_of_the_source(raw, s3, bucket):
    """The source may begin with a slash or not, and its slashes may be escaped."""
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"source")
    for number, source in enumerate((f"/{bucket}/a/b", f"{bucket}/a/b", quote(f"/{bucket}/a/b", safe=""))):
        answer = raw.request("PUT", f"/{bucket}/copy{number}", {"x-amz-copy-source": source})
        assert answer.status == 200, source
        assert s3.get_object(Bucket=bucket, Key=f"copy{number}")["Body"].read() == b"source"


def test_replacing_metadata(s3, bucket):
    """With the REPLACE directive headers and metadata are those of the request, even onto itself."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"body", **HEADERS)
    source = {"Bucket": bucket, "Key": "key"}
    new = {"ContentType": "text/x-new", "Metadata": {"new": "1"}}
    s3.copy_object(Bucket=bucket, Key="key", CopySource=source, MetadataDirective="REPLACE", **new)
    got = s3.get_object(Bucket=bucket, Key="key")
    assert got["Body"].read() == b"body"
    assert (got["ContentType"], got["Metadata"]) == ("text/x-new", {"new": "1"})
    assert "CacheControl" not in got


def test_copying_metadata_ignores_what_is_given(s3, bucket):
    """With the COPY directive metadata in the request has no effect."""
    s3.put_object(Bucket=bucket, Key="source", Body=b"body", **HEADERS)
    source = {"Bucket": bucket, "Key": "source"}
    s3.copy_object(
        Bucket=bucket, Key="copy", CopySource=source, MetadataDirective="COPY", Metadata={"new": "1"}
    )
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == HEADERS["Metadata"]


def test_onto_itself_unchanged(s3, bucket):
    """A copy onto itself that would change nothing is InvalidRequest."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"body")
    assert code_of(s3.copy_object, Bucket=bucket, Key="key", CopySource=f"{bucket}/key") == "InvalidRequest"


def test_missing_sources(s3, bucket):
    """A source key or bucket that is not there, or a source without a key, says so."""
    for source, code in ((f"{bucket}/none", "NoSuchKey"), ("no-such-bucket-here/key", "NoSuchBucket")):
        assert code_of(s3.copy_object, Bucket=bucket, Key="copy", CopySource=source) == code, source
    assert code_of(s3.copy_object, Bucket=bucket, Key="copy", CopySource=bucket) == "InvalidArgument"


def test_conditions_on_the_source(s3, bucket):
    """Each condition on the source lets the copy through or answers 412."""
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"body")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="key")["LastModified"]
    day = timedelta(days=1)
    for condition, passes in [
        ({"CopySourceIfMatch": etag}, True),
        ({"CopySourceIfMatch": '"0"'}, False),
        ({"CopySourceIfNoneMatch": etag}, False),
        ({"CopySourceIfNoneMatch": '"0"'}, True),
        ({"CopySourceIfModifiedSince": modified - day}, True),
        ({"CopySourceIfModifiedSince": modified}, False),
        ({"CopySourceIfUnmodifiedSince": modified - day}, False),
        ({"CopySourceIfUnmodifiedSince": modified}, True),
        ({"CopySourceIfMatch": etag, "CopySourceIfUnmodifiedSince": modified - day}, True),
    ]:
        asked = {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/key", **condition}
        if passes:
            s3.copy_object(**asked)
        else:
            assert code_of(s3.copy_object, **asked) == "PreconditionFailed", condition


def test_a_completed_upload_is_copied_as_one(s3, bucket):
    """The copy of an object of several parts has the same bytes."""
    where = {"Bucket": bucket, "Key": "source"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    parts = [content(PART_BYTES_MIN, seed=1), content(PART_BYTES_MIN + 1, seed=2)]
    rows = [
        {"PartNumber": number, "ETag": s3.upload_part(**where, PartNumber=number, Body=part)["ETag"]}
        for number, part in enumerate(parts, 1)
    ]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": rows})
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/source")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"".join(parts)


def test_parts_copied_from_objects(s3, bucket):
    """Upload parts may be copied whole or as ranges from other objects, mixed with parts that are sent."""
    data = content(13 * MIB, seed=4)
    s3.put_object(Bucket=bucket, Key="source", Body=data)
    where = {"Bucket": bucket, "Key": "target"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    source = {"CopySource": f"{bucket}/source"}
    whole = s3.upload_part_copy(**where, **source, PartNumber=1)
    middle = f"bytes={MIB + 1}-{7 * MIB}"
    ranged = s3.upload_part_copy(**where, **source, PartNumber=2, CopySourceRange=middle)
    sent = s3.upload_part(**where, PartNumber=3, Body=b"end")
    etags = [whole["CopyPartResult"]["ETag"], ranged["CopyPartResult"]["ETag"], sent["ETag"]]
    assert etags[1] == f'"{hashlib.md5(data[MIB + 1 : 7 * MIB + 1]).hexdigest()}"'
    rows = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": rows})
    expected = data + data[MIB + 1 : 7 * MIB + 1] + b"end"
    assert s3.get_object(Bucket=bucket, Key="target")["Body"].read() == expected


def test_wrong_part_copies(s3, bucket):
    """A range beyond the source, an unknown source, or a failed condition copies no part."""
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    where = {"Bucket": bucket, "Key": "target"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    source = {"CopySource": f"{bucket}/source", "PartNumber": 1}
    for wrong, codes in [
        ({"CopySourceRange": "bytes=5-10"}, {"InvalidRange", "InvalidArgument"}),
        ({"CopySourceRange": "bytes=5-"}, {"InvalidArgument"}),
        ({"CopySource": f"{bucket}/none"}, {"NoSuchKey"}),
        ({"CopySourceIfMatch": '"0"'}, {"PreconditionFailed"}),
    ]:
        assert code_of(s3.upload_part_copy, **where, **source | wrong) in codes, wrong
    assert "Parts" not in s3.list_parts(**where)
    s3.abort_multipart_upload(**where)
