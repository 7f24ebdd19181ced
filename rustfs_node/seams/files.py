"""Files as a drive worker needs them: positions, durability and nothing else.

What each call promises about a power cut stands in its docstring; the real implementation is in `real_files`,
an in-memory one with the same promises in `memory_files`. Every failure is an `OSError` with its errno. A
failed `sync` is final: the caller must never retry it on the same file, because the kernel forgets the pages
that failed. Paths are `str`, absolute, and never leave the folder that the process was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

Buffer = bytes | bytearray | memoryview


@attrs.frozen
class FileStat:
    """`device` identifies the file system, so that a mount that went away is noticed; `is_folder` is false
    for a plain file.
    """

    size_bytes: int
    is_folder: bool
    device: int
    modified_s: float


@attrs.frozen
class Space:
    """Of the file system that holds a path, as far as this user may use it."""

    total_bytes: int
    free_bytes: int


class File(Protocol):
    """An open file. Closing it promises nothing about durability."""

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Up to that many bytes; shorter only at the end of the file."""
        ...

    def write_at(self, offset: int, buffers: Sequence[Buffer]) -> None:
        """All buffers, one after the other, at that position, or an error. Not durable: a power cut may keep
        any part of it.
        """
        ...

    def read_into(
        self, offset: int, buffers: Sequence[bytearray | memoryview], *, wait: bool = True
    ) -> int | None:
        """Fill the buffers, one after the other, from that position; how many bytes there were, fewer only at
        the end of the file. Without `wait` only what is in memory is given, and None where that is not all.
        """
        ...

    def write_aligned(self, offset: int, block: memoryview) -> None:
        """`write_at` past the page cache, where the file system can: for what will not be read again soon.
        Position, length and memory are multiples of `aligned.ALIGN_BYTES`. Not durable before `sync`.
        """
        ...

    def allocate(self, size_bytes: int) -> None:
        """Make the file that long, reserving the space and reading as zeros. Not durable before `sync`."""
        ...

    def truncate(self, size_bytes: int) -> None:
        """Cut or extend with zeros. Not durable before `sync`."""
        ...

    def sync(self) -> None:
        """fdatasync: content and length are durable afterwards; the file's *name* is not, that takes
        `Files.sync_folder`.
        """
        ...

    def size_bytes(self) -> int:
        """The present length."""
        ...

    def close(self) -> None:
        """Release the descriptor; a second call does nothing."""
        ...


class Files(Protocol):
    """A file system. Names (create, rename, remove) are durable only after `sync_folder` of each folder they
    changed.
    """

    def open(self, path: str, *, create: bool = False, write: bool = True) -> File:
        """Open an existing file, or with `create` make a new one (EEXIST if it is there already)."""
        ...

    def make_folder(self, path: str) -> None:
        """Make one folder (its parent exists); one that is there already is fine."""
        ...

    def list_folder(self, path: str) -> list[str]:
        """Names in the folder, sorted."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder of that name."""
        ...

    def stat(self, path: str) -> FileStat:
        """See `FileStat`."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Replace `target` in one step. Durable after `sync_folder` of both folders."""
        ...

    def remove(self, path: str) -> None:
        """Remove a plain file. Durable after `sync_folder`."""
        ...

    def sync_folder(self, path: str) -> None:
        """An fsync of the folder: the names in it are durable afterwards."""
        ...

    def space(self, path: str) -> Space:
        """Of the file system that holds `path`."""
        ...

    def read_file(self, path: str) -> bytes:
        """All of a small file."""
        ...

    def write_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        """Replace a small file durably: temporary file beside it, sync, rename, sync of the folder. After
        this returns a power cut keeps the new content.
        """
        ...
