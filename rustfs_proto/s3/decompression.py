"""Compressed streams, told by their first bytes and expanded piece by piece.

No call expands more than it is asked for, whatever the input, so a stream that grows a thousandfold costs no
more memory than another one. What a decoder keeps beside that is its window, which the stream may choose:
larger ones than allowed are refused.
"""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from rustfs_proto.s3.errors import S3Error, not_implemented

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_SLICE_BYTES = 16 * 1024
"""Input that a decoder gets at once: what follows the end of a member is given back, and copied for it."""


class Compression(Enum):
    """How an archive is compressed."""

    NONE = "none"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"


_MAGIC = {
    b"\x1f\x8b\x08": Compression.GZIP,
    b"BZh": Compression.BZIP2,
    b"\xfd7zXZ\x00": Compression.XZ,
    b"\x28\xb5\x2f\xfd": Compression.ZSTD,
    **{bytes([0x50 + low]) + b"\x2a\x4d\x18": Compression.ZSTD for low in range(16)},
}
_UNBUILT = {
    b"\x04\x22\x4d\x18": "lz4",
    b"\xff\x06\x00\x00": "S2 or Snappy",
    b"\x1f\x9d": "compress (.Z)",
    b"LZIP": "lzip",
    b"PK\x03\x04": "ZIP",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
}
_ERRORS = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError, ValueError)


def detect(first: bytes) -> Compression:
    """The compression of a stream that begins with `first`; raises NotImplemented for those that are known
    but cannot be expanded.
    """
    for magic, name in _UNBUILT.items():
        if first.startswith(magic):
            raise not_implemented(f"Extracting archives compressed by {name}")
    return next((found for magic, found in _MAGIC.items() if first.startswith(magic)), Compression.NONE)


class _Decoder(Protocol):
    """One member of a stream."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /, max_length: int) -> bytes: ...


class _Inflate:
    """zlib's decoder with the manners of the others: it keeps input that it has not come to."""

    def __init__(self, wbits: int) -> None:
        self._decoder = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        return self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)


class Decompressor:
    """Expands a stream of one or several members: `put` input, then `take` until less comes than was asked
    for. `window_bytes_max` is what a decoder may keep.
    """

    def __init__(self, compression: Compression, window_bytes_max: int) -> None:
        self._name = compression.value
        self._begin = _decoders(window_bytes_max)[compression]
        self._decoder: _Decoder = self._begin()
        self._has_begun = False
        self._is_full = False
        self._input, self._at = b"", 0

    def put(self, data: bytes) -> None:
        """The next bytes of the stream."""
        self._input, self._at = self._input[self._at :] + data, 0

    def take(self, limit_bytes: int) -> bytes:
        """At most so many bytes; fewer where the input is used up. Raises BadRequest."""
        pieces: list[bytes] = []
        left = limit_bytes
        try:
            while left and (piece := self._expand(left)) is not None:
                pieces.append(piece)
                left -= len(piece)
        except _ERRORS as error:
            text = f"The body is no {self._name} stream that can be read: {error}."
            raise S3Error("BadRequest", text) from None
        return b"".join(pieces)

    def finish(self) -> None:
        """No more input comes: raises BadRequest where something is missing."""
        if self._has_begun and not self._decoder.eof:
            raise S3Error("BadRequest", f"The {self._name} stream ends before it is complete.")

    def _expand(self, limit_bytes: int) -> bytes | None:
        """What the present member has to say, None where it wants input."""
        if self._decoder.eof:
            self._begin_next()
        if not self._has_begun and self._at == len(self._input):
            return None
        # A decoder that filled what it was given has more to say of what it has.
        data = b"" if self._is_full else self._input[self._at : self._at + _SLICE_BYTES]
        self._at += len(data)
        self._has_begun = True
        piece = self._decoder.decompress(data, max_length=limit_bytes)
        self._is_full = len(piece) == limit_bytes
        return piece if piece or self._decoder.eof or self._at < len(self._input) else None

    def _begin_next(self) -> None:
        """Streams may be padded with zeros, and another member may follow."""
        self._at -= len(self._decoder.unused_data)
        if self._input[self._at : self._at + 1] == b"\0":
            self._input, self._at = self._input[self._at :].lstrip(b"\0"), 0
        self._decoder, self._has_begun, self._is_full = self._begin(), False, False


def _decoders(window_bytes_max: int) -> dict[Compression, Callable[[], _Decoder]]:
    window_log = max(window_bytes_max.bit_length() - 1, 10)
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: min(window_log, 31)}
    return {
        Compression.GZIP: lambda: _Inflate(31),
        Compression.BZIP2: bz2.BZ2Decompressor,
        Compression.XZ: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=window_bytes_max),
        Compression.ZSTD: lambda: zstd.ZstdDecompressor(options=options),
    }
