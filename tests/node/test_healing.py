"""A node whose drives were emptied gives them back what they had, by itself."""

from __future__ import annotations

import json
import shutil
import time

import pytest

from rustfs_node.cli.status import read_healing
from tests.clients.content import MIB, content
from tests.kit import corrupt
from tests.kit.node import RunningNode
from tests.node.test_survival import BUCKET, check, fill

pytestmark = pytest.mark.slow

SOON = {
    "RUSTFS_SET_HEAL_PAUSE_S": "0.2",
    "RUSTFS_SET_HEAL_RETRY_S": "0.2",
    "RUSTFS_SET_HEAL_REST_S": "0.5",
    "RUSTFS_SET_HEAL_NOTE_AGAIN_S": "0.2",
    "RUSTFS_SET_STATUS_PERIOD_S": "0.5",
    "RUSTFS_SET_LOOKUP_TIMEOUT_S": "0.5",
}
REBUILT_S = 90.0


def states_of(node: RunningNode) -> list[str]:
    return [json.loads((path / "rustfs.json").read_bytes())["state"] for path in node.drive_paths]


def wait_rebuilt(node: RunningNode) -> None:
    """Return when no drive is healing any more; nobody is told, so it is asked again and again."""
    deadline_s = time.monotonic() + REBUILT_S
    while "healing" in states_of(node):
        assert time.monotonic() < deadline_s, node.log_tail()
        node.get_status("/minio/health/cluster")


def test_two_emptied_drives_are_rebuilt(tmp_path):
    """While the set worker, and a drive that is rebuilt, are killed, and objects are written. Then the two
    other drives are taken away, and the node reads everything from those that were empty.
    """
    with RunningNode(tmp_path / "node", environment=SOON) as node:
        fill(node)
        node.stop()
        for path in node.drive_paths[1:3]:
            corrupt.empty_drive(path)
        node.start()
        assert states_of(node) == ["ok", "healing", "healing", "ok"]
        assert read_healing(node.url).sets[0].set == 0
        node.boto3().put_object(Bucket=BUCKET, Key="new", Body=content(2 * MIB, seed=7))
        node.kill_workers(["set-0", "drive-0-1"])
        node.wait_all_ready()
        wait_rebuilt(node)
        node.stop()
        for path in (node.drive_paths[0], node.drive_paths[3]):
            shutil.rmtree(path)
            path.write_bytes(b"a file where a drive was")
        node.start()
        check(node, maybe=frozenset({"new"}))
