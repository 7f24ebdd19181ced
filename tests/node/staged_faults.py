"""Faults of a node as operators meet them: each is brought about, and undone at the end of its `with` block.

The node has its drives on file systems of their own, so root is needed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import attrs

from tests.kit import corrupt
from tests.kit.node import ACCESS_KEY, SECRET_KEY, RunningNode
from tests.node.slow.loop_drives import LoopDrive

ENVIRONMENT = {
    # Who hangs is not killed, so that it can be seen to hang.
    "RUSTFS_NODE_HANG_AFTER_S": "600",
    "RUSTFS_ACCEPTOR_METRICS_DEADLINE_S": "1",
    "RUSTFS_DRIVE_SLOW_SYNC_S": "0.3",
    "RUSTFS_DRIVE_SUSPECT_S": "5",
    "RUSTFS_DRIVE_RESERVE_BYTES": str(64 << 20),
    "RUSTFS_DRIVE_SCRUB_PERIOD_S": "4",
    "RUSTFS_DRIVE_SCRUB_BYTES_PER_S": str(1 << 30),
}
KEYS = {"RUSTFS_ACCESS_KEY": ACCESS_KEY, "RUSTFS_SECRET_KEY": SECRET_KEY}
VICTIM = 1


@attrs.frozen
class Stage:
    """A node, and the file systems of its drives."""

    node: RunningNode
    drives: list[LoopDrive]

    @property
    def victim(self) -> LoopDrive:
        """The drive that something happens to."""
        return self.drives[VICTIM]

    def write(self) -> None:
        """A few objects, so that drives have something to do."""
        s3 = self.node.boto3()
        for number in range(3):
            s3.put_object(Bucket="staged", Key=f"k{number}", Body=os.urandom(1 << 20))

    def ctl_drive(self, verb: str, path: Path, *rest: str) -> None:
        """`rustfs-node ctl drive`, which must succeed."""
        command = [sys.executable, "-m", "rustfs_node.cli.main", "ctl", "drive", verb, str(path)]
        subprocess.run(
            [*command, "--endpoint", self.node.url, *rest], env=os.environ | KEYS, check=True, timeout=60
        )


Staging = Callable[[Stage], AbstractContextManager[None]]


def stopped(*names: str) -> Staging:
    """These processes hang."""

    @contextlib.contextmanager
    def staging(stage: Stage) -> Iterator[None]:
        pids = [pid for name, pid in stage.node.worker_pids().items() if name in names]
        assert len(pids) == len(names)
        for pid in pids:
            stage.node.signal_one(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                stage.node.signal_one(pid, signal.SIGCONT)

    return staging


def let_go(count: int) -> Staging:
    """The operator takes that many drives offline."""

    @contextlib.contextmanager
    def staging(stage: Stage) -> Iterator[None]:
        for drive in stage.drives[:count]:
            stage.ctl_drive("offline", drive.folder, "--accept")
        yield
        for drive in stage.drives[:count]:
            stage.ctl_drive("online", drive.folder)

    return staging


@contextlib.contextmanager
def unmounted(stage: Stage) -> Iterator[None]:
    """The disk of a drive is gone, and its folder is an empty one of the root file system."""
    folder = str(stage.victim.folder)
    subprocess.run(["umount", "--lazy", folder], check=True)
    yield
    subprocess.run(["mount", stage.victim.device, folder], check=True)
    stage.ctl_drive("online", stage.victim.folder)


@contextlib.contextmanager
def read_only(stage: Stage) -> Iterator[None]:
    """The kernel lets nobody write to the disk any more."""
    folder = str(stage.victim.folder)
    # With the device write-protected the file system cannot be written to although files are open for it.
    subprocess.run(["mount", "-o", "remount,abort", folder], check=True)
    stage.write()
    yield
    stage.ctl_drive("offline", stage.victim.folder, "--accept")
    subprocess.run(["umount", folder], check=True)
    subprocess.run(["mount", stage.victim.device, folder], check=True)
    stage.ctl_drive("online", stage.victim.folder)


def filled(but_bytes: int) -> Staging:
    """Somebody else's file takes all of a drive but that much."""

    @contextlib.contextmanager
    def staging(stage: Stage) -> Iterator[None]:
        folder = stage.victim.folder
        free_bytes = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        ballast = folder / "ballast"
        subprocess.run(["fallocate", "--length", str(free_bytes - but_bytes), str(ballast)], check=True)
        yield
        ballast.unlink()

    return staging


@contextlib.contextmanager
def throttled(stage: Stage) -> Iterator[None]:
    """The disk writes 500 kB in a second."""
    with stage.victim.throttled(500_000):
        stage.write()
        yield


@contextlib.contextmanager
def rotten(stage: Stage) -> Iterator[None]:
    """Bits of shard files are flipped."""
    stage.write()
    assert corrupt.damage_shard_files(stage.victim.folder) > 0
    yield


@contextlib.contextmanager
def replaced(stage: Stage) -> Iterator[None]:
    """An empty disk is in the slot."""
    stage.ctl_drive("offline", stage.victim.folder)
    corrupt.empty_drive(stage.victim.folder)
    stage.ctl_drive("replace", stage.victim.folder)
    yield


def found_at_start(damage: Callable[[Path], object]) -> Staging:
    """What happened to a drive while the node was stopped."""

    @contextlib.contextmanager
    def staging(stage: Stage) -> Iterator[None]:
        folder = stage.victim.folder
        assert stage.node.stop() == 0
        identity = (folder / "rustfs.json").read_bytes()
        damage(folder)
        stage.node.start()
        yield
        assert stage.node.stop() == 0
        (folder / "rustfs.json").write_bytes(identity)
        stage.node.start()

    return staging


@contextlib.contextmanager
def swapped(stage: Stage) -> Iterator[None]:
    """Two disks are in each other's slots."""
    one, other = stage.drives[0], stage.drives[1]

    def mount(devices: tuple[str, str]) -> None:
        assert stage.node.stop() == 0
        for drive in (one, other):
            subprocess.run(["umount", str(drive.folder)], check=True)
        for drive, device in zip((one, other), devices, strict=True):
            subprocess.run(["mount", device, str(drive.folder)], check=True)
        stage.node.start()

    mount((other.device, one.device))
    yield
    mount((one.device, other.device))
