"""A real drive worker over a folder, for sets in one trio program: stopped, started, emptied and damaged at
will.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import uuid
from pathlib import Path

import attrs
import trio

from rustfs_node.bus import MemoryNet
from rustfs_node.drive.identity_file import DriveAddress, write_identity
from rustfs_node.drive.worker import run_drive
from rustfs_node.seams.clock import SystemClock
from rustfs_node.seams.real_files import RealFiles
from rustfs_node.seams.threads import ThreadPool, Threads
from rustfs_node.settings.drive import DriveSettings
from rustfs_proto.disk.identity import DriveIdentity

DEPLOYMENT = "6f3a1c52-0000-4000-8000-00000000abcd"
SETTINGS = DriveSettings(
    segment_bytes=1 << 20, segment_zero_fill=False, reserve_bytes=0, tombstone_grace_s=0.0
)


@attrs.define(eq=False)
class RealDrive:
    """The drive of one slot. `name` is what it is called on the bus."""

    net: MemoryNet
    nursery: trio.Nursery
    folder: Path
    slot: int
    drives: int
    name: str
    drive_id: str = attrs.field(factory=lambda: str(uuid.uuid4()))
    settings: DriveSettings = SETTINGS
    threads: Threads = attrs.field(factory=lambda: ThreadPool(2))
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _ended: trio.Event = attrs.field(factory=trio.Event)

    async def format(self, *, healing: bool = False) -> None:
        """Make the folder a drive, and start it."""
        self.folder.mkdir(exist_ok=True)
        identity = DriveIdentity(DEPLOYMENT, 0, self.slot, self.drives, self.drive_id, 1)
        write_identity(RealFiles(), str(self.folder), identity.healing("replaced") if healing else identity)
        await self.start()

    async def start(self) -> None:
        await self.nursery.start(self._run)

    async def stop(self) -> None:
        self._scope.cancel()
        await self._ended.wait()

    async def empty(self) -> None:
        """What a replacement by an empty drive comes to."""
        await self.stop()
        shutil.rmtree(self.folder)
        await self.format(healing=True)

    def shard_files(self) -> list[Path]:
        return [path for path in self.folder.glob("shards/*/*") if path.is_file()]

    def keeps_older_versions(self) -> bool:
        """Whether the drive's index has a row with more than one version."""
        uri = f"file:{self.folder / 'index.sqlite'}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as index:
            several = "SELECT 1 FROM rows GROUP BY space, bucket, key, sub HAVING count(*) > 1"
            return index.execute(several).fetchone() is not None

    async def _run(self, task_status: trio.TaskStatus[None]) -> None:
        self._scope, self._ended = trio.CancelScope(), trio.Event()
        try:
            with self._scope:
                bus = self.net.open_bus(self.name)
                address = DriveAddress(str(self.folder), DEPLOYMENT, 0, self.slot, self.drive_id)
                async with trio.open_nursery() as nursery:
                    clock, threads = SystemClock(), self.threads
                    await nursery.start(
                        lambda task_status: run_drive(
                            bus, address, self.settings, RealFiles(), clock, threads, task_status=task_status
                        )
                    )
                    await nursery.start(bus.run)
                    task_status.started()
        finally:
            self._ended.set()
