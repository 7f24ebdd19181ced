"""A drive of a serving node is taken offline, wiped, replaced and rebuilt: clients notice nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from tests.cluster.load import Load
from tests.kit import corrupt
from tests.kit.node import ACCESS_KEY, SECRET_KEY, RunningNode
from tests.node.test_healing import SOON, states_of, wait_rebuilt

pytestmark = pytest.mark.slow

SEEN_S = 90.0
KEYS = {"RUSTFS_ACCESS_KEY": ACCESS_KEY, "RUSTFS_SECRET_KEY": SECRET_KEY}


def ctl(node: RunningNode, verb: str, *rest: str, about: str = "drive") -> tuple[int, str]:
    """Status and output of `rustfs-node ctl drive`, or of what else it is about."""
    command = [sys.executable, "-m", "rustfs_node.cli.main", "ctl", about, verb, "--endpoint", node.url]
    done = subprocess.run(
        [*command, *rest], env=os.environ | KEYS, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def states(node: RunningNode) -> dict[str, str]:
    """What `ctl drive list` tells of each drive."""
    status, text = ctl(node, "list", "--json")
    assert status == 0, text
    return {one["path"]: "healing" if one["healing"] else one["state"] for one in json.loads(text)}


def wait_all_ok(node: RunningNode) -> None:
    """Return when every drive is seen to serve."""
    deadline_s = time.monotonic() + SEEN_S
    while set(states(node).values()) != {"ok"}:
        assert time.monotonic() < deadline_s, node.log_tail()


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with RunningNode(tmp_path_factory.mktemp("replaced"), environment=SOON) as running:
        yield running


def test_wiped_and_replaced_under_load(node):
    """Offline, emptied, replaced: no request fails, and then the drive is whole and all is as it was."""
    victim = node.drive_paths[1]
    with Load(node.url, 4) as load:
        status, text = ctl(node, "offline", str(victim))
        assert status == 0, text
        assert states_of(node) == ["ok"] * 4
        corrupt.empty_drive(victim)
        status, text = ctl(node, "online", str(victim))
        assert status == 1
        assert "is empty" in text
        status, text = ctl(node, "replace", str(victim))
        assert status == 0, text
        assert "new drive" in text
        assert states_of(node)[1] == "healing"
        wait_rebuilt(node)
    assert load.failures == []
    assert sum(tally.requests for tally in load.tallies) > 50
    # Any two of the others may go now.
    assert ctl(node, "offline", str(node.drive_paths[2]))[0] == 0
    status, text = ctl(node, "offline", str(node.drive_paths[3]))
    assert (status, "writes need 3" in text) == (1, True)
    assert ctl(node, "offline", str(node.drive_paths[3]), "--accept")[0] == 0
    s3 = node.boto3()
    for tally in load.tallies:
        for key, body in tally.kept.items():
            assert s3.get_object(Bucket="load", Key=key)["Body"].read() == body
    for path in (node.drive_paths[2], node.drive_paths[3]):
        assert ctl(node, "online", str(path))[0] == 0
    wait_all_ok(node)


def test_what_drives_are_told_of_as_they_stand(node):
    """A drive that was let go is offline with the reason, and back after it is taken online."""
    victim = node.drive_paths[0]
    assert ctl(node, "offline", str(victim))[0] == 0
    status, text = ctl(node, "show", str(victim))
    assert status == 0
    assert "offline" in text
    assert ctl(node, "online", str(victim))[0] == 0
    wait_all_ok(node)


def test_where_a_drive_is_in_the_machine(node):
    """What its folder is mounted from is told; a light that is not there is not switched, which is said."""
    victim = node.drive_paths[0]
    status, text = ctl(node, "locate", str(victim), "--json")
    assert status == 0, text
    told = json.loads(text)
    assert (told["set_index"], told["disk_index"]) == (0, 0)
    assert str(victim).startswith(told["mount"]) and told["source"]
    assert told["disks"] or told["problem"]
    if not any(disk["light"] for disk in told["disks"]):
        for words in (("--on",), ("--for", "60")):
            assert ctl(node, "locate", str(victim), *words)[0] == 1


@pytest.mark.parametrize("verb", ["replace", "online", "offline", "locate"])
def test_a_folder_that_is_no_drive_is_refused(node, verb):
    """The answer names the drives that there are."""
    status, text = ctl(node, verb, "/nowhere")
    assert status == 1
    assert str(node.drive_paths[0]) in text


def test_where_the_shards_of_an_object_are(node):
    """Each drive is told with the shard that it has, and the one that lost its file with that."""
    wait_all_ok(node)
    s3 = node.boto3()
    s3.create_bucket(Bucket="inspected")
    s3.put_object(Bucket="inspected", Key="a b/é", Body=bytes(3_000_000))
    status, text = ctl(node, "inspect", "inspected", "a b/é", "--deep", about="object")
    assert status == 0, text
    assert text.count("whole") == 4
    assert corrupt.damage_shard_files(node.drive_paths[2]) > 0
    status, text = ctl(node, "inspect", "inspected", "a b/é", "--deep", "--json", about="object")
    assert status == 1
    states = [drive["state"] for drive in json.loads(text)["versions"][0]["drives"]]
    assert states[2] in {"shard file missing", "shard file damaged"}
    assert states.count("whole") == 3
    status, text = ctl(node, "inspect", "inspected", "absent", about="object")
    assert (status, "no drive knows" in text) == (1, True)
