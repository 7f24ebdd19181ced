"""minio-py: the library that MinIO users write against."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from urllib.request import urlopen

import pytest

from tests.clients.content import INLINE_BYTES, MIB, content
from tests.clients.minio_kit import put, read

pytestmark = pytest.mark.client


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES + 1, 17 * MIB + 3])
def test_put_get_stat(minio, bucket, size):
    """A body comes back whole and in ranges, and stat tells its size, ETag and metadata."""
    data = content(size, seed=size)
    written = put(minio, bucket, "a/key é", data, content_type="text/x-minio", metadata={"who": "me"})
    assert read(minio, bucket, "a/key é") == data
    stat = minio.stat_object(bucket_name=bucket, object_name="a/key é")
    assert (stat.size, stat.content_type, stat.etag) == (size, "text/x-minio", written.etag)
    assert stat.metadata["x-amz-meta-who"] == "me"
    if size:
        assert read(minio, bucket, "a/key é", offset=size // 2, length=1) == data[size // 2 : size // 2 + 1]


def test_a_stream_of_unknown_length(minio, bucket):
    """A body whose length is not known before is sent in parts and stored whole."""
    data = content(11 * MIB + 5, seed=11)
    minio.put_object(
        bucket_name=bucket, object_name="key", data=io.BytesIO(data), length=-1, part_size=5 * MIB
    )
    assert read(minio, bucket, "key") == data


def test_files(minio, bucket, tmp_path):
    """fput_object and fget_object carry a file there and back."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content(3 * MIB + 1))
    minio.fput_object(bucket_name=bucket, object_name="key", file_path=str(source))
    minio.fget_object(bucket_name=bucket, object_name="key", file_path=str(target))
    assert target.read_bytes() == source.read_bytes()


def test_list_objects(minio, bucket):
    """Listing is by folder or recursive, after a key or from a prefix."""
    for key in ("a", "a/b", "a/c/d", "e é"):
        put(minio, bucket, key, key.encode())

    def names(**arguments) -> list[str]:
        return [row.object_name for row in minio.list_objects(bucket_name=bucket, **arguments)]

    assert sorted(names()) == ["a", "a/", "e é"]
    assert names(recursive=True) == ["a", "a/b", "a/c/d", "e é"]
    assert sorted(names(prefix="a/")) == ["a/b", "a/c/"]
    assert names(recursive=True, start_after="a/b") == ["a/c/d", "e é"]
    assert names(recursive=True, use_api_v1=True) == ["a", "a/b", "a/c/d", "e é"]


def test_copy_and_compose(minio, bucket):
    """An object is copied, and several, whole or in part, are composed into one."""
    from minio.commonconfig import ComposeSource, CopySource

    first, second = content(6 * MIB, seed=1), content(5 * MIB + 7, seed=2)
    put(minio, bucket, "first", first)
    put(minio, bucket, "second", second)
    minio.copy_object(
        bucket_name=bucket, object_name="copy", source=CopySource(bucket_name=bucket, object_name="first")
    )
    assert read(minio, bucket, "copy") == first
    sources = [
        ComposeSource(bucket_name=bucket, object_name="first"),
        ComposeSource(bucket_name=bucket, object_name="second", offset=3, length=100),
    ]
    minio.compose_object(bucket_name=bucket, object_name="composed", sources=sources)
    assert read(minio, bucket, "composed") == first + second[3:103]


def test_remove_objects(minio, bucket):
    """Single objects and lists of them are removed; nothing is reported as failed."""
    from minio.deleteobjects import DeleteObject

    keys = [f"k{number}" for number in range(20)]
    for key in keys:
        put(minio, bucket, key, b"x")
    minio.remove_object(bucket_name=bucket, object_name="k0")
    assert (
        list(minio.remove_objects(bucket_name=bucket, delete_object_list=[DeleteObject(key) for key in keys]))
        == []
    )
    assert list(minio.list_objects(bucket_name=bucket)) == []


def test_presigned(minio, bucket):
    """Presigned URLs of minio-py give and take objects."""
    data = content(1000)
    put(minio, bucket, "key", data)
    url = minio.presigned_get_object(bucket_name=bucket, object_name="key", expires=timedelta(minutes=5))
    with urlopen(url) as response:  # noqa: S310 (the URL is the client's own)
        assert hashlib.md5(response.read()).digest() == hashlib.md5(data).digest()


def test_buckets(minio, bucket_name):
    """Buckets are made, found, listed and removed."""
    assert not minio.bucket_exists(bucket_name=bucket_name)
    minio.make_bucket(bucket_name=bucket_name)
    assert minio.bucket_exists(bucket_name=bucket_name)
    assert bucket_name in {row.name for row in minio.list_buckets()}
    minio.remove_bucket(bucket_name=bucket_name)
    assert not minio.bucket_exists(bucket_name=bucket_name)


def test_errors(minio, bucket):
    """A missing key is an S3Error with code, resource and request id."""
    from minio.error import S3Error

    with pytest.raises(S3Error) as caught:
        read(minio, bucket, "none")
    assert caught.value.code == "NoSuchKey"
    assert "none" in str(caught.value)
