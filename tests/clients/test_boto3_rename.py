"""RenameObject, from its API reference and the User Guide's page on renaming objects in directory buckets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clients.versions_kit import body_of, refusal

MIB = 1024 * 1024


def rename(s3, bucket: str, source: str, target: str, **more: object) -> dict:
    return s3.rename_object(Bucket=bucket, Key=target, RenameSource=f"{bucket}/{source}", **more)


@pytest.mark.parametrize("size", [0, 100, 3 * MIB + 5], ids=str)
def test_an_object_is_at_its_new_name_and_no_more_at_the_old_one(s3, bucket, size):
    """With all that it says of itself, over what was there; the old name is free for another."""
    s3.put_object(Bucket=bucket, Key="a/old", Body=b"x" * size, Metadata={"a": "b"}, Tagging="c=d")
    s3.put_object(Bucket=bucket, Key="b/new", Body=b"replaced")
    before = s3.head_object(Bucket=bucket, Key="a/old")
    rename(s3, bucket, "a/old", "b/new")
    after = s3.head_object(Bucket=bucket, Key="b/new")
    for name in ("ETag", "LastModified", "ContentLength", "Metadata"):
        assert before[name] == after[name]
    assert body_of(s3, bucket, "b/new") == b"x" * size
    assert refusal(rename, s3=s3, bucket=bucket, source="a/old", target="c")[:2] == (404, "NoSuchKey")
    s3.put_object(Bucket=bucket, Key="a/old", Body=b"another")
    assert body_of(s3, bucket, "a/old") == b"another" and body_of(s3, bucket, "b/new") == b"x" * size


def test_nothing_is_overwritten_that_must_not_be(s3, bucket):
    """If-None-Match with `*` is 412 where something is there, and renames where nothing is."""
    for key in ("old", "new"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    only_new = {"DestinationIfNoneMatch": "*"}
    refused = refusal(rename, s3=s3, bucket=bucket, source="old", target="new", **only_new)
    assert refused[:2] == (412, "PreconditionFailed")
    rename(s3, bucket, "old", "newer", **only_new)
    assert body_of(s3, bucket, "new") == b"new" and body_of(s3, bucket, "newer") == b"old"


def test_of_many_that_rename_one_object_one_succeeds(s3, bucket):
    """Eight clients want it under names of their own: one has it, for the others it is not there."""
    s3.put_object(Bucket=bucket, Key="old", Body=b"object")

    def attempt(number: int) -> bool:
        while True:
            try:
                rename(s3, bucket, "old", f"new{number}")
            except s3.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 503):
                    continue
                assert error.response["Error"]["Code"] == "NoSuchKey"  # noqa: PT017
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert len(keys) == 1 and keys[0].startswith("new")
