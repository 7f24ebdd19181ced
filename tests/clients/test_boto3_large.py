"""Five gibibytes by multipart, through bounded memory on both sides."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clients.content import MIB, equal_stream, piece, pieces

GIB = 1024 * MIB
PART = 64 * MIB
SIZE = 5 * GIB + 3 * MIB + 1
SEED = 5
CONNECTIONS = 2


class Generated(io.RawIOBase):
    """A seekable file of generated content, read by botocore like any file; nothing of it is kept."""

    def __init__(self, first_byte: int, size: int) -> None:
        self.first_byte, self.size, self.at = first_byte, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def __len__(self) -> int:
        return self.size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        return self.at

    def readinto(self, buffer) -> int:
        number, inside = divmod(self.first_byte + self.at, MIB)
        some = memoryview(piece(SEED, number))[inside:][: min(len(buffer), self.size - self.at)]
        buffer[: len(some)] = some
        self.at += len(some)
        return len(some)


def parts() -> Iterator[tuple[int, int, int]]:
    """Number, first byte and size of each part."""
    for number, first in enumerate(range(0, SIZE, PART), 1):
        yield number, first, min(PART, SIZE - first)


@pytest.mark.long
@pytest.mark.large
def test_five_gibibytes(server, bucket):
    """81 parts, two at a time, make one object larger than a single PUT may be, and read back the same."""
    s3 = server.boto3(
        request_checksum_calculation="when_required",
        s3={"addressing_style": "path", "payload_signing_enabled": False},
    )
    upload = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    where = {"Bucket": bucket, "Key": "large", "UploadId": upload}

    def send(part: tuple[int, int, int]) -> dict[str, object]:
        number, first, size = part
        answer = s3.upload_part(**where, PartNumber=number, Body=Generated(first, size), ContentLength=size)
        return {"PartNumber": number, "ETag": answer["ETag"]}

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        sent = list(pool.map(send, parts()))
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": sent})

    assert s3.head_object(Bucket=bucket, Key="large")["ContentLength"] == SIZE
    assert equal_stream(s3.get_object(Bucket=bucket, Key="large")["Body"], pieces(SEED, 0, SIZE))
    tail = s3.get_object(Bucket=bucket, Key="large", Range=f"bytes={SIZE - MIB - 1}-")["Body"].read()
    assert tail == b"".join(pieces(SEED, SIZE - MIB - 1, MIB + 1))
    s3.delete_object(Bucket=bucket, Key="large")
