"""A version as drives gave it: its metadata and its verified inline fragments."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import xxhash

from rustfs_node.erasureset.row_read import Found, RowRead
from rustfs_node.erasureset.state import SetState
from rustfs_proto.objects import INLINE, ObjectHead, ObjectMeta, decode_head, decode_meta
from rustfs_proto.wire.drive_ops import LookedUp, RowKind, RowState
from rustfs_proto.wire.faults import Fault, FaultCode


@attrs.frozen
class Version:
    """A version that was decided upon. `kind` is a `RowKind`, `sub` that of its row. `raw_head` and
    `raw_meta` are the bytes that every drive keeps.
    """

    stamp: int
    kind: int
    sub: bytes
    raw_head: bytes
    raw_meta: bytes

    @property
    def is_marker(self) -> bool:
        """Whether it is a delete marker."""
        return self.kind == RowKind.MARKER

    @property
    def head(self) -> ObjectHead:
        return decode_head(self.raw_head)

    @property
    def meta(self) -> ObjectMeta:
        return decode_meta(self.raw_meta)


def is_inline(meta: ObjectMeta) -> bool:
    """Whether the bytes stand in the drives' logs. Empty parts of an upload are marked so too, beside others
    that are not.
    """
    return all(part.data_id == INLINE for part in meta.parts)


def has_fragments(meta: ObjectMeta) -> bool:
    """Whether each drive keeps an inline shard beside the record."""
    return is_inline(meta) and any(part.size for part in meta.parts)


def holders(read: RowRead, stamp: int) -> Iterator[tuple[int, Found]]:
    """Slots that have answered with that version, and their answers."""
    for slot, found in read.answers.items():
        if found[0].stamp == stamp and found[0].state == RowState.FOUND:
            yield slot, found
    for (slot, exact_stamp), found in read.exact.items():
        if exact_stamp == stamp == found[0].stamp and found[0].state == RowState.FOUND:
            yield slot, found


def verified(found: Found) -> bytes | None:
    """The inline fragment of an answer, or None where it is absent or not what was encoded."""
    looked_up, frames = found
    if len(frames) != 1 or xxhash.xxh3_128_digest(frames[0]) != looked_up.inline_check:
        return None
    return frames[0]


async def version_of(state: SetState, read: RowRead, trace: str) -> Version:
    """The version that was decided to be current. Raises `Fault` NO_QUORUM when no drive gives it
    any more.
    """
    assert read.decision is not None
    stamp = read.decision.stamp
    for _, (looked_up, _) in holders(read, stamp):
        return _version(read, looked_up)
    for slot in read.decision.slots:
        found = await _ask_exactly(state, read, slot, trace)
        if found is not None:
            return _version(read, found[0])
    raise Fault(FaultCode.NO_QUORUM, "the drives that had the version do not answer any more")


def _version(read: RowRead, found: LookedUp) -> Version:
    return Version(found.stamp, found.kind, read.sub, found.head, found.meta)


async def inline_fragments(state: SetState, read: RowRead, meta: ObjectMeta, trace: str) -> dict[int, bytes]:
    """K verified fragments or more of an inline version with that metadata, by shard. Raises `Fault`
    NO_QUORUM.

    Drives that have the version below a newer one are asked for it.
    """
    assert read.decision is not None
    needed = meta.geometry.k
    fragments: dict[int, bytes] = {}
    # Not all that were asked were asked for their fragment.
    asked = {slot: found for slot, found in holders(read, read.decision.stamp) if found[1]}
    for slot in [*asked, *(slot for slot in state.drives.order(*_name(read)) if slot not in asked)]:
        if len(fragments) >= needed:
            break
        found = asked.get(slot) or await _ask_exactly(state, read, slot, trace, want_inline=True)
        if found is None:
            continue
        fragment = verified(found)
        if fragment is None:
            state.heal_notes.note(*_name(read))
        else:
            fragments[found[0].shard] = fragment
    if len(fragments) < needed:
        text = f"{len(fragments)} of {needed} needed shards can be read"
        raise Fault(FaultCode.NO_QUORUM, text)
    return fragments


async def _ask_exactly(
    state: SetState, read: RowRead, slot: int, trace: str, *, want_inline: bool = False
) -> Found | None:
    try:
        reply = await state.drives.read(slot, read.exactly(want_inline=want_inline), trace)
    except Fault:
        # Not an error yet: other drives may do.
        return None
    assert isinstance(reply.message, LookedUp)
    return (reply.message, reply.frames) if reply.message.state == RowState.FOUND else None


def _name(read: RowRead) -> tuple[str, bytes]:
    return read.lookup.bucket, read.lookup.key
