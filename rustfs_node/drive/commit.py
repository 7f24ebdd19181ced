"""How a batch of commits becomes durable. The one place where this drive promises anything.

In order, for every batch:

1. `Batch.decide`   each commit against the newest version of its row: refused, already there, or accepted
2. `Batch.encode`   one record per accepted commit, one after the other at the end of the log
3. `Batch.sync`     one write, one fdatasync                        <- durable from here on, and not before
4. `Batch.apply`    the index: from here on lookups see it
5. `Batch.answer`   everybody hears about it

Shard files that a commit names were synced, with their folders, before it came here (see `shards`). 3 blocks
and runs in a thread; the others run in the event loop, and nothing else writes to log or index meanwhile: a
drive has one batch under way at a time.

Knows neither tasks nor the bus; `decide_commit` knows not even files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import attrs
import xxhash

from rustfs_node.drive import versions
from rustfs_node.drive.current import current_of, floor_of
from rustfs_node.drive.index import Index, Position
from rustfs_node.drive.index_row import Row, RowKey, joined_ids, row_of_record
from rustfs_node.drive.log import Log, Reservation
from rustfs_node.drive.rename_rules import RenameRules
from rustfs_node.drive.slot_rules import SlotRules
from rustfs_node.drive.slots import is_charter
from rustfs_node.seams.files import Buffer
from rustfs_proto.disk.layout import DATA_ID_BYTES
from rustfs_proto.disk.place import DrivePlace
from rustfs_proto.disk.record import Record, aligned, copy_prefix, encode_prefix, padding_of, prefix_size
from rustfs_proto.versions import is_sub
from rustfs_proto.wire.drive_ops import Commit, Committed, RowKind, SettledRow, Space
from rustfs_proto.wire.faults import Fault, FaultCode

_ANY = -1
_KINDS = frozenset(map(int, RowKind))
_SPACES = frozenset(map(int, Space))
_STAMP_MAX = (1 << 63) - 1
_NAME_BYTES_MAX = 0xFFFF
_DIGEST_BYTES = 16
_PART_NUMBER_BYTES = 2
_JOIN_BYTES_MAX = 256 * 1024
"""Up to here one copy of the batch is cheaper than a vector of many small buffers."""

_COMMITTED = Committed()
_COMMITTED_FIRST = Committed(replaced=False)


class Asker(Protocol):
    """Who waits for an answer; a `Request` of the bus is one."""

    def reply(self, message: object, frames: Sequence[bytes] = ()) -> None:
        """It is done."""
        ...

    def fail(self, fault: Fault) -> None:
        """It is not done, or nobody knows."""
        ...


# Not frozen, as one is made for every commit.
@attrs.define
class Waiting:
    """A commit on its way into a batch.

    `missing`: data ids it names whose shard file is not here. `replaced`: older versions of the row wait for
    a `Settle`, as far as is known.
    """

    commit: Commit
    data: bytes
    asker: Asker
    missing: tuple[bytes, ...] = ()
    replaced: bool = True
    size_bytes: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.size_bytes = aligned(prefix_size(self.commit) + len(self.data))

    def confirm(self) -> None:
        """It is durable: say so."""
        if self.missing:
            self.asker.reply(Committed(self.missing, self.replaced))
        else:
            self.asker.reply(_COMMITTED if self.replaced else _COMMITTED_FIRST)


def decide_commit(commit: Commit, newest: int, *, has_room: bool, current: int | None = None) -> Fault | None:
    """Whether a version that is not here yet may come after `newest`, the newest stamp that it must be above;
    None: it may. It is expected on top of `current`, or of `newest` where that is the same.
    """
    found = newest if current is None else current
    if commit.expect not in (_ANY, found):
        text = f"expected version {commit.expect}, found {found}"
        return Fault(FaultCode.CONFLICT, text, max(found, newest))
    if commit.stamp <= newest:
        return Fault(FaultCode.STALE, f"version {commit.stamp} is not newer than {newest}", newest)
    # Removals and heal notes are what makes room again, so they never wait for it. Delete markers make none.
    # What a rename has brought is here already, and whoever asks for it waits until it is finished.
    # A charter lets slots move away.
    is_exempt = commit.kind == RowKind.TOMBSTONE or commit.space == Space.HEAL or commit.rename
    if not has_room and not is_exempt and not is_charter(commit):
        return Fault(FaultCode.FULL, "the drive keeps its last bytes for deletes and heal")
    return None


def refuse_shape(commit: Commit, data: bytes) -> Fault | None:
    """What no drive would take, whatever it holds: fields out of their range, or data damaged on the way."""
    if data and len(commit.inline_check) != _DIGEST_BYTES:
        return Fault(FaultCode.INVALID, "an inline shard without its digest")
    if data and xxhash.xxh3_128_digest(data) != commit.inline_check:
        return Fault(FaultCode.DAMAGED, "the inline shard does not match its digest")
    if commit.kind not in _KINDS or commit.space not in _SPACES:
        return Fault(FaultCode.INVALID, f"kind {commit.kind} in space {commit.space} does not exist")
    if not 0 < commit.stamp <= _STAMP_MAX or not 0 <= commit.shard <= _NAME_BYTES_MAX:
        return Fault(FaultCode.INVALID, f"stamp {commit.stamp} or shard {commit.shard} is out of range")
    if max(len(commit.key), len(commit.sub), 4 * len(commit.bucket)) > _NAME_BYTES_MAX:
        return Fault(FaultCode.INVALID, f"a name of more than {_NAME_BYTES_MAX} bytes")
    if commit.space == Space.OBJECT and not is_sub(commit.sub):
        return Fault(FaultCode.INVALID, f"no version of a key is called {commit.sub.hex()}")
    if any(len(data_id) != DATA_ID_BYTES for data_id in commit.files):
        return Fault(FaultCode.INVALID, f"data ids have {DATA_ID_BYTES} bytes")
    if len(set(commit.files)) != len(commit.files):
        return Fault(FaultCode.INVALID, "a data id stands twice among the files")
    return None


@attrs.frozen
class Copy:
    """A verified record that is to stand at the end of the log too, because its segment will go."""

    record: Record
    prefix: bytes
    data: bytes


@attrs.define
class Batch:
    """Commits, copies and settlements that go through together; each step is called once, in the module's
    order.
    """

    log: Log
    index: Index
    place: DrivePlace
    has_room: bool
    now_ms: int
    renames_open_max: int
    waiting: Sequence[Waiting]
    settled: Sequence[SettledRow] = ()
    copies: Sequence[Copy] = ()
    _accepted: list[Waiting] = attrs.field(factory=list, init=False)
    _repeated: list[Waiting] = attrs.field(factory=list, init=False)
    _rewritten: set[int] = attrs.field(factory=set, init=False)
    _ended_uploads: set[RowKey] = attrs.field(factory=set, init=False)
    _changed_keys: dict[tuple[str, bytes], int] = attrs.field(factory=dict, init=False)
    _decided: int = attrs.field(default=0, init=False)
    _refused_files: list[bytes] = attrs.field(factory=list, init=False)
    _renames: RenameRules = attrs.field(init=False)
    _slots: SlotRules = attrs.field(init=False)
    _plain: list[Row] = attrs.field(factory=list, init=False)
    _careful: list[Row] = attrs.field(factory=list, init=False)
    _again: list[Row] = attrs.field(factory=list, init=False)
    _buffers: list[Buffer] = attrs.field(factory=list, init=False)
    _reservation: Reservation | None = attrs.field(default=None, init=False)
    size_bytes: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.size_bytes = sum(copy.record.total_bytes for copy in self.copies)
        self._renames = RenameRules(self.index, self.renames_open_max)
        self._slots = SlotRules(self.index)

    def decide(self, is_whole: Callable[[Row], bool]) -> None:
        """Refuse, recognise or accept every commit, in order of arrival. `is_whole` reads a record again."""
        newest_here: dict[RowKey, int] = {}
        for waiting in self.waiting:
            self._decide_one(waiting, newest_here, is_whole)
            self._decided += 1
        self.size_bytes += sum(item.size_bytes for item in self._accepted)

    def _decide_one(
        self, waiting: Waiting, newest_here: dict[RowKey, int], is_whole: Callable[[Row], bool]
    ) -> None:
        """Nobody is answered or accepted before the last question to the index, which may fail."""
        commit = waiting.commit
        row_key = (commit.space, commit.bucket, commit.key, commit.sub)
        newest = newest_here.get(row_key) or self.index.newest(row_key)
        if commit.stamp <= newest and self._is_here(waiting, row_key, newest_here, is_whole):
            return
        fault = (
            self._slots.refuse(commit, self._renames.opened)
            or self._renames.refuse(commit)
            or self._refuse(commit, newest)
            or self._refuse_part(commit)
        )
        if fault is not None:
            waiting.asker.fail(fault)
            self._refused_files.extend(commit.files)
            return
        newest_here[row_key] = commit.stamp
        if commit.space == Space.OBJECT:
            name = (commit.bucket, commit.key)
            self._changed_keys[name] = max(commit.stamp, self._changed_keys.get(name, 0))
        self._renames.accepted(commit)
        self._slots.accepted(commit)
        waiting.replaced = newest != 0
        self._accepted.append(waiting)
        if commit.space == Space.UPLOAD and commit.kind == RowKind.TOMBSTONE:
            self._ended_uploads.add(row_key)

    def _refuse(self, commit: Commit, newest: int) -> Fault | None:
        """Whether the commit may not come after what is here, `newest` being the newest stamp of its row."""
        if not commit.of_key:
            return decide_commit(commit, newest, has_room=self.has_room)
        changed = self._changed_keys.get((commit.bucket, commit.key), 0)
        newest = max(newest, changed, floor_of(self.index, commit.bucket, commit.key))
        current = newest
        if commit.expect != _ANY and not changed:
            # What this batch has accepted of the key cannot have been expected: nobody has seen it.
            current = current_of(self.index, commit.bucket, commit.key).stamp
        return decide_commit(commit, newest, has_room=self.has_room, current=current)

    def _is_here(
        self,
        waiting: Waiting,
        row_key: RowKey,
        newest_here: dict[RowKey, int],
        is_whole: Callable[[Row], bool],
    ) -> bool:
        """Whether that very version was committed before. It is written again where its record was damaged
        since, or tells otherwise which shard files are here.
        """
        stamp = waiting.commit.stamp
        if newest_here.get(row_key) == stamp:
            self._repeated.append(waiting)
            return True
        known = self.index.version(row_key, stamp)
        if known is None:
            return False
        if known.files != joined_ids(waiting.commit.files):
            text = f"version {stamp} is here already, and names other shard files"
            waiting.asker.fail(Fault(FaultCode.INVALID, text))
            self._refused_files.extend(waiting.commit.files)
            return True
        if known.missing == joined_ids(waiting.missing) and is_whole(known):
            self._repeated.append(waiting)
        else:
            self._rewritten.add(len(self._accepted))
            self._accepted.append(waiting)
        return True

    def _refuse_part(self, commit: Commit) -> Fault | None:
        """A part that comes after its upload ended would never be found again."""
        if commit.space != Space.PART or commit.kind != RowKind.VALUE:
            return None
        upload = (int(Space.UPLOAD), commit.bucket, commit.key, commit.sub[:-_PART_NUMBER_BYTES])
        newest = next(iter(self.index.versions(upload)), None)
        if upload in self._ended_uploads or (newest is not None and newest.kind == RowKind.TOMBSTONE):
            return Fault(FaultCode.NOT_FOUND, "the upload was completed or aborted")
        return None

    def encode(self) -> None:
        """Give every copy and accepted commit its place, sequence and bytes."""
        if not self.size_bytes:
            return
        at = self._reservation = self.log.reserve(self.size_bytes)
        offset, sequence = at.offset, at.sequence
        # Copies come first: what this batch does to their rows then happens after them in every replay, too.
        for copy in self.copies:
            prefix = copy_prefix(copy.prefix, sequence=sequence, batch=at.sequence)
            self._careful.append(row_of_record(copy.record, at.segment, offset))
            self._write(prefix, copy.data)
            offset, sequence = offset + copy.record.total_bytes, sequence + 1
        for number, item in enumerate(self._accepted):
            prefix = encode_prefix(
                self.place,
                item.commit,
                len(item.data),
                sequence=sequence,
                batch=at.sequence,
                segment=at.segment,
                absent=item.missing,
            )
            row = row_of_commit(item, at.segment, offset, len(prefix))
            if number in self._rewritten:
                self._again.append(row)
            else:
                (self._careful if versions.needs_care(row) else self._plain).append(row)
            self._write(prefix, item.data)
            offset, sequence = offset + item.size_bytes, sequence + 1

    def _write(self, prefix: bytes, data: bytes) -> None:
        self._buffers += (prefix, data, padding_of(len(prefix) + len(data)))

    @property
    def needs_sync(self) -> bool:
        """Whether there is anything to write; settlements alone change only the index."""
        return self._reservation is not None

    def sync(self) -> None:
        """Make the records durable. Blocks; raises OSError (fence the drive) or NoRoom (nothing happened)."""
        if self._reservation is None:
            return
        is_small = self.size_bytes <= _JOIN_BYTES_MAX
        self.log.append(self._reservation, [b"".join(self._buffers)] if is_small else self._buffers)
        # Durable after this line: every accepted commit. A crash from here on takes nothing back.

    def apply(self) -> None:
        """Move log and index on over what is durable now."""
        log, index = self.log, self.index
        if self._reservation is not None:
            log.advance(self._reservation, self.size_bytes, self._records)
        index.begin()
        index.put(self._plain)
        for row in self._careful:
            versions.add(index, row, log.segment, self.now_ms)
        for row in self._again:
            versions.rewrite(index, row)
        self._slots.applied([item.commit for item in self._accepted])
        for settled in self.settled:
            versions.settle(index, settled, log.segment, self.now_ms)
        for data_id in self._refused_files:
            versions.drop_file(index, data_id, self.now_ms)
        if self._reservation is not None:
            index.use_segment(log.segment, log.offset)
        index.advance(Position(log.segment, log.offset, log.sequence))

    @property
    def _records(self) -> int:
        return len(self._plain) + len(self._careful) + len(self._again)

    def answer(self) -> None:
        """Everything accepted is durable and visible: say so."""
        for waiting in (*self._accepted, *self._repeated):
            waiting.confirm()

    def fail(self, fault: Fault) -> None:
        """Nothing of it was indexed, and nobody may be told that it was done."""
        for waiting in (*self._accepted, *self._repeated, *self.waiting[self._decided :]):
            waiting.asker.fail(fault)

    def fail_all(self, fault: Fault) -> None:
        """Instead of all steps: the drive takes nothing any more."""
        for waiting in self.waiting:
            waiting.asker.fail(fault)


def in_batches(copies: Sequence[Copy], limit_bytes: int) -> Iterator[list[Copy]]:
    """The copies in stretches that fit a segment each."""
    some: list[Copy] = []
    room = limit_bytes
    for copy in copies:
        if some and copy.record.total_bytes > room:
            yield some
            some, room = [], limit_bytes
        some.append(copy)
        room -= copy.record.total_bytes
    if some:
        yield some


def row_of_commit(waiting: Waiting, segment: int, offset: int, prefix_bytes: int) -> Row:
    """The index row of an accepted commit whose record stands there."""
    commit = waiting.commit
    return Row(
        commit.space,
        commit.bucket,
        commit.key,
        commit.sub,
        commit.stamp,
        commit.kind,
        commit.shard,
        segment,
        offset,
        prefix_bytes,
        len(waiting.data),
        commit.head,
        joined_ids(commit.files),
        joined_ids(waiting.missing),
    )
