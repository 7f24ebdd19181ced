"""The drive worker: the trio shell around one engine.

Requests arrive in lists. What only reads the index is answered on the spot, from what is durable. Commits and
settlements queue up for the lane: while one batch is synced the next one gathers. Shard files are read and
written beside it, each call in a thread, those of one file in order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterator
from functools import partial
from typing import Protocol

import structlog
import trio
from msgspec.structs import replace

from rustfs_node.bus import Handler, Request
from rustfs_node.drive.commit import Waiting, refuse_shape
from rustfs_node.drive.counts import drive_measures
from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.identity_file import DriveAddress, DriveRefused
from rustfs_node.drive.index_file import INDEX_ERRORS
from rustfs_node.drive.lane import Lane
from rustfs_node.drive.ranges import (
    can_be_settled,
    no_such_fragments,
    no_such_place,
    no_such_row,
    no_such_version,
)
from rustfs_node.drive.rebuild_mark import RebuildMark
from rustfs_node.drive.row_check import check_row
from rustfs_node.drive.rows import list_rows
from rustfs_node.drive.scan import list_unsettled, open_renames, scan_page
from rustfs_node.drive.scrub import Scrub
from rustfs_node.drive.shard_tasks import ShardTasks
from rustfs_node.drive.usage import UsageCount
from rustfs_node.metering import Meter
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.files import Files
from rustfs_node.seams.threads import Threads
from rustfs_node.settings.drive import DriveSettings
from rustfs_proto.wire.drive_ops import (
    Commit,
    DriveState,
    DriveStatus,
    DriveStatusReply,
    ListRenames,
    ListUnsettled,
    Lookup,
    RenamesHeld,
    Scan,
    Settle,
    SettledRow,
    ShardDrop,
    ShardRead,
    ShardWrite,
    WatchSlots,
)
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.heal_ops import (
    CheckRow,
    FindingsTold,
    ListRows,
    MarkRebuild,
    Rejoin,
    Rejoined,
    TakeFindings,
)
from rustfs_proto.wire.metrics_ops import Measure, Spread
from rustfs_proto.wire.scrub_ops import DriveScrub
from rustfs_proto.wire.usage_ops import CountUsage

log = structlog.get_logger("drive")

VersionKey = tuple[int, str, bytes, bytes, int]


class ServingBus(Protocol):
    """What the worker needs of a bus."""

    def serve(self, handler: Handler) -> None:
        """Hand requests to `handler` from now on."""
        ...


class DriveWorker:
    """Answers the requests to one opened drive, until its index can no longer be used."""

    def __init__(
        self, engine: DriveEngine, threads: Threads, log_threads: Threads, nursery: trio.Nursery
    ) -> None:
        self.engine = engine
        self.lane = Lane(engine, threads, log_threads, self._pinned)
        self.shards = ShardTasks(engine, threads, nursery)
        self.usage = UsageCount(engine)
        self.scrub = Scrub(engine, threads, self._is_busy)
        self.broken = trio.Event()
        self._rebuild_mark = RebuildMark(engine, threads)
        self._threads = threads
        self._nursery = nursery
        # Settlements of commits whose shard files are still being synced: they must not overtake them.
        self._finishing: dict[VersionKey, list[SettledRow]] = {}
        # Requests that the scrub waits for, and those of them that it has heard of.
        self._asked = self._heard = 0

    async def run(self) -> None:
        """Serve until the index breaks or the task is cancelled."""
        self._nursery.start_soon(self._run_lane)
        for work in (self.scrub.run, self.scrub.repairs.run, self.usage.run):
            self._nursery.start_soon(self._run_beside, work)
        self._nursery.start_soon(self._tick)
        await self.broken.wait()

    def handle(self, request: Request) -> None:
        """Answer a request, or see to it that it will be."""
        fence = self.engine.fence
        if isinstance(request.message, DriveStatus):
            request.reply(self.engine.status())
        elif fence.is_fenced:
            request.fail(fence.fault())
        elif isinstance(request.message, TakeFindings):
            self.engine.findings.drop(request.message.noted)
            request.reply(FindingsTold(self.engine.findings.told()))
        elif self.broken.is_set():
            request.fail(Fault(FaultCode.OVERLOADED, "the index is being rebuilt"))
        else:
            self._asked += 1
            try:
                self._dispatch(request, request.message)
            except INDEX_ERRORS as error:
                request.fail(Fault(FaultCode.OVERLOADED, "the index is being rebuilt"))
                self._break(error)

    def _dispatch(self, request: Request, message: object) -> None:
        match message:
            case Commit():
                self._commit(request, message)
            case Lookup():
                self._look_up(request, message)
            case Settle():
                self._settle(message)
            case Scan() if (fault := no_such_row(message)) is not None:
                request.fail(fault)
            case Scan():
                page = min(max(message.limit, 1), self.engine.settings.scan_rows)
                evidence = self.engine.fence.evidence
                request.reply(scan_page(self.engine.index, message, page, evidence=evidence))
            case ListUnsettled():
                request.reply(list_unsettled(self.engine.index, message, self.engine.settings.scan_rows))
            case ListRenames():
                request.reply(RenamesHeld(open_renames(self.engine.index, message.bucket)))
            case WatchSlots():
                request.reply(self.engine.index.slots.watched(message))
            case ListRows() if (fault := no_such_place(message)) is not None:
                request.fail(fault)
            case ListRows():
                request.reply(list_rows(self.engine, message))
            case CheckRow() if (fault := no_such_version(message)) is not None:
                request.fail(fault)
            case CheckRow():
                self._nursery.start_soon(self._check_row, request, message)
            case Rejoin():
                self._nursery.start_soon(self._rejoin, request, message)
            case MarkRebuild():
                self._nursery.start_soon(self._rebuild_mark.answer, request, message)
            case ShardWrite():
                self.shards.write(request, message)
            case ShardRead() if (fault := no_such_fragments(message)) is not None:
                request.fail(fault)
            case ShardRead():
                self.shards.read(request, message)
            case CountUsage():
                request.reply(self.usage.told())
            case DriveScrub():
                self._order_scrub(request, message)
            case ShardDrop():
                self.shards.drop(message.data_id)
            case _:
                request.fail(Fault(FaultCode.UNKNOWN_OP, f"a drive does not know {type(message).__name__}"))

    def _look_up(self, request: Request, message: Lookup) -> None:
        fault = no_such_row(message)
        if fault is not None:
            request.fail(fault)
            return
        reader, fence = self.engine.reader, self.engine.fence
        answer, frames = reader.look_up(message, evidence=fence.evidence)
        if reader.read_errors:
            errors, reader.read_errors = reader.read_errors, 0
            self.engine.counts.read_errors += errors
            fence.note_read_errors(errors, self.engine.clock.monotonic_s())
        if fence.joins and not answer.evidence:
            answer = replace(answer, joins=True)
        request.reply(answer, frames)

    def _commit(self, request: Request, commit: Commit) -> None:
        data = request.frames[0] if request.frames else b""
        fault = refuse_shape(commit, data)
        if fault is not None:
            request.fail(fault)
        elif commit.files:
            # Now and not in the task: what comes in with the same turn must already see it.
            version = (commit.space, commit.bucket, commit.key, commit.sub, commit.stamp)
            self._finishing.setdefault(version, [])
            self.shards.pinned.update(commit.files)
            self._nursery.start_soon(self._commit_with_files, Waiting(commit, data, request), version)
        else:
            self.lane.put(Waiting(commit, data, request))

    async def _commit_with_files(self, waiting: Waiting, version: VersionKey) -> None:
        """First the files, then the record that refers to them."""
        files = waiting.commit.files
        try:
            waiting.missing = await self.shards.finish(files)
            if waiting.missing and waiting.commit.whole:
                raise Fault(FaultCode.NOT_FOUND, f"{len(waiting.missing)} of its shard files are not here")
        except Fault as fault:
            waiting.asker.fail(fault)
        else:
            self.lane.put(waiting)
        self.lane.settle(self._finishing.pop(version, ()))
        self.shards.pinned.subtract(files)

    def _settle(self, message: Settle) -> None:
        for row in filter(can_be_settled, message.rows):
            version = (row.space, row.bucket, row.key, row.sub, row.stamp)
            if version in self._finishing:
                self._finishing[version].append(row)
            else:
                self.lane.settle((row,))

    async def _rejoin(self, request: Request, message: Rejoin) -> None:
        """A token that is not the one it began with is of another life of the drive, or of another rebuild:
        what was rebuilt then says nothing of what is here.
        """
        fence = self.engine.fence
        if fence.is_healing and not message.is_rebuilt:
            fence.joins = message.token
        elif fence.is_healing and (not message.token or message.token != fence.joins):
            request.fail(Fault(FaultCode.CONFLICT, "another rebuild of this drive has begun: begin again"))
            return
        elif fence.is_healing:
            try:
                await self._threads.run(self.engine.mark_well)
            except OSError as error:
                fence.trip(f"writing the identity failed: {error}")
                request.fail(fence.fault())
                return
            log.info("drive_rebuilt", path=self.engine.address.path)
        request.reply(Rejoined())

    async def _check_row(self, request: Request, message: CheckRow) -> None:
        try:
            request.reply(await check_row(self.engine, self._threads, message))
        except Fault as fault:
            request.fail(fault)
        except INDEX_ERRORS as error:
            request.fail(Fault(FaultCode.OVERLOADED, "the index is being rebuilt"))
            self._break(error)

    def _pinned(self) -> Container[bytes]:
        """Data ids that a commit on its way names: their files stay."""
        queued = {data_id for waiting in self.lane.waiting for data_id in waiting.commit.files}
        return queued | {data_id for data_id, count in self.shards.pinned.items() if count > 0}

    async def _run_lane(self) -> None:
        try:
            await self.lane.run()
        except* INDEX_ERRORS as group:
            self._break(group.exceptions[0])

    async def _run_beside(self, work: Callable[[], Awaitable[None]]) -> None:
        """What reads the index without being asked to."""
        try:
            await work()
        except INDEX_ERRORS as error:
            self._break(error)

    def _order_scrub(self, request: Request, message: DriveScrub) -> None:
        try:
            request.reply(self.scrub.order(message))
        except Fault as fault:
            request.fail(fault)

    def _is_busy(self) -> bool:
        """Whether requests came since this was last asked, or commits wait."""
        heard, self._heard = self._heard, self._asked
        return self._asked > heard or bool(self.lane.waiting)

    def _break(self, error: BaseException) -> None:
        if not self.broken.is_set():
            log.error("index_damaged", path=self.engine.address.path, reason=str(error))
            self.broken.set()
            self.lane.fail_waiting()

    async def _tick(self) -> None:
        engine = self.engine
        while True:
            await trio.sleep(engine.settings.tick_s)
            if engine.fence.is_fenced:
                continue
            try:
                engine.space = await self._threads.run(engine.look_around)
            except OSError as error:
                engine.fence.trip(f"{engine.address.path} cannot be examined: {error}")
                continue
            await self.shards.discard_idle()
            engine.shard_readers.close_idle(engine.clock.monotonic_s())
            self.shards.forget_unpinned()
            self.lane.tick()


class _Front:
    """What the bus speaks to: the worker of the moment, or the reason why there is none."""

    def __init__(self, address: DriveAddress) -> None:
        self.worker: DriveWorker | None = None
        self.address = address
        self.refusal = ""

    def handle(self, requests: list[Request]) -> None:
        for request in requests:
            if self.worker is not None:
                self.worker.handle(request)
            elif self.refusal and isinstance(request.message, DriveStatus):
                request.reply(self._status())
            elif self.refusal:
                request.fail(Fault(FaultCode.DRIVE_FAULT, self.refusal))
            else:
                request.fail(Fault(FaultCode.OVERLOADED, f"the drive at {self.address.path} is recovering"))

    def measures(self) -> Iterator[Measure | Spread]:
        address = self.address
        labels = {"set": str(address.set_index), "slot": str(address.slot), "drive": address.path}
        if self.worker is not None:
            yield from drive_measures(self.worker.engine, len(self.worker.lane.waiting), labels)
        elif self.refusal:
            yield Measure("rustfs_drive_state", DriveState.FAULTY, labels)

    def _status(self) -> DriveStatusReply:
        return DriveStatusReply(
            self.address.drive_id, DriveState.FAULTY, 0, 0, 0, 0, 0, 0, 0, reason=self.refusal
        )


async def run_drive(
    bus: ServingBus,
    address: DriveAddress,
    settings: DriveSettings,
    files: Files,
    clock: Clock,
    threads: Threads,
    *,
    log_threads: Threads | None = None,
    index_at: str = "",
    meter: Meter | None = None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve one drive until cancelled. `started` once it answers, be it that it is FAULTY and why.

    `log_threads` are for syncs of the log alone, so that small commits never wait for large files.
    `index_at` overrides where the index lies, `meter` is told what is counted. An index that breaks on the
    way is dropped, and the drive recovers from its log.
    """
    front = _Front(address)
    bus.serve(front.handle)
    if meter is not None:
        meter.add(front.measures)
    while True:
        try:
            engine = await threads.run(partial(DriveEngine.open, files, address, settings, clock, index_at))
        except (DriveRefused, OSError, *INDEX_ERRORS) as error:
            # Its text says it all; a traceback would only hide it.
            log.error("drive_refused", path=address.path, reason=str(error))  # noqa: TRY400
            front.refusal = str(error)
            task_status.started()
            await trio.sleep_forever()
        try:
            async with trio.open_nursery() as nursery:
                front.worker = DriveWorker(engine, threads, log_threads or threads, nursery)
                status = engine.status()
                log.info(
                    "drive_open", path=address.path, rows=status.rows, state=DriveState(status.state).name
                )
                task_status.started()
                task_status = trio.TASK_STATUS_IGNORED
                await front.worker.run()
                nursery.cancel_scope.cancel()
        finally:
            front.worker = None
            engine.close()
        await threads.run(partial(engine.index_file.drop, files))
