"""The aws-chunked body format: signed chunks, signed or unsigned trailers (S3 API reference, "Signature
Calculations for the Authorization Header: Transferring Payload in Multiple Chunks").

    <size hex>[;chunk-signature=<64 hex>] CRLF <size bytes> CRLF    repeated; the last has size 0, no bytes
    [<trailer name>:<value> CRLF ...] [x-amz-trailer-signature:<64 hex> CRLF] CRLF

`ChunkedDecoder` is incremental and releases payload as it comes: the bytes of a chunk may leave before its
signature has been checked, so a caller commits nothing before `finish` returned. Nothing is buffered but a
partial line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from enum import Enum, auto

import attrs

from rustfs_proto.s3.errors import S3Error, invalid_argument
from rustfs_proto.s3.sigv4 import Verified, same_text, sign
from rustfs_proto.s3.sigv4_claims import EMPTY_SHA256, PayloadMode
from rustfs_proto.s3.target import HeaderMap

CHUNK_LINE_MAX_BYTES = 256
"""16 hex digits, `;chunk-signature=` and 64 more make 97; the rest is room for leading zeros."""
TRAILER_MAX_BYTES = 8192
"""As much as S3 allows for a request's header section; real trailers are about 150 bytes."""
TRAILER_SIGNATURE = "x-amz-trailer-signature"

_LENGTH_DIGITS_MAX = 20
_SIGNATURE_PREFIX = b"chunk-signature="


class ChunkSigner:
    """The chain of signatures over a streaming body: each one covers the one before it."""

    def __init__(self, signing_key: bytes, amz_date: str, scope_text: str, seed_signature: str) -> None:
        self._key = signing_key
        self._head = f"\n{amz_date}\n{scope_text}\n"
        self._previous = seed_signature

    @classmethod
    def continuing(cls, verified: Verified) -> ChunkSigner:
        """The chain that begins at a verified request's own signature."""
        claim = verified.claim
        return cls(verified.signing_key, claim.amz_date, claim.scope.text, claim.signature)

    def chunk(self, sha256_hex: str) -> str:
        """The signature of the next chunk, whose bytes hash to `sha256_hex`."""
        return self._next("AWS4-HMAC-SHA256-PAYLOAD", f"{EMPTY_SHA256}\n{sha256_hex}")

    def trailer(self, lines: bytes) -> str:
        """The signature of the trailer, given as `name:value` lines that each end in a line feed."""
        return self._next("AWS4-HMAC-SHA256-TRAILER", hashlib.sha256(lines).hexdigest())

    def _next(self, algorithm: str, rest: str) -> str:
        self._previous = sign(self._key, f"{algorithm}{self._head}{self._previous}\n{rest}".encode())
        return self._previous


@attrs.frozen
class Framing:
    """What the headers announce of a chunked body: its payload in bytes, and the trailers behind it."""

    decoded_bytes: int
    trailer_names: tuple[str, ...]


def read_framing(headers: HeaderMap) -> Framing:
    """From x-amz-decoded-content-length and x-amz-trailer; raises MissingContentLength or InvalidArgument."""
    declared = headers.get("x-amz-decoded-content-length")
    if declared is None:
        raise S3Error("MissingContentLength", "You must provide the x-amz-decoded-content-length header.")
    if not (declared.isascii() and declared.isdigit() and len(declared) <= _LENGTH_DIGITS_MAX):
        raise invalid_argument(
            "It must be a whole number of bytes.", "x-amz-decoded-content-length", declared
        )
    names = headers.get("x-amz-trailer", "").lower().split(",")
    return Framing(int(declared), tuple(name.strip() for name in names if name.strip()))


class _State(Enum):
    SIZE_LINE = auto()
    PAYLOAD = auto()
    PAYLOAD_END = auto()
    TRAILER = auto()
    DONE = auto()


class ChunkedDecoder:
    """Takes aws-chunked bytes in any pieces, gives payload pieces; the module says when they may be believed.

    `signer` must be given for the signed modes and only for them. Every fault is an S3Error:
    SignatureDoesNotMatch, IncompleteBody, InvalidChunkSizeError or MalformedTrailerError. After a fault the
    decoder must not be fed again.
    """

    def __init__(
        self,
        mode: PayloadMode,
        *,
        decoded_bytes: int,
        trailer_names: Collection[str] = (),
        signer: ChunkSigner | None = None,
    ) -> None:
        assert mode.streaming, f"{mode} is not a chunked mode"
        assert (signer is not None) == (mode is not PayloadMode.STREAMING_UNSIGNED_TRAILER)
        self._mode = mode
        self._signer = signer
        self._trailer_names = frozenset(trailer_names)
        self._owed_bytes = decoded_bytes
        self._state = _State.SIZE_LINE
        self._partial = bytearray()
        self._chunk_left = 0
        self._chunk_hash = hashlib.sha256()
        self._chunk_signature = ""
        self._chunk_is_last = False
        self._trailer_bytes = 0
        self._trailer_lines: list[bytes] = []
        self._trailer_signed = False
        self.trailers: dict[str, str] = {}

    def feed(self, data: bytes | bytearray | memoryview) -> list[memoryview]:
        """Payload found in `data`, as views of it: use or copy them before `data` changes."""
        view = memoryview(data)
        pieces: list[memoryview] = []
        position = 0
        while position < len(view):
            if self._state is _State.PAYLOAD:
                piece = view[position : position + self._chunk_left]
                self._take_payload(piece)
                pieces.append(piece)
                position += len(piece)
            else:
                position = self._feed_line(view, position)
        return pieces

    def finish(self) -> None:
        """Call at the end of the body; raises IncompleteBody unless all came. Then it may be committed."""
        if self._state is not _State.DONE:
            raise S3Error("IncompleteBody", "The request body ended before its last chunk or trailer.")
        if self._partial:
            raise _malformed("there are bytes behind its end")

    def _take_payload(self, piece: memoryview) -> None:
        if self._signer is not None:
            self._chunk_hash.update(piece)
        self._chunk_left -= len(piece)
        if self._chunk_left == 0:
            self._state = _State.PAYLOAD_END

    def _feed_line(self, view: memoryview, position: int) -> int:
        """Complete one line from `view`; returns the position behind what was used of it."""
        limit = TRAILER_MAX_BYTES if self._state is _State.TRAILER else CHUNK_LINE_MAX_BYTES
        window = bytes(view[position : position + limit + 1])
        newline = window.find(b"\n")
        used = newline + 1 if newline >= 0 else len(window)
        self._partial += window[:used]
        if len(self._partial) > limit:
            raise _malformed("a line of it is too long")
        if newline >= 0:
            line = bytes(self._partial)
            self._partial.clear()
            self._take_line(line)
        return position + used

    def _take_line(self, line: bytes) -> None:
        match self._state:
            case _State.SIZE_LINE:
                self._take_size_line(line)
            case _State.PAYLOAD_END:
                if line != b"\r\n":
                    raise _malformed("a chunk does not end with CRLF")
                self._end_chunk()
            case _State.TRAILER:
                self._take_trailer_line(line)
            case _State.DONE | _State.PAYLOAD:
                raise _malformed("there are bytes behind its end")

    def _take_size_line(self, line: bytes) -> None:
        size_text, _, extension = line[:-2].partition(b";")
        if not line.endswith(b"\r\n") or not size_text or size_text.strip(b"0123456789abcdefABCDEF"):
            raise S3Error(
                "InvalidChunkSizeError", f"A chunk does not begin with its size in hex: {line[:40]!r}"
            )
        self._chunk_left = int(size_text, 16)
        self._chunk_signature = self._read_signature(extension)
        self._chunk_is_last = self._chunk_left == 0
        self._owed_bytes -= self._chunk_left
        if self._owed_bytes < 0 or (self._chunk_is_last and self._owed_bytes):
            raise S3Error("IncompleteBody", "The chunks do not add up to x-amz-decoded-content-length.")
        if self._signer is not None:
            self._chunk_hash = hashlib.sha256()
        if self._chunk_is_last:
            self._end_chunk()
        else:
            self._state = _State.PAYLOAD

    def _read_signature(self, extension: bytes) -> str:
        if self._signer is None:
            if extension:
                raise _malformed("an unsigned chunk has an extension")
            return ""
        if not extension.startswith(_SIGNATURE_PREFIX):
            raise _malformed("a chunk has no chunk-signature")
        return extension[len(_SIGNATURE_PREFIX) :].decode("latin-1")

    def _end_chunk(self) -> None:
        if self._signer is not None:
            expected = self._signer.chunk(self._chunk_hash.hexdigest())
            if not same_text(expected, self._chunk_signature):
                raise S3Error("SignatureDoesNotMatch", "The signature of a chunk does not match its bytes.")
        self._state = _State.TRAILER if self._chunk_is_last else _State.SIZE_LINE

    def _take_trailer_line(self, line: bytes) -> None:
        self._trailer_bytes += len(line)
        if self._trailer_bytes > TRAILER_MAX_BYTES:
            raise _bad_trailer(f"it is longer than {TRAILER_MAX_BYTES} bytes")
        text = line.rstrip(b"\r\n")
        if text:
            self._take_trailer(text)
        elif self._mode is not PayloadMode.STREAMING_SIGNED_TRAILER or self._trailer_signed:
            self._end_trailer()
        # else: clients built after the first edition of AWS's page put an empty line before the signature.

    def _take_trailer(self, text: bytes) -> None:
        raw_name, colon, raw_value = text.decode("latin-1").partition(":")
        name, value = raw_name.strip(" \t").lower(), raw_value.strip(" \t")
        if not colon or self._trailer_signed:
            raise _bad_trailer("a line of it is not name:value, or stands behind the signature")
        if name == TRAILER_SIGNATURE and self._signer is not None:
            self._check_trailer_signature(value)
        elif name not in self._trailer_names or name in self.trailers:
            raise _bad_trailer(f"{name!r} was not announced by x-amz-trailer, or comes twice")
        else:
            self.trailers[name] = value
            self._trailer_lines.append(f"{name}:{value}\n".encode("latin-1"))

    def _check_trailer_signature(self, signature: str) -> None:
        assert self._signer is not None
        if not same_text(self._signer.trailer(b"".join(self._trailer_lines)), signature):
            raise S3Error("SignatureDoesNotMatch", "The signature of the trailer does not match it.")
        self._trailer_signed = True

    def _end_trailer(self) -> None:
        missing = self._trailer_names - self.trailers.keys()
        if missing:
            raise _bad_trailer(f"it lacks {', '.join(sorted(missing))}, announced by x-amz-trailer")
        self._state = _State.DONE


def _malformed(fault: str) -> S3Error:
    return S3Error("IncompleteBody", f"The aws-chunked body is malformed: {fault}.")


def _bad_trailer(fault: str) -> S3Error:
    return S3Error("MalformedTrailerError", f"The trailer of the body is malformed: {fault}.")
