"""A file system in memory that knows what a power cut would leave.

For tests and simulations. Beside what programs see it keeps, for every file, the pages that are on stable
storage and, for every folder, the names that are. `crash` goes back to those. Where a real file system would
by chance have written more than it was asked to, `crash` is told by `keeps` which unsynced pages and names
survive. Real file systems keep names in the order in which they were made, this one any of them; only a
rename is never torn by chance: both names change, or neither does.

Faults are injected by `on_call`, which sees every call before it happens and may raise: an `OSError` to fail
it, or `PowerCut` to end the life of the process there. A failed `sync` forgets its pages, as Linux does: the
next one succeeds, and they are not on stable storage.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence

import attrs

from rustfs_node.seams.aligned import ALIGN_BYTES
from rustfs_node.seams.files import Buffer, FileStat, Space

PAGE_BYTES = 4096
SECTOR_BYTES = 512
"""What a disk may tear a page into."""

_TOTAL_BYTES = 1 << 40


class PowerCut(BaseException):
    """The power went in the middle of a call. Not an `Exception`: no handler may live through it."""


@attrs.define(eq=False)
class Content:
    """The bytes of a file. `dirty` are pages written since the last sync."""

    page_bytes: int = PAGE_BYTES
    now: bytearray = attrs.field(factory=bytearray)
    stable: bytearray = attrs.field(factory=bytearray)
    dirty: dict[int, None] = attrs.field(factory=dict)
    modified_s: float = 0.0

    def write(self, offset: int, data: Buffer) -> None:
        end = offset + len(data)
        if end > len(self.now):
            self.now.extend(bytes(end - len(self.now)))
        self.now[offset:end] = data
        self.touch(offset, end)

    def touch(self, offset: int, end: int) -> None:
        size = self.page_bytes
        self.dirty.update(dict.fromkeys(range(offset // size, -(-end // size))))

    def sync(self, keeps: Callable[[], bool]) -> None:
        """Bring the length, and those dirty pages that are kept, to stable storage."""
        if keeps():
            _resize(self.stable, len(self.now))
        for page in self.dirty:
            start, end = page * self.page_bytes, min((page + 1) * self.page_bytes, len(self.stable))
            if start < end and keeps():
                self.stable[start:end] = self.now[start:end].ljust(end - start, b"\0")
        self.dirty.clear()


@attrs.define(eq=False)
class Folder:
    """The names in a folder."""

    now: dict[str, Folder | Content] = attrs.field(factory=dict)
    stable: dict[str, Folder | Content] = attrs.field(factory=dict)


@attrs.frozen(eq=False)
class _Rename:
    """A change of two names that belong together."""

    source: Folder
    old_name: str
    target: Folder
    new_name: str
    entry: Folder | Content

    @property
    def is_pending(self) -> bool:
        """Whether it is not on stable storage, and nothing happened to the names since."""
        return (
            self.source.stable.get(self.old_name) in (self.entry, None)
            and self.old_name not in self.source.now
            and self.target.stable.get(self.new_name) is not self.entry
            and self.target.now.get(self.new_name) is self.entry
        )

    def end(self, *, happened: bool) -> None:
        """Both names change on stable storage, or both are as before: then the old one may be, if it is there
        at all.
        """
        if happened:
            self.source.stable.pop(self.old_name, None)
            self.target.stable[self.new_name] = self.entry
            return
        self.source.now[self.old_name] = self.entry
        before = self.target.stable.get(self.new_name)
        if before is None:
            del self.target.now[self.new_name]
        else:
            self.target.now[self.new_name] = before


class MemoryFile:
    """An open file of a MemoryFiles."""

    def __init__(self, files: MemoryFiles, path: str, content: Content, *, writable: bool) -> None:
        self._files = files
        self._path = path
        self._content = content
        self._writable = writable
        self._life = files.life
        self._is_open = True

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        self._enter("read")
        return self._get(offset, size_bytes)

    def write_at(self, offset: int, buffers: Sequence[Buffer]) -> None:
        self._enter("write", writes=True)
        data = b"".join(buffers)
        fits = max(0, len(self._content.now) + self._files.space(self._path).free_bytes - offset)
        self._put(offset, data[:fits])
        self._content.modified_s = self._files.now_s()
        if fits < len(data):
            raise OSError(errno.ENOSPC, "no space left", self._path)

    def read_into(
        self, offset: int, buffers: Sequence[bytearray | memoryview], *, wait: bool = True
    ) -> int | None:
        """Never without `wait`: whoever reads must be ready for a drive that is slow."""
        if not wait:
            return None
        data = memoryview(self.read_at(offset, sum(map(len, buffers))))
        size_bytes = len(data)
        for buffer in buffers:
            buffer[: len(data)] = data[: len(buffer)]
            data = data[len(buffer) :]
        return size_bytes

    def write_aligned(self, offset: int, block: memoryview) -> None:
        assert offset % ALIGN_BYTES == len(block) % ALIGN_BYTES == 0, (offset, len(block))
        self.write_at(offset, [block])

    def _get(self, offset: int, size_bytes: int) -> bytes:
        return bytes(self._content.now[offset : offset + size_bytes])

    def _put(self, offset: int, data: Buffer) -> None:
        self._content.write(offset, data)

    def allocate(self, size_bytes: int) -> None:
        self._enter("allocate", writes=True)
        self._reserve(size_bytes)
        if size_bytes > len(self._content.now):
            _resize(self._content.now, size_bytes)

    def truncate(self, size_bytes: int) -> None:
        self._enter("truncate", writes=True)
        self._reserve(size_bytes)
        before = len(self._content.now)
        _resize(self._content.now, size_bytes)
        self._content.touch(min(before, size_bytes), max(before, size_bytes))

    def sync(self) -> None:
        try:
            self._enter("sync")
        except OSError:
            self._content.dirty.clear()
            raise
        self._make_stable()

    def _make_stable(self) -> None:
        self._content.sync(lambda: True)

    def size_bytes(self) -> int:
        self._enter("size")
        return len(self._content.now)

    def close(self) -> None:
        self._is_open = False

    def _enter(self, call: str, *, writes: bool = False) -> None:
        if not self._is_open or (writes and not self._writable):
            raise OSError(errno.EBADF, "the file is closed, or open for reading", self._path)
        if self._life != self._files.life:
            raise OSError(errno.EIO, "the process that opened it is dead", self._path)
        self._files.enter(call, self._path)

    def _reserve(self, end: int) -> None:
        grows_by = end - len(self._content.now)
        if grows_by > 0 and grows_by > self._files.space(self._path).free_bytes:
            raise OSError(errno.ENOSPC, "no space left", self._path)


class MemoryFiles:
    """A file system of its own; it begins with an empty root folder."""

    def __init__(self, total_bytes: int = _TOTAL_BYTES, page_bytes: int = PAGE_BYTES) -> None:
        self.total_bytes = total_bytes
        self.page_bytes = page_bytes
        self.device = 1
        self.life = 1
        self.on_call: Callable[[str, str], None] = _let_pass
        self.now_s: Callable[[], float] = lambda: 0.0
        self._root = Folder()
        self._renames: list[_Rename] = []

    def crash(self, keeps: Callable[[], bool] = lambda: False) -> None:
        """Cut the power: what was not synced is gone, except where `keeps` says so, asked once per page and
        name.

        Files that were open stay unusable, so that the old process cannot disturb its successor.
        """
        self.life += 1
        for rename in self._renames:
            if rename.is_pending:
                rename.end(happened=keeps())
        self._renames.clear()
        _crash_folder(self._root, keeps, {})

    def kill(self) -> None:
        """End the process only: nothing is lost, but its open files are unusable."""
        self.life += 1

    def enter(self, call: str, path: str) -> None:
        """Let the fault hook see a call."""
        self.on_call(call, path)

    def open(self, path: str, *, create: bool = False, write: bool = True) -> MemoryFile:
        self.enter("create" if create else "open", path)
        folder, name = self._parent(path)
        found = folder.now.get(name)
        if create:
            if found is not None:
                raise OSError(errno.EEXIST, "exists already", path)
            found = folder.now[name] = Content(self.page_bytes, modified_s=self.now_s())
        if found is None:
            raise OSError(errno.ENOENT, "no such file", path)
        if isinstance(found, Folder):
            raise OSError(errno.EISDIR, "is a folder", path)
        return self._open(path, found, writable=write or create)

    def _open(self, path: str, content: Content, *, writable: bool) -> MemoryFile:
        return MemoryFile(self, path, content, writable=writable)

    def make_folder(self, path: str) -> None:
        self.enter("make_folder", path)
        folder, name = self._parent(path)
        if isinstance(folder.now.setdefault(name, Folder()), Content):
            raise OSError(errno.EEXIST, "is a file", path)

    def list_folder(self, path: str) -> list[str]:
        self.enter("list", path)
        return sorted(self._folder(path).now)

    def exists(self, path: str) -> bool:
        self.enter("exists", path)
        try:
            self._find(path)
        except OSError:
            return False
        return True

    def stat(self, path: str) -> FileStat:
        self.enter("stat", path)
        found = self._find(path)
        if isinstance(found, Folder):
            return FileStat(0, is_folder=True, device=self.device, modified_s=0.0)
        return FileStat(len(found.now), is_folder=False, device=self.device, modified_s=found.modified_s)

    def rename(self, source: str, target: str) -> None:
        self.enter("rename", source)
        found = self._find(source)
        old_folder, old_name = self._parent(source)
        new_folder, new_name = self._parent(target)
        if isinstance(new_folder.now.get(new_name), Folder):
            raise OSError(errno.EISDIR, "is a folder", target)
        del old_folder.now[old_name]
        new_folder.now[new_name] = found
        self._renames = [rename for rename in self._renames if rename.is_pending]
        self._renames.append(_Rename(old_folder, old_name, new_folder, new_name, found))

    def remove(self, path: str) -> None:
        self.enter("remove", path)
        if isinstance(self._find(path), Folder):
            raise OSError(errno.EISDIR, "is a folder", path)
        folder, name = self._parent(path)
        del folder.now[name]

    def sync_folder(self, path: str) -> None:
        self.enter("sync_folder", path)
        self._make_stable(self._folder(path))

    def _make_stable(self, folder: Folder) -> None:
        folder.stable = dict(folder.now)

    def space(self, path: str) -> Space:
        used = sum(len(content.now) for content in _contents(self._root))
        return Space(self.total_bytes, max(0, self.total_bytes - used))

    def read_file(self, path: str) -> bytes:
        file = self.open(path, write=False)
        return file.read_at(0, file.size_bytes())

    def write_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        folder, _, name = path.rpartition("/")
        temporary = f"{folder}/.{name}.tmp"
        if self.exists(temporary):
            self.remove(temporary)
        file = self.open(temporary, create=True)
        file.write_at(0, [content])
        file.sync()
        self.rename(temporary, path)
        # Durable after this line: the new content under its name.
        self.sync_folder(folder or "/")

    def _find(self, path: str) -> Folder | Content:
        found: Folder | Content = self._root
        for name in path.split("/"):
            if not name:
                continue
            if isinstance(found, Content):
                raise OSError(errno.ENOTDIR, "is a file", path)
            if name not in found.now:
                raise OSError(errno.ENOENT, "no such file or folder", path)
            found = found.now[name]
        return found

    def _folder(self, path: str) -> Folder:
        found = self._find(path)
        if isinstance(found, Content):
            raise OSError(errno.ENOTDIR, "is a file", path)
        return found

    def _parent(self, path: str) -> tuple[Folder, str]:
        folder, _, name = path.rpartition("/")
        assert path.startswith("/"), path
        assert name, path
        return self._folder(folder), name


def _let_pass(call: str, path: str) -> None:
    """No faults."""


def _resize(data: bytearray, size_bytes: int) -> None:
    del data[size_bytes:]
    data.extend(bytes(size_bytes - len(data)))


def _contents(folder: Folder) -> Iterator[Content]:
    for entry in folder.now.values():
        if isinstance(entry, Folder):
            yield from _contents(entry)
        else:
            yield entry


def _crash_folder(folder: Folder, keeps: Callable[[], bool], done: dict[int, None]) -> None:
    """Names as they are on stable storage, and below them the same."""
    names = dict.fromkeys((*folder.stable, *folder.now))
    after: dict[str, Folder | Content] = {}
    for name in names:
        stable, now = folder.stable.get(name), folder.now.get(name)
        entry = now if stable is not now and keeps() else stable
        if entry is not None:
            after[name] = entry
    folder.now, folder.stable = after, dict(after)
    for entry in after.values():
        if isinstance(entry, Folder):
            _crash_folder(entry, keeps, done)
        elif id(entry) not in done:
            done[id(entry)] = None
            entry.sync(keeps)
            entry.now = bytearray(entry.stable)
