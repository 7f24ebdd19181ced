"""Deleting objects, one or a thousand at a time, and buckets."""

from __future__ import annotations

import base64
import zlib

import pytest
from botocore.exceptions import ClientError

from tests.clients.content import MIB, content


def code_of(call, **arguments) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_a_deleted_object_is_gone(s3, bucket):
    """After DeleteObject the key is absent for every read and listing, and can be written anew."""
    for size in (0, 10, 3 * MIB):
        s3.put_object(Bucket=bucket, Key="key", Body=content(size))
        assert s3.delete_object(Bucket=bucket, Key="key")["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert code_of(s3.get_object, Bucket=bucket, Key="key") == "NoSuchKey"
        assert code_of(s3.head_object, Bucket=bucket, Key="key") == "404"
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_deleting_nothing(s3, bucket):
    """Deleting a key that is not there succeeds; in a bucket that is not there it is NoSuchBucket."""
    assert s3.delete_object(Bucket=bucket, Key="none")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert code_of(s3.delete_object, Bucket="no-such-bucket-here", Key="none") == "NoSuchBucket"


def test_a_thousand_at_once(s3, bucket):
    """DeleteObjects takes 1,000 keys, present or not, of any characters, and answers each."""
    keys = [f"k/{number:04d} &<é>'\"" for number in range(1000)]
    for key in keys[::4]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3.put_object(Bucket=bucket, Key="stays", Body=b"x")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert sorted(row["Key"] for row in answer["Deleted"]) == keys
    assert "Errors" not in answer
    assert [row["Key"] for row in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["stays"]


def test_quietly(s3, bucket):
    """With Quiet only failures are answered."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    answer = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "key"}, {"Key": "none"}], "Quiet": True}
    )
    assert "Deleted" not in answer and "Errors" not in answer
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_more_than_a_thousand(s3, bucket):
    """1,001 keys in one request are MalformedXML, and none is deleted."""
    s3.put_object(Bucket=bucket, Key="0", Body=b"x")
    rows = [{"Key": str(number)} for number in range(1001)]
    assert code_of(s3.delete_objects, Bucket=bucket, Delete={"Objects": rows}) == "MalformedXML"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Delete>",
        b"<Other/>",
        b"<Delete></Delete>",
        b"<Delete><Object><Key></Key></Object></Delete>",
        b'<!DOCTYPE x [<!ENTITY e "key">]><Delete><Object><Key>&e;</Key></Object></Delete>',
    ],
)
def test_a_malformed_list(raw, s3, bucket, body):
    """A body that is not a Delete document, or uses entities, is refused with 400 and deletes nothing."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    checksum = {"x-amz-checksum-crc32": _crc32(body)}
    answer = raw.request("POST", f"/{bucket}?delete=", checksum, body)
    assert answer.status == 400
    assert answer.code in {
        "MalformedXML",
        "MissingRequestBodyError",
        "UserKeyMustBeSpecified",
        "InvalidArgument",
    }
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def _crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def test_conditional_delete(s3, bucket):
    """If-Match deletes only the version named."""
    etag = s3.put_object(Bucket=bucket, Key="key", Body=b"x")["ETag"]
    assert code_of(s3.delete_object, Bucket=bucket, Key="key", IfMatch='"0"') in {
        "PreconditionFailed",
        "NotImplemented",
    }
    assert s3.get_object(Bucket=bucket, Key="key")["ETag"] == etag


def test_buckets(s3, bucket):
    """A bucket is created, found, listed with its date, and gone after its deletion."""
    assert s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200
    listed = {row["Name"]: row["CreationDate"] for row in s3.list_buckets()["Buckets"]}
    assert listed[bucket]
    assert list(listed) == sorted(listed)
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    s3.delete_bucket(Bucket=bucket)
    assert code_of(s3.head_bucket, Bucket=bucket) == "404"
    assert code_of(s3.list_objects_v2, Bucket=bucket) == "NoSuchBucket"
    assert code_of(s3.delete_bucket, Bucket=bucket) == "NoSuchBucket"
    assert bucket not in {row["Name"] for row in s3.list_buckets()["Buckets"]}


def test_a_bucket_that_exists(s3, bucket):
    """Creating one's own bucket again is BucketAlreadyOwnedByYou and changes nothing."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    assert code_of(s3.create_bucket, Bucket=bucket) == "BucketAlreadyOwnedByYou"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_a_bucket_with_objects(s3, bucket):
    """A bucket that holds an object is BucketNotEmpty; emptied, it can be deleted and made again."""
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"x")
    assert code_of(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    s3.delete_object(Bucket=bucket, Key="a/b")
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 64,
        "Upper",
        "under_score",
        "-dash",
        "dash-",
        "dot..dot",
        "192.168.1.1",
        "xn--x",
        "x-s3alias",
    ],
)
def test_bucket_names(raw, name):
    """A name that S3 does not allow is InvalidBucketName."""
    answer = raw.request("PUT", f"/{name}")
    assert (answer.status, answer.code) == (400, "InvalidBucketName")


@pytest.mark.parametrize("name", ["abc", "a" * 63, "a.b-c.1", "123"])
def test_allowed_bucket_names(s3, name):
    """The shortest, the longest and names with dots and digits are buckets like any other."""
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="key", Body=b"x")
    assert s3.get_object(Bucket=name, Key="key")["Body"].read() == b"x"
    s3.delete_object(Bucket=name, Key="key")
    s3.delete_bucket(Bucket=name)


def test_a_location_constraint(raw, s3, bucket_name):
    """The region may be named in the body; a body that is no such document is MalformedXML."""
    constraint = "<LocationConstraint>us-east-1</LocationConstraint>"
    document = f"<CreateBucketConfiguration>{constraint}</CreateBucketConfiguration>".encode()
    assert raw.request("PUT", f"/{bucket_name}", body=b"<Create").code == "MalformedXML"
    assert raw.request("PUT", f"/{bucket_name}", body=document).status == 200
    assert s3.get_bucket_location(Bucket=bucket_name)["LocationConstraint"] in {None, "us-east-1"}
