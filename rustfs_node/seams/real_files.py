"""Files of the operating system.

Descriptors only: every access goes through `os.p*` calls that carry their position, so that a file may be
read and written by several threads. Every call either does all of what it says or raises `OSError` as the
kernel gave it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Sequence

from rustfs_node.seams.files import Buffer, FileStat, Space

_WOULD_WAIT = frozenset({errno.EAGAIN, errno.EOPNOTSUPP})
_REFUSED = frozenset({errno.EINVAL, errno.EOPNOTSUPP})
_IOV_MAX = 1024
"""Buffers that Linux takes in one call (UIO_MAXIOV)."""


class RealFile:
    """An open descriptor."""

    __slots__ = ("_fd", "_is_direct", "_path", "_refuses_direct")

    def __init__(self, fd: int, path: str) -> None:
        self._fd = fd
        self._path = path
        self._is_direct = self._refuses_direct = False

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        first = os.pread(self._fd, size_bytes, offset)
        if len(first) == size_bytes or not first:
            return first
        pieces = [first]
        missing = size_bytes - len(first)
        while missing:
            piece = os.pread(self._fd, missing, offset + size_bytes - missing)
            if not piece:
                break
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def read_into(
        self, offset: int, buffers: Sequence[bytearray | memoryview], *, wait: bool = True
    ) -> int | None:
        wanted = sum(map(len, buffers))
        try:
            done = os.preadv(self._fd, buffers, offset, 0 if wait else os.RWF_NOWAIT)
        except OSError as error:
            if wait or error.errno not in _WOULD_WAIT:
                raise
            return None
        while wait and 0 < done < wanted:
            more = os.preadv(self._fd, _rest_of(list(buffers), done), offset + done)
            if not more:
                break
            done += more
        # A short answer without waiting is the end of the file, or of what is in memory.
        return done if wait or done == wanted or offset + done == self.size_bytes() else None

    def write_aligned(self, offset: int, block: memoryview) -> None:
        if not self._refuses_direct:
            try:
                self._bypass_cache(True)
                self._write_some(offset, [block])
            except OSError as error:
                if error.errno != errno.EAGAIN and error.errno not in _REFUSED:
                    raise
                # This file system has no such writes, or only larger ones, or the kernel had no room for one
                # just now: the same bytes once more, then.
                self._refuses_direct = error.errno in _REFUSED
            else:
                return
        self.write_at(offset, [block])

    def _bypass_cache(self, wanted: bool) -> None:
        if self._is_direct != wanted:
            flags = fcntl.fcntl(self._fd, fcntl.F_GETFL)
            changed = flags | os.O_DIRECT if wanted else flags & ~os.O_DIRECT
            fcntl.fcntl(self._fd, fcntl.F_SETFL, changed)
            self._is_direct = wanted

    def write_at(self, offset: int, buffers: Sequence[Buffer]) -> None:
        self._bypass_cache(False)
        for start in range(0, len(buffers), _IOV_MAX):
            offset = self._write_some(offset, list(buffers[start : start + _IOV_MAX]))

    def _write_some(self, offset: int, buffers: list[Buffer]) -> int:
        """The position after the last byte."""
        missing = sum(map(len, buffers))
        end = offset + missing
        while missing:
            written = os.pwritev(self._fd, buffers, end - missing)
            if written == 0:
                raise OSError(errno.EIO, "the kernel wrote nothing", self._path)
            missing -= written
            if missing:
                buffers = _rest_of(buffers, written)
        return end

    def allocate(self, size_bytes: int) -> None:
        os.posix_fallocate(self._fd, 0, size_bytes)

    def truncate(self, size_bytes: int) -> None:
        os.ftruncate(self._fd, size_bytes)

    def sync(self) -> None:
        os.fdatasync(self._fd)

    def size_bytes(self) -> int:
        return os.fstat(self._fd).st_size

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __repr__(self) -> str:
        return f"<RealFile {self._path} fd={self._fd}>"


def _rest_of(buffers: Sequence[Buffer], written: int) -> list[Buffer]:
    """What is left after a short read or write."""
    for number, buffer in enumerate(buffers):
        if written < len(buffer):
            return [memoryview(buffer)[written:], *buffers[number + 1 :]]
        written -= len(buffer)
    return []


class RealFiles:
    """The file systems of this machine."""

    def open(self, path: str, *, create: bool = False, write: bool = True) -> RealFile:
        flags = os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_RDWR if write or create else os.O_RDONLY)
        if create:
            flags |= os.O_CREAT | os.O_EXCL
        return RealFile(os.open(path, flags, 0o600), path)

    def make_folder(self, path: str) -> None:
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            if not os.path.isdir(path):
                raise

    def list_folder(self, path: str) -> list[str]:
        return sorted(os.listdir(path))

    def exists(self, path: str) -> bool:
        return os.path.lexists(path)

    def stat(self, path: str) -> FileStat:
        found = os.stat(path)
        return FileStat(found.st_size, stat.S_ISDIR(found.st_mode), found.st_dev, found.st_mtime)

    def rename(self, source: str, target: str) -> None:
        os.rename(source, target)

    def remove(self, path: str) -> None:
        os.unlink(path)

    def sync_folder(self, path: str) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def space(self, path: str) -> Space:
        found = os.statvfs(path)
        return Space(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)

    def read_file(self, path: str) -> bytes:
        file = self.open(path, write=False)
        try:
            return file.read_at(0, file.size_bytes())
        finally:
            file.close()

    def write_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        folder, _, name = path.rpartition("/")
        temporary = f"{folder}/.{name}.tmp"
        # A temporary file that an earlier process left behind is worth nothing: it never got its name.
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        file = RealFile(fd, temporary)
        try:
            os.fchmod(fd, mode)
            file.write_at(0, [content])
            os.fsync(fd)
        finally:
            file.close()
        os.rename(temporary, path)
        # Durable after this line: the new content under its name.
        self.sync_folder(folder or "/")
