"""What an operator asks a running node for: settings, locks, and all of it in one file."""

from __future__ import annotations

import json
import tarfile

import attrs
import pytest

from rustfs_node.acceptor.admin_settings import HIDDEN, told_settings
from rustfs_node.acceptor.admin_support import mount_of
from rustfs_node.bus import MemoryNet
from tests.unit.acceptor.node_kit import KEYS, accepting, in_thread, plan_of, storing, whole_node
from tests.unit.cli.ctl_kit import ctl, ctl_json, owner

__all__ = ["owner"]

pytestmark = pytest.mark.usefixtures("owner")


async def test_settings_are_told(tmp_path):
    """All of them or those that were changed, each with its origin; and to nobody but the owner."""
    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        every = await ctl_json(port, "config", "show")
        changed = await ctl_json(port, "config", "show", "--changed")
        assert [f"{one['table']}.{one['name']}" for one in changed] == ["drive.segment_bytes"]
        assert len(every) > 100
        status, said = await ctl(port, "config", "show", "--changed")
        assert (status, said.splitlines()[1].split()) == (
            0,
            ["drive.segment_bytes", "8_388_608", "default", "67_108_864"],
        )


async def test_locks_are_told(tmp_path):
    """Of a node at rest there are none; a count that is none is refused."""
    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        assert await ctl_json(port, "locks") == []
        assert await ctl(port, "locks") == (0, "no key has its turn taken\n")
        assert (await ctl(port, "locks", "--count", "0"))[0] == 1


def test_secrets_are_not_told():
    """Of a secret is told that it is set, and where it was."""
    plan = plan_of(1)
    node = attrs.evolve(plan.settings.node, access_key="known", secret_key="kept back")
    cluster = attrs.evolve(plan.settings.cluster, secret="kept back too")
    settings = attrs.evolve(plan.settings, node=node, cluster=cluster)
    told = told_settings(attrs.evolve(plan, settings=settings, origins={"node.secret_key": "file"}))
    rows = {f"{one['table']}.{one['name']}": one for one in told["settings"]}
    assert rows["node.secret_key"]["value"] == rows["cluster.secret"]["value"] == HIDDEN
    assert rows["node.secret_key"]["origin"] == "file"
    assert "kept back" not in str(told)


async def test_a_bundle_has_everything_but_secrets(tmp_path):
    """One file with all that the node tells, in which no secret of its settings is found; it replaces
    none.
    """
    plan = plan_of(1, drives_per_set=1, parity=0, folder=tmp_path)
    node = attrs.evolve(plan.settings.node, access_key=KEYS.access_key, secret_key=KEYS.secret_key)
    cluster = attrs.evolve(plan.settings.cluster, secret="secret-of-the-cluster")
    plan = attrs.evolve(plan, settings=attrs.evolve(plan.settings, node=node, cluster=cluster))
    file, net = tmp_path / "bundle.tar.gz", MemoryNet()
    async with storing(net, plan), accepting(net, plan) as port:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        told = await ctl_json(port, "support", "bundle", str(file))
        assert (await ctl(port, "support", "bundle", str(file)))[0] == 1
    with tarfile.open(file) as tar:
        parts = {one.name.partition("/")[2]: tar.extractfile(one).read() for one in tar.getmembers()}
    assert told["parts"] == sorted(parts) and told["missing"] == []
    assert file.stat().st_mode & 0o777 == 0o600
    whole = b"".join(parts.values())
    assert KEYS.secret_key.encode() not in whole and b"secret-of-the-cluster" not in whole
    assert b"CreateBucket" in parts["metrics.txt"]
    (drive,) = json.loads(parts["node.json"])["drives"]
    assert drive["path"] == str(tmp_path / "d0-0") and drive["mount"]["folder"].startswith("/")
    assert json.loads(parts["status.json"])["deploymentID"] == plan.deployment_id


def test_the_nearest_mount_is_found():
    """The longest folder above the path, the last of those mounted over each other; names as they are."""
    table = "a / ext4 rw 0 0\nb /mnt xfs rw 0 0\nc /mnt/my\\040disk xfs ro 0 0\nd /mnt xfs ro 0 0\n"
    assert mount_of("/mnt/my disk/d1", table)["source"] == "c"
    assert mount_of("/mnt/my", table) == {"source": "d", "folder": "/mnt", "type": "xfs", "options": "ro"}
    assert mount_of("/mnty", table)["source"] == "a"
    assert mount_of("/x", "") == {}
