"""minio-py on versions: status, listing, reads, copies, tags and removals by id."""

from __future__ import annotations

from urllib.request import urlopen

import pytest

from tests.clients.content import content
from tests.clients.minio_kit import put, read
from tests.clients.versions_kit import enable, listed

pytestmark = pytest.mark.client
LARGE = 5 * 1024 * 1024


@pytest.fixture
def versioned(s3, bucket: str) -> str:
    """A bucket whose keys have versions."""
    enable(s3, bucket)
    return bucket


def tags_with(**values: str):
    """minio-py's Tags of an object."""
    from minio.commonconfig import Tags

    tags = Tags.new_object_tags()
    tags.update(values)
    return tags


def test_versioning_is_switched_and_shown(minio, bucket):
    """get_bucket_versioning says nothing, and then what set_bucket_versioning has set."""
    from minio.versioningconfig import ENABLED, SUSPENDED, VersioningConfig

    assert minio.get_bucket_versioning(bucket_name=bucket).status is None
    for status in (ENABLED, SUSPENDED):
        minio.set_bucket_versioning(bucket_name=bucket, config=VersioningConfig(status=status))
        assert minio.get_bucket_versioning(bucket_name=bucket).status == status


def test_versions_are_listed_and_read(minio, versioned):
    """list_objects shows versions and markers when asked; get_object and stat_object take each by its id."""
    ids = [put(minio, versioned, "a/k é", b"x" * number).version_id for number in (1, 2, 3)]
    minio.remove_object(bucket_name=versioned, object_name="a/k é")
    rows = list(minio.list_objects(bucket_name=versioned, recursive=True, include_version=True))
    assert [row.version_id for row in rows if not row.is_delete_marker] == ids[::-1]
    assert [row.object_name for row in rows] == ["a/k é"] * 4
    assert [row.is_delete_marker for row in rows if row.is_latest == "true"] == [True]
    assert list(minio.list_objects(bucket_name=versioned, recursive=True)) == []
    for size, version_id in enumerate(ids, 1):
        assert read(minio, versioned, "a/k é", version_id=version_id) == b"x" * size
        stat = minio.stat_object(bucket_name=versioned, object_name="a/k é", version_id=version_id)
        assert (stat.size, stat.version_id) == (size, version_id)


def test_many_versions_are_listed_over_pages(minio, versioned):
    """list_objects goes on from page to page until it has every version of every key."""
    ids = [put(minio, versioned, key, b"").version_id for key in ("a", "b", "c") for _ in range(3)]
    rows = minio.list_objects(
        bucket_name=versioned, include_version=True, extra_query_params={"max-keys": "2"}
    )
    assert sorted(row.version_id for row in rows) == sorted(ids)


def test_a_file_of_a_version_is_fetched(minio, versioned, tmp_path):
    """fget_object with a version id writes that version to the file."""
    old = put(minio, versioned, "k", b"old").version_id
    put(minio, versioned, "k", b"new")
    target = tmp_path / "target"
    minio.fget_object(bucket_name=versioned, object_name="k", file_path=str(target), version_id=old)
    assert target.read_bytes() == b"old"


def test_a_presigned_url_names_a_version(minio, versioned):
    """presigned_get_object with a version id makes a URL that gives that version."""
    old = put(minio, versioned, "k", b"old").version_id
    put(minio, versioned, "k", b"new")
    url = minio.presigned_get_object(bucket_name=versioned, object_name="k", version_id=old)
    with urlopen(url) as response:  # noqa: S310 (the URL is the client's own)
        assert response.read() == b"old"


def test_versions_are_removed_one_by_one_and_together(minio, s3, versioned):
    """remove_object and remove_objects take versions by their ids, markers among them."""
    from minio.deleteobjects import DeleteObject

    ids = [put(minio, versioned, "k", b"%d" % number).version_id for number in range(4)]
    minio.remove_object(bucket_name=versioned, object_name="k", version_id=ids[3])
    assert read(minio, versioned, "k") == b"2"
    minio.remove_object(bucket_name=versioned, object_name="k")
    (marker,) = [version_id for _, version_id, _, is_marker in listed(s3, versioned) if is_marker]
    unwanted = [DeleteObject("k", version_id) for version_id in (ids[0], marker, ids[2])]
    assert list(minio.remove_objects(bucket_name=versioned, delete_object_list=unwanted)) == []
    assert listed(s3, versioned) == [("k", ids[1], True, False)]


def test_copies_are_of_the_version_that_is_named(minio, versioned):
    """copy_object and compose_object read the version of each source, and make a version themselves."""
    from minio.commonconfig import ComposeSource, CopySource

    large = content(LARGE, seed=3)
    old = put(minio, versioned, "k", large).version_id
    new = put(minio, versioned, "k", b"new").version_id
    source = CopySource(bucket_name=versioned, object_name="k", version_id=old)
    copied = minio.copy_object(bucket_name=versioned, object_name="k", source=source)
    assert copied.version_id not in {None, old, new}
    assert read(minio, versioned, "k") == large
    sources = [
        ComposeSource(bucket_name=versioned, object_name="k", version_id=version_id)
        for version_id in (old, new)
    ]
    composed = minio.compose_object(bucket_name=versioned, object_name="both", sources=sources)
    assert read(minio, versioned, "both", version_id=composed.version_id) == large + b"new"


def test_tags_are_those_of_one_version(minio, versioned):
    """Tags go along with an upload, and are set, told and removed of the version that is named."""
    old = put(minio, versioned, "k", b"old", tags=tags_with(n="old", place="a b")).version_id
    new = put(minio, versioned, "k", b"new").version_id
    where = {"bucket_name": versioned, "object_name": "k"}
    assert minio.get_object_tags(**where) is None
    assert minio.get_object_tags(**where, version_id=old) == {"n": "old", "place": "a b"}
    minio.set_object_tags(**where, tags=tags_with(n="new"), version_id=new)
    minio.delete_object_tags(**where, version_id=old)
    assert minio.get_object_tags(**where, version_id=old) is None
    assert minio.get_object_tags(**where) == {"n": "new"}


def test_a_version_that_is_gone(minio, versioned):
    """A version that was removed is NoSuchVersion, and a marker read by its id MethodNotAllowed."""
    from minio.error import S3Error

    version_id = put(minio, versioned, "k", b"1").version_id
    minio.remove_object(bucket_name=versioned, object_name="k", version_id=version_id)
    with pytest.raises(S3Error) as caught:
        read(minio, versioned, "k", version_id=version_id)
    assert caught.value.code == "NoSuchVersion"
    minio.remove_object(bucket_name=versioned, object_name="k")
    (marker,) = minio.list_objects(bucket_name=versioned, include_version=True)
    with pytest.raises(S3Error) as caught:
        read(minio, versioned, "k", version_id=marker.version_id)
    assert caught.value.code == "MethodNotAllowed"
