"""The author of faults: draws them, lets them happen, and undoes them after a while.

Each kind is one method, `_fault_<kind>`, which harms, waits, and makes good again. Kinds overlap in any way
that the atlas grants.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import trio

from tests.kit.faulty_files import FaultyFiles
from tests.kit.sim.atlas import GEOMETRIES, Atlas, Swarm
from tests.kit.sim.node import SimNode

TRANSIENT = (
    "crash", "crash_drive", "crash_amid", "power", "power_amid", "blackout", "crash_all", "slow", "stuck",
    "lag", "cut", "clog", "breakage", "swizzle", "read_error", "sync_error", "full", "clock",
)  # fmt: skip
LOSS = (
    "crash", "crash_drive", "crash_amid", "power", "power_amid", "slow", "stuck", "cut", "clog", "breakage",
    "read_error", "sync_error", "full", "empty", "flip", "lose_file",
)  # fmt: skip
IO_ERRORS = frozenset({"drive_fenced", "drive_refused"})
LOSS_ERRORS = IO_ERRORS | {"drive_lost_data", "index_damaged"}
_FAILING = frozenset({"read_error", "sync_error"})


def explained(swarm: Swarm) -> frozenset[str]:
    """Lines of the log at level error that the faults of a run explain."""
    if swarm.is_loss:
        return LOSS_ERRORS
    return IO_ERRORS if _FAILING & set(swarm.kinds) else frozenset()


def draw_swarm(random: Random) -> Swarm:
    """The options of a seed."""
    geometry = random.choice(GEOMETRIES)
    is_loss = geometry.parity > 0 and random.random() < 0.35
    known = LOSS if is_loss else TRANSIENT
    kinds = tuple(kind for kind in known if random.random() < 0.5) or known[:2]
    return Swarm(geometry, is_loss, kinds, pause_s=random.choice((0.7, 1.5, 4.0)))


class Nemesis:
    """Harms one node."""

    def __init__(self, node: SimNode, atlas: Atlas, random: Random) -> None:
        self._node = node
        self._atlas = atlas
        self._random = random
        self._world = node.world
        self.happened: dict[str, int] = {}

    async def run(self) -> None:
        """For ever."""
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(self._random.expovariate(1 / self._atlas.swarm.pause_s))
                kind = self._random.choice(self._atlas.swarm.kinds)
                nursery.start_soon(getattr(self, f"_fault_{kind}"))
                self._world.trace.note("fault", kind)
                self.happened[kind] = self.happened.get(kind, 0) + 1

    async def heal(self) -> None:
        """No faults any more, and everything runs. Drives that were fenced are started again by hand."""
        self._world.trace.note("heal")
        self._world.shift_ms = 0
        self._node.net.repair_all()
        for name, disk in self._node.disks.items():
            disk.heal()
            if disk.failed_calls:
                self._node.crash(name)
        await self._node.start_all()

    # Choices

    @asynccontextmanager
    async def _drive(self) -> AsyncIterator[str | None]:
        """One that may be disturbed, until the end of the block; None where none may."""
        name = self._random.choice(self._atlas.victims)
        async with self._atlas.disturbing(name) as is_granted:
            yield name if is_granted else None

    @asynccontextmanager
    async def _wire(self) -> AsyncIterator[tuple[str, str] | None]:
        """The same for a connection."""
        wires = self._atlas.wires()
        if not wires:
            yield None
            return
        wire = self._random.choice(wires)
        async with self._atlas.disturbing(wire[1]) as is_granted:
            yield wire if is_granted else None

    async def _pause(self, mean_s: float) -> None:
        await trio.sleep(min(self._random.expovariate(1 / mean_s), 10 * mean_s))

    async def _revive(self, *names: str) -> None:
        await self._pause(self._random.choice((0.1, 2.0, 8.0)))
        for name in names:
            if not self._node.processes[name].is_running:
                await self._node.start(name)

    # Processes

    async def _fault_crash(self) -> None:
        """Of a set worker or an acceptor."""
        others = self._atlas.killable()
        name = self._random.choice(others)
        self._node.crash(name)
        await self._revive(name)

    async def _fault_crash_drive(self) -> None:
        async with self._drive() as name:
            if name:
                self._node.crash(name)
                await self._revive(name)

    async def _fault_crash_all(self) -> None:
        self._node.crash_all()
        await self._revive(*self._node.processes)

    async def _fault_crash_amid(self) -> None:
        """In the middle of what a drive does to its files."""
        async with self._drive() as name:
            if name:
                self._node.disks[name].cut(self._random.randrange(1, 40), lambda: self._node.crash(name))
                await self._revive(name)

    # Power

    async def _fault_power(self) -> None:
        async with self._drive() as name:
            if name:
                self._node.cut_power(name)
                await self._revive(name)

    async def _fault_power_amid(self) -> None:
        async with self._drive() as name:
            if name:
                self._node.disks[name].cut(self._random.randrange(1, 40), lambda: self._node.cut_power(name))
                await self._revive(name)

    async def _fault_blackout(self) -> None:
        """Of the machine, at once or in the middle of what a drive does to its files."""
        if self._random.random() < 0.5:
            self._node.cut_all_power()
        else:
            disk = self._node.disks[self._random.choice(self._atlas.victims)]
            disk.cut(self._random.randrange(1, 40), self._node.cut_all_power)
        await self._revive(*self._node.processes)

    # Drives

    async def _fault_slow(self) -> None:
        async with self._drive() as name:
            if name:
                disk = self._node.disks[name]
                disk.latency_factor = self._random.choice((10, 100, 1000))
                await self._pause(5.0)
                disk.latency_factor = 1.0

    async def _fault_stuck(self) -> None:
        async with self._drive() as name:
            if name:
                disk = self._node.disks[name]
                disk.stick()
                await self._pause(6.0)
                disk.release()

    async def _fault_read_error(self) -> None:
        await self._fail_calls("read", self._random.choice((0.05, 0.5, 1.0)))

    async def _fault_sync_error(self) -> None:
        call = self._random.choice(("sync", "sync", "sync_folder", "write"))
        await self._fail_calls(call, self._random.choice((0.1, 1.0)))

    async def _fail_calls(self, call: str, chance: float) -> None:
        """It may fence the drive, which then waits for somebody to look at it."""
        async with self._drive() as name:
            if not name:
                return
            disk = self._node.disks[name]
            disk.failing[call] = chance
            await self._pause(2.0)
            disk.failing.pop(call, None)
            await self._pause(6.0)
            self._node.crash(name)
            await self._revive(name)

    async def _fault_full(self) -> None:
        async with self._drive() as name:
            if name:
                disk = self._node.disks[name]
                disk.full_up(self._random.randrange(300_000))
                await self._pause(4.0)
                disk.files.total_bytes = 1 << 40

    # Wires

    async def _fault_lag(self) -> None:
        async with self._wire() as wire:
            if wire:
                self._node.net.lag_s[wire] = self._random.choice((0.02, 0.5, 3.0))
                await self._pause(4.0)
                self._node.net.lag_s.pop(wire, None)

    async def _fault_cut(self) -> None:
        """Both ways or one."""
        async with self._wire() as wire:
            if wire:
                there, back = wire, (wire[1], wire[0])
                pairs = self._random.choice(([there], [back], [there, back]))
                for pair in pairs:
                    self._node.net.cut_one_way(*pair)
                await self._pause(self._random.choice((0.5, 8.0)))
                for pair in pairs:
                    self._node.net.repair(*pair)

    async def _fault_clog(self) -> None:
        async with self._wire() as wire:
            if wire:
                await self._clog(wire, 4.0)

    async def _clog(self, wire: tuple[str, str], mean_s: float) -> None:
        self._node.net.stall(*wire)
        await self._pause(mean_s)
        self._node.net.repair(*wire)

    async def _fault_breakage(self) -> None:
        """The connection is lost and made again at once."""
        async with self._wire() as wire:
            if wire:
                self._node.net.disconnect(*wire)

    async def _fault_swizzle(self) -> None:
        """Clog half of all wires one by one; they are cleared in another order."""
        wires = self._atlas.wires()
        async with trio.open_nursery() as nursery:
            for wire in self._random.sample(wires, len(wires) // 2):
                nursery.start_soon(self._swizzle_one, wire)
                await self._pause(0.3)

    async def _swizzle_one(self, wire: tuple[str, str]) -> None:
        async with self._atlas.disturbing(wire[1]) as is_granted:
            if is_granted:
                await self._clog(wire, 2.0)

    # Time

    async def _fault_clock(self) -> None:
        """Somebody sets the clock, and sets it right again."""
        self._world.shift_ms = self._random.randrange(-100_000, 100_000)
        await self._pause(10.0)
        self._world.shift_ms = 0

    # Losses

    async def _fault_empty(self) -> None:
        async with self._drive() as name:
            if not name:
                return
            process = self._node.processes[name]
            process.crash()
            await process.ended()
            if not process.is_running:
                self._node.replace(name)
            await self._revive(name)

    async def _fault_flip(self) -> None:
        """A few bits of whatever lies on the drive."""
        async with self._drive() as name:
            if not name:
                return
            disk = self._node.disks[name]
            with disk.quietly() as files:
                for path in self._random.sample(disk.stored(), min(2, len(disk.stored()))):
                    for _ in range(self._random.randrange(1, 4)):
                        self._flip_bit(files, path)

    def _flip_bit(self, files: FaultyFiles, path: str) -> None:
        file = files.open(path)
        at = self._random.randrange(max(1, file.size_bytes()))
        for byte in file.read_at(at, 1):
            file.write_at(at, [bytes([byte ^ 1 << self._random.randrange(8)])])
        file.sync()

    async def _fault_lose_file(self) -> None:
        """A shard file or a log segment is gone."""
        async with self._drive() as name:
            if not name:
                return
            disk = self._node.disks[name]
            with disk.quietly() as files:
                for path in self._random.sample(disk.stored(), min(1, len(disk.stored()))):
                    files.remove(path)
                    files.sync_folder(path.rpartition("/")[0])
