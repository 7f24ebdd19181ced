"""Heals one row: the version that reads answer by is put where it is missing or damaged.

What the version is, is found out exactly as a read does (`resolve`), with all its doubts: a version that
nobody may have acknowledged and that too few drives have is left alone, one that is in doubt is completed
first, and where neither can be told nothing is done. Nothing is ever removed. What is given to a drive is the
very version with its very stamp, rebuilt from verified shards, so

- however often and by however many workers it is done at a time, drives end up with the same;
- a drive that has something newer by then refuses it (STALE), so a client's write always wins, and a key that
  is removed meanwhile stays removed by the drives that have its tombstone;
- a drive may have forgotten that tombstone when reading and copying shards took longer than tombstones are
  kept (`drive.tombstone_grace_s`); so the row is read once more after shard files were copied, and before
  anything is given that was found out longer ago than `_KNOWN_S`. What then remains is shorter than a commit
  may take;
- no lock is held: nobody waits for a heal.

Once a write quorum is known to have the version, drives are told that it is settled; once all drives have a
tombstone, that it need not be kept for anybody.
"""

from __future__ import annotations

from collections.abc import Collection

import attrs
import structlog
from msgspec.structs import replace

from rustfs_node.erasureset.charters import healing_for
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.row_read import RowRead
from rustfs_node.erasureset.shard_check import is_readable
from rustfs_node.erasureset.shard_copy import Care, copy_version
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.version import is_inline, version_of
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.geometry import quorum_of, shard_bytes
from rustfs_proto.erasure.healing import Gap, gap_of
from rustfs_proto.objects import INLINE, ObjectMeta, Part, decode_meta
from rustfs_proto.wire.drive_ops import Commit, LookedUp, Lookup, RowKind, RowName, Space
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger()

_KNOWN_S = 10.0
"""So long what a read said of a row is acted upon. Far below any time for which tombstones are kept."""


@attrs.define
class RowHealed:
    """What was done. `given` are drives that got the version, of `size_bytes` on each; `left` those that do
    not have it yet, or do not say, some of them with the reason.
    """

    given: set[int] = attrs.field(factory=set)
    left: set[int] = attrs.field(factory=set)
    whole: set[int] = attrs.field(factory=set)
    size_bytes: int = 0
    reasons: dict[int, str] = attrs.field(factory=dict)


async def heal_row(
    state: SetState,
    row: RowName,
    slots: Collection[int],
    deep: Collection[int],
    lacking: Collection[int] = (),
) -> RowHealed:
    """Make the drives in `slots` whole. On those in `deep` shard files are read to their end; those in
    `lacking` had nothing of the row a moment ago, and are not asked before they are given it. What is removed
    is removed everywhere: a tombstone that other drives have forgotten goes to them again, or those in
    `slots` would never forget it. Raises `Fault` where it cannot be told what the row is.
    """
    healing = _RowHealing(state, row)
    try:
        await healing.find_out()
    except Fault as fault:
        if fault.code is not FaultCode.MOVED:
            raise
        healing = _RowHealing(state, row, await healing_for(state, row.bucket, row.key))
        await healing.find_out()
    for slot in range(state.n) if healing.is_removed else slots:
        await healing.look_at(slot, is_deep=slot in deep, is_lacking=slot in lacking)
    healing.settle()
    return healing.healed


class _RowHealing:
    """One row being healed."""

    def __init__(self, state: SetState, row: RowName, mover: bytes = b"") -> None:
        self._state, self._row = state, row
        self._lookup = Lookup(row.space, row.bucket, row.key, row.sub, mover=mover)
        self._read: RowRead | None = None
        self._stamp = 0
        self._kind = int(RowKind.TOMBSTONE)
        self._meta: ObjectMeta | None = None
        self._known_s = state.clock.monotonic_s()
        self.healed = RowHealed()

    async def find_out(self) -> None:
        """Which version it is; nothing is to be done where there is none, nor was any removed."""
        self._read = read = await resolve(self._state, self._lookup)
        assert read.decision is not None
        self._stamp = read.decision.stamp
        if read.decision.verdict is Verdict.CURRENT:
            version = await version_of(self._state, read, "")
            self._kind = version.kind
            if version.kind == RowKind.VALUE:
                self._meta = decode_meta(version.raw_meta)
                self.healed.size_bytes = _bytes_on_a_drive(self._meta)

    @property
    def is_removed(self) -> bool:
        """Whether it is an object's version of which a tombstone is left. Ends of uploads go nowhere unasked:
        whether the object is there was not looked at.
        """
        return self._kind == RowKind.TOMBSTONE and self._row.space == Space.OBJECT

    async def look_at(self, slot: int, *, is_deep: bool, is_lacking: bool) -> None:
        """How a drive stands to it, and give it what it lacks."""
        if not self._stamp:
            return
        gap, torn = Gap.LACKING, frozenset[bytes]()
        if not is_lacking:
            gap, torn = await self._gap(slot, is_deep=is_deep)
        if gap is Gap.LACKING and await self._give(slot, torn):
            gap = Gap.WHOLE
            self.healed.given.add(slot)
        elif is_lacking:
            # It may have got something newer since.
            gap, _ = await self._gap(slot, is_deep=False)
        (self.healed.whole if gap is Gap.WHOLE else self.healed.left).add(slot)

    async def _gap(self, slot: int, *, is_deep: bool) -> tuple[Gap, frozenset[bytes]]:
        """Also the shard files that the drive has and that cannot be used."""
        try:
            found = await self._found(slot, 0)
            gap = gap_of(found, self._stamp)
            if gap is Gap.NEWER:
                below = await self._found(slot, self._stamp)
                return (gap if below.stamp != self._stamp else gap_of(below, self._stamp)), frozenset()
            # Also where the record is damaged: once that is written again nobody would look at its files.
            torn = await self._torn(slot) if is_deep and found.stamp == self._stamp else frozenset()
        except Fault:
            return Gap.UNKNOWN, frozenset()
        return (Gap.LACKING if torn else gap), torn

    async def _found(self, slot: int, stamp: int) -> LookedUp:
        reply = await self._state.drives.read(slot, replace(self._lookup, stamp=stamp))
        assert isinstance(reply.message, LookedUp)
        return reply.message

    async def _torn(self, slot: int) -> frozenset[bytes]:
        """Which of the version's shard files cannot be read to their end there."""
        if self._meta is None:
            return frozenset()
        files = {part.data_id: part for part in self._meta.parts if part.data_id != INLINE}
        return frozenset(
            [data_id for data_id, part in files.items() if not await self._reads(slot, self._meta, part)]
        )

    async def _reads(self, slot: int, meta: ObjectMeta, part: Part) -> bool:
        key_name = (self._row.bucket, self._row.key)
        return await is_readable(self._state, key_name, meta, part, slot, self._spend)

    async def _give(self, slot: int, torn: frozenset[bytes]) -> bool:
        assert self._read is not None
        state = self._state
        care = Care(torn, self._spend, self._confirm, state.heal_files, state.heal_pace.is_alone)
        try:
            if self._state.clock.monotonic_s() > self._known_s + _KNOWN_S:
                await self._confirm()
            missing = await copy_version(self._state, self._read, slot, care=care)
        except Fault as fault:
            row = self._row
            log.warning(
                "row_not_healed", bucket=row.bucket, key=row.key.decode(errors="replace"), slot=slot,
                stamp=self._stamp, reason=str(fault),
            )  # fmt: skip
            self.healed.reasons[slot] = fault.message
            return False
        if self._meta is None or is_inline(self._meta):
            await self._spend(self.healed.size_bytes)
        return not missing

    def _is_whole(self, found: LookedUp) -> bool:
        return gap_of(found, self._stamp) is Gap.WHOLE

    async def _spend(self, size_bytes: int) -> None:
        """A part of the work is done, which may be a small part of a large object's."""
        await self._state.heal_pace.spend(size_bytes)

    async def _confirm(self) -> None:
        """It took its time: is it still what reads answer by?"""
        assert self._read is not None
        assert self._read.decision is not None
        known_s = self._state.clock.monotonic_s()
        read = await resolve(self._state, self._lookup)
        assert read.decision is not None
        was, now = self._read.decision, read.decision
        if (now.stamp, now.verdict) != (was.stamp, was.verdict):
            raise Fault(FaultCode.CONFLICT, "the version was replaced meanwhile", now.stamp)
        self._known_s = known_s

    def settle(self) -> None:
        """Tell what is known now, of drives that were looked at and those that the read heard."""
        assert self._read is not None
        heard = {slot for slot, (found, _) in self._read.answers.items() if self._is_whole(found)}
        self.healed.whole |= heard - self.healed.left
        quorum = quorum_of(self._meta.geometry) if self._meta else self._state.write_quorum
        if not self._stamp or len(self.healed.whole) < quorum:
            return
        row = self._row
        commit = Commit(row.space, row.bucket, row.key, self._stamp, self._kind, row.sub)
        is_done = self._kind == RowKind.TOMBSTONE and len(self.healed.whole) == self._state.n
        self._state.settler.add(commit, complete=is_done)


def _bytes_on_a_drive(meta: ObjectMeta) -> int:
    stripe_bytes, k = meta.geometry.stripe_bytes, meta.geometry.k
    return sum(shard_bytes(part.size, stripe_bytes, k) for part in meta.parts)
