"""A whole set over drives in memory, in one trio run that repeats: real drive workers, a real set worker, a
client, and power that can go.

A `Machine` is four drives and lives that follow each other on them. In a cut the disks stop first: whatever
still unwinds changes nothing. Then the tasks end, and what was not synced is gone.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import TypeVar

import attrs
import trio
import trio.testing

from rustfs_node.bus import MemoryNet, TrioClock
from rustfs_node.drive.identity_file import DriveAddress, write_identity
from rustfs_node.drive.index_file import IN_MEMORY
from rustfs_node.drive.worker import run_drive
from rustfs_node.plan import drive_name
from rustfs_node.seams.memory_files import SECTOR_BYTES, PowerCut
from rustfs_node.settings.drive import KIB, DriveSettings
from rustfs_proto.disk.identity import DriveIdentity, parse_identity
from tests.kit.faulty_files import FaultyFiles, VirtualThreads
from tests.kit.sim.determinism import run_seeded
from tests.kit.sweeps import CHANGING
from tests.unit.erasureset.kit import RRS, Client, TestSet, serve_set

DEPLOYMENT = "6f3a1c52-0000-4000-8000-00000000abcd"
SETTINGS = DriveSettings(
    segment_bytes=64 * KIB,
    batch_bytes=32 * KIB,
    segment_zero_fill=False,
    rebuilt_trust_s=0.0,
    reserve_bytes=0,
    tombstone_grace_s=0.0,
    orphan_grace_s=10.0,
    sweep_grace_s=2.0,
)
LIFE_S = 600.0
"""Longer than everything that a story waits for: virtual seconds, which cost little."""

T = TypeVar("T")


@attrs.define(eq=False)
class Drive:
    """One drive's hardware. `is_out`: it is not started."""

    slot: int
    files: FaultyFiles
    address: DriveAddress
    is_out: bool = False

    @property
    def identity(self) -> DriveIdentity:
        return parse_identity(self.files.read_file(f"{self.address.path}/rustfs.json"))

    async def run(self, net: MemoryNet) -> None:
        """Serve until cancelled, or until the power goes."""
        bus = net.open_bus(drive_name(0, self.slot))
        async with trio.open_nursery() as nursery:
            threads, log_threads = VirtualThreads(self.files), VirtualThreads(self.files, 1)
            await nursery.start(
                lambda task_status: run_drive(
                    bus, self.address, SETTINGS, self.files, TrioClock(), threads,
                    log_threads=log_threads, index_at=IN_MEMORY, task_status=task_status,
                )
            )  # fmt: skip
            await nursery.start(bus.run)


class WrongClock(TrioClock):
    """A clock whose wall time somebody has moved by `off_ms`."""

    off_ms = 0

    def wall_ms(self) -> int:
        return super().wall_ms() + self.off_ms


@attrs.define(eq=False)
class Machine:
    """Drives, and what ends their lives: the `at`-th changing call on those in `cut_slots`, together. `clock`
    is that of the set worker, in all lives.
    """

    drives: list[Drive]
    seed: int = 0
    at: int = 0
    cut_slots: tuple[int, ...] = ()
    calls: int = 0
    is_over: bool = False
    lives: int = 0
    clock: WrongClock = attrs.field(factory=WrongClock)

    def __attrs_post_init__(self) -> None:
        for drive in self.drives:
            drive.files.on_call = partial(self._see, drive.slot)

    def _see(self, slot: int, call: str, path: str) -> None:
        if slot in self.cut_slots:
            if call in CHANGING and not self.is_over:
                self.calls += 1
                self.is_over = self.calls == self.at
            if self.is_over:
                raise PowerCut(f"{slot}: {call} {path}")

    def live(self, story: Callable[[TestSet[Drive]], Awaitable[T]]) -> T | None:
        """One life of the machine; None where the power went before its end."""
        self.lives += 1
        try:
            return run_seeded(self.seed, partial(self._live, story))
        except BaseExceptionGroup as group:
            if group.split(PowerCut)[1] is not None:
                raise
            return None

    async def _live(self, story: Callable[[TestSet[Drive]], Awaitable[T]]) -> T:
        # Every life is later than the one before.
        await trio.sleep(1000.0 * self.lives)
        net = MemoryNet()
        with trio.fail_after(LIFE_S):
            return await self._serve(net, story)

    async def _serve(self, net: MemoryNet, story: Callable[[TestSet[Drive]], Awaitable[T]]) -> T:
        async with trio.open_nursery() as nursery:
            for drive in self.drives:
                if not drive.is_out:
                    nursery.start_soon(self._run_drive, drive, net)
            # Until each of them serves, or has lost its power.
            await trio.testing.wait_all_tasks_blocked()
            settings: dict[str, object] = {"commit_timeout_s": 5.0}
            running = await serve_set(
                nursery, net, self.drives, None, settings, self.lives, self.clock, [(RRS, 1)]
            )
            result = await story(running)
            nursery.cancel_scope.cancel()
        return result

    async def _run_drive(self, drive: Drive, net: MemoryNet) -> None:
        """Where only some drives lose their power, the others go on without them."""
        try:
            await drive.run(net)
        except* PowerCut:
            if len(self.cut_slots) == len(self.drives):
                raise

    def end(self, keeps: Callable[[], bool] = lambda: False) -> None:
        """The power is gone and comes back."""
        self.is_over, self.at = False, 0
        for drive in self.drives:
            if drive.slot in self.cut_slots:
                drive.files.crash(keeps)
            else:
                drive.files.kill()


def new_machine(drives: int = 4, seed: int = 0, page_bytes: int = SECTOR_BYTES) -> Machine:
    """Formatted drives that were never started."""
    made = []
    for slot in range(drives):
        files = FaultyFiles(seed=slot, page_bytes=page_bytes)
        files.make_folder("/drive")
        files.sync_folder("/")
        drive_id = str(uuid.UUID(int=slot + 1))
        write_identity(files, "/drive", DriveIdentity(DEPLOYMENT, 0, slot, drives, drive_id, 1))
        made.append(Drive(slot, files, DriveAddress("/drive", DEPLOYMENT, 0, slot, drive_id)))
    return Machine(made, seed, cut_slots=tuple(range(drives)))


def chance_of(seed: int) -> Callable[[], bool]:
    random = Random(seed)
    return lambda: random.random() < 0.5


__all__ = ["SETTINGS", "Client", "Drive", "Machine", "chance_of", "new_machine"]
