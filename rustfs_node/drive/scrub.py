"""The scrub: round after round everything that the index points to is read and verified, so that damage is
found while the other drives can still mend it, and not when a client needs it.

- Rows in the order of the index, every version of each: first the record, then the shard files that it names,
  frame by frame. Whether a file is long enough is told by the record.
- Read in threads, a little at a time, within `scrub_bytes_per_s`. Requests come first: while any arrive it
  waits, though never longer than `scrub_yield_s`, nor for more than what `scrub_busy_bytes_per_s` leaves, or
  a busy drive would never be read.
- What was found bad in a thread is looked up again here before it counts: what was replaced, moved or removed
  meanwhile is not damaged.
- What is damaged becomes a finding, kept until it is noted (`findings`). Nothing is changed on the drive.
- How far it is stands in scrub.json, never beyond a finding that is not noted yet. A round ends when all its
  findings are noted.
- A drive that is HEALING is not scrubbed, as its rebuild goes through it anyway, nor is a fenced one.
- An operator may have a round begin before its time, and go without budget and turns; ended by him it leaves
  everything as if it had not been ordered. It survives a start, its haste does not.

Errors of the system while reading do not fence the drive here, as they do when clients meet them: a few bad
sectors among millions are what this is for, and they are written anew elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from operator import attrgetter

import structlog
import trio

from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.index_row import Row, RowKey
from rustfs_node.drive.scrub_read import PieceRead, RecordsRead, WantedFile, read_piece, read_records
from rustfs_node.drive.scrub_repairs import Repairs
from rustfs_node.drive.shards import NO_ROOM
from rustfs_node.seams.threads import Threads
from rustfs_proto.disk.layout import SCRUB_FILE
from rustfs_proto.disk.record import split_ids
from rustfs_proto.disk.scrub_place import ScrubPlace, format_scrub_place, parse_scrub_place
from rustfs_proto.erasure.pacing import Pacer
from rustfs_proto.wire.drive_ops import ScrubProgress
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.scrub_ops import SCRUB_START, SCRUB_STOP, SCRUB_TELL, DriveScrub

log = structlog.get_logger("drive")

_ROWS = 32
"""Versions looked up at a time: a fraction of a millisecond in which nothing else is answered."""

_SEEK_BYTES = 64 * 1024
"""What a record or the opening of a file counts as at least: in the time of a seek a hard disk reads more."""

_LOOK_S = 0.05
"""How often it is looked whether requests still come."""

_QUIET_S = 0.1
"""They do not when none came for so long: one client that asks again when it has its answer is heard."""


class Scrub:
    """`run` scrubs the drive. `is_busy` tells whether requests came since it was last asked, or wait."""

    def __init__(self, engine: DriveEngine, threads: Threads, is_busy: Callable[[], bool]) -> None:
        self._engine, self._threads, self._is_busy = engine, threads, is_busy
        self._settings = engine.settings
        self._path = f"{engine.address.path}/{SCRUB_FILE}"
        self._place = ScrubPlace(0, is_ended=True)
        self.repairs = Repairs(engine, threads)
        self._is_flat_out, self._is_given_up = False, False
        self._called, self._round = trio.Event(), trio.CancelScope()
        self._pacer = Pacer(engine.settings.scrub_busy_bytes_per_s, _QUIET_S)
        self._free_at_s = self._kept_s = 0.0

    async def run(self) -> None:
        """Until cancelled. Raises one of INDEX_ERRORS where the index can no longer be used."""
        await self._recall()
        while True:
            with trio.move_on_after(self._settings.scrub_keep_s):
                await self._called.wait()
            self._called = trio.Event()
            if self._engine.fence.evidence and self._is_due():
                with trio.CancelScope() as self._round:
                    await self._go_on()
            elif self._is_given_up and not len(self._engine.findings):
                # Not before: what it has found would be forgotten with this worker.
                self._is_given_up = False
                await self._keep()

    def order(self, message: DriveScrub) -> ScrubProgress:
        """What an operator wants. Raises `Fault`."""
        if message.action not in {SCRUB_TELL, SCRUB_START, SCRUB_STOP}:
            raise Fault(FaultCode.INVALID, f"a scrub cannot {message.action}")
        if message.action == SCRUB_START:
            self._start(is_flat_out=message.flat_out)
        elif message.action == SCRUB_STOP:
            self._stop()
        engine = self._engine
        return engine.counts.scrub.progress(engine.index.rows, engine.clock.monotonic_s())

    def _start(self, *, is_flat_out: bool) -> None:
        engine = self._engine
        if not engine.fence.evidence:
            raise Fault(FaultCode.CONFLICT, "it is being rebuilt, and is scrubbed when that is done")
        if self._place.is_ended:
            self._move(self._place.begun(engine.clock.wall_ms(), is_ordered=True))
            log.info("scrub_ordered", path=engine.address.path, flat_out=is_flat_out)
        self._hurry(is_flat_out=is_flat_out)
        self._called.set()

    def _stop(self) -> None:
        self._hurry(is_flat_out=False)
        if self._place.is_ordered:
            self._move(self._place.given_up())
            self._is_given_up = True
            self._round.cancel()
            self._called.set()
            log.info("scrub_stopped", path=self._engine.address.path)

    def _hurry(self, *, is_flat_out: bool) -> None:
        self._is_flat_out = self._engine.counts.scrub.is_flat_out = is_flat_out
        self._engine.counts.scrub.pace_from(self._engine.clock.monotonic_s())

    async def _recall(self) -> None:
        """Where the worker before was."""
        try:
            raw = await self._threads.run(partial(self._engine.files.read_file, self._path))
        except OSError:
            # There is none yet, or it cannot be read: a round begins.
            raw = b""
        self._move(parse_scrub_place(raw) or self._place)

    def _is_due(self) -> bool:
        """A round that began after now was begun by a clock that was wrong."""
        period_ms = self._settings.scrub_period_s * 1000
        if not period_ms:
            return self._place.is_ordered
        age_ms = self._engine.clock.wall_ms() - self._place.began_ms
        return not self._place.is_ended or not 0 <= age_ms < period_ms

    def _move(self, place: ScrubPlace) -> None:
        self._place = place
        counts = self._engine.counts.scrub
        counts.rounds, counts.began_ms, counts.is_running = place.rounds, place.began_ms, not place.is_ended
        counts.ended_ms, counts.round_rows, counts.is_ordered = place.ended_ms, place.rows, place.is_ordered

    async def _go_on(self) -> None:
        """To the end of the round, unless the drive stops being trusted before."""
        if self._place.is_ended:
            self._move(self._place.begun(self._engine.clock.wall_ms()))
        self._kept_s = trio.current_time()
        self._hurry(is_flat_out=self._is_flat_out)
        while await self._read_some():
            if not self._engine.fence.evidence:
                return
        while len(self._engine.findings):  # noqa: ASYNC110 - their end is a message, and rare
            await trio.sleep(self._settings.tick_s)
        self._move(self._place.ended(self._engine.clock.wall_ms()))
        self._hurry(is_flat_out=False)
        await self._keep()
        counts = self._engine.counts.scrub
        log.info(
            "scrub_ended", path=self._engine.address.path, rounds=counts.rounds, found=counts.found,
            rows=counts.rows, size_bytes=counts.size_bytes,
        )  # fmt: skip

    async def _read_some(self) -> bool:
        """The next rows, with their files; whether there were any."""
        place, index = self._place, self._engine.index
        is_amid = bool(place.data_id)
        rows = index.versions(place.row_key) if is_amid else index.all_behind(place.row_key, _ROWS)
        if not rows and not is_amid:
            return False
        read = await self._threads.run(partial(read_records, self._engine, rows))
        for row in read.others:
            self.judge_record(row)
        self._engine.counts.scrub.rows += len(rows)
        await self._pay(sum(row.record_bytes for row in rows), len(rows))
        for row_key, group in groupby(rows, attrgetter("row_key")):
            versions = list(group)
            for wanted in _files_of(versions, read, place.data_id):
                await self._read_file(wanted)
                self._move(self._place.at(row_key, wanted.data_id))
            self._move(self._place.at(row_key, rows=len(versions)))
        if not rows:
            # The row at which the scrub stopped is gone.
            self._move(place.at(place.row_key))
        return True

    async def _read_file(self, wanted: WantedFile) -> None:
        """A piece at a time, to the end or the first thing that is wrong."""
        at = 0
        while True:
            read = partial(read_piece, self._engine, wanted, at, self._settings.scrub_step_bytes)
            piece = await self._threads.run(read)
            self.judge_file(wanted, piece)
            at = piece.next_index
            await self._pay(piece.size_bytes, 1)
            if piece.fault is not None or at >= wanted.stripes:
                return

    def judge_record(self, row: Row) -> None:
        """Could it not be read because it is damaged, or because it stands elsewhere by now?"""
        engine = self._engine
        now = engine.index.version(row.row_key, row.stamp)
        if now is None or engine.reader.is_whole(now):
            return
        engine.counts.read_errors += engine.reader.read_errors
        engine.reader.read_errors = 0
        engine.counts.scrub.records_damaged += 1
        self.repairs.add(row)
        self._found(row.row_key, "record")

    def judge_file(self, wanted: WantedFile, piece: PieceRead) -> None:
        """Is the file not as it should be, or is it not wanted any more?"""
        engine, row = self._engine, wanted.row
        engine.counts.read_errors += piece.is_error
        if piece.fault is None:
            return
        now = engine.index.version(row.row_key, row.stamp)
        if now is None or wanted.data_id not in split_ids(now.files):
            return
        # Whoever heals it shall meet what stands there, and not what was open before.
        engine.shard_readers.forget(wanted.data_id)
        is_missing = piece.fault.code is FaultCode.NOT_FOUND
        engine.counts.scrub.files_missing += is_missing
        engine.counts.scrub.files_damaged += not is_missing
        self.repairs.add(row, wanted, piece.next_index)
        self._found(row.row_key, str(piece.fault))

    def _found(self, row_key: RowKey, what: str) -> None:
        space, bucket, key, _ = row_key
        log.warning(
            "scrub_found", path=self._engine.address.path, bucket=bucket,
            key=key.decode(errors="replace"), space=space, what=what,
        )  # fmt: skip
        self._engine.findings.add(bucket, key, self._place)

    async def _pay(self, size_bytes: int, seeks: int) -> None:
        """After so much was read: wait until there is budget for more, clients have been served, and there is
        room for what may be found.
        """
        settings, now_s = self._settings, trio.current_time()
        self._engine.counts.scrub.size_bytes += size_bytes
        cost_bytes = max(size_bytes, seeks * _SEEK_BYTES)
        if not self._is_flat_out:
            self._free_at_s = max(now_s, self._free_at_s) + cost_bytes / settings.scrub_bytes_per_s
            await trio.sleep_until(self._free_at_s)
        is_called, now_s = self._is_called(), trio.current_time()
        until_s = min(now_s + settings.scrub_yield_s, self._pacer.spend(cost_bytes, now_s))
        while is_called and (now_s := trio.current_time()) < until_s:
            await trio.sleep(min(_LOOK_S, until_s - now_s))
            is_called = self._is_called()
        while self._engine.findings.is_full:  # noqa: ASYNC110 - their end is a message, and rare
            await trio.sleep(settings.tick_s)
        if trio.current_time() >= self._kept_s + settings.scrub_keep_s:
            await self._keep()
        # Whoever ended the round has moved on: nothing may be done after this line then.
        await trio.lowlevel.checkpoint()

    def _is_called(self) -> bool:
        """Whether a request came within the last moment, and counts."""
        if self._is_flat_out:
            return False
        now_s = trio.current_time()
        if self._is_busy():
            self._pacer.called(now_s)
        return not self._pacer.is_quiet(now_s)

    async def _keep(self) -> None:
        """Write down how far it is."""
        engine = self._engine
        self._kept_s = trio.current_time()
        raw = format_scrub_place(engine.findings.safe_place(self._place))
        try:
            # Durable after this line: what stands before that place need not be read again in this round.
            await self._threads.run(partial(engine.files.write_file, self._path, raw))
        except OSError as error:
            if error.errno not in NO_ROOM:
                engine.fence.trip(f"writing how far the scrub is failed: {error}")
            log.warning("scrub_place_not_kept", path=self._path, reason=str(error))


def _files_of(versions: Iterable[Row], read: RecordsRead, after: bytes) -> list[WantedFile]:
    """The shard files of a row behind that data id, in order. Versions share files, and the one that was
    appended to is shorter than the other.
    """
    files: dict[bytes, WantedFile] = {}
    for row in versions:
        for wanted in read.files.get(row, ()):
            known = files.get(wanted.data_id)
            if wanted.data_id > after and (known is None or known.stripes < wanted.stripes):
                files[wanted.data_id] = wanted
    return [files[data_id] for data_id in sorted(files)]
