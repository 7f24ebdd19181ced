"""Bodies of every size class come back byte for byte, whole and in ranges."""

from __future__ import annotations

import hashlib
import io

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.clients.content import (
    INLINE_BYTES,
    MIB,
    PART_BYTES_MIN,
    content,
    equal_stream,
    pieces,
    read_exactly,
)

EDGES = (INLINE_BYTES, MIB, 2 * MIB, PART_BYTES_MIN)
SIZES = [0, 1, 2, 255, 4096, 65_537, *(edge + step for edge in EDGES for step in (-1, 0, 1)), 3 * MIB + 7]


def md5(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


@pytest.mark.parametrize("size", SIZES)
def test_a_body_comes_back(s3, bucket, size):
    """PutObject answers the MD5 as ETag, and GetObject and HeadObject tell the same bytes, size and ETag."""
    data = content(size, seed=size)
    put = s3.put_object(Bucket=bucket, Key="key", Body=data)
    got = s3.get_object(Bucket=bucket, Key="key")
    head = s3.head_object(Bucket=bucket, Key="key")
    assert got["Body"].read() == data
    assert put["ETag"] == got["ETag"] == head["ETag"] == md5(data)
    assert got["ContentLength"] == head["ContentLength"] == size
    assert got["ContentType"] == head["ContentType"] == "binary/octet-stream"
    assert got["LastModified"] == head["LastModified"]
    assert head["AcceptRanges"] == got["AcceptRanges"] == "bytes"


@pytest.mark.slow
def test_a_hundred_mebibytes_in_one_put(s3, bucket):
    """A body far larger than any window or buffer of the node comes back as it was sent."""
    data = content(100 * MIB, seed=100)
    assert s3.put_object(Bucket=bucket, Key="key", Body=data)["ETag"] == md5(data)
    body = s3.get_object(Bucket=bucket, Key="key")["Body"]
    assert equal_stream(body, pieces(100, 0, 100 * MIB))
    s3.delete_object(Bucket=bucket, Key="key")


def test_transfer_manager_splits_and_joins(s3, bucket, tmp_path):
    """upload_file sends parts side by side, download_file reads ranges so: the file is the same."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content(23 * MIB + 11, seed=3))
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
    s3.upload_file(str(source), bucket, "key", Config=config)
    s3.download_file(bucket, "key", str(target), Config=config)
    assert target.read_bytes() == source.read_bytes()
    assert s3.head_object(Bucket=bucket, Key="key")["ETag"].endswith('-5"')


def test_an_overwrite_replaces_all(s3, bucket):
    """After each overwrite, between inline and striped sizes and back, only the newest bytes are read."""
    for number, size in enumerate((10, 3 * MIB, 0, 700_000, INLINE_BYTES, 1)):
        s3.put_object(
            Bucket=bucket, Key="key", Body=content(size, seed=number), Metadata={"number": str(number)}
        )
        got = s3.get_object(Bucket=bucket, Key="key")
        assert got["Body"].read() == content(size, seed=number)
        assert got["Metadata"] == {"number": str(number)}
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_a_slow_reader_gets_every_byte(s3, bucket):
    """A client that reads little by little, and asks for other things between, gets the whole body."""
    s3.put_object(Bucket=bucket, Key="key", Body=content(20 * MIB, seed=5))
    body = s3.get_object(Bucket=bucket, Key="key")["Body"]
    for expected in pieces(5, 0, 20 * MIB):
        assert s3.head_object(Bucket=bucket, Key="key")["ContentLength"] == 20 * MIB
        assert read_exactly(body, MIB) == expected


def test_a_reader_that_leaves_harms_nobody(server, bucket):
    """After a client closed its connection in the middle of a body, the same object is read whole."""
    s3 = server.boto3(max_pool_connections=1)
    s3.put_object(Bucket=bucket, Key="key", Body=content(30 * MIB, seed=6))
    for _ in range(5):
        body = s3.get_object(Bucket=bucket, Key="key")["Body"]
        assert body.read(1000) == content(MIB, seed=6)[:1000]
        body.close()
    assert equal_stream(s3.get_object(Bucket=bucket, Key="key")["Body"], pieces(6, 0, 30 * MIB))


def test_a_file_object_of_unknown_hash_is_streamed(s3, bucket):
    """boto3 sends a file object as a chunked stream with a trailing checksum, and it is stored whole."""
    s3.upload_fileobj(io.BytesIO(content(2 * MIB + 3, seed=8)), bucket, "key")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == content(2 * MIB + 3, seed=8)


# Range header -> (first, last + 1) of the part answered, or None where the whole body is.
RANGES = {
    "bytes=0-0": (0, 1),
    "bytes=0-99": (0, 100),
    "bytes=5-": (5, None),
    "bytes=-1": (-1, None),
    "bytes=-100": (-100, None),
    "bytes=-99999999": (0, None),
    "bytes=100-99999999": (100, None),
    "bytes=262143-262144": (262_143, 262_145),
    "bytes=524287-524289": (524_287, 524_290),
    "bytes=1048575-1048577": (1_048_575, 1_048_578),
    "bytes=5-4": None,
    "bytes=a-b": None,
    "chars=0-1": None,
}


@pytest.mark.parametrize("size", [2_100_000, 400_000])
def test_ranges(s3, bucket, size):
    """Each form of RFC 9110 §14.1 gives exactly its bytes, and a malformed one is ignored."""
    data = content(size, seed=1)
    s3.put_object(Bucket=bucket, Key="key", Body=data)
    for header, borders in RANGES.items():
        if borders and (borders[0] or 0) >= size:
            continue
        got = s3.get_object(Bucket=bucket, Key="key", Range=header)
        expected = data[slice(*borders)] if borders else data
        assert got["Body"].read() == expected, header
        assert got["ResponseMetadata"]["HTTPStatusCode"] == (206 if borders else 200), header
        if borders:
            first = slice(*borders).indices(size)[0]
            assert got["ContentRange"] == f"bytes {first}-{first + len(expected) - 1}/{size}", header
        else:
            assert "ContentRange" not in got, header


def test_ranges_of_every_alignment(s3, bucket):
    """A range is right wherever it begins and ends around the borders of fragments and stripes."""
    data = content(2 * MIB + 5, seed=2)
    s3.put_object(Bucket=bucket, Key="key", Body=data)
    borders = sorted(
        {0, 1, len(data) - 1, *(at + step for at in (INLINE_BYTES, MIB, 2 * MIB) for step in (-1, 0, 1))}
    )
    for first in borders:
        for last in (last for last in borders if last >= first):
            got = s3.get_object(Bucket=bucket, Key="key", Range=f"bytes={first}-{last}")
            assert got["Body"].read() == data[first : last + 1], (first, last)


@pytest.mark.parametrize(
    ("size", "header"), [(10, "bytes=10-"), (10, "bytes=10-20"), (10, "bytes=-0"), (0, "bytes=0-")]
)
def test_a_range_beyond_the_end(s3, bucket, size, header):
    """A range that touches no byte is InvalidRange with status 416."""
    s3.put_object(Bucket=bucket, Key="key", Body=content(size))
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=bucket, Key="key", Range=header)
    assert caught.value.response["Error"]["Code"] == "InvalidRange"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 416


def test_head_with_a_range(s3, bucket):
    """HeadObject tells the length of the part asked for."""
    s3.put_object(Bucket=bucket, Key="key", Body=content(1000))
    head = s3.head_object(Bucket=bucket, Key="key", Range="bytes=10-19")
    assert head["ContentLength"] == 10
    assert head["ResponseMetadata"]["HTTPStatusCode"] == 206
