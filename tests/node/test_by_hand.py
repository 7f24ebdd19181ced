"""What a client stored is found on the drives of its node with a hex dump's means and the tables of
docs/on-disk-format.md: no code of the product takes part.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.clients.content import content
from tests.kit.node import RunningNode
from tests.unit.disk.test_format_by_hand import number, table

PARTS = ("bucket", "key", "sub", "head", "meta")


def records(drive: Path) -> Iterator[tuple[bytes, bytes, int, bytes]]:
    """Bucket, key, shard number and data of every record in the log, in order."""
    segment, record = table("segment"), table("record")
    for path in sorted((drive / "log").iterdir()):
        raw = path.read_bytes()
        start = number(raw, 0, segment["header bytes"])
        while raw[start : start + 4] == b"RFLR":
            at, found = start + 128, []
            for name in PARTS:
                size = number(raw, start, record[f"{name} bytes"])
                found.append(raw[at : at + size])
                at += size
            at += 16 * number(raw, start, record["files"])
            end = at + number(raw, start, record["data bytes"])
            yield found[0], found[1], number(raw, start, record["shard number"]), raw[at:end]
            start = -(-end // 8) * 8


def test_a_stored_object_is_found_by_hand(tmp_path):
    """The data shards of a small object stand in the logs of two drives, and joined they are its bytes."""
    body = content(100_001, seed=1)
    with RunningNode(tmp_path) as node:
        s3 = node.boto3()
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="other", Body=b"not this one")
        s3.put_object(Bucket="bucket", Key="folder/käse", Body=body)
    shards = {
        shard: data
        for drive in node.drive_paths
        for bucket, key, shard, data in records(drive)
        if (bucket, key) == (b"bucket", "folder/käse".encode()) and data
    }
    assert sorted(shards) == [0, 1, 2, 3]
    assert (shards[0] + shards[1])[: len(body)] == body
    assert set((shards[0] + shards[1])[len(body) :]) <= {0}
