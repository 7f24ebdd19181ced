"""A drive that exists in memory only: `FaultyFiles` behind a fence for each life, with latency and faults.

Work that would block runs on the spot, between two virtual waits: real threads would be a source of chance,
and the virtual clock would run past them.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import TypeVar

import attrs
import trio

from rustfs_node.seams.files import FileStat, Space
from rustfs_node.seams.memory_files import SECTOR_BYTES, MemoryFile, MemoryFiles, PowerCut
from tests.kit.faulty_files import FaultyFiles
from tests.kit.sim.life import Life
from tests.kit.sim.world import World

T = TypeVar("T")

CHANGING = frozenset(
    {"create", "write", "allocate", "truncate", "sync", "make_folder", "rename", "remove", "sync_folder"}
)
MEAN_LATENCY_S = 0.0008


@attrs.define(eq=False)
class SimDisk:
    """The hardware of one drive. It outlives the processes that use it.

    `cut_in` counts down with every changing call; at zero `on_cut` is called in the middle of it, which ends
    the life of the process. `failing` are kinds of calls that fail with EIO, each with its probability.
    """

    world: World
    name: str
    random: Random
    files: FaultyFiles = attrs.field(factory=lambda: FaultyFiles(page_bytes=SECTOR_BYTES))
    failing: dict[str, float] = attrs.field(factory=dict)
    latency_factor: float = 1.0
    cut_in: int = 0
    on_cut: Callable[[], None] | None = None
    failed_calls: int = 0
    stuck: trio.Event | None = None
    loses_data: bool = False
    is_recovering: bool = False

    def __attrs_post_init__(self) -> None:
        self.files.on_call = self.see
        self.files.now_s = lambda: self.world.wall_ms() / 1000

    def see(self, call: str, path: str) -> None:
        """Every call of the file system, before it happens."""
        if call not in CHANGING and call != "read":
            return
        self.world.trace.note("disk", self.name, call, path)
        chance = 0.0 if call == "read" and self._must_read else self.failing.get(call, 0.0)
        if chance and self.random.random() < chance:
            self.failed_calls += 1
            self.world.trace.note("EIO", self.name, call, path)
            raise OSError(errno.EIO, "the medium failed", path)
        if self.cut_in and call in CHANGING:
            self.cut_in -= 1
            if not self.cut_in and self.on_cut is not None:
                self.on_cut()
                raise PowerCut(f"{self.name}: {call} {path}")

    @property
    def _must_read(self) -> bool:
        """What cannot be read in a recovery is given up for good, because nothing tells a passing error from
        a bad sector. So only a drive that may lose data fails then.
        """
        return self.is_recovering and not self.loses_data

    def cut(self, after_calls: int, on_cut: Callable[[], None]) -> None:
        """Let that many changing calls pass, and end the life of the process in the next."""
        self.cut_in, self.on_cut = after_calls, on_cut

    def power_cut(self) -> None:
        """Everything unsynced may be gone; what the page cache had written by itself is a matter of
        chance.
        """
        kept = self.random.choice((0.0, 0.0, 0.5, 0.9, 1.0))
        self.files.crash(lambda: self.random.random() < kept)

    def full_up(self, spare_bytes: int) -> None:
        """Leave only that much space."""
        space = self.files.space("/")
        used = space.total_bytes - space.free_bytes
        self.files.total_bytes = used + spare_bytes

    def heal(self) -> None:
        """As new, with what is on it."""
        self.failing.clear()
        self.latency_factor, self.cut_in, self.on_cut = 1.0, 0, None
        self.files.total_bytes = 1 << 40
        self.release()

    @contextmanager
    def quietly(self) -> Iterator[FaultyFiles]:
        """The file system for those who stand outside: not traced, no faults."""
        self.files.on_call = lambda _call, _path: None
        try:
            yield self.files
        finally:
            self.files.on_call = self.see

    def stored(self) -> list[str]:
        """Paths of all log segments and shard files; use it within `quietly`."""
        return [path for path in walk(self.files, "/drive") if "/log/" in path or "/shards/" in path]

    def stick(self) -> None:
        """Calls hang until `release`."""
        if self.stuck is None:
            self.stuck = trio.Event()

    def release(self) -> None:
        """What hung goes on."""
        if self.stuck is not None:
            self.stuck.set()
            self.stuck = None


def walk(files: MemoryFiles, folder: str) -> Iterator[str]:
    """Paths of all files below a folder."""
    for name in files.list_folder(folder):
        path = f"{folder}/{name}"
        if files.stat(path).is_folder:
            yield from walk(files, path)
        else:
            yield path


class SimThreads:
    """See `rustfs_node.seams.threads`."""

    def __init__(self, disk: SimDisk) -> None:
        self._disk = disk

    async def run(self, work: Callable[[], T]) -> T:
        await self._wait()
        result = work()
        await self._wait()
        return result

    async def _wait(self) -> None:
        disk = self._disk
        await trio.sleep(disk.random.expovariate(1 / MEAN_LATENCY_S) * disk.latency_factor)
        while disk.stuck is not None:
            await disk.stuck.wait()


class FencedFiles:
    """The file system as one life sees it: dead, it can change nothing. See `rustfs_node.seams.files`."""

    def __init__(self, files: MemoryFiles, life: Life) -> None:
        self._below = files
        self._life = life

    @property
    def _files(self) -> MemoryFiles:
        if self._life.is_over:
            raise OSError(errno.EIO, "the process is dead")
        return self._below

    def open(self, path: str, *, create: bool = False, write: bool = True) -> MemoryFile:
        return self._files.open(path, create=create, write=write)

    def make_folder(self, path: str) -> None:
        self._files.make_folder(path)

    def list_folder(self, path: str) -> list[str]:
        return self._files.list_folder(path)

    def exists(self, path: str) -> bool:
        return self._files.exists(path)

    def stat(self, path: str) -> FileStat:
        return self._files.stat(path)

    def rename(self, source: str, target: str) -> None:
        self._files.rename(source, target)

    def remove(self, path: str) -> None:
        self._files.remove(path)

    def sync_folder(self, path: str) -> None:
        self._files.sync_folder(path)

    def space(self, path: str) -> Space:
        return self._files.space(path)

    def read_file(self, path: str) -> bytes:
        return self._files.read_file(path)

    def write_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        self._files.write_file(path, content, mode=mode)
