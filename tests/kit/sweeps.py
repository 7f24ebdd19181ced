"""Sweeps: let a path of the engine end at its call 1, 2, 3 … until it completes untouched, and live on.

A `Path` is one thing that a drive does, with what comes before it and what is done in the life after it. An
`Ending` is how the life ends: by a power cut that keeps nothing, everything or a part by chance of what was
not synced, or by a kill, which loses nothing and makes nothing durable either.

A sweep of errors fails the calls instead: one of them, or all from one on. What the worker fences the drive
for ends the life; after a clean refusal the drive must go on, and be right.

After each end: recovery finds everything acknowledged, shows the same again after another cut, goes on, and
bears that too; a second recovery changes nothing; after the sweep nothing is left that nobody needs.

What the model covers: any subset of the unsynced pages (4096 bytes, or sectors of 512) and of the unsynced
names of folders, the length of a file apart from its pages, failed syncs that forget, indexes thrown back to
an earlier transaction. What it does not: sectors that hold neither the old nor the new bytes (those are
`Flips` and `Tears`, found by checksums), losses of what was synced (see the tests of faulty drives), SQLite's
own syncs, the kernel's allocation of real blocks (see the conformance tests on ext4), and programs that the
supervisor starts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from random import Random

import attrs

from rustfs_node.drive.identity_file import DriveRefused
from rustfs_node.drive.index_file import IN_MEMORY
from rustfs_node.seams.memory_files import PAGE_BYTES, SECTOR_BYTES, PowerCut
from rustfs_node.settings.drive import DriveSettings
from tests.kit.drives import SMALL
from tests.kit.stories import Story, new_story

WIDE = os.environ.get("SWEEPS") == "all"
"""`SWEEPS=all` sweeps with all endings; without it a choice, which takes seconds."""

CHANGING = frozenset(
    {"create", "write", "allocate", "truncate", "sync", "make_folder", "rename", "remove", "sync_folder"}
)
Act = Callable[[Story], None]


def nothing(_: Story) -> None:
    """No more to do."""


def go_on(story: Story) -> None:
    """An ordinary life: what was not answered is sent again, new things are stored, the sweep runs."""
    story.retry()
    story.put("after", 100)
    # In folders that the life before may have made.
    files = [bytes([folder]) + b"later" * 3 for folder in (0, 9)]
    for data_id in files:
        story.write_file(data_id, "after files")
    story.put_files("after files", 100, *files)


@attrs.frozen
class Path:
    """`act` is cut at each of its calls; `before` and `after` run untouched. `cuts_min`: it has at least so
    many calls, or the sweep swept nothing.
    """

    name: str
    act: Act
    before: Act = nothing
    after: Act = go_on
    cuts_min: int = 5
    settings: DriveSettings = SMALL

    def prepare(self, index_at: str = IN_MEMORY, page_bytes: int = PAGE_BYTES) -> Story:
        """A story told up to the path."""
        story = new_story(self.settings, index_at, page_bytes)
        self.before(story)
        story.close()
        story.image_index()
        return story


@attrs.frozen
class Ending:
    """How a life ends. Of what was not synced everything is kept, or the first `kept` pages and names, or
    what
    `seed` decides. `keeps_index`: so is the index, whatever happens to the log. `then` is how the lives after
    it end, `afterwards` what the first of them does.
    """

    name: str
    is_kill: bool = False
    kept: int = 0
    seed: int | None = None
    keeps_index: bool = False
    page_bytes: int = PAGE_BYTES
    then: Ending | None = None
    afterwards: Act = nothing

    def end(self, story: Story) -> None:
        """End the life of the drive here."""
        story.files.on_call = Cutter(0)
        chance = Random(self.seed)
        if self.is_kill:
            story.files.kill()
        elif self.seed is not None:
            story.files.crash(lambda: chance.random() < 0.5)
        else:
            kept = iter(range(self.kept))
            story.files.crash(lambda: next(kept, None) is not None)
        story.drive.close()
        story.restore_index(self._keeps_of_index(chance))

    def _keeps_of_index(self, chance: Random) -> Callable[[int], int]:
        """How much of a write-ahead file of that size is kept."""
        if self.seed is not None and not self.keeps_index:
            return lambda size_bytes: chance.randrange(size_bytes + 1)
        is_kept = self.is_kill or self.keeps_index or self.kept
        return lambda size_bytes: size_bytes if is_kept else 0


LOSES_ALL = Ending("nothing")
INDEX_ONLY = Ending("index only", keeps_index=True)
EVERYTHING = 1 << 30


def retry(story: Story) -> None:
    """What was not answered is sent again."""
    story.retry()


KILL = Ending("kill", is_kill=True)
KILL_AND_RETRY = Ending("kill and retry", is_kill=True, afterwards=retry)
KILL_AND_GO_ON = Ending("kill and go on", is_kill=True, afterwards=go_on)


def endings(chances: int) -> Iterator[Ending]:
    """All kinds of endings; those by chance so many times, every other one by sectors."""
    yield LOSES_ALL
    yield attrs.evolve(INDEX_ONLY, then=INDEX_ONLY)
    yield from (KILL, KILL_AND_RETRY, KILL_AND_GO_ON)
    yield Ending("kill, index only", is_kill=True, then=INDEX_ONLY)
    yield Ending("everything", kept=EVERYTHING)
    for seed in range(chances):
        page_bytes = SECTOR_BYTES if seed % 2 else PAGE_BYTES
        yield Ending(f"chance {seed}", seed=seed, keeps_index=seed % 4 > 1, page_bytes=page_bytes)
        yield Ending(f"first {seed + 1}", kept=seed + 1)


@attrs.define
class Cutter:
    """Ends everything at the `at`-th changing call, and lets nothing through afterwards; 0: never."""

    at: int
    on_end: Callable[[], None] = lambda: None
    calls: int = 0
    is_over: bool = False

    def __call__(self, call: str, path: str) -> None:
        if call in CHANGING and not self.is_over:
            self.calls += 1
            self.is_over = self.calls == self.at
            if self.is_over:
                self.on_end()
        if self.is_over:
            raise PowerCut(f"{call} {path}")


def cut(story: Story, act: Act, at: int) -> bool:
    """Tell the act up to its `at`-th call; whether that was within it."""
    cutter = Cutter(at, story.image_index)
    story.files.on_call = cutter
    try:
        act(story)
    except PowerCut:
        return True
    assert not cutter.is_over, "the end was survived"
    return False


def survive(path: Path, ending: Ending, index_at: str = IN_MEMORY, arm: Act = nothing) -> int:
    """Sweep one path; how many ends that were. `arm` plants faults before each."""
    prepared = path.prepare(index_at, ending.page_bytes)
    for at in range(1, 10_000):
        story = begin(prepared, arm)
        if not cut(story, path.act, at):
            assert at > path.cuts_min, f"{path.name} has only {at - 1} calls"
            end_as_seen(story, LOSES_ALL)
            story.image_index()
            live_on(story, path, LOSES_ALL)
            return at - 1
        live_on(story, path, ending)
    raise AssertionError("the path never ended")


def survive_twice(path: Path, first: Ending, second: Ending, step: int, index_at: str = IN_MEMORY) -> int:
    """Every `step`-th end of a path, each followed by an end at every call of the recovery that comes after
    it; how many of those there were.
    """
    prepared = path.prepare(index_at, first.page_bytes)
    ends = 0
    for at in range(1, 10_000, step):
        story = begin(prepared)
        if not cut(story, path.act, at):
            return ends
        first.end(story)
        story.image_index()
        for again_at in range(1, 1_000):
            again = begin(story)
            if not cut(again, lambda story: story.drive.reopen(), again_at):
                again.drive.close()
                break
            live_on(again, path, second)
            ends += 1
    raise AssertionError("the path never ended")


@attrs.define
class Failer:
    """Fails calls of some kinds, from the `at`-th on, `times` times. `hits` counts them."""

    at: int
    code: int
    times: int
    kinds: frozenset[str] = CHANGING
    calls: int = 0
    hits: int = 0

    def __call__(self, call: str, path: str) -> None:
        if call in self.kinds:
            self.calls += 1
            if self.at <= self.calls < self.at + self.times:
                self.hits += 1
                raise OSError(self.code, f"injected at {call}", path)


def fail(story: Story, act: Act, failer: Failer) -> bool:
    """Tell the act with errors; whether the drive goes on afterwards, as it was not fenced."""
    story.files.on_call = failer
    try:
        act(story)
    except (OSError, DriveRefused):
        # What the worker fences the drive for.
        return False
    finally:
        story.files.on_call = Cutter(0)
    return True


def survive_errors(
    path: Path, ending: Ending, code: int, times: int = 1, kinds: frozenset[str] = CHANGING
) -> int:
    """Sweep one path with errors; how many calls failed. A drive that goes on must still be right, and then
    ends as one that was fenced does.
    """
    prepared = path.prepare()
    prepared.is_lossy = kinds != CHANGING
    for at in range(1, 10_000):
        story, failer = begin(prepared), Failer(at, code, times, kinds)
        goes_on = fail(story, path.act, failer)
        if not failer.hits:
            return at - 1
        if goes_on:
            story.check()
            story.retry()
            story.check()
        story.image_index()
        live_on(story, path, ending)
    raise AssertionError("the path never ended")


def begin(prepared: Story, arm: Act = nothing) -> Story:
    """The same story once more."""
    story = prepared.copy()
    story.restore_index()
    arm(story)
    return story


def live_on(story: Story, path: Path, ending: Ending) -> None:
    """End the life, and go through three more that must keep what it acknowledged."""
    then = ending.then or LOSES_ALL
    ending.end(story)
    story.check()
    ending.afterwards(story)
    end_as_seen(story, then)
    path.after(story)
    end_as_seen(story, then)
    seen = story.picture()
    story.drive.reopen()
    changed = changes(seen, story.picture())
    assert not changed, f"a second recovery changed something: {changed}"
    story.sweep()
    assert story.leftovers() == []
    story.check()
    story.drive.close()


def end_as_seen(story: Story, ending: Ending) -> None:
    """The life ends between two calls: the next one finds everything as it was."""
    seen, segments = story.picture(), story.segments()
    end_at_once(story, ending)
    back = [name for name in story.segments() if name not in segments]
    assert not back, f"segments {back} came back"
    lost = changes(seen, story.picture())
    assert not lost, f"what a life showed was not durable: {lost}"
    story.check()


def changes(before: dict[object, object], after: dict[object, object]) -> dict[object, tuple[object, object]]:
    """What is not as it was."""
    return {key: (before[key], after.get(key)) for key in before if before[key] != after.get(key)}


def end_at_once(story: Story, ending: Ending) -> None:
    """The life ends between two calls."""
    story.image_index()
    ending.end(story)
