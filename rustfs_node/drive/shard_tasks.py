"""The tasks around shard files: reads and writes in threads, the fragments of one file one after the other.

A few threads write, and each takes all that waits: while it is at it more comes in, so that a busy drive does
much with one hop. Small fragments are written on the spot: the hop would cost more than the write.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from functools import partial
from typing import TypeVar

import trio

from rustfs_node.bus import Request
from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.shards import Fragment, ShardWriter
from rustfs_node.seams.threads import Threads
from rustfs_proto.wire.drive_ops import ShardFragments, ShardRead, ShardWrite, ShardWritten
from rustfs_proto.wire.faults import Fault, FaultCode

_WRITTEN = ShardWritten()
T = TypeVar("T")


class ShardTasks:
    """Shard requests of one engine. `pinned` counts the commits under way that name a data id."""

    def __init__(self, engine: DriveEngine, threads: Threads, nursery: trio.Nursery) -> None:
        self.pinned: Counter[bytes] = Counter()
        self._engine = engine
        self._threads = threads
        self._nursery = nursery
        self._idle: dict[bytes, trio.Event] = {}
        # Files with fragments to write that nobody is writing, and tasks that write.
        self._ready: deque[ShardWriter] = deque()
        self._writing = 0

    def write(self, request: Request, message: ShardWrite) -> None:
        """Take a fragment over; it is answered once it is written."""
        engine = self._engine
        if not engine.has_room:
            request.fail(Fault(FaultCode.FULL, "the drive keeps its last bytes for deletes and heal"))
            return
        data = request.frames[0] if request.frames else b""
        writer = engine.shard_writers.take(message, data, request, engine.clock.monotonic_s())
        if isinstance(writer, Fault):
            request.fail(writer)
        elif not writer.is_busy:
            writer.is_busy = True
            self._idle[writer.data_id] = trio.Event()
            self._ready.append(writer)
            if self._writing < engine.settings.shard_write_threads:
                self._writing += 1
                self._nursery.start_soon(self._write_ready)

    async def _write_ready(self) -> None:
        """Write what waits, much of it at a time, until nothing does."""
        while self._ready:
            taken = self._take_ready()
            faults = await self._write(taken)
            for (writer, fragments), fault in zip(taken, faults, strict=True):
                self._written(writer, fragments, fault)
        self._writing -= 1

    def _take_ready(self) -> list[tuple[ShardWriter, list[Fragment]]]:
        """Files in the order in which they came to wait, each with all that is queued for it."""
        taken: list[tuple[ShardWriter, list[Fragment]]] = []
        size_bytes = 0
        while self._ready and size_bytes < self._engine.settings.shard_batch_bytes:
            writer = self._ready.popleft()
            fragments, writer.queue = writer.queue, []
            taken.append((writer, fragments))
            size_bytes += sum(len(fragment.data) for fragment in fragments)
        return taken

    def _written(self, writer: ShardWriter, fragments: Sequence[Fragment], fault: Fault | None) -> None:
        writer.fault = writer.fault or fault
        size_bytes = sum(len(fragment.data) for fragment in fragments)
        self._engine.shard_writers.buffered_bytes -= size_bytes
        self._engine.counts.shard_written_bytes += size_bytes if writer.fault is None else 0
        for fragment in fragments:
            if writer.fault is None:
                fragment.asker.reply(_WRITTEN)
            else:
                fragment.asker.fail(writer.fault)
        if writer.queue:
            self._ready.append(writer)
        else:
            writer.is_busy = False
            self._idle.pop(writer.data_id).set()

    async def _write(self, taken: Sequence[tuple[ShardWriter, list[Fragment]]]) -> list[Fault | None]:
        """What became of each file; a drive that cannot be written to is fenced."""
        writers = self._engine.shard_writers

        def work() -> list[Fault | None]:
            return [writer.fault or writers.write(writer, fragments) for writer, fragments in taken]

        size_bytes = sum(len(fragment.data) for _, fragments in taken for fragment in fragments)
        try:
            return (
                work()
                if size_bytes < self._engine.settings.inline_read_bytes
                else await self._threads.run(work)
            )
        except OSError as error:
            fault = self._fence(f"writing a shard file failed: {error}")
            return [fault for _ in taken]

    def drop(self, data_id: bytes) -> None:
        """The upload was given up: discard the file with the next tick."""
        writer = self._engine.shard_writers.writers.get(data_id)
        if writer is not None and writer.fault is None:
            writer.fault = Fault(FaultCode.NOT_FOUND, "the upload was given up")

    async def finish(self, data_ids: Sequence[bytes]) -> tuple[bytes, ...]:
        """Make the files durable under their names; those that are not here. Raises Fault."""
        writers = self._engine.shard_writers
        for data_id in data_ids:
            while data_id in self._idle:
                await self._idle[data_id].wait()
        ready = writers.finishing(data_ids)
        # Another commit that names one of these files waits until it has its name.
        finished = trio.Event()
        self._idle.update((writer.data_id, finished) for writer in ready)

        def work() -> tuple[bytes, ...]:
            if ready:
                writers.finish(ready)
            return writers.missing(data_ids)

        try:
            missing = await self._threads.run(work)
        except OSError as error:
            raise self._fence(f"syncing a shard file failed: {error}") from error
        finally:
            for writer in ready:
                self._idle.pop(writer.data_id, None)
            finished.set()
        for writer in ready:
            self._engine.shard_readers.forget(writer.data_id)
        return missing

    def read(self, request: Request, message: ShardRead) -> None:
        """Answer with verified fragments: on the spot where they are in memory, as a copy takes less time
        than a hop to a thread; else from a thread.
        """
        if not self._read_now(request, message):
            self._nursery.start_soon(self._read, request, message)

    def _read_now(self, request: Request, message: ShardRead) -> bool:
        engine = self._engine
        readers = engine.shard_readers
        shard = readers.borrow(message.data_id, engine.clock.monotonic_s())
        if shard is None:
            return False
        try:
            found = readers.read(shard, message, wait=False)
        except Fault as fault:
            request.fail(fault)
            return True
        except OSError:
            # The thread will meet it too, and note it.
            return False
        finally:
            readers.give_back(shard, engine.clock.monotonic_s())
        if found is not None:
            self._reply(request, *found)
        return found is not None

    async def _read(self, request: Request, message: ShardRead) -> None:
        engine = self._engine
        readers = engine.shard_readers
        shard = readers.borrow(message.data_id, engine.clock.monotonic_s())
        try:
            if shard is None:
                shard = await self._threads.run(partial(readers.open, message.data_id))
            found = await self._threads.run(partial(readers.read, shard, message))
            assert found is not None
            reply, frames = found
        except Fault as fault:
            request.fail(fault)
        except OSError as error:
            engine.counts.read_errors += 1
            engine.fence.note_read_errors(1, engine.clock.monotonic_s())
            request.fail(Fault(FaultCode.DAMAGED, f"the shard file cannot be read: {error}"))
        else:
            self._reply(request, reply, frames)
        finally:
            if shard is not None:
                readers.give_back(shard, engine.clock.monotonic_s())

    def _reply(self, request: Request, reply: ShardFragments, frames: tuple[bytes, ...]) -> None:
        self._engine.counts.shard_read_bytes += sum(map(len, frames))
        request.reply(reply, frames)

    async def discard_idle(self) -> None:
        """Remove files that failed, were given up, or were forgotten by their writer."""
        writers = self._engine.shard_writers
        for writer in writers.idle(self._engine.clock.monotonic_s()):
            writers.give_up(writer)
            try:
                await self._threads.run(partial(writers.discard, writer))
            except OSError as error:
                self._fence(f"removing a shard file failed: {error}")

    def forget_unpinned(self) -> None:
        """Drop counts that came down to nothing."""
        self.pinned = +self.pinned

    def _fence(self, reason: str) -> Fault:
        self._engine.fence.trip(reason)
        return self._engine.fence.fault()
