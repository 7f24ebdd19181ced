"""MinIO's extensions, as minio-py asks for them."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

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


@pytest.mark.parametrize("compression", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("staged", [False, True], ids=["in memory", "staged"])
def test_upload_snowball_objects(client, bucket, tmp_path, compression, staged):
    """Files and bytes sent as one archive are objects afterwards, with their times; the archive is none."""
    from minio.commonconfig import SnowballObject

    modified = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    sizes = {"empty": 0, "a/b c": 10, "é": INLINE_BYTES + 1, "large": 6 * MIB + 1}
    contents = {key: content(size, seed=size) for key, size in sizes.items()}
    (tmp_path / "file").write_bytes(b"from a file")
    sources = [
        SnowballObject(key, data=io.BytesIO(data), length=len(data), mod_time=modified)
        for key, data in contents.items()
    ]
    sources.append(SnowballObject("file", filename=str(tmp_path / "file")))
    written = client.upload_snowball_objects(
        bucket_name=bucket,
        object_list=sources,
        compression=compression,
        staging_filename=str(tmp_path / "staged.tar") if staged else None,
    )
    assert written.etag
    found = {one.object_name: one for one in client.list_objects(bucket_name=bucket, recursive=True)}
    assert sorted(found) == sorted([*contents, "file"])
    for key, data in contents.items():
        assert read(client, bucket, key) == data
        assert found[key].last_modified == modified
    assert read(client, bucket, "file") == b"from a file"


def test_listing_with_metadata(client, bucket):
    """include_user_meta tells metadata and tags of each object."""
    from minio.commonconfig import Tags

    tags = Tags.new_object_tags()
    tags["colour"] = "red"
    for key in ("a", "b"):
        client.put_object(
            bucket_name=bucket,
            object_name=key,
            data=io.BytesIO(b"x"),
            length=1,
            content_type="text/plain",
            metadata={"who": key},
            tags=tags,
        )
    found = list(client.list_objects(bucket_name=bucket, include_user_meta=True))
    assert [one.metadata["X-Amz-Meta-Who"] for one in found] == ["a", "b"]
    assert [one.metadata["content-type"] for one in found] == ["text/plain"] * 2
    assert [one.tags["colour"] for one in found] == ["red"] * 2
    assert all(not one.metadata for one in client.list_objects(bucket_name=bucket))


def test_members_of_zip_archives(client, library, bucket):
    """Members are read, looked at and listed as objects below their archive."""
    data = content(3 * MIB + 5, seed=3)
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/data.bin", data)
        archive.writestr("page.html", b"<html>")
    raw.seek(0)
    client.put_object(
        bucket_name=bucket, object_name="x.zip", data=raw, length=len(raw.getvalue()), part_size=5 * MIB
    )
    here = {"x-minio-extract": "true"}
    assert read(client, bucket, "x.zip/folder/data.bin", request_headers=here) == data
    part = read(client, bucket, "x.zip/folder/data.bin", offset=2 * MIB, length=100, request_headers=here)
    assert part == data[2 * MIB : 2 * MIB + 100]
    stat = client.stat_object(bucket_name=bucket, object_name="x.zip/page.html", extra_headers=here)
    assert (stat.size, stat.content_type) == (6, "text/html")
    rows = client.list_objects(bucket_name=bucket, prefix="x.zip/", recursive=True, extra_headers=here)
    assert [(row.object_name, row.size) for row in rows] == [
        ("x.zip/folder/data.bin", len(data)),
        ("x.zip/page.html", 6),
    ]
    with pytest.raises(library.error.S3Error) as caught:
        read(client, bucket, "x.zip/none", request_headers=here)
    assert caught.value.code == "NoSuchKey"
