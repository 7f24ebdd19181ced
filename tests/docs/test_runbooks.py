"""docs/runbooks.md: each runbook, typed as it stands, mends what it is for."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from botocore.exceptions import ClientError

from tests.docs.pages import read_page
from tests.docs.program import environment, run_script
from tests.kit import corrupt
from tests.kit.cluster import RunningCluster
from tests.kit.node import ACCESS_KEY, SECRET_KEY, RunningNode
from tests.node.slow.loop_drives import loop_drives, why_not
from tests.node.test_growth import QUICK
from tests.node.test_healing import SOON

pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(why_not()), reason=why_not())]

PAGE = "docs/runbooks.md"
KEYS = {
    "RUSTFS_ACCESS_KEY": ACCESS_KEY,
    "RUSTFS_SECRET_KEY": SECRET_KEY,
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
}
BODIES = {f"k{number}": bytes([number]) * size for number, size in enumerate((10, 5000, 700_000, 3_000_000))}


def blocks(heading: str) -> list[str]:
    """The commands below a heading of the page, block by block."""
    lines = {block.line: block.text for block in read_page(PAGE).blocks if block.language == "sh"}
    text = Path(PAGE).read_text().splitlines()
    start = text.index(f"## {heading}") + 1
    ends = [number for number, line in enumerate(text[start:], start + 1) if line.startswith("## ")]
    end = ends[0] if ends else len(text) + 1
    return [block for line, block in sorted(lines.items()) if start <= line < end]


@attrs.frozen
class Scene:
    """A node of four drives, each on a file system of its own."""

    node: RunningNode
    folder: Path

    def run(self, text: str, **stands_for: str) -> str:
        """Type it, with the places of this node in it."""
        for written, stands in stands_for.items():
            text = text.replace(written, stands)
        text = text.replace("http://127.0.0.1:9000", self.node.url).replace("/data", f"{self.folder}/d")
        programs = self.folder / "programs"
        return run_script(text.replace("sleep 5", "sleep 0.2"), self.folder, environment(programs, **KEYS))

    def check(self) -> None:
        """Everything is there, and more can be stored."""
        s3 = self.node.boto3()
        for key, body in BODIES.items():
            assert s3.get_object(Bucket="kept", Key=key)["Body"].read() == body
        s3.put_object(Bucket="kept", Key="new", Body=b"new")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with loop_drives(tmp_path, 4), RunningNode(tmp_path, environment=SOON) as node:
        s3 = node.boto3()
        s3.create_bucket(Bucket="kept")
        for key, body in BODIES.items():
            s3.put_object(Bucket="kept", Key=key, Body=body)
        yield Scene(node, tmp_path)


def test_a_drive_is_replaced(scene):
    """The new disk has everything: any two of the others may go afterwards."""
    image = scene.folder / "new.img"
    with image.open("wb") as file:
        file.truncate(1 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    (text,) = blocks("A drive has to be replaced")
    told = scene.run(text.replace("mount /dev/new2", f"mount -o loop {image}"))
    assert "is the slot's new drive" in told
    for path in scene.node.drive_paths[2:]:
        scene.run(f"rustfs-node ctl drive offline {path} --accept --endpoint {scene.node.url}")
    s3 = scene.node.boto3()
    for key, body in BODIES.items():
        assert s3.get_object(Bucket="kept", Key=key)["Body"].read() == body


def test_a_quorum_is_got_back(scene):
    """Two drives that were away are served again, and nothing was formatted."""
    for path in scene.node.drive_paths[1:3]:
        scene.run(f"rustfs-node ctl drive offline {path} --accept --endpoint {scene.node.url}")
    with pytest.raises(ClientError, match="SlowDown"):
        scene.node.boto3().put_object(Bucket="kept", Key="refused", Body=b"x")
    identities = [(path / "rustfs.json").read_text() for path in scene.node.drive_paths]
    (text,) = blocks("A set has lost its quorum")
    assert "taken offline" in scene.run(text)
    assert [(path / "rustfs.json").read_text() for path in scene.node.drive_paths] == identities
    scene.check()


def test_an_index_is_made_anew(scene):
    """The drive has an index again, and its node all objects."""
    index = scene.node.drive_paths[2] / "index.sqlite"
    corrupt.damage_index(scene.node.drive_paths[2])
    (text,) = blocks("An index is damaged")
    scene.run(text)
    assert index.exists()
    scene.check()


def store_until_full(s3) -> None:
    for number in range(200):
        s3.put_object(Bucket="scratch", Key=f"{number}", Body=os.urandom(8 << 20))


def test_room_is_made(tmp_path):
    """Drives take nothing but removals any more; after the removal they do."""
    with loop_drives(tmp_path, 4) as drives:
        found = os.statvfs(drives[0].folder)
        reserve = {"RUSTFS_DRIVE_RESERVE_BYTES": str(found.f_bavail * found.f_frsize - (400 << 20))}
        with RunningNode(tmp_path, environment=SOON | reserve) as node:
            s3 = node.boto3()
            for bucket in ("kept", "scratch"):
                s3.create_bucket(Bucket=bucket)
            for key, body in BODIES.items():
                s3.put_object(Bucket="kept", Key=key, Body=body)
            with pytest.raises(ClientError, match="XMinioStorageFull"):
                store_until_full(s3)
            scene = Scene(node, tmp_path)
            assert "FULL: " in scene.run(f"rustfs-node ctl status --endpoint {node.url}")
            (text,) = blocks("A drive, or all of them, are full")
            scene.run(text)
            while "FULL: " in scene.run(f"rustfs-node ctl status --endpoint {node.url}"):
                pass
            scene.check()


def test_a_deployment_grows(tmp_path):
    """A pool is added by a start, and has its share afterwards."""
    node = RunningNode(tmp_path, environment=QUICK | SOON)
    node.volumes = [f"{tmp_path}/d{{1...4}}"]
    with node:
        s3 = node.boto3()
        s3.create_bucket(Bucket="kept")
        for key, body in BODIES.items():
            s3.put_object(Bucket="kept", Key=key, Body=body)
        serve, grow = blocks("The deployment has to grow")
        assert node.stop() == 0
        node.volumes = [word.replace("/data", f"{tmp_path}/d").replace("/more", f"{tmp_path}/m")
                        for word in serve.split()[2:]]  # fmt: skip
        node.start()
        scene = Scene(node, tmp_path)
        assert "done: 0 of" in scene.run(grow)
        scene.check()


def test_a_node_is_replaced(tmp_path):
    """A machine with empty drives takes the place of one that is lost, while clients go on."""
    with RunningCluster(tmp_path, nodes=3, drives=2, environment=SOON) as cluster:
        s3 = cluster.nodes[0].boto3()
        s3.create_bucket(Bucket="kept")
        for key, body in BODIES.items():
            s3.put_object(Bucket="kept", Key=key, Body=body)
        lost = cluster.nodes[2]
        lost.kill_all()
        for path in (*lost.drive_paths, lost.folder / "state"):
            shutil.rmtree(path)
        serve, wait = blocks("A node has to be replaced")
        # The test's nodes have numbers in other places, and so their drives are named one by one.
        assert serve.startswith("rustfs-node serve ")
        lost.start()
        scene = Scene(cluster.nodes[0], tmp_path)
        scene.run(wait.replace("http://node1:9000", cluster.nodes[0].url))
        cluster.nodes[1].kill_all()
        for key, body in BODIES.items():
            got = lost.boto3().get_object(Bucket="kept", Key=key)
            assert got["Body"].read() == body
