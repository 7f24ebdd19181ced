"""A node of four drives, two of them parity, after what can happen to two of them: every byte is read back.

One node stores the objects once; each test begins with a copy of its drives.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, ReadTimeoutError

from tests.clients.content import INLINE_BYTES, MIB, PART_BYTES_MIN, content
from tests.kit import corrupt
from tests.kit.node import RunningNode
from tests.kit.sample import sampled

pytestmark = pytest.mark.slow

BUCKET = "survival"
SIZES = (0, 1, 1000, INLINE_BYTES - 1, INLINE_BYTES, INLINE_BYTES + 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 1)
# Key -> seed and size of its bytes.
STORED = {f"size/{size}": (seed, size) for seed, size in enumerate(SIZES)} | {
    "replaced/small": (101, 3000),
    "replaced/large": (102, 2 * MIB + 5),
    "replaced/by-small": (103, 10),
    "parts": (104, 2 * PART_BYTES_MIN + 77),
    "a": (105, 1),
    "a/": (106, 2),
    "a/b": (107, 3),
}
DELETED = ("deleted/small", "deleted/large", "size")
PAIRS = [list(pair) for pair in itertools.combinations(range(4), 2)]


def fill(node: RunningNode) -> None:
    """Store STORED, with a history: versions that were replaced, keys that were deleted, parts."""
    s3 = node.boto3()
    s3.create_bucket(Bucket=BUCKET)
    for key, size in (("replaced/small", 5), ("replaced/large", 3 * MIB), ("replaced/by-small", 4 * MIB)):
        s3.put_object(Bucket=BUCKET, Key=key, Body=content(size, seed=1000))
    for key in DELETED:
        s3.put_object(Bucket=BUCKET, Key=key, Body=content(2 * MIB if "large" in key else 20, seed=1001))
    for key, (seed, size) in STORED.items():
        if key != "parts":
            s3.put_object(Bucket=BUCKET, Key=key, Body=content(size, seed=seed), Metadata={"seed": str(seed)})
    upload_parts(s3, *STORED["parts"])
    for key in DELETED:
        s3.delete_object(Bucket=BUCKET, Key=key)


def upload_parts(s3, seed: int, size: int) -> None:
    where = {"Bucket": BUCKET, "Key": "parts"}
    where["UploadId"] = s3.create_multipart_upload(**where, Metadata={"seed": str(seed)})["UploadId"]
    data, rows = content(size, seed=seed), []
    for number, first in enumerate(range(0, size, PART_BYTES_MIN), 1):
        body = data[first : first + PART_BYTES_MIN]
        rows.append(
            {"PartNumber": number, "ETag": s3.upload_part(**where, PartNumber=number, Body=body)["ETag"]}
        )
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": rows})


def check(node: RunningNode, maybe: frozenset[str] = frozenset()) -> None:
    """Everything stored is there to the byte, listed once, and what was deleted is not; `maybe` names keys
    whose write failed, which leaves open whether they are there.
    """
    s3 = node.boto3()
    for key, (seed, size) in STORED.items():
        got = s3.get_object(Bucket=BUCKET, Key=key)
        assert got["Body"].read() == content(size, seed=seed), key
        assert got["Metadata"] == {"seed": str(seed)}, key
    rows = [row for row in s3.list_objects_v2(Bucket=BUCKET)["Contents"] if row["Key"] not in maybe]
    assert {row["Key"]: row["Size"] for row in rows} == {key: size for key, (_, size) in STORED.items()}
    assert [row["Key"] for row in rows] == sorted(STORED)
    for key in DELETED:
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket=BUCKET, Key=key)


def check_writing(node: RunningNode) -> None:
    """New objects of both kinds can be written and read, also over old ones."""
    s3 = node.boto3()
    for key in ("new/key", "size/1000"):
        for size in (0, 700, 3 * MIB):
            s3.put_object(Bucket=BUCKET, Key=key, Body=content(size, seed=7))
            assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == content(size, seed=7)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The drives of a node that stored everything and was stopped in order."""
    folder = tmp_path_factory.mktemp("filled")
    with RunningNode(folder) as node:
        fill(node)
        check(node)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def node(filled, tmp_path):
    """A node on a copy of those drives; the test starts it when it has done to them what it wants."""
    folder = tmp_path / "node"
    # cp keeps the holes of preallocated files, which shutil would fill.
    subprocess.run(["cp", "--archive", "--sparse=always", str(filled), str(folder)], check=True)
    copy = RunningNode(folder)
    yield copy
    copy.close()
    shutil.rmtree(folder)


def in_pairs(node: RunningNode, pair: Sequence[int]) -> list[Path]:
    return [node.drive_paths[number] for number in pair]


@pytest.mark.parametrize("pair", sampled(PAIRS))
def test_two_drives_emptied(node, pair):
    """With any two drives emptied while the node was down all is read, and new objects are stored."""
    for drive in in_pairs(node, pair):
        corrupt.empty_drive(drive)
    node.start()
    check(node)
    check_writing(node)


@pytest.mark.parametrize("pair", sampled(PAIRS))
def test_two_drives_missing(node, pair):
    """With any two drives away all is read, and a write, which needs three, is answered 503."""
    for drive in in_pairs(node, pair):
        shutil.rmtree(drive)
        drive.write_bytes(b"a file where a drive was")
    node.start()
    check(node)
    assert status_of(node.boto3().put_object, Key="new", Body=b"x") == 503
    check(node, maybe=frozenset({"new"}))


@pytest.mark.parametrize(
    ("damage", "pair"), [(corrupt.damage_shard_files, (0, 1)), (corrupt.cut_shard_files, (2, 3))]
)
def test_shard_files_damaged(node, damage, pair):
    """With every shard file of two drives damaged under a running node the right bytes are read."""
    node.start()
    for drive in in_pairs(node, pair):
        assert damage(drive) > 0
    check(node)
    node.restart()
    check(node)
    check_writing(node)


def test_more_damage_than_parity(node):
    """With shard files of three drives damaged a read fails or breaks off at once, without a wrong byte."""
    node.start()
    s3 = node.boto3(read_timeout=10)
    for drive in node.drive_paths[1:]:
        assert corrupt.damage_shard_files(drive) > 0
    large = [key for key, (_, size) in STORED.items() if size > INLINE_BYTES]
    for key in large:
        with pytest.raises((ClientError, HTTPClientError, IncompleteReadError)) as caught:
            s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert not isinstance(caught.value, ReadTimeoutError), key
        if isinstance(caught.value, ClientError):
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503, key
    for key in STORED.keys() - large:
        assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == content(
            STORED[key][1], seed=STORED[key][0]
        )


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
@pytest.mark.parametrize("key", sampled(["size/1000", "replaced/small", f"size/{INLINE_BYTES}"]))
def test_inline_bytes_damaged(node, key, running):
    """With an object's bytes damaged in every log record that holds them plainly, they are read right."""
    seed, size = STORED[key]
    if running:
        node.start()
    needle = content(size, seed=seed)[:64]
    assert sum(corrupt.damage_records(drive, needle) for drive in node.drive_paths) in {1, 2}
    if not running:
        node.start()
    check(node)
    node.restart()
    check(node)


@pytest.mark.parametrize("pair", [(0, 1), pytest.param((1, 3), marks=pytest.mark.long)])
def test_records_damaged(node, pair):
    """With a record's key damaged in the logs of two drives while the node was down all is read right."""
    for drive in in_pairs(node, pair):
        assert corrupt.damage_records(drive, b"replaced/large") > 0
    node.start()
    check(node)
    check_writing(node)


@pytest.mark.parametrize("lose", [corrupt.drop_index, corrupt.damage_index])
@pytest.mark.parametrize(
    "drives", [pytest.param((0,), marks=pytest.mark.long, id="one"), pytest.param((0, 1, 2, 3), id="all")]
)
def test_index_lost(node, lose, drives):
    """A deleted or damaged index is made anew from the log, on one drive or on all at once."""
    for number in drives:
        lose(node.drive_paths[number])
    node.start()
    check(node)
    check_writing(node)


def status_of(call, **arguments) -> int:
    with pytest.raises(ClientError) as caught:
        call(Bucket=BUCKET, **arguments)
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_three_drives_gone(node):
    """With three of four drives gone reads, listings and writes are 503; with the drives back all is read."""
    node.start()
    s3 = node.boto3()
    away = [drive.rename(drive.with_suffix(".away")) for drive in node.drive_paths[1:]]
    for slot in (1, 2, 3):
        node.kill_worker(f"drive-0-{slot}")
    for key in ("size/1000", f"size/{5 * MIB + 1}", "deleted/small", "never"):
        assert status_of(s3.get_object, Key=key) == 503, key
        assert status_of(s3.head_object, Key=key) == 503, key
    assert status_of(s3.put_object, Key="new", Body=b"x") == 503
    assert status_of(s3.put_object, Key="new", Body=content(3 * MIB)) == 503
    assert status_of(s3.delete_object, Key="new") == 503
    assert status_of(s3.list_objects_v2) == 503
    assert node.get_status("/minio/health/cluster") == 503
    assert node.get_status("/minio/health/live") == 200
    for drive in away:
        drive.rename(drive.with_suffix(""))
    node.restart()
    check(node, maybe=frozenset({"new"}))
    check_writing(node)
