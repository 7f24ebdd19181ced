"""The power goes at every single call that writes or syncs: nothing acknowledged is lost, nothing half done
is seen.
"""

from __future__ import annotations

import errno
import itertools
import random
from collections.abc import Callable, Iterator
from functools import partial

import attrs
import pytest

from rustfs_node.drive.commit import Copy
from rustfs_node.drive.compaction import Compaction
from rustfs_node.drive.identity_file import DriveRefused
from rustfs_node.seams.memory_files import MemoryFiles, PowerCut
from rustfs_proto.disk.identity import OK
from rustfs_proto.wire.drive_ops import Committed, RowState
from tests.kit.drives import FIRST_STAMP, TestDrive, memory_drive, tombstone, value

CHANGING = frozenset(
    {"create", "write", "allocate", "truncate", "sync", "make_folder", "rename", "remove", "sync_folder"}
)
DATA_ID = bytes(range(16))
FRAGMENTS = (b"1" * 4096, b"2" * 4096, b"3" * 700)


@attrs.define
class Cutter:
    """Cuts the power at the `at`-th changing call."""

    at: int
    calls: int = 0

    def __call__(self, call: str, path: str) -> None:
        if call in CHANGING:
            self.calls += 1
            if self.calls == self.at:
                raise PowerCut(f"{call} {path}")


@attrs.define
class Story:
    """What a client knows: the newest acknowledged stamp of each key, and what may have happened beside."""

    drive: TestDrive
    acknowledged: dict[str, int] = attrs.field(factory=dict)
    tried: dict[str, list[int]] = attrs.field(factory=dict)

    def put(self, key: str, stamp: int, size: int = 500) -> None:
        data = data_of(key, stamp, size)
        self.tried.setdefault(key, []).append(stamp)
        (got,) = self.drive.commit(value(key, stamp, data), data=data)
        assert isinstance(got, Committed)
        self.acknowledged[key] = stamp

    def put_many(self, keys: list[str], stamp: int) -> None:
        for key in keys:
            self.tried.setdefault(key, []).append(stamp)
        datas = [data_of(key, stamp, 5000) for key in keys]
        commits = [value(key, stamp, data) for key, data in zip(keys, datas, strict=True)]
        got = self.drive.commit(*commits, datas=datas)
        assert all(isinstance(answer, Committed) for answer in got)
        self.acknowledged.update(dict.fromkeys(keys, stamp))

    def delete(self, key: str, stamp: int) -> None:
        self.tried.setdefault(key, []).append(stamp)
        self.drive.commit(tombstone(key, stamp))
        self.acknowledged[key] = stamp

    def put_big(self, key: str, stamp: int) -> None:
        self.tried.setdefault(key, []).append(stamp)
        self.drive.write_shard(DATA_ID, *FRAGMENTS, key=key)
        got = self.drive.commit_files(value(key, stamp, files=(DATA_ID,), shard=1))
        assert got == Committed(replaced=False)
        self.acknowledged[key] = stamp

    def check(self) -> None:
        """After recovery: every key has its acknowledged version or one that was tried later."""
        for key, tried in self.tried.items():
            found, frames = self.drive.look(key)
            possible = [0, *tried] if key not in self.acknowledged else [self.acknowledged[key]]
            possible += [stamp for stamp in tried if stamp > self.acknowledged.get(key, 0)]
            stamp = found.stamp - FIRST_STAMP if found.stamp else 0
            assert stamp in possible, (key, stamp, possible)
            assert found.state in {RowState.FOUND, RowState.ABSENT}
            if found.stamp and frames:
                assert frames[0] == data_of(key, stamp, len(frames[0]))
            if found.stamp and key == "big":
                assert found.no_files == () and self.drive.read_shard(DATA_ID, 3, "big") == FRAGMENTS
        assert self.drive.identity.state == OK


def data_of(key: str, stamp: int, size: int) -> bytes:
    return (f"{key} {stamp} " * size).encode()[:size]


def tell(story: Story) -> None:
    """Small objects, overwrites, deletes, a batch, a shard file and a change of segments."""
    story.put("a", 1)
    story.put("b", 1)
    story.put("a", 2)
    story.delete("b", 2)
    story.put_many(["c", "d", "e"], 3)
    story.put_big("big", 4)
    for number in range(5):
        story.put("filling", 10 + number, 14_000)
    story.put("a", 20)
    story.delete("c", 21)


def keepers() -> Iterator[tuple[str, Callable[[], Callable[[], bool]]]]:
    """What survives of the unsynced: nothing, everything, or a part by chance."""
    yield "nothing", lambda: lambda: False
    yield "everything", lambda: lambda: True
    for seed in range(4):
        yield f"chance{seed}", partial(chance_of, seed)


def chance_of(seed: int) -> Callable[[], bool]:
    chance = random.Random(seed)
    return lambda: chance.random() < 0.5


def survive(act: Callable[[Story], None], keeps: Callable[[], Callable[[], bool]]) -> int:
    """Cut at call 1, 2, 3 … until the story ends untouched; how many cuts that were."""
    for at in range(1, 10_000):
        drive = memory_drive()
        assert isinstance(drive.files, MemoryFiles)
        story = Story(drive)
        drive.files.on_call = Cutter(at)
        try:
            act(story)
        except PowerCut:
            pass
        else:
            return at - 1
        drive.files.on_call = Cutter(0)
        drive.files.crash(keeps())
        drive.close()
        story.check()
        # And it goes on: what is written after recovery survives the next cut.
        story.put("after", 100)
        drive.files.crash()
        drive.close()
        story.check()
    raise AssertionError("the story never ended")


@pytest.mark.parametrize(("name", "keeps"), list(keepers()), ids=[name for name, _ in keepers()])
def test_every_cut_of_a_story(name: str, keeps: Callable[[], Callable[[], bool]]) -> None:
    """Commits, overwrites, deletes, shard files and segment changes survive a cut at each of their calls."""
    assert survive(tell, keeps) > 50


def compact(story: Story) -> None:
    """Fill segments with dead records around live ones, then compact the first."""
    story.put("keep", 1, 3000)
    for number in range(8):
        story.put("churn", 10 + number, 14_000)
        story.drive.settle("churn", 10 + number)
    compaction = Compaction(story.drive.engine)
    while compaction.begin():
        found = compaction.read()
        copies: list[Copy] = compaction.copies(found)
        if copies:
            story.drive.engine.run((), (), copies)
        if not found and compaction.end():
            compaction.remove()
            compaction.forget()


@pytest.mark.parametrize(("name", "keeps"), list(keepers())[:3], ids=[name for name, _ in keepers()][:3])
def test_every_cut_of_a_compaction(name: str, keeps: Callable[[], Callable[[], bool]]) -> None:
    """Copying what lives and removing the segment loses nothing at any call."""
    assert survive(compact, keeps) > 30


def test_every_cut_of_a_recovery() -> None:
    """A recovery that is cut short at any call is repeated by the next one."""
    for at in range(1, 10_000):
        drive = memory_drive()
        assert isinstance(drive.files, MemoryFiles)
        story = Story(drive)
        tell(story)
        drive.files.on_call = Cutter(2)
        with pytest.raises(PowerCut):
            story.put_many(["torn", "too"], 50)
        drive.files.on_call = Cutter(at)
        pages = itertools.cycle([True, False, True])
        drive.files.crash(partial(next, pages))
        drive.close()
        try:
            drive.reopen()
        except PowerCut:
            drive.files.on_call = Cutter(0)
            drive.files.crash(lambda: True)
            story.check()
        else:
            assert at > 3
            return
    raise AssertionError("recovery never ended")


@pytest.mark.parametrize("dropped", ["sync", "sync_folder"])
def test_the_cuts_would_notice_a_missing_sync(dropped: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a sync of files or folders that does nothing, acknowledged versions are lost and the sweep says
    so.
    """
    if dropped == "sync":
        monkeypatch.setattr("rustfs_node.seams.memory_files.MemoryFile.sync", lambda _: None)
    else:
        monkeypatch.setattr(MemoryFiles, "sync_folder", lambda _, __: None)
    with pytest.raises((AssertionError, DriveRefused)):
        survive(tell, lambda: lambda: False)


def test_a_killed_process_loses_nothing_and_is_no_damage() -> None:
    """Kill -9 between write and sync leaves whole records that only the cache holds; recovery makes them
    durable.
    """
    drive = memory_drive()
    assert isinstance(drive.files, MemoryFiles)
    story = Story(drive)
    story.put("a", 1)

    def die_at_sync(call: str, path: str) -> None:
        if call == "sync":
            raise PowerCut(path)

    drive.files.on_call = die_at_sync
    with pytest.raises(PowerCut):
        story.put("b", 1)
    drive.files.on_call = Cutter(0)
    drive.files.kill()
    drive.close()
    assert drive.data("b") is not None
    drive.files.crash()
    drive.close()
    assert drive.data("b") is not None and drive.identity.state == OK


def test_what_a_failed_sync_left_in_the_cache_is_made_durable_before_it_counts() -> None:
    """A drive that is started again after a failed sync finds records that only the page cache holds and that
    no sync brings to the disk: whatever it then tells of survives a power cut, and is no damage.
    """
    drive = memory_drive()
    assert isinstance(drive.files, MemoryFiles)
    story = Story(drive)
    story.put("a", 1)

    def fail_at_sync(call: str, path: str) -> None:
        if call == "sync":
            raise OSError(errno.EIO, "failed", path)

    drive.files.on_call = fail_at_sync
    with pytest.raises(OSError, match="failed"):
        story.put("b", 1)
    drive.files.on_call = Cutter(0)
    drive.files.kill()
    drive.close()
    told = drive.data("b")
    story.put("c", 1)
    drive.files.crash()
    drive.close()
    assert drive.data("b") == told and drive.identity.state == OK
    story.check()
