"""The lane: the one task that changes log and index. It takes all that waits, makes it durable at once, and
answers.

Between two batches it gives compaction and sweep one step each. Nothing else ever writes to log or index, so
no lock is needed and no step ever sees another's half-done work.

The index's transaction stays open over several batches: it is worth more the more it gathers.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Container, Iterable

import structlog
import trio

from rustfs_node.drive.chores import Chores
from rustfs_node.drive.commit import Batch, Waiting
from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.index_file import INDEX_ERRORS
from rustfs_node.drive.log import NoRoom
from rustfs_node.seams.threads import Threads
from rustfs_proto.wire.drive_ops import SettledRow
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger("drive")


def index_failed() -> Fault:
    """What commits are told that met an index which has to be rebuilt."""
    return Fault(FaultCode.INTERNAL, "the index failed; whether this was written shows after its rebuild")


class Lane:
    """Queue and task for everything that changes the log or the index."""

    def __init__(
        self,
        engine: DriveEngine,
        threads: Threads,
        log_threads: Threads,
        pinned: Callable[[], Container[bytes]],
    ) -> None:
        self.waiting: deque[Waiting] = deque()
        self._waiting_bytes = 0
        # With each settlement, how many commits had been queued before it: it must not overtake its own.
        self._settled: deque[tuple[int, SettledRow]] = deque()
        self._queued = self._taken = 0
        self._engine = engine
        self._settings = engine.settings
        self._threads = threads
        self._log_threads = log_threads
        self._wake = trio.Event()
        self._chores = Chores(engine, threads, pinned, self._wait_for_segment)
        self._preparing: trio.Event | None = None
        self._flush_at_s = math.inf

    def put(self, waiting: Waiting) -> None:
        """Queue a commit; it is answered when its batch is through, or at once where it cannot be taken."""
        if waiting.size_bytes > self._engine.log.record_bytes_max:
            text = f"a record of {waiting.size_bytes} bytes does not fit a log segment; raise segment_bytes"
            waiting.asker.fail(Fault(FaultCode.INVALID, text))
            return
        too_many = len(self.waiting) >= self._settings.queue_requests
        if too_many or self._waiting_bytes + len(waiting.data) > self._settings.queue_bytes:
            text = f"{len(self.waiting)} commits of {self._waiting_bytes} bytes wait for the drive"
            waiting.asker.fail(Fault(FaultCode.OVERLOADED, text))
            return
        self.waiting.append(waiting)
        self._queued += 1
        self._waiting_bytes += len(waiting.data)
        self._wake.set()

    def fail_waiting(self) -> None:
        """The index failed, and nobody will take what still waits."""
        while self.waiting:
            self.waiting.popleft().asker.fail(index_failed())

    def settle(self, rows: Iterable[SettledRow]) -> None:
        """Queue settlements. They are dropped where the queue is full: priors then stay a little longer."""
        room = self._settings.queue_requests - len(self._settled)
        self._settled.extend((self._queued, row) for row in list(rows)[:room])
        self._wake.set()

    def tick(self) -> None:
        """It is time to look whether there is housekeeping to do."""
        self._chores.are_due = True
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled. Raises one of INDEX_ERRORS where the index can no longer be used."""
        async with trio.open_nursery() as nursery:
            try:
                while True:
                    await self._awaken()
                    await self._take_turn()
                    self._prepare_ahead(nursery)
                    if self.waiting or self._settled or self._chores.are_due:
                        self._wake.set()
            except trio.Cancelled:
                # An orderly end leaves nothing to be applied again.
                self._flush()
                raise

    async def _take_turn(self) -> None:
        if self.waiting or self._settled:
            await self._run_batch()
        if self._chores.are_due:
            self._flush()
            await self._chores.step()

    async def _awaken(self) -> None:
        """Until there is something to do; flush the index when it is time."""
        if self._engine.index.is_behind:
            with trio.move_on_at(self._flush_at_s):
                await self._wake.wait()
            if trio.current_time() >= self._flush_at_s:
                self._flush()
        if not self._wake.is_set():
            await self._wake.wait()
        self._wake = trio.Event()

    def _flush(self) -> None:
        self._engine.index.flush()
        self._flush_at_s = math.inf

    async def _run_batch(self) -> None:
        """Take what waits, up to the bounds of a batch, and bring it through."""
        engine = self._engine
        batch = engine.batch(self._take(), self._take_settled())
        if engine.fence.is_fenced:
            batch.fail_all(engine.fence.fault())
            return
        try:
            batch.decide(engine.reader.is_whole)
            await self._wait_for_segment(batch)
            batch.encode()
            if batch.needs_sync and not await self._sync(batch):
                return
            batch.apply()
            self._flush_at_s = min(self._flush_at_s, trio.current_time() + self._settings.index_flush_s)
        except INDEX_ERRORS:
            batch.fail(index_failed())
            raise
        batch.answer()

    async def _sync(self, batch: Batch) -> bool:
        """Make it durable; False where it is not and everybody has been told."""
        engine = self._engine
        began_s = engine.clock.monotonic_s()
        try:
            await self._log_threads.run(batch.sync)
        except NoRoom as error:
            self.settle(batch.settled)
            batch.fail(Fault(FaultCode.FULL, str(error)))
            return False
        except OSError as error:
            engine.fence.trip(f"writing the log failed: {error}")
            batch.fail(engine.fence.fault())
            return False
        now_s = engine.clock.monotonic_s()
        engine.fence.note_sync(now_s - began_s, now_s)
        engine.counts.sync_s.add(now_s - began_s)
        engine.counts.batch_commits.add(len(batch.waiting))
        engine.counts.log_written_bytes += batch.size_bytes
        return True

    def _take(self) -> list[Waiting]:
        taken: list[Waiting] = []
        size_bytes = 0
        limit = min(self._settings.batch_bytes, self._engine.log.record_bytes_max)
        while self.waiting and len(taken) < self._settings.batch_records:
            size_bytes += self.waiting[0].size_bytes
            if taken and size_bytes > limit:
                break
            taken.append(self.waiting.popleft())
            self._waiting_bytes -= len(taken[-1].data)
        self._taken += len(taken)
        return taken

    def _take_settled(self) -> list[SettledRow]:
        """After `_take`: those whose commits were taken, in this batch or before."""
        taken: list[SettledRow] = []
        while self._settled and len(taken) < self._settings.batch_records:
            if self._settled[0][0] > self._taken:
                break
            taken.append(self._settled.popleft()[1])
        return taken

    async def _wait_for_segment(self, batch: Batch) -> None:
        """Where the batch needs the next segment and that is being prepared, let it end first."""
        if self._preparing is not None and batch.size_bytes > self._engine.log.room:
            await self._preparing.wait()

    def _prepare_ahead(self, nursery: trio.Nursery) -> None:
        if self._preparing is None and self._engine.log.is_ending and not self._engine.fence.is_fenced:
            self._preparing = trio.Event()
            nursery.start_soon(self._prepare)

    async def _prepare(self) -> None:
        assert self._preparing is not None
        try:
            self._engine.log.adopt(await self._threads.run(self._engine.log.prepare))
        except NoRoom as error:
            log.warning("no_room_for_segment", reason=str(error))
        except OSError as error:
            self._engine.fence.trip(f"preparing a log segment failed: {error}")
        self._preparing.set()
        self._preparing = None
