"""Shard files that are being written.

Fragments arrive in order and are written under a name ending in ".unfinished". `finish` makes a file durable
under its own name: its content, then the rename, then its folder, and the folder of folders where that one is
new. Only then may a record refer to it. A fragment that fails its digest, a gap, or an error ends the file:
what is not whole never gets its name.

`take`, `finishing` and `give_up` are quick and belong to the event loop; `write`, `finish` and `discard`
block. One writer is never in two threads at once: `is_busy` says that one is at work. Nor does a file begin
anew while a thread still ends the one before, as both have one name.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence

import attrs
import xxhash

from rustfs_node.drive.commit import Asker
from rustfs_node.seams.aligned import AlignedMemory
from rustfs_node.seams.files import Buffer, File, Files
from rustfs_node.settings.drive import DriveSettings
from rustfs_proto.disk.layout import DATA_ID_BYTES, SHARD_FOLDER, UNFINISHED, shard_path, shard_subfolder
from rustfs_proto.disk.place import DrivePlace
from rustfs_proto.disk.shard_file import (
    encode_frame_header,
    encode_shard_header,
    fragment_bytes_max,
    frame_offset,
    frame_padding,
    identity_refusal,
)
from rustfs_proto.wire.drive_ops import ShardIdentity, ShardWrite
from rustfs_proto.wire.faults import Fault, FaultCode

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@attrs.define
class Fragment:
    """One fragment that was taken over and waits to be written."""

    index: int
    data: bytes
    check: bytes
    asker: Asker


@attrs.define(eq=False)
class ShardWriter:
    """One unfinished shard file. `next_index` is the fragment to be taken next; `fault` why it can never be
    whole; `replaces`: it goes in the place of a longer one too.
    """

    data_id: bytes
    identity: ShardIdentity
    used_s: float
    replaces: bool = False
    next_index: int = 0
    is_ended: bool = False
    is_busy: bool = False
    fault: Fault | None = None
    queue: list[Fragment] = attrs.field(factory=list)
    file: File | None = None
    unsynced_bytes: int = 0


class ShardWriters:
    """All unfinished shard files of a drive."""

    def __init__(self, files: Files, drive_path: str, place: DrivePlace, settings: DriveSettings) -> None:
        self.writers: dict[bytes, ShardWriter] = {}
        self.buffered_bytes = 0
        self._files = files
        self._root = drive_path
        self._folder = f"{drive_path}/{SHARD_FOLDER}"
        self._place = place
        self._settings = settings
        self._new_folders: dict[str, None] = {}
        self._ending: set[bytes] = set()
        self._memory = AlignedMemory(settings.threads)

    def take(self, request: ShardWrite, data: bytes, asker: Asker, now_s: float) -> ShardWriter | Fault:
        """Queue a fragment at its writer, which is new for fragment 0; or why not."""
        if self.buffered_bytes + len(data) > self._settings.shard_buffer_bytes:
            return Fault(FaultCode.OVERLOADED, f"{self.buffered_bytes} bytes of fragments wait to be written")
        writer = self._begin(request, now_s) if request.index == 0 else self._known(request)
        if isinstance(writer, Fault):
            return writer
        fault = _refusal(writer, request, data)
        if fault is not None:
            writer.fault = fault
            return fault
        writer.used_s = now_s
        writer.next_index += 1
        writer.is_ended = len(data) < fragment_bytes_max(writer.identity)
        writer.queue.append(Fragment(request.index, data, request.check, asker))
        self.buffered_bytes += len(data)
        return writer

    def _begin(self, request: ShardWrite, now_s: float) -> ShardWriter | Fault:
        if request.identity is None or len(request.data_id) != DATA_ID_BYTES:
            return Fault(
                FaultCode.INVALID, f"fragment 0 brings the identity and a data id of {DATA_ID_BYTES} bytes"
            )
        refusal = identity_refusal(request.identity)
        if refusal:
            return Fault(FaultCode.INVALID, refusal)
        if self.has(request.data_id):
            return Fault(FaultCode.INVALID, f"shard file {request.data_id.hex()} is being written already")
        if len(self.writers) >= self._settings.shard_writers:
            return Fault(FaultCode.OVERLOADED, f"{len(self.writers)} shard files are unfinished")
        writer = self.writers[request.data_id] = ShardWriter(
            request.data_id, request.identity, now_s, request.replaces
        )
        return writer

    def _known(self, request: ShardWrite) -> ShardWriter | Fault:
        writer = self.writers.get(request.data_id)
        if writer is None:
            return Fault(FaultCode.NOT_FOUND, f"no shard file {request.data_id.hex()} is being written")
        return writer.fault or writer

    def write(self, writer: ShardWriter, fragments: Sequence[Fragment]) -> Fault | None:
        """Verify and write fragments that follow each other; why the file can never be whole, if it cannot.
        Blocks; raises OSError (fence the drive).
        """
        for fragment in fragments:
            if xxhash.xxh3_128_digest(fragment.data) != fragment.check:
                return Fault(FaultCode.DAMAGED, f"fragment {fragment.index} does not match its digest")
        try:
            if writer.file is None:
                writer.file = self._create(writer.data_id)
            for run in _runs(fragments, self._settings.shard_write_bytes):
                self._write_run(writer, writer.file, run)
            if writer.unsynced_bytes >= self._settings.shard_sync_bytes:
                writer.file.sync()
                writer.unsynced_bytes = 0
        except OSError as error:
            # Final for this file only: it will be discarded, and nothing refers to it.
            if error.errno in NO_ROOM:
                return Fault(FaultCode.FULL, f"no space for a shard file: {error}")
            raise
        return None

    def _write_run(self, writer: ShardWriter, file: File, fragments: Sequence[Fragment]) -> None:
        """Their frames, with the file's header before the first of all: one write."""
        buffers: list[Buffer] = []
        offset = frame_offset(writer.identity, fragments[0].index)
        if fragments[0].index == 0:
            buffers.append(encode_shard_header(self._place, writer.data_id, writer.identity))
            offset = 0
        for fragment in fragments:
            size = len(fragment.data)
            header = encode_frame_header(writer.data_id, fragment.index, size, fragment.check)
            buffers += (header, fragment.data, frame_padding(size))
        size_bytes = sum(map(len, buffers))
        if self._settings.shard_direct and size_bytes >= self._settings.inline_read_bytes:
            with self._memory.take(size_bytes) as block:
                _fill(block, buffers)
                file.write_aligned(offset, block)
        else:
            file.write_at(offset, buffers)
        writer.unsynced_bytes += size_bytes

    def finishing(self, data_ids: Sequence[bytes]) -> list[ShardWriter]:
        """Writers of those data ids that are idle and whole, taken out: they get no more fragments."""
        found = [self.writers[data_id] for data_id in data_ids if data_id in self.writers]
        ready = [writer for writer in found if not writer.is_busy and not writer.fault and writer.file]
        for writer in ready:
            self.give_up(writer)
        return ready

    def has(self, data_id: bytes) -> bool:
        """Whether the file is being written, or ended."""
        return data_id in self.writers or data_id in self._ending

    def give_up(self, writer: ShardWriter) -> None:
        """It gets no more fragments, and is to be finished or discarded."""
        del self.writers[writer.data_id]
        self._ending.add(writer.data_id)

    def finish(self, writers: Sequence[ShardWriter]) -> None:
        """Make files durable under their own names. Blocks; raises OSError (fence the drive), or Fault: there
        was no space, and none of the files is there.
        """
        try:
            self._finish(writers)
        finally:
            self._ending.difference_update(writer.data_id for writer in writers)

    def _finish(self, writers: Sequence[ShardWriter]) -> None:
        self._sync_contents(writers)
        # From here on an error is final, want of space too: a file under its own name that may not be durable
        # would satisfy the next commit that names it.
        for writer in writers:
            path = f"{self._root}/{shard_path(writer.data_id)}"
            if not writer.replaces and self._is_longer(path, path + UNFINISHED):
                # Versions share files: this is a copy of one that is here, and not yet all of it.
                self._files.remove(path + UNFINISHED)
            else:
                self._files.rename(path + UNFINISHED, path)
        for name in dict.fromkeys(shard_subfolder(writer.data_id) for writer in writers):
            self._files.sync_folder(f"{self._folder}/{name}")
            if name in self._new_folders:
                self._files.sync_folder(self._folder)
                # Only now, and two threads may come here for one folder: whoever finds it new syncs it.
                self._new_folders.pop(name, None)
        # Durable after this line: the files under their names, so that a record may refer to them.

    def _sync_contents(self, writers: Sequence[ShardWriter]) -> None:
        try:
            for writer in writers:
                assert writer.file is not None
                writer.file.sync()
                # Durable after this line: the content, under a name that means nothing yet.
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            for writer in writers:
                self._remove(writer)
            raise Fault(FaultCode.FULL, f"no space for a shard file: {error}") from error
        for writer in writers:
            assert writer.file is not None
            writer.file.close()

    def _is_longer(self, path: str, new_path: str) -> bool:
        return self._files.exists(path) and self._size_of(path) > self._size_of(new_path)

    def _size_of(self, path: str) -> int:
        file = self._files.open(path, write=False)
        try:
            return file.size_bytes()
        finally:
            file.close()

    def missing(self, data_ids: Sequence[bytes]) -> tuple[bytes, ...]:
        """Those for which no whole file is here. Blocks."""
        return tuple(
            data_id for data_id in data_ids if not self._files.exists(f"{self._root}/{shard_path(data_id)}")
        )

    def idle(self, now_s: float) -> list[ShardWriter]:
        """Writers to give up: they failed, or nothing came for too long."""
        limit_s = now_s - self._settings.shard_idle_s
        return [
            writer
            for writer in self.writers.values()
            if not writer.is_busy and (writer.fault is not None or writer.used_s < limit_s)
        ]

    def discard(self, writer: ShardWriter) -> None:
        """Remove what was written. Blocks. Not made durable: what a power cut brings back is swept at
        start.
        """
        try:
            self._remove(writer)
        finally:
            self._ending.discard(writer.data_id)

    def _remove(self, writer: ShardWriter) -> None:
        if writer.file is None:
            return
        writer.file.close()
        try:
            self._files.remove(f"{self._root}/{shard_path(writer.data_id)}{UNFINISHED}")
        except FileNotFoundError:
            # The sweep came first, as no writer stands for the file any more.
            return

    def _create(self, data_id: bytes) -> File:
        folder = f"{self._folder}/{shard_subfolder(data_id)}"
        if not self._files.exists(folder):
            # Before it is there: whoever finds the folder must also find that it is new.
            self._new_folders[shard_subfolder(data_id)] = None
            self._files.make_folder(folder)
        path = f"{self._root}/{shard_path(data_id)}{UNFINISHED}"
        if self._files.exists(path):
            self._files.remove(path)
        return self._files.open(path, create=True)


def _refusal(writer: ShardWriter, request: ShardWrite, data: bytes) -> Fault | None:
    """Why the fragment cannot be the next one of the file, which then can never be whole."""
    size_max = fragment_bytes_max(writer.identity)
    if request.index != writer.next_index:
        return Fault(FaultCode.INVALID, f"fragment {request.index} came where {writer.next_index} was due")
    if writer.is_ended:
        return Fault(
            FaultCode.INVALID, f"fragment {request.index} came after a shorter one, which must be the last"
        )
    if not 0 < len(data) <= size_max:
        return Fault(FaultCode.INVALID, f"a fragment of {len(data)} bytes where 1 to {size_max} are possible")
    return None


def _runs(fragments: Sequence[Fragment], bytes_max: int) -> Iterator[list[Fragment]]:
    """The fragments in order, cut into lists of so many bytes, or of one fragment that is larger."""
    run: list[Fragment] = []
    size_bytes = 0
    for fragment in fragments:
        if run and size_bytes + len(fragment.data) > bytes_max:
            yield run
            run, size_bytes = [], 0
        run.append(fragment)
        size_bytes += len(fragment.data)
    yield run


def _fill(block: memoryview, buffers: Sequence[Buffer]) -> None:
    """Copy the buffers there, one after the other."""
    position = 0
    for buffer in buffers:
        block[position : position + len(buffer)] = buffer
        position += len(buffer)
