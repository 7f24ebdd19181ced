"""A copy of a filled set, some drives of which are hit, each by a kind of damage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import attrs
import trio

from tests.geometries.damages import DAMAGES, Case, Damage
from tests.geometries.rig import Geometry, Served, Store, serving
from tests.kit.at_rest import identity_of

PATIENCE_S = 120.0
"""Far more than any of it takes: what hangs is to fail."""


@attrs.frozen
class Hit:
    """`kinds` by slot are names of DAMAGES. `chance` is the same in every run."""

    geometry: Geometry
    kinds: Mapping[int, str]
    chance: Random

    @property
    def damages(self) -> dict[int, Damage]:
        return {slot: DAMAGES[kind] for slot, kind in self.kinds.items()}

    @property
    def may_write(self) -> bool:
        """Whether as many drives serve as a write needs."""
        away = sum(damage.takes_away for damage in self.damages.values())
        return self.geometry.drives - away >= self.geometry.write_quorum


def hit_of(geometry: Geometry, kinds: Mapping[int, str]) -> Hit:
    return Hit(geometry, kinds, Random(f"{geometry.drives} {sorted(kinds.items())}"))


@asynccontextmanager
async def struck(store: Store, hit: Hit, folder: Path) -> AsyncIterator[Served]:
    """Such a set being served, after what happens to its drives at rest and while they are served."""
    geometry = hit.geometry
    filled = await store.filled(geometry)
    paths = await store.copy(geometry, folder)
    ids = [identity_of(path).drive_id for path in paths]

    def strike(*, hot: bool) -> None:
        for slot, damage in hit.damages.items():
            if damage.is_hot == hot:
                damage.hit(Case(paths[slot], slot, geometry, filled, hit.chance))
                if not damage.keeps_id:
                    ids[slot] = identity_of(paths[slot]).drive_id

    strike(hot=False)
    with trio.fail_after(PATIENCE_S):
        async with serving(paths, geometry, seed=3, ids=ids) as served:
            strike(hot=True)
            for slot, damage in hit.damages.items():
                if damage.takes_away:
                    await served.drives[slot].stop()
            yield served
