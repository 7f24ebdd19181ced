"""Censuses and heals of a cluster: ordered at one node, told of at all, honest about workers that died."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rustfs_node.cli.main import main
from tests.clients.content import content
from tests.kit.cluster import RunningCluster
from tests.kit.node import ACCESS_KEY, SECRET_KEY, RunningNode
from tests.kit.staging import until

pytestmark = pytest.mark.long

MIB = 1024 * 1024
OBJECTS = 12


@pytest.fixture
def keys(monkeypatch):
    monkeypatch.setenv("RUSTFS_ACCESS_KEY", ACCESS_KEY)
    monkeypatch.setenv("RUSTFS_SECRET_KEY", SECRET_KEY)


def lose_files(folder: Path) -> int:
    paths = list(folder.glob("shards/*/*"))
    for path in paths:
        path.unlink()
    return len(paths)


def test_heals_of_a_cluster(cluster: RunningCluster, keys, capsys):
    """What a node has lost is counted at a second one, healed by order of a third, and told of at all; a heal
    whose worker was killed is known to nobody, and a new census finds everything full.
    """
    first, second, third = cluster.nodes

    def ctl(node: RunningNode, *words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["ctl", *words, "--endpoint", node.url])
        return int(ended.value.code or 0), capsys.readouterr().out

    def status(node: RunningNode, name: str) -> dict:
        told = ctl(node, "heal", "status", name, "--json")[1]
        return json.loads(told)["sequences"][0]

    s3 = first.boto3()
    s3.create_bucket(Bucket="photos")
    for number in range(OBJECTS):
        s3.put_object(Bucket="photos", Key=f"k{number}", Body=content(2 * MIB, seed=number))
    assert ctl(second, "census", "--deep")[0] == 0
    lost = lose_files(second.drive_paths[0])
    assert lost >= OBJECTS
    code, told = ctl(first, "census", "photos")
    assert code == 1
    assert f"{OBJECTS} versions are degraded" in told
    name = json.loads(ctl(third, "heal", "start", "--json")[1])["id"]
    for node in cluster.nodes:
        until(lambda node=node: status(node, name)["state"] == "finished", lambda: status(first, name))
        assert status(node, name)["repaired"] == {"missing": lost}
    assert ctl(first, "census", "--deep")[0] == 0

    name = json.loads(ctl(third, "heal", "start", "--deep", "--json")[1])["id"]
    for node in cluster.nodes:
        node.kill_workers([one for one in node.worker_pids() if one.startswith("set-")])
    asking = ("heal", "status", name)
    until(lambda: "no set worker knows" in ctl(second, *asking)[1], lambda: ctl(second, *asking))
    cluster.wait_healthy()
    until(lambda: ctl(second, "census")[0] == 0, lambda: ctl(second, "census")[1])
