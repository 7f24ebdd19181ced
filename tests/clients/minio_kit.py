"""What the tests of minio-py share."""

from __future__ import annotations

import io


def read(client, bucket: str, key: str, **arguments: object) -> bytes:
    """The object's bytes; the connection goes back to the pool."""
    response = client.get_object(bucket_name=bucket, object_name=key, **arguments)
    try:
        return response.read()
    finally:
        response.close()
        response.release_conn()


def put(client, bucket: str, key: str, data: bytes, **arguments: object):
    """Store an object; what minio-py tells of it."""
    return client.put_object(
        bucket_name=bucket, object_name=key, data=io.BytesIO(data), length=len(data), **arguments
    )
