"""A drive in memory that keeps the promises of `rustfs_proto.wire.drive_ops`, and can be told to break them.

It stands beside the real drive worker where a test wants to say exactly which drive has what: emptied, full,
damaged, silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import xxhash
from msgspec.structs import replace

from rustfs_node.bus import Bus, Request
from rustfs_proto.erasure.scrubbing import class_of
from rustfs_proto.wire import drive_ops as ops
from rustfs_proto.wire import heal_ops
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.heal_ops import FindingsTold, FoundKey, TakeFindings
from rustfs_proto.wire.usage_ops import CountUsage, UsageCounted
from tests.unit.erasureset.model_versions import KeyRows, current_sub, floor_of, is_unsure

RowName = tuple[int, str, bytes, bytes]


@attrs.define
class Stored:
    """One version of a row. `absent` are its files that were not here when it was committed; `is_marked`: it
    is known to be on a write quorum.
    """

    commit: ops.Commit
    inline: bytes = b""
    is_damaged: bool = False
    absent: tuple[bytes, ...] = ()
    is_marked: bool = False


@attrs.define(eq=False)
class ModelDrive:
    """Switches are plain fields: set them at any time."""

    bus: Bus
    rows: dict[RowName, dict[int, Stored]] = attrs.field(factory=dict)
    files: dict[bytes, list[bytes]] = attrs.field(factory=dict)
    damaged_fragments: set[tuple[bytes, int]] = attrs.field(factory=set)
    is_silent: bool = False
    is_full: bool = False
    is_healing: bool = False
    joins: bytes = b""
    mark: tuple[int, ops.RowName] = (0, ops.RowName())
    loses_settles: bool = False
    refuses: FaultCode | None = None
    refuses_where: Callable[[object], bool] = lambda _: False
    held: list[Request] | None = None
    seen: list[object] = attrs.field(factory=list)
    findings: list[FoundKey] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.bus.serve(self._handle)

    def hold(self) -> None:
        """From now on let requests wait, in order."""
        self.held = []

    def release(self) -> None:
        """Answer what waits, and go on as before."""
        assert self.held is not None
        held, self.held = self.held, None
        self._handle(held)

    def empty(self) -> None:
        """The drive was replaced by an empty one, which is healing."""
        self.rows.clear()
        self.files.clear()
        self.is_healing, self.joins, self.mark = True, b"", (0, ops.RowName())

    def damage(self, bucket: str, key: bytes) -> None:
        """The newest version of the object no longer checks."""
        versions = self.rows[ops.Space.OBJECT, bucket, key, b""]
        versions[max(versions)].is_damaged = True

    def heal_notes(self) -> list[tuple[str, bytes]]:
        noted = {name: rows for name, rows in self.rows.items() if name[0] == ops.Space.HEAL and rows}
        return [
            (bucket, key)
            for (_, bucket, key, _), rows in noted.items()
            if rows[max(rows)].commit.kind == ops.RowKind.VALUE
        ]

    def versions(self, bucket: str, key: bytes) -> dict[int, Stored]:
        """Records of an object's null version on this drive, by stamp."""
        return self.rows.get((ops.Space.OBJECT, bucket, key, b""), {})

    def rows_of_key(self, bucket: str, key: bytes) -> KeyRows:
        """The versions of an object on this drive, by sub."""
        place = (ops.Space.OBJECT, bucket, key)
        return {name[3]: versions for name, versions in self.rows.items() if name[:3] == place and versions}

    def _handle(self, requests: list[Request]) -> None:
        for request in requests:
            if isinstance(request.message, CountUsage):
                # Nobody's test is about it, and whoever counts calls does not mean it.
                if not self.is_silent:
                    request.reply(UsageCounted())
                continue
            if self.held is not None:
                self.held.append(request)
                continue
            self.seen.append(request.message)
            if self.is_silent:
                continue
            try:
                if self.refuses and not isinstance(request.message, ops.DriveStatus):
                    raise Fault(self.refuses, "told to refuse")
                if self.refuses_where(request.message):
                    raise Fault(FaultCode.OVERLOADED, "told to refuse this")
                reply, frames = self._answer(request)
            except Fault as fault:
                request.fail(fault)
            else:
                if reply is not None:
                    request.reply(reply, frames)

    def _answer(self, request: Request) -> tuple[object | None, tuple[bytes, ...]]:
        match request.message:
            case TakeFindings(noted):
                self.findings = [one for one in self.findings if one not in noted]
                return FindingsTold(tuple(self.findings)), ()
            case ops.Commit() as message:
                return self._commit(message, request.frames), ()
            case ops.Settle(rows):
                self._settle(rows)
                return None, ()
            case ops.Lookup() as message:
                found, frames = self._lookup(message)
                return replace(found, joins=bool(self.joins)), frames
            case ops.Scan() as message:
                return self._scan(message), ()
            case ops.ListUnsettled():
                kept = [ops.RowName(*name) for name, versions in self.rows.items() if len(versions) > 1]
                return ops.UnsettledListed(tuple(kept)), ()
            case heal_ops.ListRows() as message:
                return self._list_rows(message), ()
            case heal_ops.Rejoin() as message:
                return self._rejoin(message), ()
            case heal_ops.MarkRebuild(stage, at):
                if stage != heal_ops.ASK:
                    self.mark = (stage, at)
                return heal_ops.RebuildMarked(*self.mark, joined=self.joins), ()
            case ops.ShardWrite() as message:
                return self._write(message, request.frames[0]), ()
            case ops.ShardDrop(data_id):
                if not self._refers(data_id):
                    self.files.pop(data_id, None)
                return None, ()
            case ops.ShardRead() as message:
                return self._read(message)
            case ops.DriveStatus():
                newest = max((stamp for row in self.rows.values() for stamp in row), default=0)
                state = ops.DriveState.HEALING if self.is_healing else ops.DriveState.ONLINE
                return ops.DriveStatusReply(
                    self.bus.own_name, state, newest, 1000, 500, len(self.rows), 0, 0, len(self.heal_notes())
                ), ()
        raise AssertionError(request.message)

    def _commit(self, message: ops.Commit, frames: tuple[bytes, ...]) -> ops.Committed:
        if self.is_full and message.kind != ops.RowKind.TOMBSTONE:
            raise Fault(FaultCode.FULL, "told to be full")
        is_part = message.space == ops.Space.PART and message.kind == ops.RowKind.VALUE
        if is_part and self._is_over(message.bucket, message.key, message.sub[:-2]):
            raise Fault(FaultCode.NOT_FOUND, "the upload is over")
        versions = self.rows.get((message.space, message.bucket, message.key, message.sub), {})
        newest = current = max(versions, default=0)
        if message.of_key and newest != message.stamp:
            current = self._lookup(ops.Lookup(0, message.bucket, message.key, current=True))[0].stamp
            newest = max(newest, floor_of(self.rows_of_key(message.bucket, message.key)))
        inline = frames[0] if frames else b""
        if inline and xxhash.xxh3_128_digest(inline) != message.inline_check:
            raise Fault(FaultCode.DAMAGED, "checksum of the inline shard")
        if newest != message.stamp:
            if message.expect not in {-1, current}:
                raise Fault(FaultCode.CONFLICT, f"expected {message.expect}", newest)
            if message.stamp < newest:
                raise Fault(FaultCode.STALE, "older", newest)
        missing = tuple(data_id for data_id in message.files if data_id not in self.files)
        if missing and message.whole:
            raise Fault(FaultCode.NOT_FOUND, "a shard file is not here")
        versions = self.rows.setdefault((message.space, message.bucket, message.key, message.sub), versions)
        versions[message.stamp] = Stored(message, inline, absent=missing)
        if message.space == ops.Space.UPLOAD and message.kind == ops.RowKind.TOMBSTONE:
            self._drop_parts(message)
        return ops.Committed(missing, replaced=len(versions) > 1)

    def _is_over(self, bucket: str, key: bytes, upload_id: bytes) -> bool:
        versions = self.rows.get((ops.Space.UPLOAD, bucket, key, upload_id))
        return bool(versions) and versions[max(versions)].commit.kind == ops.RowKind.TOMBSTONE

    def _drop_parts(self, upload: ops.Commit) -> None:
        """The end of an upload takes the rows of its parts along, and the files that nothing else names."""
        place = (ops.Space.PART, upload.bucket, upload.key)
        ended = [name for name in self.rows if name[:3] == place and name[3].startswith(upload.sub)]
        files = [f for name in ended for stored in self.rows.pop(name).values() for f in stored.commit.files]
        for data_id in files:
            if not self._refers(data_id):
                self.files.pop(data_id, None)

    def _refers(self, data_id: bytes) -> bool:
        return any(data_id in s.commit.files for row in self.rows.values() for s in row.values())

    def _settle(self, rows: tuple[ops.SettledRow, ...]) -> None:
        for row in rows if not self.loses_settles else ():
            name = (row.space, row.bucket, row.key, row.sub)
            versions = self.rows.get(name, {})
            if row.stamp in versions:
                versions[row.stamp].is_marked |= row.marks
                for older in [stamp for stamp in versions if stamp < row.stamp]:
                    del versions[older]
                if (
                    row.complete
                    and versions[row.stamp].commit.kind == ops.RowKind.TOMBSTONE
                    and len(versions) == 1
                ):
                    del self.rows[name]

    def _lookup(self, message: ops.Lookup) -> tuple[ops.LookedUp, tuple[bytes, ...]]:
        if message.current:
            rows = self.rows_of_key(message.bucket, message.key)
            sub = current_sub(rows)
            answer, frames = self._lookup(replace(message, sub=sub, current=False))
            return replace(answer, others=len(rows) > 1 or bool(sub), unsure=is_unsure(rows)), frames
        evidence = not self.is_healing
        versions = self.rows.get((message.space, message.bucket, message.key, message.sub), {})
        stamp = message.stamp or max(versions, default=0)
        if stamp not in versions:
            return ops.LookedUp(ops.RowState.ABSENT, evidence), ()
        stored = versions[stamp]
        priors = tuple(sorted((older for older in versions if older < stamp), reverse=True))
        if stored.is_damaged:
            return ops.LookedUp(
                ops.RowState.DAMAGED,
                evidence,
                stamp,
                sub=message.sub,
                priors=priors,
                on_quorum=stored.is_marked,
            ), ()
        commit = stored.commit
        gone = tuple(data_id for data_id in commit.files if data_id not in self.files)
        never_had = tuple(data_id for data_id in stored.absent if data_id in gone)
        looked_up = ops.LookedUp(
            ops.RowState.FOUND, evidence, stamp, commit.kind, commit.sub, commit.shard, commit.head,
            commit.meta, commit.inline_check, priors, gone, never_had,
            on_quorum=stored.is_marked,
        )  # fmt: skip
        return looked_up, (stored.inline,) if stored.inline and message.want_inline else ()

    def _list_rows(self, message: heal_ops.ListRows) -> heal_ops.RowsListed:
        after = message.after
        behind = (after.space, after.bucket.encode(), after.key, after.sub)
        rows = []
        for (space, bucket, key, sub), versions in self.rows.items():
            if versions and (space, bucket.encode(), key, sub) > behind:
                stored = versions[max(versions)]
                if message.notes and stored.commit.kind == ops.RowKind.TOMBSTONE:
                    continue
                has_gaps = any(data_id not in self.files for data_id in stored.commit.files)
                has_gaps |= message.verify and stored.is_damaged
                commit = stored.commit
                held = (space, bucket, key, sub, commit.stamp, commit.kind, has_gaps, class_of(commit.head))
                rows.append(heal_ops.HeldRow(*held))
        rows.sort(key=lambda row: (row.space, row.bucket.encode(), row.key, row.sub))
        page = tuple(rows[: message.limit])
        return heal_ops.RowsListed(page, len(page) < len(rows), not self.is_healing)

    def _rejoin(self, message: heal_ops.Rejoin) -> heal_ops.Rejoined:
        if not self.is_healing:
            return heal_ops.Rejoined()
        if not message.is_rebuilt:
            self.joins = message.token
        elif message.token != self.joins:
            raise Fault(FaultCode.CONFLICT, "another token")
        else:
            self.is_healing, self.joins = False, b""
        return heal_ops.Rejoined()

    def _scan(self, message: ops.Scan) -> ops.Scanned:
        rows = list(self._rows_of(message))
        return ops.Scanned(tuple(rows[: message.limit]), len(rows) > message.limit, not self.is_healing)

    def _rows_of(self, message: ops.Scan) -> Iterator[ops.ScanRow]:
        """A group is shown by its first value, or where it has none by its first tombstone."""
        groups: dict[bytes, ops.ScanRow] = {}
        for (space, bucket, key, sub), versions in sorted(self.rows.items()):
            is_wanted = (key, sub) >= (message.start, message.start_sub) and key.startswith(message.prefix)
            if (space, bucket) != (message.space, message.bucket) or not versions or not is_wanted:
                continue
            stamp = max(versions)
            commit = versions[stamp].commit
            priors = tuple(sorted((older for older in versions if older < stamp), reverse=True))
            at = key.find(message.delimiter, len(message.prefix)) if message.delimiter else -1
            group = key[: at + len(message.delimiter)] if at >= 0 else b""
            has_gaps = any(data_id not in self.files for data_id in commit.files)
            row = ops.ScanRow(key, stamp, commit.kind, sub, b"", commit.head, group, priors, has_gaps)
            if message.current:
                rows = self.rows_of_key(bucket, key)
                if sub != current_sub(rows):
                    continue
                row = replace(row, sub=b"", version=sub, unsure=is_unsure(rows))
            if group not in groups or (
                groups[group].kind == ops.RowKind.TOMBSTONE and commit.kind == ops.RowKind.VALUE
            ):
                groups[group or key + b"\0" + sub] = row
        yield from sorted(
            groups.values(), key=lambda row: (row.group or row.key, row.sub if not row.group else b"")
        )

    def _write(self, message: ops.ShardWrite, fragment: bytes) -> ops.ShardWritten:
        if self.is_full:
            raise Fault(FaultCode.FULL, "told to be full")
        if xxhash.xxh3_128_digest(fragment) != message.check:
            raise Fault(FaultCode.DAMAGED, "checksum of the fragment")
        if message.index == 0:
            assert message.identity is not None
            self.files[message.data_id] = []
        fragments = self.files.get(message.data_id)
        if fragments is None or len(fragments) != message.index:
            raise Fault(FaultCode.NOT_FOUND, "no such shard file, or not the next fragment")
        fragments.append(fragment)
        return ops.ShardWritten()

    def _read(self, message: ops.ShardRead) -> tuple[ops.ShardFragments, tuple[bytes, ...]]:
        if message.data_id not in self.files:
            raise Fault(FaultCode.NOT_FOUND, "no such shard file")
        asked = range(message.index, message.index + message.count)
        if any((message.data_id, index) in self.damaged_fragments for index in asked):
            raise Fault(FaultCode.DAMAGED, "told to be damaged")
        frames = tuple(self.files[message.data_id][message.index : message.index + message.count])
        return ops.ShardFragments(tuple(map(xxhash.xxh3_128_digest, frames))), frames
