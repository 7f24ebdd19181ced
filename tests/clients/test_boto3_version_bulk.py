"""Many versions at once: the paginator, the resource interface, transfers and DeleteObjects."""

from __future__ import annotations

import io
from urllib.error import HTTPError
from urllib.request import urlopen

import boto3
import pytest
from boto3.s3.transfer import TransferConfig

from tests.clients.content import MIB, content
from tests.clients.versions_kit import body_of, enable, in_order, listed, put
from tests.kit.s3 import REGION

IN_PARTS = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
DELETED_AT_ONCE_MAX = 1000


@pytest.fixture
def versioned(s3, bucket: str) -> str:
    """A bucket whose keys have versions."""
    enable(s3, bucket)
    return bucket


def resource(server):
    """boto3's resource interface."""
    return boto3.resource(
        "s3",
        endpoint_url=server.url,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=REGION,
    )


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_paginator_gives_every_version(s3, versioned, size):
    """Tiny pages, joined by the paginator, hold every version and marker of every key once."""
    keys = ("a", "a/b é", "b+c")
    made = {(key, put(s3, versioned, key, b"%d" % number)) for key in keys for number in range(3)}
    made |= {(key, s3.delete_object(Bucket=versioned, Key=key)["VersionId"]) for key in keys[1:]}
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=versioned, PaginationConfig={"PageSize": size}
    )
    sizes, found = [], []
    for page in pages:
        rows = in_order(page)
        sizes.append(len(rows))
        found += [(key, version_id) for key, version_id, _, _ in rows]
    assert (len(found), set(found)) == (len(made), made)
    assert set(sizes[:-1]) == {size}


def test_the_paginator_groups_by_delimiter(s3, versioned):
    """With a delimiter each group stands once among pages of one, however many versions are below it."""
    for key in ("a/1", "a/2", "b", "c/1"):
        put(s3, versioned, key, b"1")
        put(s3, versioned, key, b"2")
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=versioned, Delimiter="/", PaginationConfig={"PageSize": 1}
    )
    shown = pages.build_full_result()
    assert [one["Prefix"] for one in shown["CommonPrefixes"]] == ["a/", "c/"]
    assert [one["Key"] for one in shown["Versions"]] == ["b", "b"]


def test_a_bucket_is_emptied_by_its_versions(server, s3, versioned):
    """object_versions.filter().delete() removes all below a prefix, and delete() all of the bucket."""
    for key in ("a/1", "a/2", "b"):
        for number in range(3):
            put(s3, versioned, key, b"%d" % number)
        s3.delete_object(Bucket=versioned, Key=key)
    bucket = resource(server).Bucket(versioned)
    bucket.object_versions.filter(Prefix="a/").delete()
    assert [key for key, _, _, _ in listed(s3, versioned)] == ["b"] * 4
    bucket.object_versions.delete()
    assert listed(s3, versioned) == []
    bucket.delete()


def test_a_version_as_a_resource(server, s3, versioned):
    """ObjectVersion reads, describes and removes one version, and BucketVersioning tells the status."""
    old = put(s3, versioned, "k", b"old")
    new = put(s3, versioned, "k", b"newer")
    version = resource(server).ObjectVersion(versioned, "k", old)
    assert version.get()["Body"].read() == b"old"
    assert version.head()["ContentLength"] == 3
    version.delete()
    assert listed(s3, versioned) == [("k", new, True, False)]
    assert resource(server).BucketVersioning(versioned).status == "Enabled"


def test_transfers_make_and_fetch_versions(s3, versioned):
    """Files that the transfer manager sends, in one piece or in parts, are versions that it fetches by id."""
    bodies = [content(11 * MIB, seed=1), b"small", content(6 * MIB, seed=2)]
    for body in bodies:
        s3.upload_fileobj(io.BytesIO(body), versioned, "k", Config=IN_PARTS)
    ids = [version_id for _, version_id, _, _ in listed(s3, versioned)]
    for version_id, body in zip(ids, reversed(bodies), strict=True):
        target = io.BytesIO()
        named = {"VersionId": version_id}
        s3.download_fileobj(versioned, "k", target, ExtraArgs=named, Config=IN_PARTS)
        assert target.getvalue() == body


def test_a_managed_copy_of_a_version(s3, versioned):
    """The transfer manager copies the version that its source names, in parts where it is large."""
    data = content(11 * MIB, seed=4)
    source = {"Bucket": versioned, "Key": "k", "VersionId": put(s3, versioned, "k", data)}
    put(s3, versioned, "k", b"above")
    s3.copy(source, versioned, "copy", Config=IN_PARTS)
    assert s3.head_object(Bucket=versioned, Key="copy")["ETag"].endswith('-3"')
    assert body_of(s3, versioned, "copy") == data


def test_a_thousand_versions_are_removed_in_one_request(s3, versioned):
    """DeleteObjects takes 1,000 versions and markers of many keys, and tells of each."""
    keys = [f"k{number:02d}" for number in range(50)]
    for key in keys:
        put(s3, versioned, key, b"1")
    # Each of these requests adds a marker to every key.
    for _ in range(DELETED_AT_ONCE_MAX // len(keys)):
        s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": key} for key in keys]})
    found = listed(s3, versioned)
    assert len(found) == DELETED_AT_ONCE_MAX + len(keys)
    # The oldest goes first: no removal may depend on those above being gone.
    unwanted = [
        {"Key": key, "VersionId": version_id} for key, version_id, is_latest, _ in found if not is_latest
    ]
    assert len(unwanted) == DELETED_AT_ONCE_MAX
    answer = s3.delete_objects(Bucket=versioned, Delete={"Objects": unwanted[::-1]})
    assert "Errors" not in answer
    assert {(one["Key"], one["VersionId"]) for one in answer["Deleted"]} == {
        (one["Key"], one["VersionId"]) for one in unwanted
    }
    assert sum(one.get("DeleteMarker", False) for one in answer["Deleted"]) == len(unwanted) - len(keys)
    left = [(key, is_latest, is_marker) for key, _, is_latest, is_marker in listed(s3, versioned)]
    assert left == [(key, True, True) for key in keys]


def test_a_presigned_url_names_a_version(s3, versioned):
    """A presigned URL gives the version that it was made for, and nothing once that one is removed."""
    named = {"Bucket": versioned, "Key": "a/k é", "VersionId": put(s3, versioned, "a/k é", b"old")}
    put(s3, versioned, "a/k é", b"new")
    url = s3.generate_presigned_url("get_object", Params=named)
    with urlopen(url) as response:  # noqa: S310 (the URL is the client's own)
        assert (response.read(), response.headers["x-amz-version-id"]) == (b"old", named["VersionId"])
    s3.delete_object(**named)
    with pytest.raises(HTTPError) as caught:
        urlopen(url)  # noqa: S310 (the same)
    with caught.value as refused:
        assert (refused.code, b"<Code>NoSuchVersion</Code>" in refused.read()) == (404, True)
