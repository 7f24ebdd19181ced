"""One version, and one key, from the set that owns it to the one that it goes to.

What is there already is told by its origin: the stamp that the version has where it comes from. So whatever
was copied by whomever before is not copied again, and what is not as it is at its home is made so: versions
that are missing or differ are copied, others are removed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import attrs

from rustfs_node.acceptor.block_reader import cut_at_stripes
from rustfs_node.acceptor.moves.pace import Pace
from rustfs_node.acceptor.moves.side_by_side import for_each
from rustfs_node.acceptor.sets import Sets
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.randomness import Randomness
from rustfs_proto.erasure.multipart import UPLOAD_ID_BYTES
from rustfs_proto.objects import Part, written_of
from rustfs_proto.wire.drive_ops import RowKind
from rustfs_proto.wire.faults import OPEN_RENAME, Fault, FaultCode
from rustfs_proto.wire.move_ops import (
    MOVE_ROWS_MAX,
    MovePlace,
    MoveRemove,
    MoveRow,
    MoveScan,
    MoveScanned,
    MoveVersion,
)
from rustfs_proto.wire.set_ops import (
    Block,
    Done,
    Get,
    Got,
    LockTime,
    LockTimeTold,
    ObjectInfo,
    PartTarget,
    PutBlock,
    PutBlockDone,
    PutDone,
    PutFinish,
    PutOpen,
    PutOpened,
    ReadBlock,
    Span,
)
from rustfs_proto.wire.upload_ops import UploadList, UploadsListed

_RENAMES_ENDED = 3


@attrs.frozen
class Way:
    """From one set to another, on behalf of a mover; `slots` are those under way, packed."""

    sets: Sets
    clock: Clock
    randomness: Randomness
    pace: Pace
    mover: bytes
    source: int
    target: int
    slots: bytes
    at_once: int

    async def sync_key(self, bucket: str, key: bytes) -> None:
        """Make the target have of the key what the source has. Raises `Fault`."""
        start = MovePlace(key)
        there = await self._rows(self.source, bucket, start, None, only=True)
        await self._sync(bucket, there, await self._rows(self.target, bucket, start, None, only=True))

    async def sync_bucket(self, bucket: str, after_page: Callable[[], Awaitable[None]]) -> None:
        """The same of all keys of the bucket in these slots; `after_page` is called now and then."""
        start: MovePlace | None = MovePlace()
        while start is not None:
            page = await self._page(self.source, bucket, start, None, only=False)
            rows = await self._rows(self.target, bucket, start, page.through, only=False)
            await self._sync(bucket, page.rows, rows)
            await after_page()
            start = None if page.through is None else _behind(page.through)

    async def remove_all(self, index: int, bucket: str) -> None:
        """Remove what the set has of these slots."""
        start: MovePlace | None = MovePlace()
        while start is not None:
            page = await self._page(index, bucket, start, None, only=False)
            await self._remove(index, bucket, page.rows)
            start = None if page.through is None else _behind(page.through)

    async def has_uploads(self, bucket: str, key: bytes) -> bool:
        """Whether uploads of that key are open at the source."""
        page, _ = await self.sets.ask_once(
            self.sets.names[self.source], UploadList(bucket, key, limit=1), UploadsListed, trace=""
        )
        # Of all keys that begin with it, it is the first.
        return any(entry.key == key for entry in page.entries)

    async def _sync(self, bucket: str, rows: Sequence[MoveRow], copies: Sequence[MoveRow]) -> None:
        here = {(row.key, row.sub): row for row in rows if row.stamp}
        there = {(row.key, row.sub): row for row in copies}
        extra = [row for place, row in there.items() if place not in here]
        await self._remove(self.target, bucket, extra)
        wanted = [
            row
            for place, row in here.items()
            if place not in there or not there[place].stamp or there[place].origin != row.stamp
        ]
        await for_each(wanted, self.at_once, partial(self._copy_at_pace, bucket))

    async def _copy_at_pace(self, bucket: str, row: MoveRow) -> None:
        began_s = self.clock.monotonic_s()
        await self._copy(bucket, row)
        await self.pace.after(row.size, self.clock.monotonic_s() - began_s)

    async def _remove(self, index: int, bucket: str, rows: Sequence[MoveRow]) -> None:
        for begin in range(0, len(rows), MOVE_ROWS_MAX):
            places = tuple(MovePlace(row.key, row.sub) for row in rows[begin : begin + MOVE_ROWS_MAX])
            await self._ask_done(index, MoveRemove(bucket, places, self.mover))

    async def _ask_done(self, index: int, request: object, frames: tuple[bytes, ...] = ()) -> None:
        await self.sets.ask_once(self.sets.names[index], request, Done, trace="", frames=frames)

    async def _rows(
        self, index: int, bucket: str, start: MovePlace, last: MovePlace | None, *, only: bool
    ) -> list[MoveRow]:
        """All rows from `start` through `last`."""
        rows: list[MoveRow] = []
        at: MovePlace | None = start
        while at is not None:
            page = await self._page(index, bucket, at, last, only=only)
            rows += page.rows
            at = None if page.through is None else _behind(page.through)
        return rows

    async def _page(
        self, index: int, bucket: str, start: MovePlace, last: MovePlace | None, *, only: bool
    ) -> MoveScanned:
        seed = self.sets.homes.layout.seed
        request = MoveScan(bucket, self.slots, seed, self.mover, start, last, only)
        page, _ = await self.sets.ask_once(self.sets.names[index], request, MoveScanned, trace="")
        return page

    async def _copy(self, bucket: str, row: MoveRow) -> None:
        """Copy a version, unless it is gone meanwhile: then that is a change, which is told by the watch."""
        try:
            got, body = await self._get(bucket, row)
            if got.is_marker or (len(got.meta.parts) <= 1 and got.head.size <= self.sets.stripe_bytes):
                frames = (body + await self._rest(bucket, row, got, len(body)),) if got.head.size else ()
                await self._ask_done(self.target, await self._version(bucket, row, got), frames)
            else:
                parts_id = await self._write_parts(bucket, row, got)
                await self._ask_done(self.target, await self._version(bucket, row, got, parts_id))
        except _Gone:
            return

    async def _version(self, bucket: str, row: MoveRow, got: Got, parts_id: bytes = b"") -> MoveVersion:
        kind = RowKind.MARKER if got.is_marker else RowKind.VALUE
        now_ms = 0
        if got.meta.lock is not None:
            peer = self.sets.names[self.source]
            told, _ = await self.sets.ask_once(peer, LockTime(), LockTimeTold, trace="")
            now_ms = told.now_ms
        return MoveVersion(
            bucket, row.key, row.sub, kind, got.stamp, got.head, got.meta, self.mover, parts_id, now_ms
        )

    async def _get(self, bucket: str, row: MoveRow) -> tuple[Got, bytes]:
        """The version with the beginning of its bytes, where it has few."""
        is_small = row.size <= self.sets.stripe_bytes
        request = Get(bucket, row.key, Span(), want_data=is_small, sub=row.sub)
        peer = self.sets.names[self.source]
        for left in range(_RENAMES_ENDED, -1, -1):
            try:
                got, frames = await self.sets.ask_once(peer, request, Got, trace="")
                return got, frames[0] if frames else b""
            except Fault as fault:
                if fault.code is FaultCode.NOT_FOUND:
                    raise _Gone from fault
                if fault.code not in OPEN_RENAME or not left:
                    raise
                await self.sets.renames.settle(peer, bucket, (row.key,), "")
        raise AssertionError("unreachable: the last round raises or returns")

    async def _rest(self, bucket: str, row: MoveRow, got: Got, begin: int) -> bytes:
        blocks = [
            await self._block(bucket, row, got, offset, length)
            for offset, length in _cuts(got, begin, got.head.size - begin, self.sets.stripe_bytes)
        ]
        return b"".join(blocks)

    async def _block(self, bucket: str, row: MoveRow, got: Got, offset: int, length: int) -> bytes:
        stamp = written_of(got.head, got.stamp)
        request = ReadBlock(bucket, row.key, stamp, offset, length, row.sub)
        try:
            _, frames = await self.sets.ask_once(self.sets.names[self.source], request, Block, trace="")
        except Fault as fault:
            if fault.code is FaultCode.NOT_FOUND:
                raise _Gone from fault
            raise
        return frames[0]

    async def _write_parts(self, bucket: str, row: MoveRow, got: Got) -> bytes:
        """Have the parts kept at the target; the id under which they are."""
        parts_id = self.randomness.token(UPLOAD_ID_BYTES)
        offset = 0
        for part in got.meta.parts:
            if part.size:
                await self._write_part(bucket, row, got, part, offset, parts_id)
            offset += part.size
        return parts_id

    async def _write_part(
        self, bucket: str, row: MoveRow, got: Got, part: Part, begin: int, parts_id: bytes
    ) -> None:
        sets, peer = self.sets, self.sets.names[self.target]
        opening = PutOpen(
            bucket,
            row.key,
            part.size,
            PartTarget(parts_id, part.number),
            storage_class=got.head.storage_class,
            mover=self.mover,
        )
        opened, _ = await sets.ask_once(peer, opening, PutOpened, trace="")
        for index, at in enumerate(range(0, part.size, opened.stripe_bytes)):
            length = min(opened.stripe_bytes, part.size - at)
            blocks = [
                await self._block(bucket, row, got, offset, piece)
                for offset, piece in _cuts(got, begin + at, length, got.meta.geometry.stripe_bytes)
            ]
            put = PutBlock(opened.handle, index)
            await sets.ask_once(peer, put, PutBlockDone, trace="", frames=(b"".join(blocks),))
        info = ObjectInfo(part.etag, checksums=part.checksums)
        await sets.ask_once(peer, PutFinish(opened.handle, info), PutDone, trace="")


class _Gone(Exception):
    """The version is not there any more."""


def _cuts(got: Got, offset: int, length: int, stripe_bytes: int) -> Sequence[tuple[int, int]]:
    return list(cut_at_stripes([part.size for part in got.meta.parts], stripe_bytes, offset, length))


def _behind(place: MovePlace) -> MovePlace:
    return MovePlace(place.key, place.sub + b"\0")
