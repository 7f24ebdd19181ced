"""Conditional requests: RFC 9110 §13, and the S3 API reference on GetObject, PutObject and completion."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

DAY = timedelta(days=1)
OTHER = '"00000000000000000000000000000000"'


def status_of(call, **arguments) -> int:
    try:
        return call(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


# IfMatch, IfNoneMatch: does the tag match; IfUnmodifiedSince, IfModifiedSince: days from the modification.
TABLE = [
    ({"IfMatch": True}, 200),
    ({"IfMatch": False}, 412),
    ({"IfNoneMatch": True}, 304),
    ({"IfNoneMatch": False}, 200),
    ({"IfModifiedSince": -1}, 200),
    ({"IfModifiedSince": 0}, 304),
    ({"IfUnmodifiedSince": -1}, 412),
    ({"IfUnmodifiedSince": 0}, 200),
    ({"IfUnmodifiedSince": 1}, 200),
    ({"IfMatch": True, "IfUnmodifiedSince": -1}, 200),
    ({"IfMatch": False, "IfUnmodifiedSince": 1}, 412),
    ({"IfNoneMatch": True, "IfModifiedSince": -1}, 304),
    ({"IfNoneMatch": False, "IfModifiedSince": 0}, 200),
    ({"IfMatch": True, "IfNoneMatch": True}, 304),
    ({"IfMatch": True, "IfNoneMatch": False}, 200),
]


@pytest.mark.parametrize(("conditions", "status"), TABLE, ids=[str(row[0]) for row in TABLE])
def test_conditional_reads(s3, bucket, conditions, status):
    """GET and HEAD answer 200, 304 or 412 as the conditions and their precedence say."""
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"body")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="key")["LastModified"]
    asked = {
        name: (etag if value else OTHER) if name.endswith("Match") else modified + value * DAY
        for name, value in conditions.items()
    }
    for call in (s3.get_object, s3.head_object):
        assert status_of(call, Bucket=bucket, Key="key", **asked) == status


@pytest.mark.parametrize(
    ("header", "status"), [("*", 200), ('"x", {etag}', 200), ("{bare}", 200), ('W/"x"', 412), ('"x"', 412)]
)
def test_forms_of_if_match(s3, bucket, header, status):
    """If-Match takes `*`, a list, and a tag without its quotes as S3 clients send it."""
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"body")["ETag"]
    value = header.format(etag=etag, bare=etag.strip('"'))
    assert status_of(s3.get_object, Bucket=bucket, Key="key", IfMatch=value) == status


def test_not_modified_has_no_body(raw, s3, bucket):
    """A 304 carries the ETag and Last-Modified of what the client already has, and no body."""
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"body")["ETag"]
    answer = raw.request("GET", f"/{bucket}/key", {"If-None-Match": etag})
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == etag
    assert "last-modified" in answer.headers


def test_conditions_on_a_missing_key(s3, bucket):
    """Where there is no object, a conditional read is NoSuchKey whatever the condition."""
    for conditions in ({"IfMatch": OTHER}, {"IfNoneMatch": OTHER}):
        assert status_of(s3.get_object, Bucket=bucket, Key="none", **conditions) == 404


def test_range_with_condition(s3, bucket):
    """A condition is judged before a range: a failed one is 412, a true one gives the part."""
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"0123456789")["ETag"]
    assert status_of(s3.get_object, Bucket=bucket, Key="key", Range="bytes=0-1", IfMatch=OTHER) == 412
    got = s3.get_object(Bucket=bucket, Key="key", Range="bytes=2-3", IfMatch=etag)
    assert got["Body"].read() == b"23"


def test_put_if_absent(s3, bucket):
    """If-None-Match: * stores only where nothing is, and a deleted key is nothing."""
    assert status_of(s3.put_object, Bucket=bucket, Key="key", Body=b"first", IfNoneMatch="*") == 200
    assert status_of(s3.put_object, Bucket=bucket, Key="key", Body=b"second", IfNoneMatch="*") == 412
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"first"
    s3.delete_object(Bucket=bucket, Key="key")
    assert status_of(s3.put_object, Bucket=bucket, Key="key", Body=b"third", IfNoneMatch="*") == 200


def test_put_if_unchanged(s3, bucket):
    """If-Match stores only over the version named; over nothing it is NoSuchKey."""
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"1")["ETag"]
    assert status_of(s3.put_object, Bucket=bucket, Key="key", Body=b"2", IfMatch=OTHER) == 412
    assert status_of(s3.put_object, Bucket=bucket, Key="key", Body=b"2", IfMatch=etag) == 200
    assert status_of(s3.put_object, Bucket=bucket, Key="key", Body=b"3", IfMatch=etag) == 412
    assert status_of(s3.put_object, Bucket=bucket, Key="none", Body=b"3", IfMatch=etag) == 404
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"2"


def test_one_of_many_conditional_puts_wins(server, bucket):
    """Of many writers that each demand to be the first, exactly one is, and its bytes are stored."""
    s3 = server.boto3(max_pool_connections=16)

    def write(number: int) -> int:
        return status_of(s3.put_object, Bucket=bucket, Key="key", Body=str(number).encode(), IfNoneMatch="*")

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(write, range(64)))
    winners = [number for number, status in enumerate(statuses) if status == 200]
    assert len(winners) == 1
    assert {status for status in statuses if status != 200} <= {409, 412}
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == str(winners[0]).encode()


def test_compare_and_swap_counts_right(server, bucket):
    """Writers that each add one by If-Match and try again when refused lose no increment."""
    s3 = server.boto3(max_pool_connections=4)
    s3.put_object(Bucket=bucket, Key="count", Body=b"0")

    def add(_number: int) -> None:
        while True:
            seen = s3.get_object(Bucket=bucket, Key="count")
            after = str(int(seen["Body"].read()) + 1).encode()
            if status_of(s3.put_object, Bucket=bucket, Key="count", Body=after, IfMatch=seen["ETag"]) == 200:
                return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(40)))
    assert s3.get_object(Bucket=bucket, Key="count")["Body"].read() == b"40"


def test_conditional_complete(s3, bucket):
    """CompleteMultipartUpload with If-None-Match: * does not replace an object that came meanwhile."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    where = {"Bucket": bucket, "Key": "key", "UploadId": upload}
    part = s3.upload_part(**where, PartNumber=1, Body=b"part")
    s3.put_object(Bucket=bucket, Key="key", Body=b"meanwhile")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    assert status_of(s3.complete_multipart_upload, **where, MultipartUpload=parts, IfNoneMatch="*") == 412
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"meanwhile"
    s3.abort_multipart_upload(**where)
