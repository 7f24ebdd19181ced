"""scrub.json: how far the scrub of a drive is, one JSON object.

    format     2
    began_ms   when the round began, milliseconds since 1970
    rounds     rounds that have ended
    is_ended   true between two rounds
    ended_ms   when the last one did, 0 where none has
    rows       versions read in this round
    before_ms  of a round that was ordered: when the one before began; -1 of any other
    space      \
    bucket      the row at hand; key and sub as hex
    key
    sub        /
    file       empty: the row is done. Else its record is, and its shard files up to this data id (hex)
    check      xxh3-64 (hex) of all other fields

It is written now and then, so after a start a little is read again. One that cannot be believed is as good as
none: the round begins anew. Format 1 had neither `ended_ms` nor `rows` nor `before_ms`.
"""

from __future__ import annotations

import attrs
import msgspec
import xxhash

from rustfs_proto.wire.envelope import UNREADABLE

FORMAT_VERSION = 2


@attrs.frozen
class ScrubPlace:
    """Everything in order up to row (space, bucket, key, sub) was read, in the round that began then; where
    `data_id` is not empty, of that row only what comes up to this shard file. `rows` are the versions of this
    round that were read; `before_ms` is -1, or of a round that was ordered when the one before began.
    """

    began_ms: int
    rounds: int = 0
    is_ended: bool = False
    space: int = 0
    bucket: str = ""
    key: bytes = b""
    sub: bytes = b""
    data_id: bytes = b""
    ended_ms: int = 0
    rows: int = 0
    before_ms: int = -1

    @property
    def is_ordered(self) -> bool:
        """Whether somebody wanted this round, and it was not its time."""
        return not self.is_ended and self.before_ms >= 0

    @property
    def row_key(self) -> tuple[int, str, bytes, bytes]:
        """The row at hand, or the last one that is done."""
        return self.space, self.bucket, self.key, self.sub

    def at(self, row_key: tuple[int, str, bytes, bytes], data_id: bytes = b"", rows: int = 0) -> ScrubPlace:
        """That much further in the same round, by so many versions."""
        space, bucket, key, sub = row_key
        return attrs.evolve(
            self, is_ended=False, space=space, bucket=bucket, key=key, sub=sub, data_id=data_id,
            rows=self.rows + rows,
        )  # fmt: skip

    def ended(self, now_ms: int) -> ScrubPlace:
        """Everything was read."""
        return ScrubPlace(self.began_ms, self.rounds + 1, is_ended=True, ended_ms=now_ms)

    def begun(self, now_ms: int, *, is_ordered: bool = False) -> ScrubPlace:
        """From the first row on."""
        before_ms = self.began_ms if is_ordered else -1
        return ScrubPlace(now_ms, self.rounds, ended_ms=self.ended_ms, before_ms=before_ms)

    def given_up(self) -> ScrubPlace:
        """As if this round had not been ordered: the next one comes when it would have."""
        assert self.is_ordered, self
        return ScrubPlace(self.before_ms, self.rounds, is_ended=True, ended_ms=self.ended_ms)


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
    ended_ms: int = 0
    rows: int = 0
    before_ms: int = -1


_SINCE_2 = frozenset({"ended_ms", "rows", "before_ms"})


def format_scrub_place(place: ScrubPlace) -> bytes:
    """The bytes of scrub.json."""
    return msgspec.json.format(_encoded(_document_of(place, FORMAT_VERSION)), indent=2) + b"\n"


def parse_scrub_place(raw: bytes) -> ScrubPlace | None:
    """What scrub.json says; None where it cannot be believed."""
    try:
        found = msgspec.json.decode(raw, type=_Document)
        key, sub, data_id = (bytes.fromhex(text) for text in (found.key, found.sub, found.file))
    except (*UNREADABLE, ValueError):
        return None
    place = ScrubPlace(
        found.began_ms,
        found.rounds,
        found.is_ended,
        found.space,
        found.bucket,
        key,
        sub,
        data_id,
        found.ended_ms,
        found.rows,
        found.before_ms,
    )
    is_known = 1 <= found.format <= FORMAT_VERSION
    return place if is_known and _document_of(place, found.format) == found else None


def _document_of(place: ScrubPlace, version: int) -> _Document:
    document = _Document(
        version,
        place.began_ms,
        place.rounds,
        place.is_ended,
        place.space,
        place.bucket,
        place.key.hex(),
        place.sub.hex(),
        place.data_id.hex(),
        "",
        place.ended_ms,
        place.rows,
        place.before_ms,
    )
    return attrs.evolve(document, check=xxhash.xxh3_64_hexdigest(_encoded(document)))


def _encoded(document: _Document) -> bytes:
    """By name in order, with what its format has."""
    fields = attrs.asdict(document)
    known = fields if document.format > 1 else {k: v for k, v in fields.items() if k not in _SINCE_2}
    return msgspec.json.encode(known, order="sorted")
