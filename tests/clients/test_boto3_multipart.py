"""Multipart uploads from the first part to the object, and everything that may be wrong on the way."""

from __future__ import annotations

import contextlib
import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.clients.content import MIB, PART_BYTES_MIN, content


def begin(s3, bucket: str, key: str = "key", **arguments) -> dict[str, str]:
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, **arguments)["UploadId"]
    return {"Bucket": bucket, "Key": key, "UploadId": upload}


def send(s3, where, number: int, data: bytes) -> dict[str, object]:
    return {"PartNumber": number, "ETag": s3.upload_part(**where, PartNumber=number, Body=data)["ETag"]}


def complete(s3, where, rows, **arguments):
    return s3.complete_multipart_upload(**where, MultipartUpload={"Parts": rows}, **arguments)


def code_of(call, *positional, **arguments) -> str:
    with pytest.raises(ClientError) as caught:
        call(*positional, **arguments)
    return caught.value.response["Error"]["Code"]


def etag_of(parts: list[bytes]) -> str:
    joined = b"".join(hashlib.md5(part).digest() for part in parts)
    return f'"{hashlib.md5(joined).hexdigest()}-{len(parts)}"'


def test_parts_become_the_object(s3, bucket):
    """Parts of different sizes join in order, with AWS's ETag and what was given at the start."""
    parts = [content(size, seed=size) for size in (PART_BYTES_MIN, 6 * MIB + 1, PART_BYTES_MIN + 12_345, 1)]
    where = begin(s3, bucket, Metadata={"who": "me"}, ContentType="text/x-parts", CacheControl="no-cache")
    rows = [send(s3, where, number, part) for number, part in enumerate(parts, 1)]
    assert [row["ETag"] for row in rows] == [f'"{hashlib.md5(part).hexdigest()}"' for part in parts]
    done = complete(s3, where, rows)
    assert done["ETag"] == etag_of(parts)
    assert (done["Bucket"], done["Key"]) == (bucket, "key")
    got = s3.get_object(Bucket=bucket, Key="key")
    assert got["Body"].read() == b"".join(parts)
    assert (got["ETag"], got["Metadata"]) == (etag_of(parts), {"who": "me"})
    assert (got["ContentType"], got["CacheControl"]) == ("text/x-parts", "no-cache")


def test_nothing_is_seen_before_completion(s3, bucket):
    """Until it is completed an upload is no object, and an older one of that key stays readable."""
    where = begin(s3, bucket)
    send(s3, where, 1, b"part")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert code_of(s3.get_object, Bucket=bucket, Key="key") == "NoSuchKey"
    s3.put_object(Bucket=bucket, Key="key", Body=b"older")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"older"
    s3.abort_multipart_upload(**where)


def test_part_numbers_may_have_gaps(s3, bucket):
    """Part numbers from 1 to 10,000 order the parts; those not named in the completion are dropped."""
    where = begin(s3, bucket)
    rows = {
        number: send(s3, where, number, content(PART_BYTES_MIN, seed=number)) for number in (10_000, 7, 300)
    }
    complete(s3, where, [rows[7], rows[10_000]])
    expected = content(PART_BYTES_MIN, seed=7) + content(PART_BYTES_MIN, seed=10_000)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == expected


def test_a_part_sent_again_replaces_itself(s3, bucket):
    """The newest upload of a part number counts, whatever the size of the one before."""
    where = begin(s3, bucket)
    first = send(s3, where, 1, content(6 * MIB, seed=1))
    second = send(s3, where, 1, content(PART_BYTES_MIN, seed=2))
    assert code_of(complete, s3, where, [first]) == "InvalidPart"
    complete(s3, where, [second])
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == content(PART_BYTES_MIN, seed=2)


def test_one_empty_part(s3, bucket):
    """A single empty part makes an empty object."""
    where = begin(s3, bucket)
    complete(s3, where, [send(s3, where, 1, b"")])
    head = s3.head_object(Bucket=bucket, Key="key")
    assert (head["ContentLength"], head["ETag"]) == (0, etag_of([b""]))


def test_ranges_across_parts(s3, bucket):
    """Ranges that touch one part, a border or all of them give the right bytes; partNumber gives one part."""
    parts = [content(PART_BYTES_MIN, seed=1), content(PART_BYTES_MIN + 77, seed=2), content(99, seed=3)]
    where, whole = begin(s3, bucket), b"".join(parts)
    complete(s3, where, [send(s3, where, number, part) for number, part in enumerate(parts, 1)])
    border, second = len(parts[0]), len(parts[0]) + len(parts[1])
    for first, last in [
        (0, 9),
        (border - 5, border + 4),
        (border, border),
        (border - 1, second + 3),
        (second, second + 98),
    ]:
        got = s3.get_object(Bucket=bucket, Key="key", Range=f"bytes={first}-{last}")
        assert got["Body"].read() == whole[first : last + 1], (first, last)
    for number, part in enumerate(parts, 1):
        got = s3.get_object(Bucket=bucket, Key="key", PartNumber=number)
        assert got["Body"].read() == part
        assert (got["PartsCount"], got["ResponseMetadata"]["HTTPStatusCode"]) == (3, 206)
        assert s3.head_object(Bucket=bucket, Key="key", PartNumber=number)["ContentLength"] == len(part)
    assert code_of(s3.get_object, Bucket=bucket, Key="key", PartNumber=4) == "InvalidPartNumber"


def test_part_number_of_a_plain_object(s3, bucket):
    """An object of one PUT has one part, which is all of it."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"whole")
    assert s3.get_object(Bucket=bucket, Key="key", PartNumber=1)["Body"].read() == b"whole"
    assert code_of(s3.get_object, Bucket=bucket, Key="key", PartNumber=2) == "InvalidPartNumber"


def test_part_number_of_an_empty_part(s3, bucket):
    """An empty last part is read as nothing, and not as the whole object."""
    where, parts = begin(s3, bucket), [content(PART_BYTES_MIN, seed=1), b""]
    complete(s3, where, [send(s3, where, number, part) for number, part in enumerate(parts, 1)])
    got = s3.get_object(Bucket=bucket, Key="key", PartNumber=2)
    assert (got["Body"].read(), got["PartsCount"]) == (b"", 2)
    assert s3.head_object(Bucket=bucket, Key="key", PartNumber=2)["ContentLength"] == 0


WRONG_COMPLETIONS = {
    "wrong etag": (
        lambda rows: [rows[0], rows[1] | {"ETag": '"00000000000000000000000000000000"'}],
        "InvalidPart",
    ),
    "unknown part": (lambda rows: [*rows, {"PartNumber": 9, "ETag": rows[0]["ETag"]}], "InvalidPart"),
    "wrong order": (lambda rows: [rows[1], rows[0]], "InvalidPartOrder"),
    "twice the same": (lambda rows: [rows[0], rows[0]], "InvalidPartOrder"),
    "too small": (lambda rows: [rows[0], rows[2], rows[3]], "EntityTooSmall"),
    "none": (lambda _rows: [], "MalformedXML"),
}


def test_wrong_completions(s3, bucket):
    """Each mistake in a completion has its own error and leaves the upload to be completed right."""
    where = begin(s3, bucket)
    parts = [content(PART_BYTES_MIN, seed=number) for number in range(2)] + [b"small", b"last"]
    rows = [send(s3, where, number, part) for number, part in enumerate(parts, 1)]
    for name, (mistake, code) in WRONG_COMPLETIONS.items():
        assert code_of(complete, s3, where, mistake(rows)) == code, name
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    complete(s3, where, [rows[0], rows[1], rows[3]])
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == parts[0] + parts[1] + parts[3]


def test_etags_without_quotes_are_taken(s3, bucket):
    """A completion may give the ETag of a part with or without its quotes."""
    where = begin(s3, bucket)
    row = send(s3, where, 1, b"part")
    complete(s3, where, [row | {"ETag": row["ETag"].strip('"')}])
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"part"


def test_an_aborted_upload_is_gone(s3, bucket):
    """After an abort every operation on the upload is NoSuchUpload, and no object came of it."""
    where = begin(s3, bucket)
    row = send(s3, where, 1, content(MIB))
    s3.abort_multipart_upload(**where)
    assert code_of(s3.upload_part, **where, PartNumber=2, Body=b"x") == "NoSuchUpload"
    assert code_of(s3.list_parts, **where) == "NoSuchUpload"
    assert code_of(complete, s3, where, [row]) == "NoSuchUpload"
    assert code_of(s3.abort_multipart_upload, **where) == "NoSuchUpload"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_completed_upload_is_gone(s3, bucket):
    """After completion no part can be added, and completing again does not harm the object."""
    where = begin(s3, bucket)
    row = send(s3, where, 1, b"part")
    complete(s3, where, [row])
    assert code_of(s3.upload_part, **where, PartNumber=2, Body=b"x") == "NoSuchUpload"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    with contextlib.suppress(s3.exceptions.NoSuchUpload):  # S3 may answer the finished upload again
        assert complete(s3, where, [row])["ETag"] == etag_of([b"part"])
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"part"


def test_an_upload_belongs_to_its_key(s3, bucket):
    """An upload id with another key, or made up, is NoSuchUpload."""
    where = begin(s3, bucket)
    assert code_of(s3.upload_part, **where | {"Key": "other"}, PartNumber=1, Body=b"x") == "NoSuchUpload"
    assert (
        code_of(s3.upload_part, **where | {"UploadId": "made-up"}, PartNumber=1, Body=b"x") == "NoSuchUpload"
    )
    s3.abort_multipart_upload(**where)


@pytest.mark.parametrize("number", [0, 10_001, -1])
def test_part_numbers_have_bounds(s3, bucket, number):
    """A part number outside 1 to 10,000 is InvalidArgument."""
    where = begin(s3, bucket)
    assert code_of(s3.upload_part, **where, PartNumber=number, Body=b"x") == "InvalidArgument"
    s3.abort_multipart_upload(**where)


def test_two_uploads_of_one_key(s3, bucket):
    """Uploads of the same key do not see each other's parts; the one completed last is the object."""
    one, two = begin(s3, bucket), begin(s3, bucket)
    assert one["UploadId"] != two["UploadId"]
    rows = [send(s3, where, 1, body) for where, body in ((one, b"one"), (two, b"two"))]
    complete(s3, two, [rows[1]])
    complete(s3, one, [rows[0]])
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"one"


def test_many_parts(server, bucket):
    """An upload of 1,001 numbered parts completes with the few that it names, and forgets the others."""
    s3 = server.boto3(max_pool_connections=8)
    where = begin(s3, bucket)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda number: send(s3, where, number, b"%d" % number), range(1, 1002)))
    complete(s3, where, rows[-1:])
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"1001"
