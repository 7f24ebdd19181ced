"""Compressed streams: told by their first bytes, expanded by no more than what is asked for."""

from __future__ import annotations

import bz2
import gzip
import lzma
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustfs_proto.s3.decompression import Compression, Decompressor, detect, zstd
from rustfs_proto.s3.errors import S3Error

COMPRESS = {
    Compression.GZIP: gzip.compress,
    Compression.BZIP2: bz2.compress,
    Compression.XZ: lzma.compress,
    Compression.ZSTD: partial(zstd.compress, options={zstd.CompressionParameter.checksum_flag: 1}),
}
WINDOW = 16 << 20


def wide_zstd() -> bytes:
    """A stream whose length its compressor did not know, so that it asks for all of its window."""
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    return compressor.compress(b"x") + compressor.flush()


def expand(compression: Compression, stream: bytes, *, cut: int, limit: int) -> bytes:
    """All of a stream that arrives in pieces of `cut` bytes, taken `limit` bytes at a time."""
    decompressor, out = Decompressor(compression, WINDOW), b""
    for begin in range(0, len(stream), cut):
        decompressor.put(stream[begin : begin + cut])
        while True:
            piece = decompressor.take(limit)
            assert len(piece) <= limit
            out += piece
            if len(piece) < limit:
                break
    decompressor.finish()
    return out


@pytest.mark.parametrize("compression", COMPRESS)
def test_detection(compression):
    """What a compressor writes is told; anything else is not compressed."""
    assert detect(COMPRESS[compression](b"x")) is compression
    assert detect(b"plain") is detect(b"") is Compression.NONE


@pytest.mark.parametrize("magic", [b"\x04\x22\x4d\x18", b"\xff\x06\x00\x00sNaPpY", b"PK\x03\x04", b"LZIP"])
def test_what_cannot_be_expanded(magic):
    """It is refused by its name."""
    with pytest.raises(S3Error) as caught:
        detect(magic)
    assert caught.value.code == "NotImplemented"


@pytest.mark.parametrize("compression", COMPRESS)
@settings(max_examples=25, deadline=None)
@given(
    members=st.lists(
        st.binary(max_size=200) | st.binary(max_size=5).map(lambda raw: raw * 30_000), max_size=4
    ),
    cut=st.integers(1, 70_000),
    limit=st.integers(200, 70_000),
)
def test_members_come_out_whole(compression, members, cut, limit):
    """However the stream is cut, and however much is taken at once."""
    stream = b"".join(COMPRESS[compression](member) for member in members)
    if len(stream) // cut > 500:
        cut = len(stream)
    assert expand(compression, stream, cut=cut, limit=limit) == b"".join(members)


@pytest.mark.parametrize("compression", COMPRESS)
def test_a_bomb_gives_what_is_asked_for(compression):
    """A small input with much behind it gives a piece at a time."""
    decompressor = Decompressor(compression, WINDOW)
    decompressor.put(COMPRESS[compression](bytes(20 << 20)))
    for _ in range(20):
        assert len(decompressor.take(1 << 20)) == 1 << 20
    assert decompressor.take(1 << 20) == b""
    decompressor.finish()


@pytest.mark.parametrize("compression", COMPRESS)
def test_cut_and_damaged_streams(compression):
    """One that ends too soon is told at its end, damage where it is met."""
    stream = COMPRESS[compression](bytes(range(256)) * 100)
    with pytest.raises(S3Error, match=f"{compression.value} stream ends before"):
        expand(compression, stream[:-3], cut=100, limit=1000)
    damaged = stream[:20] + bytes(255 - byte for byte in stream[20:60]) + stream[60:]
    with pytest.raises(S3Error) as caught:
        expand(compression, damaged, cut=100, limit=1000)
    assert caught.value.code == "BadRequest"


def test_members_without_content_and_padding():
    """Many empty members and zeros behind a stream cost little and mean nothing."""
    stream = gzip.compress(b"") * 5000 + gzip.compress(b"x") + bytes(1000)
    assert expand(Compression.GZIP, stream, cut=1 << 18, limit=100) == b"x"


@pytest.mark.parametrize("stream", [lzma.compress(b"x", preset=9), wide_zstd()], ids=["xz", "zstd"])
def test_wide_windows_are_refused(stream):
    """What a stream wants its decoder to keep is bounded."""
    with pytest.raises(S3Error, match="emory"):
        expand(detect(stream), stream, cut=1 << 18, limit=1000)
