"""What one drive holds of a version, judged piece by piece: the part of the census that reads bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple

import attrs

from rustfs_node.drive.log_scan import Found
from rustfs_proto.disk.identity import IdentityError
from rustfs_proto.disk.layout import parse_shard_name, shard_path
from rustfs_proto.disk.place import DrivePlace, place_of
from rustfs_proto.disk.record import HEADER_BYTES, MAGIC, sizes_at
from rustfs_proto.disk.segment import HEADER_BYTES as SEGMENT_HEADER_BYTES
from rustfs_proto.disk.shard_file import (
    BLOCK_BYTES,
    FRAME_HEADER_BYTES,
    ShardFlaw,
    block_aligned,
    decode_frame,
    decode_shard_header,
    frame_offset,
)
from rustfs_proto.erasure.geometry import fragment_bytes, stripe_count, stripe_len
from rustfs_proto.erasure.placement import shard_of_slot
from rustfs_proto.objects import INLINE, ObjectMeta, Part, decode_meta
from rustfs_proto.wire.drive_ops import RowKind, ShardIdentity, Space
from rustfs_proto.wire.envelope import UNREADABLE
from tests.kit.at_rest import AtRest, all_records, identity_of, segments, shard_files

Row = tuple[int, str, bytes, bytes]
"""Space, bucket, key, sub."""


class State(Enum):
    """How a shard is, or a piece of it."""

    GOOD = "good"
    DAMAGED = "damaged"
    MISSING = "missing"


class Version(NamedTuple):
    """One version of one row; sorts by row, then by age."""

    space: int
    bucket: str
    key: bytes
    sub: bytes
    stamp: int

    @property
    def row(self) -> Row:
        """Which row this is a version of."""
        return self[:4]


@attrs.frozen
class Holding:
    """What one drive has of one version: its record, and by data id the shard files that the version
    needs.
    """

    record: State
    files: Mapping[bytes, State] = attrs.field(factory=dict)

    @property
    def state(self) -> State:
        """Of all together: damaged if any piece is, else missing if any piece is."""
        states = {self.record, *self.files.values()}
        return next(state for state in (State.DAMAGED, State.MISSING, State.GOOD) if state in states)


@attrs.frozen
class Look:
    """One drive: its whole records, the versions of which something is there that is not whole, and by path
    the data ids of its shard files, None for what has another name.
    """

    drive: AtRest
    place: DrivePlace
    whole: Mapping[Version, Found]
    torn: Mapping[Version, None]
    files: Mapping[str, bytes | None]

    def meta_of(self, version: Version) -> ObjectMeta | None:
        """What the record says of the version's bytes; None for a tombstone, and where it makes no sense."""
        record = self.whole[version].record
        try:
            return decode_meta(record.meta) if record.kind == RowKind.VALUE else None
        except UNREADABLE:
            return None


def look_at(drive: AtRest) -> Look | None:
    """What is on the drive; None where it does not say which drive it is."""
    try:
        place = place_of(identity_of(drive))
    except (OSError, IdentityError):
        return None
    # Of several records of one version, which compaction makes, the last one counts.
    whole = {
        Version(
            found.record.space, found.record.bucket, found.record.key, found.record.sub, found.record.stamp
        ): found
        for _, found in all_records(drive)
        if found.record.space != Space.HEAL
    }
    torn = dict.fromkeys(
        version for version in _claims(drive) if version not in whole and version.space != Space.HEAL
    )
    files = {path: _data_id_of(path) for path in shard_files(drive)}
    return Look(drive, place, whole, torn, files)


def _data_id_of(path: str) -> bytes | None:
    subfolder, name = path.split("/")[-2:]
    parsed = parse_shard_name(subfolder, name)
    return parsed[0] if parsed is not None and parsed[1] else None


def _claims(drive: AtRest) -> Iterator[Version]:
    """The versions that anything in the log looks like a record of, believed without any check."""
    for path in segments(drive):
        content = drive.files.read_file(path)
        start = content.find(MAGIC, SEGMENT_HEADER_BYTES)
        while start >= 0:
            if sizes_at(content, start) is not None and (version := _claim_at(content, start)) is not None:
                yield version
            start = content.find(MAGIC, start + 1)


def _claim_at(content: bytes, start: int) -> Version | None:
    at = start + HEADER_BYTES
    names: list[bytes] = []
    for field in (64, 66, 68):
        size = _number(content, start + field, 2)
        names.append(content[at : at + size])
        at += size
    try:
        return Version(
            content[start + 6], names[0].decode(), names[1], names[2], _number(content, start + 32, 8)
        )
    except UnicodeDecodeError:
        return None


def _number(content: bytes, at: int, size: int) -> int:
    return int.from_bytes(content[at : at + size], "little")


def holding(
    look: Look | None, slot: int, drives: int, version: Version, kind: int | None, meta: ObjectMeta | None
) -> Holding:
    """What the drive in that slot of a set has of a version, of which the set knows kind and metadata."""
    parts = [part for part in meta.parts if part.data_id != INLINE] if meta else []
    if look is None:
        return Holding(State.MISSING, {part.data_id: State.MISSING for part in parts})
    shard = shard_of_slot(version.bucket, version.key, slot, drives)
    files = {part.data_id: _file_state(look, version, meta, part, shard) for part in parts if meta}
    return Holding(_record_state(look, version, kind, meta, shard), files)


def _record_state(
    look: Look, version: Version, kind: int | None, meta: ObjectMeta | None, shard: int
) -> State:
    found = look.whole.get(version)
    if found is None:
        return State.DAMAGED if version in look.torn else State.MISSING
    inline = [part for part in meta.parts if part.data_id == INLINE and part.size] if meta else []
    if meta and inline:
        wanted = (kind, shard, fragment_bytes(inline[0].size, meta.geometry.k))
        is_right = (found.record.kind, found.record.shard, len(found.data)) == wanted
    else:
        is_right = found.record.kind == kind and not found.data
    return State.GOOD if is_right else State.DAMAGED


def _file_state(look: Look, version: Version, meta: ObjectMeta, part: Part, shard: int) -> State:
    path = f"{look.drive.path}/{shard_path(part.data_id)}"
    if path not in look.files:
        return State.MISSING
    content = look.drive.files.read_file(path)
    geometry = meta.geometry
    wanted = ShardIdentity(version.bucket, version.key, shard, geometry.k, geometry.m, geometry.stripe_bytes)
    header = decode_shard_header(content[:BLOCK_BYTES], look.place, part.data_id)
    if isinstance(header, ShardFlaw) or header.identity != wanted:
        return State.DAMAGED
    end = BLOCK_BYTES
    for index in range(stripe_count(part.size, geometry.stripe_bytes)):
        start = frame_offset(wanted, index)
        size = fragment_bytes(stripe_len(part.size, geometry.stripe_bytes, index), geometry.k)
        frame = decode_frame(content, start, part.data_id, index)
        if isinstance(frame, ShardFlaw) or len(frame[0]) != size:
            return State.DAMAGED
        end = start + block_aligned(FRAME_HEADER_BYTES + size)
    return State.GOOD if len(content) == end else State.DAMAGED
