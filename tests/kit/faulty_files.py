"""Faults of a drive, on top of the file system in memory: what a failing disk does, by name, at chosen calls.

A `Fault` says at which calls, on which paths, how often, and its effect is one of:

- `Fails(code)`        the call raises an OSError and does nothing; a failed sync forgets its pages
- `BadPage(n)`         a read that touches that page of the file raises EIO
- `Lies()`             a sync says yes and makes nothing stable
- `Loses()`            a write says yes and nothing arrives: reads give the older image from then on
- `Tears(sectors)`     a write says yes and only its first sectors arrive
- `Misdirects(by)`     a write says yes and lands so many bytes further on, or in another file
- `Flips()`            one bit is wrong, in what is written (for good) or in what is read (this time)
- `Ages()`             reads give the content that the file had when `remember` was called
- `Lasts(seconds)`     the call takes that long, on trio's clock
- `Hangs()`            the call never returns

Everything that is chosen (which bit, which file) comes from the seed. The last two need `VirtualThreads`,
because a call blocks a thread and not the program; made in the event loop they would stop the whole process,
which only its supervisor could see, so `Lasts` counts for nothing there and `Hangs` ends the program.

A file system that is full is `total_bytes`: what fits of a write arrives, and then ENOSPC. What a power cut
leaves is `MemoryFiles.crash`.
"""

from __future__ import annotations

import errno
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Protocol, TypeVar

import attrs
import trio

from rustfs_node.seams import memory_files
from rustfs_node.seams.files import Buffer
from rustfs_node.seams.memory_files import PAGE_BYTES, SECTOR_BYTES, MemoryFile, MemoryFiles

T = TypeVar("T")
EVER = 1 << 62


class Stuck(BaseException):
    """The call that never returns: not an `Exception`, because nothing after it may happen."""


class Effect(Protocol):
    """Marks the classes that say what a fault does."""


@attrs.frozen
class Fails:
    """The call raises and does nothing."""

    code: int


@attrs.frozen
class BadPage:
    """A page that cannot be read."""

    page: int


@attrs.frozen
class Lies:
    """A sync of a file or folder that does nothing. `site`: only for calls from there, see `call_site`."""

    site: str = ""


@attrs.frozen
class Loses:
    """A write that never arrives."""


@attrs.frozen
class Tears:
    """A write of which only the first sectors arrive."""

    sectors: int = 1


@attrs.frozen
class Misdirects:
    """A write that lands elsewhere: so many bytes further on, or at the same place of another file."""

    by: int = PAGE_BYTES
    into: str = ""


@attrs.frozen
class Flips:
    """A bit of the data is wrong."""


@attrs.frozen
class Ages:
    """A read of what was there when `remember` was called."""


@attrs.frozen
class Lasts:
    """A call that takes long."""

    seconds: float


@attrs.frozen
class Hangs:
    """A call that never ends."""


@attrs.define(eq=False)
class Fault:
    """An effect on calls of one kind: on paths in which `where` is found, from the `first`-th such call on,
    `times` times. `hits` counts how often it struck.
    """

    call: str
    effect: Effect
    where: str = ""
    first: int = 1
    times: int = 1
    hits: int = 0
    _seen: int = 0

    def strikes(self, call: str, path: str) -> bool:
        """Whether this call is hit; counts it."""
        if call != self.call or not re.search(self.where, path):
            return False
        self._seen += 1
        is_hit = self.first <= self._seen < self.first + self.times
        self.hits += is_hit
        return is_hit


class FaultyFile(MemoryFile):
    """A file whose faults its `FaultyFiles` decides."""

    _files: FaultyFiles

    def _get(self, offset: int, size_bytes: int) -> bytes:
        bad = self._files.struck(BadPage)
        if bad and offset < (bad.page + 1) * PAGE_BYTES and offset + size_bytes > bad.page * PAGE_BYTES:
            raise OSError(errno.EIO, "a bad page", self._path)
        content: Buffer = self._content.now
        if self._files.struck(Ages):
            content = self._files.images.get(self._path, b"")
        data = bytes(content[offset : offset + size_bytes])
        return self._files.flip(data) if self._files.struck(Flips) else data

    def _put(self, offset: int, data: Buffer) -> None:
        files = self._files
        if files.struck(Loses):
            return
        if tears := files.struck(Tears):
            # Sectors of the disk, not of the write.
            data = data[: tears.sectors * SECTOR_BYTES - offset % SECTOR_BYTES]
        if files.struck(Flips):
            data = files.flip(bytes(data))
        if elsewhere := files.struck(Misdirects):
            if elsewhere.into:
                files.content(elsewhere.into).write(offset, data)
                return
            offset += elsewhere.by
        super()._put(offset, data)

    def _make_stable(self) -> None:
        if not self._files.struck(Lies):
            super()._make_stable()


E = TypeVar("E", bound=Effect)


class FaultyFiles(MemoryFiles):
    """A file system in memory that can be told to fail. `images`: what stale reads give, by path.
    `sync_sites`, when it is set, takes every sync as (call, call site, path).
    """

    def __init__(self, seed: int = 0, page_bytes: int = PAGE_BYTES) -> None:
        super().__init__(page_bytes=page_bytes)
        self.faults: list[Fault] = []
        self.images: dict[str, bytes] = {}
        self.delay_s = 0.0
        self.sync_sites: dict[tuple[str, str, str], None] | None = None
        self._chance = Random(seed)
        self._struck: list[Effect] = []

    def inject(self, call: str, effect: Effect, where: str = "", *, first: int = 1, times: int = 1) -> Fault:
        """Add a fault."""
        self.faults.append(Fault(call, effect, where, first, times))
        return self.faults[-1]

    def heal(self) -> None:
        """No faults any more; what they did stays."""
        self.faults.clear()

    def remember(self, folder: str) -> None:
        """Keep what all files below a folder hold now, for reads that `Ages` strikes."""
        for name in self.list_folder(folder):
            path = f"{folder}/{name}"
            if self.stat(path).is_folder:
                self.remember(path)
            else:
                self.images[path] = bytes(self.content(path).now)

    def enter(self, call: str, path: str) -> None:
        super().enter(call, path)
        if self.sync_sites is not None and call in {"sync", "sync_folder"}:
            self.sync_sites[call, call_site(), path] = None
        self._struck = [fault.effect for fault in self.faults if fault.strikes(call, path)]
        for effect in self._struck:
            if isinstance(effect, Fails):
                raise OSError(effect.code, "injected", path)
            if isinstance(effect, Hangs):
                raise Stuck(f"{call} {path}")
            if isinstance(effect, Lasts):
                self.delay_s += effect.seconds

    def struck(self, kind: type[E]) -> E | None:
        """The effect of that kind on the call under way."""
        found = (effect for effect in self._struck if isinstance(effect, kind))
        effect = next(found, None)
        return None if isinstance(effect, Lies) and effect.site not in {"", call_site()} else effect

    def flip(self, data: bytes) -> bytes:
        """One bit of it turned."""
        if not data:
            return data
        changed = bytearray(data)
        bit = self._chance.randrange(8 * len(changed))
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    def content(self, path: str) -> memory_files.Content:
        """What a path leads to."""
        found = self._find(path)
        assert isinstance(found, memory_files.Content), path
        return found

    def _open(self, path: str, content: memory_files.Content, *, writable: bool) -> FaultyFile:
        return FaultyFile(self, path, content, writable=writable)

    def _make_stable(self, folder: memory_files.Folder) -> None:
        if not self.struck(Lies):
            super()._make_stable(folder)


_OWN_FILES = frozenset({__file__, memory_files.__file__})


def call_site() -> str:
    """Who called the file system: module and function, as in "log.Log.append"."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename in _OWN_FILES:
        frame = frame.f_back
    assert frame is not None
    return f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_qualname}"


class VirtualThreads:
    """At most `limit` threads on trio's clock: the work is done at once, and what its calls would have taken
    is waited for afterwards. A thread that hangs stays occupied.
    """

    def __init__(self, files: FaultyFiles, limit: int = 8) -> None:
        self._files = files
        self._limiter = trio.CapacityLimiter(limit)

    async def run(self, work: Callable[[], T]) -> T:
        async with self._limiter:
            self._files.delay_s = 0.0
            try:
                return work()
            except Stuck:
                await trio.sleep_forever()
                raise
            finally:
                if self._files.delay_s:
                    await trio.sleep(self._files.delay_s)
