"""A disk that is changed without a word to the node: taken where `node.auto_replace` allows it, and only
where nothing speaks against it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.kit.node import RunningNode
from tests.kit.staging import until
from tests.node.slow.loop_drives import IMAGE_BYTES, LoopDrive, loop_drives, why_not
from tests.node.test_drive_replacement import states, wait_all_ok
from tests.node.test_healing import SOON, wait_rebuilt

pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(why_not()), reason=why_not())]

ENVIRONMENT = SOON | {"RUSTFS_NODE_AUTO_REPLACE": "true", "RUSTFS_NODE_AUTO_REPLACE_LOOK_S": "0.3"}
BODY = os.urandom(1 << 20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("unattended")


@pytest.fixture(scope="module")
def disks(folder: Path) -> Iterator[list[LoopDrive]]:
    """Those of the four drives."""
    with loop_drives(folder, 4) as drives:
        yield drives


@pytest.fixture(scope="module")
def node(disks: list[LoopDrive], folder: Path) -> Iterator[RunningNode]:
    with RunningNode(folder, drives=len(disks), environment=ENVIRONMENT) as running:
        s3 = running.boto3()
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="k", Body=BODY)
        yield running


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def pull(disk: LoopDrive) -> None:
    """Its folder is an empty one of the file system above, and somebody has still files of it open."""
    run("umount", "--lazy", str(disk.folder))


def plug(disk: LoopDrive, prepare: Callable[[Path], object] = lambda _: None) -> None:
    """Another disk is there, with a new file system, and on that what `prepare` does."""
    image = disk.folder.with_name(f"{disk.folder.name}-{time.monotonic_ns()}.img")
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    run("mkfs.ext4", "-q", "-F", str(image))
    aside = disk.folder.with_name("aside")
    aside.mkdir(exist_ok=True)
    run("mount", "-o", "loop", str(image), str(aside))
    prepare(aside)
    run("umount", str(aside))
    run("mount", "-o", "loop", str(image), str(disk.folder))


def wait_logged(node: RunningNode, words: str) -> None:
    until(lambda: words in node.log_path.read_text(), node.log_tail)


def test_an_empty_disk_is_taken_and_rebuilt(node: RunningNode, disks: list[LoopDrive]) -> None:
    """Not while its folder lies bare; and everything is there afterwards."""
    pull(disks[1])
    until(lambda: states(node)[str(disks[1].folder)] != "ok", node.log_tail)
    assert not list(disks[1].folder.iterdir())
    plug(disks[1])
    wait_logged(node, "drive_replaced_by_itself")
    wait_rebuilt(node)
    wait_all_ok(node)
    assert node.boto3().get_object(Bucket="kept", Key="k")["Body"].read() == BODY


def test_files_and_identities_are_left_alone(node: RunningNode, disks: list[LoopDrive]) -> None:
    """A disk with somebody's files, then one with the identity of another drive: each is told, neither is
    written to; an empty one after them is taken.
    """
    path = disks[2].folder
    identity = (disks[0].folder / "rustfs.json").read_bytes()
    strange = {"thesis.tex": b"all of it", "rustfs.json": identity}
    words = {"thesis.tex": "has files on it (thesis.tex)", "rustfs.json": "has an identity"}
    for name, content in strange.items():
        pull(disks[2])
        plug(disks[2], partial(put, name=name, content=content))
        wait_logged(node, words[name])
        assert {one.name for one in path.iterdir()} == {name, "lost+found"}
        assert (path / name).read_bytes() == content
        assert states(node)[str(path)] != "ok"
    pull(disks[2])
    plug(disks[2])
    until((path / "rustfs.json").exists, node.log_tail)
    wait_rebuilt(node)
    wait_all_ok(node)


def put(root: Path, name: str, content: bytes) -> None:
    (root / name).write_bytes(content)
