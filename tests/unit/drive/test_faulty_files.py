"""The faults of the kit do what their names say. That drives and sets survive them is shown by the sweeps and
by
`tests/unit/erasureset/test_faulty_drives.py`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
import trio
import trio.testing

from rustfs_node.seams.memory_files import PAGE_BYTES, SECTOR_BYTES, MemoryFile
from tests.kit.faulty_files import (
    EVER,
    Ages,
    Effect,
    Fails,
    FaultyFiles,
    Flips,
    Hangs,
    Lasts,
    Lies,
    Loses,
    Misdirects,
    Tears,
    VirtualThreads,
    call_site,
)

OLD = b"o" * 3 * PAGE_BYTES
NEW = b"n" * PAGE_BYTES


@pytest.fixture
def files() -> FaultyFiles:
    """Two durable files, /d/a and /d/b, of three pages each."""
    files = FaultyFiles(seed=3)
    files.make_folder("/d")
    files.sync_folder("/")
    for name in "ab":
        files.write_file(f"/d/{name}", OLD)
    return files


def written(files: FaultyFiles, effect: Effect, *, first: int = 1) -> bytes:
    """What /d/a holds after a page of it was written and synced under a fault."""
    fault = files.inject("write", effect, "a$", first=first)
    file = files.open("/d/a")
    file.write_at(0, [NEW])
    file.sync()
    assert fault.hits == (first == 1)
    files.crash()
    return files.read_file("/d/a")


def bits_apart(one: bytes, other: bytes) -> int:
    return sum((left ^ right).bit_count() for left, right in zip(one, other, strict=True))


def act_on(file: MemoryFile, call: str) -> None:
    {"read": lambda: file.read_at(0, 1), "write": lambda: file.write_at(0, [NEW]), "sync": file.sync}[call]()


@pytest.mark.parametrize("call", ["read", "write", "sync"])
def test_a_call_fails(files: FaultyFiles, call: str) -> None:
    """Only the second call, on that path, and it does nothing."""
    files.inject(call, Fails(errno.EIO), "a$", first=2)
    file, other = files.open("/d/a"), files.open("/d/b")
    for _ in range(2):
        act_on(other, call)
    act_on(file, call)
    with pytest.raises(OSError, match="injected"):
        act_on(file, call)
    act_on(file, call)


def test_a_full_disk_takes_what_fits(files: FaultyFiles) -> None:
    """The part of a write that fits arrives, and then ENOSPC."""
    used = files.total_bytes - files.space("/").free_bytes
    files.total_bytes = used + 100
    file = files.open("/d/a")
    with pytest.raises(OSError) as caught:
        file.write_at(len(OLD), [NEW])
    assert caught.value.errno == errno.ENOSPC and file.size_bytes() == len(OLD) + 100


def test_a_lost_write(files: FaultyFiles) -> None:
    """The older image stays, whatever was said."""
    assert written(files, Loses()) == OLD


def test_a_torn_write(files: FaultyFiles) -> None:
    """Its first sectors arrive."""
    assert written(files, Tears(2)) == NEW[: 2 * SECTOR_BYTES] + OLD[2 * SECTOR_BYTES :]


def test_a_write_that_lands_further_on(files: FaultyFiles) -> None:
    """In the next page of the same file."""
    assert written(files, Misdirects()) == OLD[:PAGE_BYTES] + NEW + OLD[2 * PAGE_BYTES :]


def test_a_write_that_lands_in_another_file(files: FaultyFiles) -> None:
    """At the same place; its own file keeps what it had."""
    assert written(files, Misdirects(into="/d/b")) == OLD
    file = files.open("/d/b")
    assert file.read_at(0, PAGE_BYTES) == OLD[:PAGE_BYTES]


def test_a_flipped_bit(files: FaultyFiles) -> None:
    """One bit, for good where it was written, this time only where it was read."""
    assert bits_apart(written(files, Flips()), NEW + OLD[PAGE_BYTES:]) == 1
    before = files.read_file("/d/b")
    files.inject("read", Flips(), "b$")
    assert bits_apart(files.read_file("/d/b"), before) == 1
    assert files.read_file("/d/b") == before


def test_a_stale_file(files: FaultyFiles) -> None:
    """Reads give the file as it was remembered, until the fault is over."""
    files.remember("/d")
    file = files.open("/d/a")
    file.write_at(0, [NEW])
    fault = files.inject("read", Ages(), times=EVER)
    assert file.read_at(0, 1) == b"o"
    files.heal()
    assert file.read_at(0, 1) == b"n" and fault.hits == 1


def test_a_sync_that_lies(files: FaultyFiles) -> None:
    """Of files and of folders; a later honest one makes up for it."""
    for call in ("sync", "sync_folder"):
        files.inject(call, Lies(), times=EVER)
    files.write_file("/d/a", NEW)
    files.crash()
    assert files.read_file("/d/a") == OLD
    files.write_file("/d/a", NEW)
    files.heal()
    files.open("/d/a").sync()
    files.sync_folder("/d")
    files.crash()
    assert files.read_file("/d/a") == NEW


def test_a_lie_at_one_site(files: FaultyFiles) -> None:
    """Only the calls of the function that is named lie."""

    def here() -> None:
        file = files.open("/d/a")
        file.write_at(0, [NEW])
        file.sync()

    here_site = f"test_faulty_files.{here.__qualname__}"
    assert call_site() == "test_faulty_files.test_a_lie_at_one_site"
    for site, left in ((here_site, OLD), ("elsewhere.f", NEW + OLD[PAGE_BYTES:])):
        files.heal()
        files.inject("sync", Lies(site), times=EVER)
        here()
        files.crash()
        assert files.read_file("/d/a") == left


async def test_calls_that_take_long_and_that_never_end(
    files: FaultyFiles, autojump_clock: trio.testing.MockClock
) -> None:
    """A slow call costs virtual time; one that hangs keeps its thread, and nothing after it happens."""
    threads = VirtualThreads(files, limit=1)
    files.inject("sync", Lasts(7.0))
    began = trio.current_time()
    await threads.run(files.open("/d/a").sync)
    assert trio.current_time() - began == 7.0
    files.inject("sync", Hangs(), first=2)
    done: list[str] = []

    def work(name: str) -> Callable[[], None]:
        def run() -> None:
            files.open("/d/a").sync()
            done.append(name)

        return run

    await threads.run(work("before"))
    with trio.move_on_after(100) as patience:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(threads.run, work("hangs"))
            nursery.start_soon(threads.run, work("waits behind"))
    assert patience.cancelled_caught and done == ["before"]
