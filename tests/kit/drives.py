"""One drive for tests: formatted, opened as an engine or served by a worker, and asked directly."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

import attrs
import xxhash

from rustfs_node.drive.commit import Waiting
from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.identity_file import DriveAddress, write_identity
from rustfs_node.drive.shards import ShardWriter
from rustfs_node.seams.files import Files
from rustfs_node.seams.memory_files import MemoryFiles
from rustfs_node.seams.real_files import RealFiles
from rustfs_node.settings.drive import KIB, DriveSettings
from rustfs_proto.disk.identity import DriveIdentity, parse_identity
from rustfs_proto.wire.drive_ops import (
    Commit,
    Committed,
    LookedUp,
    Lookup,
    RowKind,
    SettledRow,
    ShardIdentity,
    ShardRead,
    ShardWrite,
    Space,
)
from rustfs_proto.wire.faults import Fault

SMALL = DriveSettings(
    compact_garbage_bytes=0,
    segment_bytes=64 * KIB,
    batch_bytes=32 * KIB,
    segment_zero_fill=False,
    reserve_bytes=0,
    tombstone_grace_s=0.0,
)
"""Settings under which a few records fill a segment."""

STRIPE_BYTES = 8192
"""Stripes of test objects: two data shards of 4096 bytes."""

DEPLOYMENT = "6f3a1c52-0000-4000-8000-00000000abcd"
FIRST_STAMP = 1_700_000_000_000 << 20 | 1
"""An ordinary stamp; tests add to it."""


@attrs.define
class FixedClock:
    """A clock that stands still until it is moved."""

    wall: int = 1_700_000_100_000
    monotonic: float = 1000.0

    def wall_ms(self) -> int:
        return self.wall

    def monotonic_s(self) -> float:
        return self.monotonic

    def move(self, seconds: float) -> None:
        self.wall += int(seconds * 1000)
        self.monotonic += seconds


@attrs.define
class Answer:
    """Stands where a request of the bus stands, and keeps what it was answered."""

    got: object = None
    frames: Sequence[bytes] = ()

    def reply(self, message: object, frames: Sequence[bytes] = ()) -> None:
        assert self.got is None, "answered twice"
        self.got, self.frames = message, frames

    def fail(self, fault: Fault) -> None:
        assert self.got is None, "answered twice"
        self.got = fault


@attrs.define
class TestDrive:
    """A formatted drive that can be opened, closed and opened again."""

    __test__ = False

    path: str
    files: Files
    settings: DriveSettings = SMALL
    clock: FixedClock = attrs.field(factory=FixedClock)
    index_at: str = ""
    drive_id: str = attrs.field(factory=lambda: str(uuid.uuid4()))
    _engine: DriveEngine | None = None

    def format(self) -> TestDrive:
        write_identity(self.files, self.path, DriveIdentity(DEPLOYMENT, 0, 2, 4, self.drive_id, 1))
        return self

    @property
    def address(self) -> DriveAddress:
        return DriveAddress(self.path, DEPLOYMENT, 0, 2, self.drive_id)

    @property
    def engine(self) -> DriveEngine:
        if self._engine is None:
            self._engine = DriveEngine.open(
                self.files, self.address, self.settings, self.clock, self.index_at
            )
        return self._engine

    @property
    def is_open(self) -> bool:
        """Whether there is an engine."""
        return self._engine is not None

    @property
    def identity(self) -> DriveIdentity:
        return parse_identity(self.files.read_file(f"{self.path}/rustfs.json"))

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def abandon(self) -> None:
        """The process is dead: nothing is closed in order."""
        self._engine = None

    def reopen(self) -> DriveEngine:
        self.close()
        return self.engine

    def commit(self, *commits: Commit, data: bytes = b"", datas: Sequence[bytes] = ()) -> list[object]:
        """One batch; the answer to each. `data` is the same for all, `datas` one for each."""
        waiting = [
            Waiting(commit, part, Answer())
            for commit, part in zip(commits, datas or [data] * len(commits), strict=True)
        ]
        self.engine.run(waiting)
        return [item.asker.got for item in waiting]

    def put(self, key: str, stamp: int, data: bytes = b"") -> None:
        """Commit a value that must be accepted."""
        (got,) = self.commit(value(key, stamp, data), data=data)
        assert isinstance(got, Committed), got

    def delete(self, key: str, stamp: int) -> None:
        """Commit a tombstone that must be accepted."""
        (got,) = self.commit(tombstone(key, stamp))
        assert isinstance(got, Committed), got

    def settle(self, key: str, stamp: int, *, complete: bool = False, space: int = Space.OBJECT) -> None:
        """Let settlement of a version come through."""
        self.engine.run(
            (), [SettledRow(space, "bucket", key.encode(), FIRST_STAMP + stamp, complete=complete)]
        )

    def write_shard(self, data_id: bytes, *fragments: bytes, key: str = "big") -> None:
        """Take over and write the fragments of a shard file, without finishing it."""
        writers = self.engine.shard_writers
        for index, data in enumerate(fragments):
            identity = ShardIdentity("bucket", key.encode(), 1, 2, 2, STRIPE_BYTES) if index == 0 else None
            check = xxhash.xxh3_128_digest(data)
            writer = writers.take(ShardWrite(data_id, index, check, identity), data, Answer(), 0.0)
            assert isinstance(writer, ShardWriter), writer
            fragments_taken, writer.queue = writer.queue, []
            fault = writers.write(writer, fragments_taken)
            if fault is not None:
                raise fault
            writers.buffered_bytes -= len(data)

    def commit_files(self, commit: Commit) -> object:
        """What the worker does with a commit that names shard files."""
        writers = self.engine.shard_writers
        ready = writers.finishing(commit.files)
        writers.finish(ready)
        answer = Answer()
        self.engine.run([Waiting(commit, b"", answer, writers.missing(commit.files))])
        return answer.got

    def read_shard(self, data_id: bytes, count: int, key: str = "big") -> tuple[bytes, ...]:
        """All fragments of a shard file."""
        readers = self.engine.shard_readers
        shard = readers.open(data_id)
        try:
            return readers.read(shard, ShardRead(data_id, "bucket", key.encode(), 1, 0, count))[1]
        finally:
            readers.give_back(shard, 0.0)

    def look(self, key: str, **fields: object) -> tuple[LookedUp, Sequence[bytes]]:
        """Look a key up."""
        lookup = Lookup(Space.OBJECT, "bucket", key.encode(), **fields)
        return self.engine.reader.look_up(lookup, evidence=self.engine.fence.evidence)

    def data(self, key: str) -> bytes | None:
        """The inline bytes of a key, None where there is no value."""
        found, frames = self.look(key)
        if found.stamp == 0 or found.kind != RowKind.VALUE:
            return None
        return b"".join(frames)


def new_drive(folder: Path, settings: DriveSettings = SMALL) -> TestDrive:
    """A formatted drive in that folder of the real file system."""
    folder.mkdir(exist_ok=True)
    return TestDrive(str(folder), RealFiles(), settings).format()


def memory_drive(settings: DriveSettings = SMALL, index_at: str = ":memory:") -> TestDrive:
    """A formatted drive in a memory file system of its own."""
    files = MemoryFiles()
    files.make_folder("/drive")
    files.sync_folder("/")
    return TestDrive("/drive", files, settings, index_at=index_at).format()


def value(key: str, stamp: int, data: bytes = b"", **fields: object) -> Commit:
    """A commit of an object; `stamp` counts from FIRST_STAMP."""
    return Commit(
        **{
            "space": Space.OBJECT,
            "bucket": "bucket",
            "key": key.encode(),
            "stamp": FIRST_STAMP + stamp,
            "kind": RowKind.VALUE,
            "head": b"head of " + key.encode(),
            "meta": b"meta",
            "inline_check": xxhash.xxh3_128_digest(data) if data else b"",
            **fields,
        }
    )


def tombstone(key: str, stamp: int, **fields: object) -> Commit:
    """A commit of a tombstone."""
    return value(key, stamp, kind=RowKind.TOMBSTONE, head=b"", meta=b"", **fields)
