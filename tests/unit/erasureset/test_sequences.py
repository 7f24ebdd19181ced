"""Sequences count how versions are kept, tell the kinds of damage apart, and heal: on real drives, judged by
the census.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
import trio

from rustfs_proto.erasure.placement import first_slot
from rustfs_proto.wire.faults import FaultCode
from rustfs_proto.wire.sequence_ops import (
    ENDED,
    FINISHED,
    STOPPED,
    Scope,
    SequenceItem,
    SequenceStart,
    SequencesTell,
    SequencesTold,
    SequenceStop,
    SequenceView,
)
from tests.kit import corrupt
from tests.kit.sample import sampled
from tests.unit.erasureset.kit import TestSet, running_real_set
from tests.unit.erasureset.real_drive import RealDrive
from tests.unit.erasureset.test_healing import census_of, fill, numbers
from tests.unit.erasureset.test_objects import body_of

SMALL, LARGE = 2000, 41_000
"""Sizes of an object in the log, and of one in files."""

AT_REST: dict[str, object] = {
    "heal_pause_s": 600.0,
    "heal_retry_s": 0.05,
    "heal_fresh_s": 1.0,
    "status_period_s": 0.1,
}
"""Notes are not healed while a test looks, and it is soon seen that a drive is back."""


@asynccontextmanager
async def a_set_with(tmp_path: Path, *sizes: int, drives: int = 4) -> AsyncIterator[TestSet[RealDrive]]:
    """Objects k0, k1 ... of those sizes."""
    async with running_real_set(tmp_path, drives, **AT_REST) as a_set:
        for number, size in enumerate(sizes):
            await a_set.client.put(b"k%d" % number, body_of(size, number))
        await at_rest(a_set)
        yield a_set


async def at_rest(a_set: TestSet[RealDrive]) -> None:
    """Return when every drive has what was written: on a slow machine one may have missed something."""
    with trio.fail_after(60):
        while (await sequence(a_set, f"at rest {next(numbers)}", Scope())).found:
            pass


async def sequence(a_set: TestSet[RealDrive], name: str, *scopes: Scope, **order: bool) -> SequenceView:
    """How it is when it has ended."""
    await a_set.client.ask(SequenceStart(name, scopes or (Scope("b"),), **order))
    return await ended(a_set, name)


async def ended(a_set: TestSet[RealDrive], name: str) -> SequenceView:
    with trio.fail_after(60):
        while True:
            told = await a_set.client.ask(SequencesTell(name))
            assert isinstance(told, SequencesTold)
            if told.sequences[0].state in ENDED:
                return told.sequences[0]
            await trio.sleep(0.01)


async def test_versions_at_rest_are_counted_and_nothing_is_found(tmp_path: Path) -> None:
    """Objects, versions, delete markers, uploads: all of it is full; by bucket, prefix or key, or all."""
    async with a_set_with(tmp_path) as a_set:
        await fill(a_set, 1)
        await at_rest(a_set)
        view = await sequence(a_set, "all", Scope(), deep=True)
        assert (view.state, view.found, view.failed) == (FINISHED, {}, 0)
        assert view.protections == {"full": view.versions}
        assert view.rows > view.versions > view.objects
        assert view.size_bytes > 0
        of_bucket = await sequence(a_set, "b", Scope("b"))
        assert (of_bucket.objects, of_bucket.versions) == (5, 5)
        of_versions = await sequence(a_set, "v", Scope("v"))
        assert (of_versions.objects, of_versions.versions) == (1, 3)
        assert (await sequence(a_set, "p", Scope("b", b"k4"))).versions == 1
        assert (await sequence(a_set, "k", Scope("b", b"k", is_exact=True))).versions == 1
        assert (await sequence(a_set, "n", Scope("b", b"nothing"))).versions == 0


def cut(drive: RealDrive) -> None:
    path = drive.shard_files()[0]
    corrupt.cut_file(drive.folder, str(path), path.stat().st_size // 2)


def misplace(drive: RealDrive) -> None:
    """Two files of one drive under each other's names: whole, and each of another name."""
    one, other = sorted(map(str, drive.shard_files()))[:2]
    corrupt.swap_files(drive.folder, one, other)


KINDS: dict[str, tuple[Callable[[RealDrive], object], dict[str, int], bool]] = {
    "a file is gone": (lambda drive: drive.shard_files()[0].unlink(), {"missing": 1}, False),
    "a file is cut": (cut, {"truncated": 1}, False),
    "bits of files": (lambda drive: corrupt.damage_shard_tails(drive.folder), {"corrupt": 2}, True),
    "files of other names": (misplace, {"wrong identity": 2}, True),
    "bits of records": (lambda drive: corrupt.damage_record_data(drive.folder), {"corrupt": 2}, False),
}


@pytest.mark.parametrize("kind", sampled(list(KINDS)))
async def test_each_kind_of_damage_is_told_apart_counted_and_healed(tmp_path: Path, kind: str) -> None:
    """A dry run counts it and changes nothing; a heal repairs it, and a second one finds nothing."""
    damage, expected, is_deep = KINDS[kind]
    async with a_set_with(tmp_path, SMALL, SMALL, LARGE, LARGE) as a_set:
        damage(a_set.drives[1])
        if is_deep:
            assert (await sequence(a_set, "shallow", dry_run=True)).found == {}
        for name in ("dry", "dry again"):
            view = await sequence(a_set, name, dry_run=True, deep=is_deep)
            assert (view.found, view.repaired) == (expected, {})
            bad = sum(expected.values())
            assert view.protections == {"degraded": bad, "full": 4 - bad}
        healed = await sequence(a_set, "heal", deep=is_deep)
        assert (healed.found, healed.repaired, healed.failed) == (expected, expected, 0)
        assert healed.protections == {"full": 4}
        assert (await sequence(a_set, "after", deep=True)).found == {}
        found = await census_of(a_set)
        assert found.lacking(found.current()) == {}


async def test_a_file_that_is_still_open_is_missed_all_the_same(tmp_path: Path) -> None:
    """A drive keeps files open that clients read: one that is gone can be read on, and is written again."""
    async with a_set_with(tmp_path, LARGE) as a_set:
        drive = a_set.drives[first_slot("b", b"k0", 4)]
        assert await a_set.client.get(b"k0") == body_of(LARGE, 0)
        drive.shard_files()[0].unlink()
        healed = await sequence(a_set, "heal")
        assert (healed.found, healed.repaired) == ({"missing": 1}, {"missing": 1})
        assert len(drive.shard_files()) == 1


async def test_what_a_drive_missed_is_stale_or_missing_until_it_is_healed(tmp_path: Path) -> None:
    """Overwritten, removed and new objects; while the drive is away its shards are away, not damaged."""
    async with a_set_with(tmp_path, SMALL, LARGE, SMALL) as a_set:
        await a_set.drives[2].stop()
        await a_set.client.put(b"k1", body_of(LARGE, 7))
        await a_set.client.delete(b"k2")
        await a_set.client.put(b"new", body_of(SMALL, 8))
        away = await sequence(a_set, "away")
        assert (away.found, away.failed) == ({"away": 3}, 0)
        assert away.protections == {"degraded": 3}
        await a_set.drives[2].start()
        view = away
        with trio.fail_after(60):
            for number in count():
                view = await sequence(a_set, f"back {number}", dry_run=True)
                if "away" not in view.found:
                    break
        assert view.found == {"missing": 1, "stale": 2}
        healed = await sequence(a_set, "heal")
        assert healed.repaired == {"missing": 1, "stale": 2}
        assert healed.protections == {"full": 3}
        found = await census_of(a_set)
        assert found.lacking(found.current()) == {}


async def test_protection_says_how_many_drives_may_yet_be_lost(tmp_path: Path) -> None:
    """Of 2+2: with one shard less a version is degraded, with two at risk, with three it cannot be read; what
    cannot be healed is told with a reason, and the rest is healed all the same.
    """
    async with a_set_with(tmp_path, *[LARGE] * 4) as a_set:
        for slot in range(3):
            names = sorted(a_set.drives[slot].shard_files())
            for path in names[slot:3]:
                path.unlink()
        view = await sequence(a_set, "count", dry_run=True)
        assert view.protections == {"full": 1, "degraded": 1, "at_risk": 1, "unreadable": 1}
        assert view.found == {"missing": 6}
        healed = await sequence(a_set, "heal")
        assert healed.protections == {"full": 3, "unreadable": 1}
        assert (healed.failed, len(healed.failures)) == (1, 1)
        assert healed.failures[0].bucket == "b"
        assert healed.failures[0].reason


async def test_versions_are_told_one_by_one_to_who_asked_for_it(tmp_path: Path) -> None:
    """With each drive's shard before and after, and once each."""
    async with a_set_with(tmp_path, LARGE, SMALL, SMALL) as a_set:
        a_set.drives[0].shard_files()[0].unlink()
        started = await a_set.client.ask(SequenceStart("told", (Scope("b"),), items=True))
        assert isinstance(started, SequencesTold)
        items: list[SequenceItem] = []
        with trio.fail_after(60):
            while len(items) < 3:
                items += (await a_set.client.ask(SequencesTell("told", items=2))).items
        by_key = {item.key: item for item in items}
        assert by_key[b"k0"].before == ("missing", "", "", "")
        assert {item.after for item in items} == {("", "", "", "")}
        assert len(by_key) == 3
        assert (await a_set.client.ask(SequencesTell("told", items=2))).items == ()


async def test_nobody_is_waited_for_who_does_not_listen(tmp_path: Path) -> None:
    """A sequence of which versions are to be told goes on after a while, though none of them is taken."""
    patience = {"heal_items_max": 2, "heal_items_wait_s": 0.3}
    async with running_real_set(tmp_path, 4, **AT_REST | patience) as a_set:
        for number in range(40):
            await a_set.client.put(b"k%d" % number, b"some bytes")
        with trio.fail_after(30):
            view = await sequence(a_set, "unheard", items=True)
        assert (view.state, view.versions) == (FINISHED, 40)
        assert len((await a_set.client.ask(SequencesTell("unheard", items=9))).items) == 2


async def test_sequences_are_stopped_and_only_so_many_are_known(tmp_path: Path) -> None:
    """One that is stopped has ended; of those that have, the oldest is forgotten; an id is used once."""
    async with running_real_set(tmp_path, 4, **AT_REST, heal_sequences_max=3) as a_set:
        ask = a_set.client.ask
        assert await a_set.client.fault_of(SequenceStop("none")) is FaultCode.NOT_FOUND
        for name in ("one", "two", "three", "four"):
            await sequence(a_set, name)
        known = await ask(SequencesTell())
        assert [view.id for view in known.sequences] == ["two", "three", "four"]
        assert await a_set.client.fault_of(SequenceStart("four", (Scope(),))) is FaultCode.CONFLICT
        assert (await ask(SequencesTell("one"))).sequences == ()


async def test_a_sequence_that_cannot_go_on_is_stopped_when_it_is_told(tmp_path: Path) -> None:
    """Three of four drives are away: nothing can be listed, so it waits for them; a full table refuses."""
    async with running_real_set(tmp_path, 4, **AT_REST, heal_sequences_max=1) as a_set:
        for drive in a_set.drives[1:]:
            await drive.stop()
        await a_set.client.ask(SequenceStart("stuck", (Scope(),)))
        full = await a_set.client.fault_of(SequenceStart("other", (Scope(),)))
        assert full is FaultCode.OVERLOADED
        await a_set.client.ask(SequenceStop("stuck"))
        assert (await ended(a_set, "stuck")).state == STOPPED


async def test_a_sequence_outlives_a_drive_that_is_restarted_amid_it(tmp_path: Path) -> None:
    """It goes on behind the last row that it has seen, and counts each version once."""
    async with a_set_with(tmp_path, *[200] * 60) as a_set:
        await a_set.client.ask(SequenceStart("long", (Scope("b"),), items=True))
        await a_set.drives[3].stop()
        await a_set.drives[3].start()
        view = await ended(a_set, "long")
        assert (view.state, view.versions, view.objects) == (FINISHED, 60, 60)
