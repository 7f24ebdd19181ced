"""Gives one drive its shard of a version that other drives have.

The same stamp is committed again, so however often and by whomever this is done, the drive ends up with the
same record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext

import attrs
import xxhash

from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.block_read import Pieces, RunRead
from rustfs_node.erasureset.row_read import RowRead
from rustfs_node.erasureset.state import SetState, codec_of
from rustfs_node.erasureset.version import Version, has_fragments, inline_fragments, version_of
from rustfs_node.erasureset.versions import ReadableVersion
from rustfs_proto.erasure.codec import Codec
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.geometry import stripe_count, stripe_len
from rustfs_proto.erasure.placement import shard_of_slot
from rustfs_proto.objects import INLINE, ObjectMeta, Part, decode_meta
from rustfs_proto.wire.drive_ops import (
    Commit,
    Committed,
    Lookup,
    RowKind,
    RowState,
    ShardDrop,
    ShardIdentity,
    ShardRead,
    ShardWrite,
    Space,
)
from rustfs_proto.wire.faults import Fault


async def _at_once(_: int) -> None:
    """Nobody asks for patience."""


async def _as_it_is() -> None:
    """Nobody asks whether it is still so."""


@attrs.frozen
class Care:
    """What healing asks of a copy that a read does not. `torn` are shard files that are on the drive and
    cannot be used. `spend` is told of bytes that are written, and waits as long as there is no budget for
    them. `confirm` is asked when the shard files are there, which may have taken long, and raises `Fault`
    where the version is no longer wanted. `turn` is had while a file is copied; `is_alone` tells
    whether nobody else calls.
    """

    torn: Collection[bytes] = ()
    spend: Callable[[int], Awaitable[None]] = _at_once
    confirm: Callable[[], Awaitable[None]] = _as_it_is
    turn: AbstractAsyncContextManager[object] | None = None
    is_alone: Callable[[], bool] = bool


_NO_CARE = Care()


async def copy_version(
    state: SetState, read: RowRead, slot: int, trace: str = "", care: Care = _NO_CARE
) -> tuple[bytes, ...]:
    """Make the drive in `slot` hold the version that `read` decided upon; the data ids of which it has no
    shard file all the same. Raises `Fault`.
    """
    decision, lookup = read.decision, read.lookup
    assert decision is not None
    assert read.sub == lookup.sub, "only rows that were decided by themselves are completed"
    if decision.verdict is Verdict.ABSENT:
        await state.drives.write(slot, _row(lookup, decision.stamp, RowKind.TOMBSTONE), (), trace)
        return ()
    version = await version_of(state, read, trace)
    meta = version.meta
    shard = shard_of_slot(lookup.bucket, lookup.key, slot, state.n)
    frames: tuple[bytes, ...] = ()
    check = b""
    if has_fragments(meta):
        fragments = await inline_fragments(state, read, meta, trace)
        frames = (codec_of(meta.geometry).rebuild(fragments, shard, meta.parts[0].size),)
        check = xxhash.xxh3_128_digest(frames[0])
    files = tuple(part.data_id for part in meta.parts if part.data_id != INLINE)
    here = ({INLINE} | _files_here(read, slot)).difference(care.torn)
    begun: list[bytes] = []
    try:
        for part in meta.parts:
            if part.data_id in here or part.data_id in begun:
                continue
            if part.data_id in care.torn or not await _is_there(state, lookup, part, slot, trace):
                async with care.turn or nullcontext():
                    await _FileCopy(state, lookup, version, meta, part, slot).run(begun, care, trace)
        if begun:
            await care.confirm()
        commit = _row(lookup, version.stamp, RowKind(version.kind), shard, version, check, files)
        # The drive fsyncs before it answers, so the version counts as held from here on.
        reply = await state.drives.write(slot, commit, frames, trace)
    except Fault:
        # The stump of a file must not be there when somebody else's commit names it.
        for data_id in begun:
            state.drives.tell(slot, ShardDrop(data_id))
        raise
    assert isinstance(reply.message, Committed)
    return reply.message.missing


def _files_here(read: RowRead, slot: int) -> set[bytes]:
    """The shard files that the drive has because its own newest version names them too: so it is where that
    version was amended.
    """
    found = read.answers.get(slot)
    if found is None or found[0].state != RowState.FOUND or found[0].kind != RowKind.VALUE:
        return set()
    named = {part.data_id for part in decode_meta(found[0].meta).parts}
    return named.difference(found[0].no_files)


async def _is_there(state: SetState, lookup: Lookup, part: Part, slot: int, trace: str) -> bool:
    """Whether the drive has the shard file, because another version of the key names it: one that the version
    was appended to, or that was appended to it.
    """
    if lookup.space != Space.OBJECT:
        return False
    shard = shard_of_slot(lookup.bucket, lookup.key, slot, state.n)
    try:
        await state.drives.read(slot, ShardRead(part.data_id, lookup.bucket, lookup.key, shard, 0), trace)
    except Fault:
        # It is not there, or not as it should be.
        return False
    return True


class _FileCopy:
    """A drive's shard file of one part, built anew: while some fragments are written the next ones are
    read.
    """

    def __init__(
        self, state: SetState, lookup: Lookup, version: Version, meta: ObjectMeta, part: Part, slot: int
    ) -> None:
        self._state, self._meta, self._part, self._slot = state, meta, part, slot
        self._shard = shard_of_slot(lookup.bucket, lookup.key, slot, state.n)
        self._readable = ReadableVersion(lookup.bucket, lookup.key, version.stamp, meta)

    async def run(self, begun: list[bytes], care: Care, trace: str) -> None:
        """To its end. Added to `begun` once something may be there. Raises `Fault`."""
        stripes = stripe_count(self._part.size, self._meta.geometry.stripe_bytes)
        first, ahead = 0, self._read(0, min(self._step(care), stripes), trace)
        while first < stripes:
            pieces = await ahead.wait()
            if isinstance(pieces, Fault):
                raise pieces
            behind = first + len(pieces)
            if behind < stripes:
                ahead = self._read(behind, min(self._step(care), stripes - behind), trace)
            if not first:
                # By itself: where somebody else is at this file already, he is not to be disturbed.
                await self._begin(pieces[0], self._part.data_id in care.torn, trace)
                begun.append(self._part.data_id)
            await self._write(first or 1, pieces if first else pieces[1:], trace)
            await care.spend(sum(map(len, pieces)))
            first = behind

    def _step(self, care: Care) -> int:
        """Stripes to read at a time: one while clients call, who wait while it is decoded."""
        return max(1, self._state.settings.block_stripes_max) if care.is_alone() else 1

    def _read(self, first: int, count: int, trace: str) -> Answer[Pieces | Fault]:
        """Begin to read so many stripes."""
        stripe_bytes, part = self._meta.geometry.stripe_bytes, self._part
        sizes = [stripe_len(part.size, stripe_bytes, index) for index in range(first, first + count)]
        answered: Answer[Pieces | Fault] = Answer()
        RunRead(
            self._state, self._readable, part, first, sizes, answered.set, trace, self._fragment_of
        ).start()
        return answered

    def _fragment_of(self, codec: Codec, fragments: Mapping[int, bytes], stripe_bytes: int) -> bytes:
        return codec.rebuild(fragments, self._shard, stripe_bytes)

    async def _begin(self, fragment: bytes, is_torn: bool, trace: str) -> None:
        check = xxhash.xxh3_128_digest(fragment)
        write = ShardWrite(self._part.data_id, 0, check, self._identity, is_torn)
        await self._state.drives.write(self._slot, write, (fragment,), trace)

    async def _write(self, first: int, pieces: Pieces, trace: str) -> None:
        """Fragments that follow each other, all of them on their way at once."""
        answers = []
        for index, fragment in enumerate(pieces, first):
            write = ShardWrite(self._part.data_id, index, xxhash.xxh3_128_digest(fragment))
            answers.append(self._state.drives.begin_write(self._slot, write, (fragment,), trace))
        outcomes = [await answered.wait() for answered in answers]
        for outcome in outcomes:
            if isinstance(outcome, Fault):
                raise outcome

    @property
    def _identity(self) -> ShardIdentity:
        geometry, readable = self._meta.geometry, self._readable
        return ShardIdentity(
            readable.bucket, readable.key, self._shard, geometry.k, geometry.m, geometry.stripe_bytes
        )  # fmt: skip


def _row(
    lookup: Lookup,
    stamp: int,
    kind: RowKind,
    shard: int = 0,
    version: Version | None = None,
    check: bytes = b"",
    files: tuple[bytes, ...] = (),
) -> Commit:
    head, meta = (version.raw_head, version.raw_meta) if version else (b"", b"")
    return Commit(
        lookup.space,
        lookup.bucket,
        lookup.key,
        stamp,
        kind,
        lookup.sub,
        shard,
        head,
        meta,
        check,
        files,
        mover=lookup.mover,
    )
