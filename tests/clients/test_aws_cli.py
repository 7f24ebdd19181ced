"""The aws command line: cp, sync, ls, rm and the s3api commands that scripts use."""

from __future__ import annotations

import json

import pytest

from tests.clients import commands
from tests.clients.content import MIB, content
from tests.clients.raw import Answer

pytestmark = pytest.mark.client
TREE_FILES = 5_100


@pytest.mark.long
def test_a_tree_of_five_thousand_files(aws, bucket, tmp_path):
    """`sync` carries a tree there and back unchanged and finds no more to do; `rm --recursive` empties it."""
    source, back = tmp_path / "source", tmp_path / "back"
    commands.make_tree(source, TREE_FILES)
    aws("s3", "sync", "--only-show-errors", source, f"s3://{bucket}/tree")
    assert aws("s3", "sync", source, f"s3://{bucket}/tree") == ""
    aws("s3", "sync", "--only-show-errors", f"s3://{bucket}/tree", back)
    assert commands.digests(back) == commands.digests(source)
    (source / "shelf 0").rename(source / "shelf seven")
    changes = aws("s3", "sync", "--delete", "--dryrun", source, f"s3://{bucket}/tree").splitlines()
    assert {line.split()[1] for line in changes} == {"upload:", "delete:"}
    aws("s3", "rm", "--recursive", "--only-show-errors", f"s3://{bucket}/tree")
    assert aws("s3", "ls", "--recursive", f"s3://{bucket}") == ""


@pytest.mark.parametrize("size", [0, 1, 9 * MIB, 70 * MIB + 1])
def test_cp(aws, bucket, tmp_path, size):
    """`cp` brings a file there, from key to key, and back, in parts where it is large."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content(size, seed=size))
    aws("s3", "cp", source, f"s3://{bucket}/a/first")
    aws("s3", "cp", f"s3://{bucket}/a/first", f"s3://{bucket}/b c/second")
    aws("s3", "cp", f"s3://{bucket}/b c/second", target)
    assert target.read_bytes() == source.read_bytes()


def test_mv_and_ls(aws, bucket, tmp_path):
    """`mv` leaves one object, and `ls` shows folders and sizes."""
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    aws("s3", "cp", source, f"s3://{bucket}/folder/one")
    aws("s3", "mv", f"s3://{bucket}/folder/one", f"s3://{bucket}/folder/two")
    assert aws("s3", "ls", f"s3://{bucket}").split() == ["PRE", "folder/"]
    assert aws("s3", "ls", f"s3://{bucket}/folder/").split()[2:] == ["5", "two"]


def test_presign(aws, raw, bucket, tmp_path):
    """A URL made by `presign` gives the object; one by SigV2, as made for us-east-1, is refused."""
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    aws("s3", "cp", source, f"s3://{bucket}/key")

    def fetch(*options: str) -> Answer:
        url = aws("s3", "presign", *options, f"s3://{bucket}/key").strip()
        return raw.send("GET", url.removeprefix(raw.server.url), {"Host": raw.server.address})

    assert fetch("--region", "eu-central-1").body == b"12345"
    refused = fetch("--region", "us-east-1")
    assert (refused.status, refused.code) == (400, "InvalidRequest")
    assert "AWS4-HMAC-SHA256" in refused.xml["Message"]


def test_buckets(aws, bucket_name):
    """`mb` and `rb` make and remove a bucket; `rb --force` one that holds objects."""
    aws("s3", "mb", f"s3://{bucket_name}")
    assert bucket_name in aws("s3", "ls")
    aws("s3api", "put-object", "--bucket", bucket_name, "--key", "key")
    aws("s3", "rb", f"s3://{bucket_name}", status=1)
    aws("s3", "rb", "--force", f"s3://{bucket_name}")
    assert bucket_name not in aws("s3", "ls")


def test_s3api(aws, bucket, tmp_path):
    """put-object, head-object, list and delete-objects of s3api print what was stored."""
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    aws("s3api", "put-object", "--bucket", bucket, "--key", "key", "--body", source, "--metadata", "a=1,b=2",
        "--checksum-algorithm", "SHA256")  # fmt: skip
    head = json.loads(aws("s3api", "head-object", "--bucket", bucket, "--key", "key"))
    assert (head["ContentLength"], head["Metadata"]) == (5, {"a": "1", "b": "2"})
    listed = json.loads(aws("s3api", "list-objects-v2", "--bucket", bucket))
    assert [row["Key"] for row in listed["Contents"]] == ["key"]
    deleted = json.loads(
        aws("s3api", "delete-objects", "--bucket", bucket, "--delete", "Objects=[{Key=key}]")
    )
    assert deleted == {"Deleted": [{"Key": "key"}]}


def test_tags(aws, bucket, tmp_path):
    """Tags of an object and a bucket by s3api; `cp` from key to key takes those of an object along."""
    source = tmp_path / "source"
    source.write_bytes(content(MIB))
    where = ("--bucket", bucket, "--key", "key")
    aws("s3api", "put-object", *where, "--body", source, "--tagging", "a=1&b=2%203")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2 3"}]
    assert json.loads(aws("s3api", "get-object-tagging", *where)) == {"TagSet": tags}
    before = json.loads(aws("s3api", "head-object", *where))
    changed = {"TagSet": [{"Key": "c", "Value": ""}]}
    aws("s3api", "put-object-tagging", *where, "--tagging", json.dumps(changed))
    after = json.loads(aws("s3api", "head-object", *where))
    assert (before.pop("TagCount"), after.pop("TagCount")) == (2, 1)
    assert after == before
    aws("s3", "cp", f"s3://{bucket}/key", f"s3://{bucket}/copy")
    copied = json.loads(aws("s3api", "get-object-tagging", "--bucket", bucket, "--key", "copy"))
    assert copied == changed
    aws("s3api", "delete-object-tagging", *where)
    assert json.loads(aws("s3api", "get-object-tagging", *where)) == {"TagSet": []}
    aws("s3api", "get-bucket-tagging", "--bucket", bucket, status=255)
    aws("s3api", "put-bucket-tagging", "--bucket", bucket, "--tagging", "TagSet=[{Key=a,Value=1}]")
    told = json.loads(aws("s3api", "get-bucket-tagging", "--bucket", bucket))
    assert told == {"TagSet": [{"Key": "a", "Value": "1"}]}
    aws("s3api", "delete-bucket-tagging", "--bucket", bucket)
    aws("s3api", "get-bucket-tagging", "--bucket", bucket, status=255)
