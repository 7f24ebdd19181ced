"""Objects too large for a test's memory: sent and read piece by piece, over presigned URLs, with nothing in
between that would keep or hash them, so that the node is what limits the rate.
"""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from tests.clients.content import MIB, equal_stream, pieces

TIMEOUT_S = 120


def put_stream(s3, bucket: str, key: str, size: int, *, seed: int = 0) -> None:
    """One PutObject of `content(size, seed)`."""
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
    _send(url, pieces(seed, 0, size), size)


def put_parts(s3, bucket: str, key: str, size: int, *, part_bytes: int, at_once: int, seed: int = 0) -> None:
    """The same as an upload of parts of whole MiB, `at_once` of them under way."""
    assert part_bytes % MIB == 0, part_bytes
    where = {"Bucket": bucket, "Key": key}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]

    def send(first: int) -> dict[str, object]:
        number, length = first // part_bytes + 1, min(part_bytes, size - first)
        url = s3.generate_presigned_url("upload_part", Params={**where, "PartNumber": number})
        return {"PartNumber": number, "ETag": _send(url, pieces(seed, first, length), length)}

    with ThreadPoolExecutor(at_once) as pool:
        rows = list(pool.map(send, range(0, size, part_bytes)))
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": rows})


def get_stream(s3, bucket: str, key: str, size: int, *, seed: int = 0) -> None:
    """Read all of an object and compare each of its bytes."""
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
    with _connection(url) as (connection, target):
        connection.request("GET", target)
        answer = connection.getresponse()
        assert answer.status == 200, (answer.status, answer.read())
        assert equal_stream(answer, pieces(seed, 0, size)), f"{key} is not what was stored"


def _send(url: str, body: Iterator[bytes], size: int) -> str:
    """The ETag."""
    with _connection(url) as (connection, target):
        connection.request("PUT", target, body, {"Content-Length": str(size)})
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status == 200, (answer.status, said)
        return answer.headers["ETag"]


@contextlib.contextmanager
def _connection(url: str) -> Iterator[tuple[http.client.HTTPConnection, str]]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    with contextlib.closing(connection):
        yield connection, f"{parts.path}?{parts.query}"
