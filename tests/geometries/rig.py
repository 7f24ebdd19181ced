"""Sets of any size over real drive workers and real folders, in one trio program.

Filling a set costs more than looking at it, so each geometry is filled once, put to rest in order, and
counted: all shards of all versions are on all drives. Each test then begins with a copy of those folders,
does to some drives what it wants, and serves them by a set worker of its own.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import attrs
import trio

from rustfs_node.bus import MemoryNet
from rustfs_node.drive.identity_file import write_identity
from rustfs_node.plan import drive_name
from rustfs_node.seams.real_files import RealFiles
from rustfs_node.seams.threads import InlineThreads
from rustfs_node.settings.drive import KIB, DriveSettings
from rustfs_proto.disk.identity import DriveIdentity
from rustfs_proto.erasure.geometry import default_parity, write_quorum
from rustfs_proto.wire.drive_ops import DriveStatus
from tests.geometries import contents
from tests.kit import census, corrupt
from tests.kit.at_rest import identity_of
from tests.unit.erasureset.kit import Client, serve_set
from tests.unit.erasureset.real_drive import DEPLOYMENT, RealDrive

SETTINGS = DriveSettings(
    # A few records fill a segment, so that there are sealed ones.
    segment_bytes=16 * KIB,
    batch_bytes=8 * KIB,
    segment_zero_fill=False,
    reserve_bytes=0,
    tombstone_grace_s=0.0,
)
SET = {
    "stripe_bytes": contents.STRIPE_BYTES,
    "inline_bytes_max": 1024,
    # No write leaves a drive behind for being slow: on a busy machine shards would be missing by chance.
    "straggler_wait_s": 60.0,
    "lag_blocks_max": 1000,
}


@attrs.frozen
class Geometry:
    """A set of that many drives at its default parity."""

    drives: int

    @property
    def m(self) -> int:
        return default_parity(self.drives)

    @property
    def k(self) -> int:
        return self.drives - self.m

    @property
    def write_quorum(self) -> int:
        return write_quorum(self.k, self.m)


@attrs.frozen
class Filled:
    """A filled set at rest: the folder of its drives, and each drive as it was in the middle of filling."""

    folder: Path
    early: tuple[corrupt.Keepsake, ...]


@attrs.define(eq=False)
class Served:
    """A set that is being served."""

    geometry: Geometry
    net: MemoryNet
    drives: list[RealDrive]
    client: Client

    async def catch_up(self) -> None:
        """Wait until every drive has committed what was acknowledged: a write waits for a quorum only."""
        stamp = await self.client.put(b"last", b"")
        names = [drive.name for drive in self.drives]
        watcher = self.net.open_bus("watcher", names)
        async with trio.open_nursery() as nursery:
            await nursery.start(watcher.run)
            for name in names:
                # A drive takes commits in the order in which they come, so this one is its last.
                while True:
                    reply = await watcher.call(name, DriveStatus(), deadline_s=60)
                    if reply.message.newest_stamp >= stamp:
                        break
            nursery.cancel_scope.cancel()
        await self.client.delete(b"last")


class Store:
    """Filled sets of every geometry, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._filled: dict[int, Filled] = {}

    async def filled(self, geometry: Geometry) -> Filled:
        """That set at rest; nobody may change its files."""
        if geometry.drives not in self._filled:
            self._filled[geometry.drives] = await self._fill(geometry)
        return self._filled[geometry.drives]

    async def copy(self, geometry: Geometry, folder: Path) -> tuple[Path, ...]:
        """The folders of the drives of such a set, for the caller to do with as it likes."""
        filled = await self.filled(geometry)
        shutil.copytree(filled.folder, folder)
        return folders_of(folder, geometry)

    async def _fill(self, geometry: Geometry) -> Filled:
        folder = self._folder / f"n{geometry.drives}"
        paths = folders_of(folder, geometry)
        for slot, path in enumerate(paths):
            path.mkdir(parents=True)
            format_drive(path, geometry, slot)
        async with serving(paths, geometry, seed=1) as served:
            await contents.fill_first(served.client)
            await served.catch_up()
        early = tuple(corrupt.remember(path) for path in paths)
        async with serving(paths, geometry, seed=2) as served:
            await contents.fill_rest(served.client)
            await served.catch_up()
            await contents.check(served.client, Random(1))
        found = census.take(paths)
        assert not found.lacking(found.current()), found.lacking(found.current())
        return Filled(folder, early)


def folders_of(folder: Path, geometry: Geometry) -> tuple[Path, ...]:
    return tuple(folder / f"d{slot}" for slot in range(geometry.drives))


def format_drive(path: Path, geometry: Geometry, slot: int, *, healing: bool = False) -> None:
    """Make an empty folder a drive of the set; with `healing` one that replaces another."""
    identity = DriveIdentity(DEPLOYMENT, 0, slot, geometry.drives, str(uuid.uuid4()), 1)
    write_identity(RealFiles(), str(path), identity.healing("replaced") if healing else identity)


@asynccontextmanager
async def serving(
    paths: Sequence[Path], geometry: Geometry, seed: int, ids: Sequence[str] = ()
) -> AsyncIterator[Served]:
    """All drives in those folders, and the set over them. Each life of a set needs a `seed` of its own. `ids`
    are those that the plan expects, by default what the drives say themselves.
    """
    net = MemoryNet()
    async with trio.open_nursery() as nursery:
        drives = [
            RealDrive(
                net,
                nursery,
                path,
                slot,
                geometry.drives,
                drive_name(0, slot),
                ids[slot] if ids else identity_of(path).drive_id,
                SETTINGS,
                # All in one thread: with files this small a hop costs more than the work.
                InlineThreads(),
            )
            for slot, path in enumerate(paths)
        ]
        for drive in drives:
            await drive.start()
        a_set = await serve_set(nursery, net, drives, geometry.m, dict(SET), seed)
        yield Served(geometry, net, drives, a_set.client)
        for drive in drives:
            await drive.stop()
        nursery.cancel_scope.cancel()
