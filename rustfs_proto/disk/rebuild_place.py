"""rebuild.json: how far the rebuild of a HEALING drive is, one JSON object.

    format     1
    stage      a `Stage`
    space      \
    bucket      the last row behind which the stage goes on; key and sub as hex
    key
    sub        /
    check      xxh3-64 (hex) of all other fields

It is written now and then, and goes when the drive is rebuilt, or loses something again. Nothing rests on it
but time: before a drive counts all rows are gone through once more. One that cannot be believed is as good as
none.
"""

from __future__ import annotations

from enum import IntEnum

import attrs
import msgspec
import xxhash

from rustfs_proto.wire.drive_ops import RowName
from rustfs_proto.wire.envelope import UNREADABLE

FORMAT_VERSION = 1


class Stage(IntEnum):
    """What a rebuild goes through, one after the other. Numbers are never used again for something else."""

    URGENT = 0  # what is least protected is given
    GIVING = 1  # all that the drive lacks is given
    CENSUS = 2  # the drive has joined the others; all is gone through once more


_FIRST = RowName()


@attrs.frozen
class RebuildPlace:
    """In that stage, behind that row."""

    stage: int = Stage.URGENT
    at: RowName = _FIRST


@attrs.frozen
class _Document:
    format: int
    stage: int
    space: int
    bucket: str
    key: str
    sub: str
    check: str


def format_rebuild_place(place: RebuildPlace) -> bytes:
    """The bytes of rebuild.json."""
    return msgspec.json.format(msgspec.json.encode(_document_of(place)), indent=2) + b"\n"


def parse_rebuild_place(raw: bytes) -> RebuildPlace | None:
    """What rebuild.json says; None where it cannot be believed."""
    try:
        found = msgspec.json.decode(raw, type=_Document)
        key, sub = bytes.fromhex(found.key), bytes.fromhex(found.sub)
    except (*UNREADABLE, ValueError):
        return None
    place = RebuildPlace(found.stage, RowName(found.space, found.bucket, key, sub))
    return place if _document_of(place) == found else None


def _document_of(place: RebuildPlace) -> _Document:
    at = place.at
    document = _Document(
        FORMAT_VERSION, place.stage, at.space, at.bucket, at.key.hex(), at.sub.hex(), check=""
    )  # fmt: skip
    return attrs.evolve(document, check=xxhash.xxh3_64_hexdigest(msgspec.json.encode(document)))
