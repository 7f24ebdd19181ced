"""Every geometry from 1 to 16 drives at its default parity, with m drives hit, and with one more.

Which kinds: up to four drives every kind of damage; above, of each family (drives stopped, emptied and taken
for others; log; shard files; index) one kind for each geometry, so that all are met in turn. Which m drives:
the first, the last, those spread evenly, or some by chance, the same in every run. The suite takes every
third of these, `make long` the others.

`EVERY_COMBINATION=1 pytest tests/geometries/test_matrix.py` takes every kind in every geometry with every
combination of m drives: 200,000 sets, which takes a day; `-k 3+2` or `-k shard` takes a part of it.
"""

from __future__ import annotations

import os
from itertools import combinations
from math import comb
from pathlib import Path
from random import Random

import pytest

from rustfs_proto.erasure.geometry import DRIVES_MAX
from tests.geometries import contents
from tests.geometries.damages import DAMAGES
from tests.geometries.hits import Hit, hit_of, struck
from tests.geometries.rig import Geometry, Store
from tests.kit.sample import sampled

EVERY = bool(os.environ.get("EVERY_COMBINATION"))
SMALL_DRIVES = 4
DRAWS = 50 if EVERY else 1
OFTEN = ("stopped", "emptied")
"""Kinds that are tried on more than one selection, on all of them up to four drives."""


def geometries_of(kind: str) -> list[Geometry]:
    """Those that meet that kind of damage."""
    found = [Geometry(drives) for drives in range(1, DRIVES_MAX + 1)]
    family = [name for name in DAMAGES if name.partition("-")[0] == kind.partition("-")[0]]
    turn = family.index(kind)
    return [
        geometry
        for geometry in found
        if EVERY or geometry.drives <= SMALL_DRIVES or geometry.drives % len(family) == turn
    ]


CASES = [
    pytest.param(kind, geometry, id=f"{geometry.k}+{geometry.m}-{kind}")
    for kind in DAMAGES
    for geometry in geometries_of(kind)
]
CASES.sort(key=lambda case: case.values[1].drives)
SAMPLE = CASES if EVERY else sampled(CASES)


def selections(geometry: Geometry, kind: str) -> list[tuple[int, ...]]:
    """The sets of m drives that are hit."""
    n, m = geometry.drives, geometry.m
    chance = Random(f"{n} {kind}")
    if EVERY or comb(n, m) <= (6 if kind in OFTEN else 2):
        return list(combinations(range(n), m))
    spread = tuple(number * n // m for number in range(m))
    extremes = [tuple(range(m)), tuple(range(n - m, n)), spread]
    by_chance = tuple(sorted(chance.sample(range(n), m)))
    if kind in OFTEN:
        return list(dict.fromkeys([chance.choice(extremes), by_chance]))
    return [chance.choice([*extremes, by_chance, by_chance])]


@pytest.mark.parametrize(("kind", "geometry"), SAMPLE)
async def test_any_m_drives(store, geometry, kind, folder):
    """With m drives hit all is read, in whole and in part, and listed; what was removed stays away; and what
    is written then, by as many drives as a write needs, is read too.
    """
    for number, slots in enumerate(selections(geometry, kind)):
        await check_all(store, hit_of(geometry, dict.fromkeys(slots, kind)), folder / str(number))


@pytest.mark.parametrize(("kind", "geometry"), SAMPLE)
async def test_one_drive_more(store, geometry, kind, folder):
    """With m + 1 drives hit whatever is answered is right; what can no longer be read is refused for want of
    drives, and so are writes where too few drives are left.
    """
    chance = Random(f"one more {geometry.drives} {kind}")
    slots = chance.sample(range(geometry.drives), geometry.m + 1)
    hit = hit_of(geometry, dict.fromkeys(slots, kind))
    async with struck(store, hit, folder / "set") as served:
        tried = await contents.check_right_or_refused(served.client)
        assert tried.refused >= DAMAGES[kind].lost
        if not hit.may_write:
            await contents.check_writes_refused(served.client)


@pytest.mark.parametrize(("kind", "geometry"), [case for case in SAMPLE if "index" in case.values[0]])
async def test_every_index(store, geometry, kind, folder):
    """The index holds nothing of its own: lost or damaged on all drives at once it is made anew, and all is
    there.
    """
    await check_all(store, hit_of(geometry, dict.fromkeys(range(geometry.drives), kind)), folder / "set")


@pytest.mark.parametrize("drives", sampled(range(4, DRIVES_MAX + 1)))
async def test_every_drive_its_own_way(store, drives, folder):
    """The m drives need not be hit alike."""
    geometry = Geometry(drives)
    chance = Random(f"mixed {drives}")
    for number in range(DRAWS):
        slots = chance.sample(range(drives), geometry.m)
        kinds = chance.sample(list(DAMAGES), geometry.m)
        await check_all(store, hit_of(geometry, dict(zip(slots, kinds, strict=True))), folder / str(number))


async def check_all(store: Store, hit: Hit, folder: Path) -> None:
    """Everything is read, and written where enough drives serve."""
    async with struck(store, hit, folder) as served:
        await contents.check(served.client, hit.chance)
        if hit.may_write:
            await contents.write(served.client, hit.chance)
        else:
            await contents.check_writes_refused(served.client)
