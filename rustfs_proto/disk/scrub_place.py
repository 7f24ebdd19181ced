"""scrub.json: how far the scrub of a drive is, one JSON object.

    format     1
    began_ms   when the round began, milliseconds since 1970
    rounds     rounds that have ended
    is_ended   true between two rounds
    space      \
    bucket      the row at hand; key and sub as hex
    key
    sub        /
    file       empty: the row is done. Else its record is, and its shard files up to this data id (hex)
    check      xxh3-64 (hex) of all other fields

It is written now and then, so after a start a little is read again. One that cannot be believed is as good as
none: the round begins anew.
"""

from __future__ import annotations

import attrs
import msgspec
import xxhash

from rustfs_proto.wire.envelope import UNREADABLE

FORMAT_VERSION = 1


@attrs.frozen
class ScrubPlace:
    """Everything in order up to row (space, bucket, key, sub) was read, in the round that began then; where
    `data_id` is not empty, of that row only what comes up to this shard file.
    """

    began_ms: int
    rounds: int = 0
    is_ended: bool = False
    space: int = 0
    bucket: str = ""
    key: bytes = b""
    sub: bytes = b""
    data_id: bytes = b""

    @property
    def row_key(self) -> tuple[int, str, bytes, bytes]:
        """The row at hand, or the last one that is done."""
        return self.space, self.bucket, self.key, self.sub

    def at(self, row_key: tuple[int, str, bytes, bytes], data_id: bytes = b"") -> ScrubPlace:
        """That much further in the same round."""
        return ScrubPlace(self.began_ms, self.rounds, False, *row_key, data_id)

    def ended(self) -> ScrubPlace:
        """Everything was read."""
        return ScrubPlace(self.began_ms, self.rounds + 1, is_ended=True)

    def begun(self, now_ms: int) -> ScrubPlace:
        """From the first row on."""
        return ScrubPlace(now_ms, self.rounds)


@attrs.frozen
class _Document:
    format: int
    began_ms: int
    rounds: int
    is_ended: bool
    space: int
    bucket: str
    key: str
    sub: str
    file: str
    check: str


def format_scrub_place(place: ScrubPlace) -> bytes:
    """The bytes of scrub.json."""
    return msgspec.json.format(msgspec.json.encode(_document_of(place)), indent=2) + b"\n"


def parse_scrub_place(raw: bytes) -> ScrubPlace | None:
    """What scrub.json says; None where it cannot be believed."""
    try:
        found = msgspec.json.decode(raw, type=_Document)
        key, sub, data_id = (bytes.fromhex(text) for text in (found.key, found.sub, found.file))
    except (*UNREADABLE, ValueError):
        return None
    place = ScrubPlace(
        found.began_ms, found.rounds, found.is_ended, found.space, found.bucket, key, sub, data_id
    )
    return place if _document_of(place) == found else None


def _document_of(place: ScrubPlace) -> _Document:
    document = _Document(
        FORMAT_VERSION,
        place.began_ms,
        place.rounds,
        place.is_ended,
        place.space,
        place.bucket,
        place.key.hex(),
        place.sub.hex(),
        place.data_id.hex(),
        check="",
    )
    return attrs.evolve(document, check=xxhash.xxh3_64_hexdigest(msgspec.json.encode(document)))
