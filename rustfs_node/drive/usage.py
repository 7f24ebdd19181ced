"""Counting what is stored: a walk over the rows of all objects in the index, a few at a time.

- A drive counts when it is asked what it has, and not more often than every `usage_period_s`: of the drives
  of a set one is asked, so the others have no work with it.
- Each step is a fraction of a millisecond of the event loop, and the rests between them are so long that all
  steps take no more than `usage_share` of the time: requests wait for one step at most.
- What changes meanwhile is counted or not, as it stands before or behind the place of the walk.
- A drive that is HEALING has not everything, and counts nothing.

Nothing is written down: a worker that starts counts anew.
"""

from __future__ import annotations

import structlog
import trio

from rustfs_node.drive.engine import DriveEngine
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.usage import Tally
from rustfs_proto.wire.drive_ops import Space
from rustfs_proto.wire.envelope import UNREADABLE
from rustfs_proto.wire.usage_ops import Usage, UsageCounted

log = structlog.get_logger("drive")


class UsageCount:
    """`run` counts whenever `told` was asked and the last count is old."""

    def __init__(self, engine: DriveEngine) -> None:
        self._engine, self._settings = engine, engine.settings
        self._asked = trio.Event()
        self._usage: Usage | None = None
        self._began_s: float | None = None
        self._ended_s = 0.0

    def told(self) -> UsageCounted:
        """The last count; another one begins if that is old."""
        self._asked.set()
        if self._usage is None or not self._engine.fence.evidence:
            return UsageCounted()
        return UsageCounted(self._usage, trio.current_time() - self._ended_s)

    async def run(self) -> None:
        """Until cancelled. Raises one of INDEX_ERRORS where the index can no longer be used."""
        while self._settings.usage_period_s:
            await self._asked.wait()
            self._asked = trio.Event()
            if self._engine.fence.evidence and self._is_due():
                await self._count()

    def _is_due(self) -> bool:
        age_s = trio.current_time() - (self._began_s or 0.0)
        return self._began_s is None or age_s >= self._settings.usage_period_s

    async def _count(self) -> None:
        """One round."""
        settings, slots = self._settings, self._engine.index.slots
        began_s = self._began_s = trio.current_time()
        has = slots.has if slots.stamp else None
        tally = Tally(settings.usage_buckets_max, settings.usage_prefixes_max, SYSTEM_BUCKET, has)
        while True:
            step_s = trio.current_time()
            found = self._step(tally)
            if found < settings.usage_step_rows:
                break
            spent_s = trio.current_time() - step_s
            await trio.sleep(spent_s * (1 / settings.usage_share - 1))
            if not self._engine.fence.evidence:
                return
        if found < 0:
            return
        self._ended_s = trio.current_time()
        self._usage = tally.end(self._ended_s - began_s)
        log.debug("usage_counted", path=self._engine.address.path, took_s=self._usage.took_s)

    def _step(self, tally: Tally) -> int:
        """Count the next rows; how many there were, or -1 where they cannot be counted."""
        place, limit, index = tally.place, self._settings.usage_step_rows, self._engine.index
        rows = index.usage_behind(place, limit)
        try:
            tally.take(rows)
        except (TypeError, ValueError, AttributeError, *UNREADABLE) as error:
            # Either the index is damaged, as these rows were not verified: then looking again says so. Or a
            # head was written in a way that this release cannot read, which no rebuild would change.
            index.all_behind((Space.OBJECT, *place), 2 * limit)
            where = {"bucket": place[0], "key": place[1].decode(errors="replace")}
            log.warning("usage_not_counted", path=self._engine.address.path, **where, reason=str(error))
            return -1
        self._engine.counts.usage_rows += len(rows)
        return len(rows)
