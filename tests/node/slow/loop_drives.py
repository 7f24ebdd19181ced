"""Drives that a test can slow down: each is a file system of its own on a loop device. Needs root and the
blkio cgroup of version 1.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs

_CGROUP = Path("/sys/fs/cgroup/blkio")
IMAGE_BYTES = 4 << 30


def why_not() -> str:
    """Why this machine has no such drives; empty where it has."""
    if os.geteuid() != 0:
        return "needs root for loop devices"
    limit = _CGROUP / "blkio.throttle.write_bps_device"
    return "" if os.access(limit, os.W_OK) else f"needs {limit}"


@attrs.frozen
class LoopDrive:
    """`folder` is where it is mounted."""

    folder: Path
    device: str

    @contextlib.contextmanager
    def throttled(self, bytes_per_second: int) -> Iterator[None]:
        """It reads and writes no more than that."""
        self._limit(bytes_per_second)
        try:
            yield
        finally:
            self._limit(0)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Whoever writes to it hangs in the kernel, as with a disk that does not answer."""
        _run("fsfreeze", "--freeze", str(self.folder))
        try:
            yield
        finally:
            _run("fsfreeze", "--unfreeze", str(self.folder))

    def _limit(self, bytes_per_second: int) -> None:
        device = Path(self.device).stat().st_rdev
        for what in ("read", "write"):
            rule = f"{os.major(device)}:{os.minor(device)} {bytes_per_second}"
            (_CGROUP / f"blkio.throttle.{what}_bps_device").write_text(rule)


@contextlib.contextmanager
def loop_drives(folder: Path, count: int) -> Iterator[list[LoopDrive]]:
    """That many, at d1 .. in the folder."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(_loop_drive(folder, number)) for number in range(1, count + 1)]


@contextlib.contextmanager
def _loop_drive(folder: Path, number: int) -> Iterator[LoopDrive]:
    image, mount = folder / f"{number}.img", folder / f"d{number}"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    _run("mkfs.ext4", "-q", "-F", str(image))
    device = _run("losetup", "--find", "--show", str(image)).strip()
    try:
        _run("mount", device, str(mount))
        try:
            yield LoopDrive(mount, device)
        finally:
            _run("umount", str(mount))
    finally:
        _run("losetup", "--detach", device)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
