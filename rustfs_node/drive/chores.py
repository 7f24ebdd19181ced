"""Housekeeping between two batches: fold the index, drop old tombstones, compact, sweep.

One small step of each at a time, so that commits wait for one step at most. Errors of the drive fence it,
like those of a commit do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container
from functools import partial

import structlog

from rustfs_node.drive.commit import Batch, Copy, in_batches
from rustfs_node.drive.compaction import Compaction, drop_tombstones
from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.log import NoRoom
from rustfs_node.drive.sweep import Sweep
from rustfs_node.seams.threads import Threads

log = structlog.get_logger("drive")


class Chores:
    """What there is to do beside requests. `are_due` is set by the tick and stays set while a step left more
    to do.
    """

    def __init__(
        self,
        engine: DriveEngine,
        threads: Threads,
        pinned: Callable[[], Container[bytes]],
        wait_for_segment: Callable[[Batch], Awaitable[None]],
    ) -> None:
        self.are_due = True
        self._engine = engine
        self._threads = threads
        self._pinned = pinned
        self._wait_for_segment = wait_for_segment
        self._compaction = Compaction(engine)
        self._sweep = Sweep(engine)

    async def step(self) -> None:
        """A little of everything that is due. Raises one of INDEX_ERRORS."""
        engine = self._engine
        if engine.fence.is_fenced:
            self.are_due = False
            return
        try:
            await self._threads.run(partial(engine.index_file.fold, engine.files))
            more = [
                drop_tombstones(engine, engine.settings.sweep_step_files) > 0,
                await self._sweep_garbage(),
                await self._walk(),
                await self._compact(),
            ]
        except NoRoom as error:
            log.warning("no_room_for_compaction", reason=str(error))
            more = []
        except OSError as error:
            engine.fence.trip(f"housekeeping failed: {error}")
            more = []
        self.are_due = any(more)

    async def _sweep_garbage(self) -> bool:
        gone = self._sweep.garbage(self._pinned())
        if gone:
            await self._threads.run(partial(self._sweep.remove, gone))
            self._sweep.forget(gone)
        return len(gone) == self._engine.settings.sweep_step_files

    async def _walk(self) -> bool:
        now_s = self._engine.clock.monotonic_s()
        if not self._sweep.is_due(now_s):
            return False
        names = await self._threads.run(self._sweep.look)
        unknown = self._sweep.unknown(names, self._pinned())
        if unknown:
            await self._threads.run(partial(self._sweep.judge, unknown))
        return self._sweep.is_due(now_s)

    async def _compact(self) -> bool:
        compaction = self._compaction
        compaction.budget.fill(self._engine.clock.monotonic_s())
        if compaction.budget.bytes <= 0 or not compaction.begin():
            return False
        found = await self._threads.run(compaction.read)
        copies = compaction.copies(found)
        for some in in_batches(copies, self._engine.log.record_bytes_max):
            await self._copy(some)
        if not found and compaction.end():
            await self._threads.run(compaction.remove)
            compaction.forget()
        return True

    async def _copy(self, copies: list[Copy]) -> None:
        batch = self._engine.batch((), (), copies)
        await self._wait_for_segment(batch)
        batch.encode()
        await self._threads.run(batch.sync)
        batch.apply()
        self._engine.index.flush()
