"""A real ext4 in a file, whose power can be cut: the file system is told to stop at once, with nothing
written that was not on its way (`EXT4_IOC_SHUTDOWN`), and mounted again, which replays its journal.

Takes root and loop devices; `missing` says what is not here.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path

import attrs

_SHUTDOWN = 0x8004587D
"""_IOR('X', 125, __u32), linux/ext4.h."""

_NO_LOG_FLUSH = 2
IMAGE_BYTES = 64 * 1024 * 1024
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={"PATH": _PATH})
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"


class NotPermitted(Exception):
    """This machine does not let a file be mounted."""


@attrs.define
class Ext4:
    """A mounted file system; `folder` is where."""

    image: Path
    folder: Path

    def make(self) -> None:
        """Format it, and mount it for the first time; raises NotPermitted."""
        self.folder.mkdir()
        with self.image.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1", str(self.image))
        try:
            self.mount()
        except AssertionError as error:
            raise NotPermitted(str(error)) from error

    def mount(self) -> None:
        run("mount", "-t", "ext4", "-o", "loop,commit=300", str(self.image), str(self.folder))

    def cut(self) -> None:
        """The power goes: from here on every call on the file system fails."""
        fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def unmount(self) -> None:
        run("umount", str(self.folder))

    def revive(self) -> None:
        """The power comes back; nothing on it may be open."""
        self.unmount()
        self.mount()


def missing() -> str:
    """Why there can be no such file system here; empty where nothing speaks against it."""
    if os.geteuid() != 0:
        return "mounting takes root"
    if shutil.which("mkfs.ext4", path=_PATH) is None:
        return "mkfs.ext4 is not installed"
    if not Path("/dev/loop-control").exists():
        return "there are no loop devices"
    return ""
