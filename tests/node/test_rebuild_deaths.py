"""A rebuild goes on where it was, whatever is killed and however often."""

from __future__ import annotations

import itertools
import json
import time

import pytest

from tests.clients.content import MIB, content
from tests.kit import census, corrupt
from tests.kit.node import RunningNode
from tests.node.test_drive_replacement import ctl
from tests.node.test_healing import SOON, states_of

pytestmark = [pytest.mark.slow, pytest.mark.long]

SLOWLY = SOON | {
    "RUSTFS_SET_HEAL_BYTES_PER_S": str(6 * MIB),
    "RUSTFS_SET_HEAL_KEEP_S": "0.1",
    "RUSTFS_SET_LOOKUP_TIMEOUT_S": "2",
}
LARGE, SMALL = 100, 300
"""So many that no life of a set worker is long enough: half a MiB on each drive, and a few KiB."""
REBUILT_S = 300.0


def test_kill_9_of_anything_again_and_again(tmp_path):
    """Of the set worker, the drive that is rebuilt, another one, everything: none of its lives is as long as
    the whole takes. In the end each drive has every shard, and all is read as it was written.
    """
    with RunningNode(tmp_path / "node", environment=SLOWLY) as node:
        s3 = node.boto3()
        s3.create_bucket(Bucket="rebuilt")
        bodies = {f"large-{number:03}": content(MIB, seed=number) for number in range(LARGE)}
        bodies |= {f"small-{number:03}": content(3000, seed=number) for number in range(SMALL)}
        for key, body in bodies.items():
            s3.put_object(Bucket="rebuilt", Key=key, Body=body)
        victim = node.drive_paths[1]
        assert ctl(node, "offline", str(victim))[0] == 0
        corrupt.empty_drive(victim)
        assert ctl(node, "replace", str(victim))[0] == 0
        deadline_s, kills = time.monotonic() + REBUILT_S, 0
        for name in itertools.cycle(["set-0", "drive-0-1", "set-0", "drive-0-2", "all"]):
            if not goes_on(node, deadline_s):
                break
            kills += 1
            if name == "all":
                node.kill_all()
                node.start()
            else:
                node.kill_worker(name)
                node.wait_all_ready()
        assert kills >= 6, kills
        for key, body in bodies.items():
            assert s3.get_object(Bucket="rebuilt", Key=key)["Body"].read() == body
        node.stop()
        found = census.take(node.drive_paths)
        assert found.lacking(found.current()) == {}


def goes_on(node: RunningNode, deadline_s: float) -> bool:
    """Once the rebuild has come a little further, or is over: whether it is not."""
    before, soon_s = mark_of(node), time.monotonic() + 5.0
    while "healing" in states_of(node):
        assert time.monotonic() < deadline_s, node.log_tail()
        if mark_of(node) != before or time.monotonic() > soon_s:
            return True
        node.get_status("/minio/health/live")
    return False


def mark_of(node: RunningNode) -> object:
    """How far it says that it is."""
    path = node.drive_paths[1] / "rebuild.json"
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
