"""Every format says no to what it did not write, and yes to everything it did."""

from __future__ import annotations

import attrs
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rustfs_proto.disk.identity import DriveIdentity, IdentityError, format_identity, parse_identity
from rustfs_proto.disk.layout import (
    parse_segment_name,
    parse_shard_name,
    segment_name,
    shard_path,
    shard_subfolder,
)
from rustfs_proto.disk.place import DrivePlace, place_of
from rustfs_proto.disk.record import (
    Flaw,
    Record,
    copy_prefix,
    decode_prefix,
    decode_record,
    encode_prefix,
    padding_of,
    prefix_size,
)
from rustfs_proto.disk.segment import (
    SegmentFlaw,
    SegmentHeader,
    decode_segment_header,
    encode_segment_header,
)
from rustfs_proto.disk.shard_file import (
    BLOCK_BYTES,
    ShardFlaw,
    decode_frame,
    decode_shard_header,
    encode_frame_header,
    encode_shard_header,
    fragment_bytes_max,
    frame_offset,
    frame_padding,
    identity_refusal,
)
from rustfs_proto.wire.drive_ops import Commit, RowKind, ShardIdentity, Space

PLACE = DrivePlace(bytes(range(16)), bytes(range(16, 32)), 3, 2)
OTHER = attrs.evolve(PLACE, slot=1)
DATA = b"data of a small object"
COMMIT = Commit(
    Space.PART,
    "bucket",
    b"key",
    12345,
    1,
    b"sub",
    1,
    b"head",
    b"meta",
    xxhash.xxh3_128_digest(DATA),
    (b"f" * 16, b"g" * 16),
)


def record_of(commit: Commit, data: bytes) -> bytes:
    prefix = encode_prefix(PLACE, commit, len(data), sequence=9, batch=8, segment=7)
    assert len(prefix) == prefix_size(commit)
    return prefix + data + padding_of(len(prefix) + len(data))


def test_a_record_comes_back() -> None:
    """All fields, at any place in a buffer."""
    raw = bytes(16) + record_of(COMMIT, DATA)
    record = decode_record(raw, 16, PLACE)
    assert isinstance(record, Record)
    assert (record.sequence, record.batch, record.first_segment, record.shard) == (9, 8, 7, 1)
    assert (record.bucket, record.key, record.sub) == ("bucket", b"key", b"sub")
    assert (record.head, record.meta, record.files) == (b"head", b"meta", COMMIT.files)
    assert record.data_digest == COMMIT.inline_check and record.total_bytes == len(raw) - 16
    assert raw[16 + record.prefix_bytes :][: record.data_bytes] == DATA


def test_a_record_tells_which_files_were_absent() -> None:
    """They stand behind those that were here."""
    prefix = encode_prefix(PLACE, COMMIT, 0, sequence=9, batch=8, segment=7, absent=COMMIT.files[:1])
    record = decode_prefix(prefix, 0, PLACE)
    assert isinstance(record, Record)
    assert (record.files, record.absent) == (COMMIT.files[::-1], COMMIT.files[:1])


@given(st.data())
def test_any_record_comes_back(data: st.DataObject) -> None:
    """Empty fields, long fields, any bytes."""
    blob = st.binary(max_size=300)
    inline = data.draw(blob)
    commit = Commit(
        data.draw(st.integers(1, 3)),
        data.draw(st.text(st.characters(codec="utf-8"), max_size=63)),
        data.draw(blob),
        data.draw(st.integers(1, (1 << 63) - 1)),
        data.draw(st.sampled_from(RowKind)),
        data.draw(blob),
        data.draw(st.integers(0, 255)),
        data.draw(blob),
        data.draw(blob),
        xxhash.xxh3_128_digest(inline) if inline else b"",
        tuple(data.draw(st.lists(st.binary(min_size=16, max_size=16), max_size=3))),
    )
    record = decode_record(record_of(commit, inline), 0, PLACE)
    assert isinstance(record, Record)
    names = ("space", "bucket", "key", "stamp", "kind", "sub", "shard", "head", "meta", "files")
    assert [getattr(record, name) for name in names] == [getattr(commit, name) for name in names]


def test_every_flipped_byte_of_a_record_is_seen() -> None:
    """There is no byte outside the padding that may change."""
    raw = record_of(COMMIT, DATA)
    used = prefix_size(COMMIT) + len(DATA)
    for at in range(used):
        damaged = bytearray(raw)
        damaged[at] ^= 1 << (at % 8)
        assert isinstance(decode_record(bytes(damaged), 0, PLACE), Flaw), at


def test_every_cut_of_a_record_is_seen() -> None:
    """However much of it is there."""
    raw = record_of(COMMIT, DATA)
    for size in range(prefix_size(COMMIT) + len(DATA)):
        flaw = decode_record(raw[:size], 0, PLACE)
        assert isinstance(flaw, Flaw)
    assert decode_record(raw[:200], 0, PLACE) is Flaw.TORN
    assert decode_record(bytes(200), 0, PLACE) is Flaw.BLANK


def test_the_record_of_another_drive_is_foreign() -> None:
    """Whole bytes at the wrong drive are not believed."""
    assert decode_record(record_of(COMMIT, DATA), 0, OTHER) is Flaw.FOREIGN


def test_metadata_is_verified_without_the_data() -> None:
    """A prefix alone is enough, whatever happened to the data."""
    raw = record_of(COMMIT, DATA)
    assert isinstance(decode_prefix(raw[: prefix_size(COMMIT)], 0, PLACE), Record)


def test_a_copy_moves_and_keeps_the_rest() -> None:
    """Sequence and batch are new, the first segment stays."""
    prefix = record_of(COMMIT, DATA)[: prefix_size(COMMIT)]
    record = decode_record(copy_prefix(prefix, sequence=20, batch=19) + DATA, 0, PLACE)
    assert isinstance(record, Record)
    assert (record.sequence, record.batch, record.first_segment, record.flags) == (20, 19, 7, 1)
    assert (record.key, record.stamp, record.meta) == (b"key", 12345, b"meta")


def test_a_segment_header_comes_back() -> None:
    """And is refused damaged, for another number, for another drive, or from a later release."""
    raw = encode_segment_header(PLACE, SegmentHeader(7, 100))
    assert len(raw) == 4096
    assert decode_segment_header(raw, PLACE, 7) == SegmentHeader(7, 100)
    assert decode_segment_header(raw, PLACE, 8) is SegmentFlaw.FOREIGN
    assert decode_segment_header(raw, OTHER, 7) is SegmentFlaw.FOREIGN
    assert decode_segment_header(bytes(4096), PLACE, 7) is SegmentFlaw.BLANK
    assert decode_segment_header(b"", PLACE, 7) is SegmentFlaw.DAMAGED
    for at in range(88):
        damaged = bytearray(raw)
        damaged[at] ^= 4
        assert decode_segment_header(bytes(damaged), PLACE, 7) is SegmentFlaw.DAMAGED
    later = bytearray(raw)
    later[8] = 2
    later[72:88] = xxhash.xxh3_128_digest(bytes(later[:72]))
    assert decode_segment_header(bytes(later), PLACE, 7) is SegmentFlaw.TOO_NEW


IDENTITY = ShardIdentity("bucket", b"key", 1, 2, 2, 10_001)
DATA_ID = bytes(range(16))


def test_a_shard_header_comes_back() -> None:
    """And is refused damaged, under another name, or for another drive."""
    raw = encode_shard_header(PLACE, DATA_ID, IDENTITY)
    assert len(raw) == BLOCK_BYTES
    found = decode_shard_header(raw, PLACE, DATA_ID)
    assert not isinstance(found, ShardFlaw) and found.identity == IDENTITY
    assert decode_shard_header(raw, PLACE, bytes(16)) is ShardFlaw.FOREIGN
    assert decode_shard_header(raw, OTHER, DATA_ID) is ShardFlaw.FOREIGN
    assert decode_shard_header(raw[:100], PLACE, DATA_ID) is ShardFlaw.DAMAGED
    for at in range(112 + 9):
        damaged = bytearray(raw)
        damaged[at] ^= 4
        assert decode_shard_header(bytes(damaged), PLACE, DATA_ID) is ShardFlaw.DAMAGED


def test_a_frame_comes_back() -> None:
    """And is refused damaged, of another file, or at another place."""
    fragment = b"f" * 5001
    check = xxhash.xxh3_128_digest(fragment)
    raw = encode_frame_header(DATA_ID, 3, len(fragment), check) + fragment + frame_padding(len(fragment))
    assert len(raw) == 8192 == frame_offset(IDENTITY, 4) - frame_offset(IDENTITY, 3)
    assert decode_frame(raw, 0, DATA_ID, 3) == (fragment, check)
    assert decode_frame(raw, 0, DATA_ID, 4) is ShardFlaw.FOREIGN
    assert decode_frame(raw, 0, bytes(16), 3) is ShardFlaw.FOREIGN
    assert decode_frame(raw[:40], 0, DATA_ID, 3) is ShardFlaw.MISSING
    assert decode_frame(raw[:100], 0, DATA_ID, 3) is ShardFlaw.DAMAGED
    for at in (*range(64), 64, 5000, 5064):
        damaged = bytearray(raw)
        damaged[at] ^= 4
        assert isinstance(decode_frame(bytes(damaged), 0, DATA_ID, 3), ShardFlaw)


def test_places_of_frames() -> None:
    """All frames but the last are equally long, so they can be computed."""
    assert fragment_bytes_max(IDENTITY) == 5001
    assert [frame_offset(IDENTITY, index) for index in range(3)] == [4096, 12288, 20480]
    assert identity_refusal(IDENTITY) == ""
    assert "no shard" in identity_refusal(replace(IDENTITY, shard=4))


DRIVE = DriveIdentity(
    "6f3a1c52-0000-4000-8000-00000000abcd", 1, 2, 4, "00000000-0000-4000-8000-000000000001", 1_700_000_000_000
)


def test_an_identity_comes_back() -> None:
    """Healing and its reason included; its binary form holds the same ids."""
    healing = DRIVE.healing("its log was damaged")
    assert parse_identity(format_identity(DRIVE)) == DRIVE
    assert parse_identity(format_identity(healing)) == healing
    assert place_of(DRIVE).drive_id.hex() == DRIVE.drive_id.replace("-", "")


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (b'"slot": 2', b'"slot": 3', "altered"),
        (b'"slot": 2', b'"slot": 9', "slot 9 in a set of 4"),
        (b'"state": "ok"', b'"state": "so-so"', "state 'so-so'"),
        (b'"format": 1', b'"format": 2', "format 2, this release reads 1"),
        (b"-00000000abcd", b"", "no uuid"),
        (b'"drive_id"', b'"id"', "incomplete"),
        (b"{", b"[", "not the identity of a drive"),
    ],
)
def test_an_identity_that_cannot_be_believed(old: bytes, new: bytes, text: str) -> None:
    """The error says what was found."""
    raw = format_identity(DRIVE)
    assert old in raw
    with pytest.raises(IdentityError, match=text):
        parse_identity(raw.replace(old, new))


def test_names_come_back() -> None:
    """And nothing else is taken for one."""
    assert parse_segment_name(segment_name(17)) == 17
    assert [parse_segment_name(name) for name in ("17.log", "x", "000000000017.log.1")] == [None] * 3
    name = shard_path(DATA_ID).rpartition("/")[2]
    assert parse_shard_name(shard_subfolder(DATA_ID), name) == (DATA_ID, True)
    assert parse_shard_name(shard_subfolder(DATA_ID), name + ".unfinished") == (DATA_ID, False)
    assert parse_shard_name("ff", name) is None and parse_shard_name("00", name.upper() + "x") is None
