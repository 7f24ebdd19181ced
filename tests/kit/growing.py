"""What tests of growing nodes and clusters share: orders to them, and objects that must come along."""

from __future__ import annotations

import json
import time
from random import Random

import pytest

from rustfs_node.cli.main import main
from tests.kit.node import RunningNode

QUICK = {
    "RUSTFS_SET_COMMIT_TIMEOUT_S": "1",
    "RUSTFS_ACCEPTOR_MOVE_LOOK_S": "0.2",
    "RUSTFS_ACCEPTOR_MOVE_SLOTS_AT_ONCE": "512",
    "RUSTFS_NODE_ACCEPTORS": "1",
}
MOVED_S = 120.0
"""A machine with other work takes long."""
OBJECTS = 30


def ctl(node: RunningNode, capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    """What `rustfs-node ctl` answers."""
    with pytest.raises(SystemExit) as ended:
        main(["ctl", *words, "--endpoint", node.url, "--json"])
    told = capsys.readouterr().out
    assert ended.value.code == 0, told
    return json.loads(told)


def wait_until_moved(node: RunningNode, capsys: pytest.CaptureFixture[str]) -> dict:
    """Until the change is done; the layout then."""
    deadline_s = time.monotonic() + MOVED_S
    while (told := ctl(node, capsys, "layout", "status"))["change"]["state"] != "done":
        assert time.monotonic() < deadline_s, told
    return told


def store(client) -> dict[tuple[str, str, str], bytes]:
    """Objects by bucket, key and version, with tags and legal holds."""
    random = Random(1)
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    stored = {}
    for number in range(OBJECTS):
        body = random.randbytes([0, 100, 9000, 700_000, 2_500_000][number % 5])
        answer = client.put_object(
            Bucket="locked", Key=f"key{number % 20}", Body=body, Tagging=f"n={number}",
            ObjectLockLegalHoldStatus="ON",
        )  # fmt: skip
        stored["locked", f"key{number % 20}", answer["VersionId"]] = body
    return stored


def check(client, stored: dict[tuple[str, str, str], bytes]) -> None:
    """All of them are there as they were stored, and nothing else is."""
    for (bucket, key, version), body in stored.items():
        got = client.get_object(Bucket=bucket, Key=key, VersionId=version)
        assert got["Body"].read() == body and got["ObjectLockLegalHoldStatus"] == "ON"
        assert got["TagCount"] == 1
    listed = client.list_object_versions(Bucket="locked")["Versions"]
    assert {(one["Key"], one["VersionId"]) for one in listed} == {name[1:] for name in stored}
    assert len(listed) == len(stored)
