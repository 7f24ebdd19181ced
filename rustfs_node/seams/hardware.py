"""The disks of this machine, as files of the kernel tell of them. No disk is asked.

What is not there is empty: which files there are depends on the kind of disk.
"""

from __future__ import annotations

import contextlib
import os


class Hardware:
    """`root` is where proc, sys and dev are; another one in tests."""

    def __init__(self, root: str = "") -> None:
        self._root = root

    def read(self, path: str) -> bytes:
        """A small file; empty where it cannot be read."""
        with contextlib.suppress(OSError), open(self._root + path, "rb") as file:
            return file.read()
        return b""

    def text(self, path: str) -> str:
        """The same, as words."""
        return self.read(path).decode("utf-8", "surrogateescape").strip()

    def mounts(self) -> str:
        """The table of mounts that this process sees."""
        return self.text("/proc/self/mountinfo")

    def names(self, path: str) -> list[str]:
        """What is in that folder, sorted."""
        with contextlib.suppress(OSError):
            return sorted(os.listdir(self._root + path))
        return []

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return os.path.exists(self._root + path)

    def real(self, path: str) -> str:
        """Where links lead."""
        return os.path.realpath(self._root + path).removeprefix(
            os.path.realpath(self._root or "/").rstrip("/")
        )

    def write(self, path: str, content: str) -> None:
        """Give the kernel a word. Raises OSError."""
        with open(self._root + path, "w", encoding="ascii") as file:
            file.write(content)
