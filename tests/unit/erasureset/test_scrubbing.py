"""What the scrub of a drive finds is healed, without anybody having read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

import attrs
import pytest
import trio

from rustfs_node.plan import drive_name
from rustfs_proto.wire.drive_ops import Commit, DriveStatus, DriveStatusReply, Space
from rustfs_proto.wire.heal_ops import FoundKey, TakeFindings
from tests.kit import census, corrupt
from tests.unit.erasureset.kit import TestSet, running_real_set, running_set
from tests.unit.erasureset.real_drive import SETTINGS, RealDrive
from tests.unit.erasureset.test_healing import AT_ONCE, census_of, fill, numbers
from tests.unit.erasureset.test_healing import until as until_so

FLAT_OUT = attrs.evolve(
    SETTINGS,
    scrub_period_s=0.01,
    scrub_keep_s=0.1,
    scrub_yield_s=0.0,
    scrub_bytes_per_s=1 << 40,
    tick_s=0.02,
)
"""Round after round, without rests."""

Statuses = Sequence[DriveStatusReply]


async def until(a_set: TestSet[RealDrive], what: Callable[[Statuses], bool]) -> Statuses:
    """Return what the drives say of themselves when it is so."""
    names = [drive_name(0, slot) for slot in range(len(a_set.drives))]
    bus = a_set.net.open_bus(f"asker {next(numbers)}", names)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await nursery.start(bus.run)
            while True:
                said = [(await bus.call(name, DriveStatus(), deadline_s=5)).message for name in names]
                if what(said):
                    break
                await trio.sleep(0.02)
            nursery.cancel_scope.cancel()
    return said


async def until_rounds_find_nothing(a_set: TestSet[RealDrive]) -> None:
    """Return when two rounds of each drive have found nothing, and there are no notes."""
    found: Statuses = ()

    def is_quiet(said: Statuses) -> bool:
        nonlocal found
        is_changed = [one.scrub.found for one in said] != [one.scrub.found for one in found]
        if is_changed or any(one.heal_notes for one in said):
            found = said
        return all(one.scrub.rounds > old.scrub.rounds + 1 for one, old in zip(said, found, strict=True))

    await until(a_set, is_quiet)


def flip_data(folder: Path) -> int:
    """Each inline record, and each shard file in another way: a bit, gone, halved, or without its last frame,
    as if there had never been one.
    """
    ways = cycle((corrupt.flip_shard_tail, corrupt.lose_file, halve, cut_last_frame))
    for path, way in zip(sorted(folder.glob("shards/*/*")), ways, strict=False):
        way(folder, str(path))
    return corrupt.damage_record_data(folder)


def halve(folder: Path, path: str) -> None:
    corrupt.cut_file(folder, path, Path(path).stat().st_size // 2)


def cut_last_frame(folder: Path, path: str) -> None:
    corrupt.cut_file(folder, path, Path(path).stat().st_size - 4096)


def flip_all(folder: Path) -> int:
    """Records of every kind, deletes too, and the files that they name."""
    return corrupt.damage_record_bodies(folder) + corrupt.damage_shard_tails(folder)


def count(a_set: TestSet[RealDrive]) -> census.Census:
    """What the drives hold, which are being served meanwhile."""
    return census.take([drive.folder for drive in a_set.drives])


@pytest.mark.parametrize(
    ("hit", "slots"),
    [(flip_data, {0, 3}), (flip_all, {1}), (corrupt.swap_shard_files, {2})],
    ids=["m-drives", "one-drive", "swapped"],
)
async def test_what_is_damaged_is_found_and_healed(
    tmp_path: Path, hit: Callable[[Path], int], slots: set[int]
) -> None:
    """Of all versions, deletes and uploads: a moment later every drive has all of it again. A set that
    nothing happened to has no findings.
    """
    async with running_real_set(tmp_path, 4, FLAT_OUT, **AT_ONCE) as a_set:
        await fill(a_set, 1)
        await fill(a_set, 2)
        with trio.fail_after(60):
            # A write is answered when a quorum has it.
            while (found := count(a_set)).lacking(found.current()):  # noqa: ASYNC110
                await trio.sleep(0.02)
        await until_rounds_find_nothing(a_set)
        assert not any(one.scrub.found for one in await until(a_set, bool))
        for slot in slots:
            assert hit(a_set.drives[slot].folder)
        hurt = count(a_set)
        assert {slot for held in hurt.lacking(hurt.current()).values() for slot in held} == slots
        await until(a_set, lambda said: {slot for slot, one in enumerate(said) if one.scrub.found} == slots)
        await until_rounds_find_nothing(a_set)
        found = await census_of(a_set)
        assert found.lacking(found.current()) == {}


async def test_a_finding_stays_until_it_is_noted() -> None:
    """While no drive takes the note the drive keeps what it found, and hears of it once there is one."""
    async with running_set(4, **AT_ONCE) as a_set:
        finder, found = a_set.drives[2], FoundKey("b", b"k")
        await a_set.client.put(b"k", b"some bytes")
        for drive in a_set.drives:
            drive.refuses_where = is_note
        finder.findings.append(found)
        finder.seen.clear()
        await until_so(lambda: finder.seen.count(TakeFindings()) > 3)
        assert finder.findings == [found]
        assert TakeFindings((found,)) not in finder.seen
        a_set.drives[0].refuses_where = lambda _: False
        await until_so(lambda: not finder.findings)
        assert a_set.drives[0].rows[Space.HEAL, "b", b"k", b""]


def is_note(message: object) -> bool:
    return isinstance(message, Commit) and message.space == Space.HEAL
