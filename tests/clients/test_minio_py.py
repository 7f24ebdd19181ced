"""minio-py: the library that MinIO users write against."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from urllib.request import urlopen

import pytest

from tests.clients import tools
from tests.clients.content import INLINE_BYTES, MIB, content

pytestmark = pytest.mark.client


@pytest.fixture(scope="module")
def library():
    return tools.module("minio")


@pytest.fixture(scope="module")
def client(library, server):
    return library.Minio(
        endpoint=server.address, access_key=server.access_key, secret_key=server.secret_key, secure=False
    )


def read(client, bucket: str, key: str, **arguments) -> bytes:
    response = client.get_object(bucket_name=bucket, object_name=key, **arguments)
    try:
        return response.read()
    finally:
        response.close()
        response.release_conn()


def put(client, bucket: str, key: str, data: bytes, **arguments):
    return client.put_object(
        bucket_name=bucket, object_name=key, data=io.BytesIO(data), length=len(data), **arguments
    )


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES + 1, 17 * MIB + 3])
def test_put_get_stat(client, bucket, size):
    """A body comes back whole and in ranges, and stat tells its size, ETag and metadata."""
    data = content(size, seed=size)
    written = put(client, bucket, "a/key é", data, content_type="text/x-minio", metadata={"who": "me"})
    assert read(client, bucket, "a/key é") == data
    stat = client.stat_object(bucket_name=bucket, object_name="a/key é")
    assert (stat.size, stat.content_type, stat.etag) == (size, "text/x-minio", written.etag)
    assert stat.metadata["x-amz-meta-who"] == "me"
    if size:
        assert read(client, bucket, "a/key é", offset=size // 2, length=1) == data[size // 2 : size // 2 + 1]


def test_a_stream_of_unknown_length(client, bucket):
    """A body whose length is not known before is sent in parts and stored whole."""
    data = content(11 * MIB + 5, seed=11)
    client.put_object(
        bucket_name=bucket, object_name="key", data=io.BytesIO(data), length=-1, part_size=5 * MIB
    )
    assert read(client, bucket, "key") == data


def test_files(client, bucket, tmp_path):
    """fput_object and fget_object carry a file there and back."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content(3 * MIB + 1))
    client.fput_object(bucket_name=bucket, object_name="key", file_path=str(source))
    client.fget_object(bucket_name=bucket, object_name="key", file_path=str(target))
    assert target.read_bytes() == source.read_bytes()


def test_list_objects(client, bucket):
    """Listing is by folder or recursive, after a key or from a prefix."""
    for key in ("a", "a/b", "a/c/d", "e é"):
        put(client, bucket, key, key.encode())

    def names(**arguments) -> list[str]:
        return [row.object_name for row in client.list_objects(bucket_name=bucket, **arguments)]

    assert sorted(names()) == ["a", "a/", "e é"]
    assert names(recursive=True) == ["a", "a/b", "a/c/d", "e é"]
    assert sorted(names(prefix="a/")) == ["a/b", "a/c/"]
    assert names(recursive=True, start_after="a/b") == ["a/c/d", "e é"]
    assert names(recursive=True, use_api_v1=True) == ["a", "a/b", "a/c/d", "e é"]


def test_copy_and_compose(client, bucket):
    """An object is copied, and several, whole or in part, are composed into one."""
    from minio.commonconfig import ComposeSource, CopySource

    first, second = content(6 * MIB, seed=1), content(5 * MIB + 7, seed=2)
    put(client, bucket, "first", first)
    put(client, bucket, "second", second)
    client.copy_object(
        bucket_name=bucket, object_name="copy", source=CopySource(bucket_name=bucket, object_name="first")
    )
    assert read(client, bucket, "copy") == first
    sources = [
        ComposeSource(bucket_name=bucket, object_name="first"),
        ComposeSource(bucket_name=bucket, object_name="second", offset=3, length=100),
    ]
    client.compose_object(bucket_name=bucket, object_name="composed", sources=sources)
    assert read(client, bucket, "composed") == first + second[3:103]


def test_remove_objects(client, bucket):
    """Single objects and lists of them are removed; nothing is reported as failed."""
    from minio.deleteobjects import DeleteObject

    keys = [f"k{number}" for number in range(20)]
    for key in keys:
        put(client, bucket, key, b"x")
    client.remove_object(bucket_name=bucket, object_name="k0")
    assert (
        list(
            client.remove_objects(bucket_name=bucket, delete_object_list=[DeleteObject(key) for key in keys])
        )
        == []
    )
    assert list(client.list_objects(bucket_name=bucket)) == []


def test_presigned(client, bucket):
    """Presigned URLs of minio-py give and take objects."""
    data = content(1000)
    put(client, bucket, "key", data)
    url = client.presigned_get_object(bucket_name=bucket, object_name="key", expires=timedelta(minutes=5))
    with urlopen(url) as response:  # noqa: S310 (the URL is the client's own)
        assert hashlib.md5(response.read()).digest() == hashlib.md5(data).digest()


def test_buckets(client, bucket_name):
    """Buckets are made, found, listed and removed."""
    assert not client.bucket_exists(bucket_name=bucket_name)
    client.make_bucket(bucket_name=bucket_name)
    assert client.bucket_exists(bucket_name=bucket_name)
    assert bucket_name in {row.name for row in client.list_buckets()}
    client.remove_bucket(bucket_name=bucket_name)
    assert not client.bucket_exists(bucket_name=bucket_name)


def test_errors(client, library, bucket):
    """A missing key is an S3Error with code, resource and request id."""
    with pytest.raises(library.error.S3Error) as caught:
        read(client, bucket, "none")
    assert caught.value.code == "NoSuchKey"
    assert "none" in str(caught.value)
