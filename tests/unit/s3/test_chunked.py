"""The aws-chunked decoder: whole, byte by byte, and spoiled in every place."""

from __future__ import annotations

from base64 import b64encode
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.s3.chunked import (
    CHUNK_LINE_MAX_BYTES,
    TRAILER_MAX_BYTES,
    ChunkedDecoder,
    ChunkSigner,
    read_framing,
)
from rustfs_proto.s3.chunked_encoder import encode_chunked
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.sigv4_claims import PayloadMode

SIGNED = PayloadMode.STREAMING_SIGNED
SIGNED_TRAILER = PayloadMode.STREAMING_SIGNED_TRAILER
UNSIGNED = PayloadMode.STREAMING_UNSIGNED_TRAILER
MODES = [SIGNED, SIGNED_TRAILER, UNSIGNED]
TRAILER = "x-amz-checksum-crc32"


def signer(mode: PayloadMode) -> ChunkSigner | None:
    if mode is UNSIGNED:
        return None
    return ChunkSigner(b"key", "20231114T221320Z", "20231114/us-east-1/s3/aws4_request", "seed")


def trailers(mode: PayloadMode) -> dict[str, str]:
    return {} if mode is SIGNED else {TRAILER: "AAAAAA=="}


def encoded(payload: bytes, mode: PayloadMode, chunk_bytes: int = 8) -> bytes:
    return encode_chunked(
        payload, mode, chunk_bytes=chunk_bytes, signer=signer(mode), trailers=trailers(mode)
    )


def decoder(mode: PayloadMode, decoded_bytes: int) -> ChunkedDecoder:
    return ChunkedDecoder(
        mode, decoded_bytes=decoded_bytes, trailer_names=tuple(trailers(mode)), signer=signer(mode)
    )


def decoded(body: bytes, mode: PayloadMode, decoded_bytes: int, step: int = 1 << 30) -> bytes:
    machine = decoder(mode, decoded_bytes)
    pieces = []
    for start in range(0, len(body), step):
        pieces += [bytes(piece) for piece in machine.feed(body[start : start + step])]
    machine.finish()
    assert machine.trailers == trailers(mode)
    return b"".join(pieces)


def refusal(body: bytes, mode: PayloadMode, decoded_bytes: int) -> str:
    codes = set()
    for step in (1, 3, 1 << 30):
        with pytest.raises(S3Error) as caught:
            decoded(body, mode, decoded_bytes, step)
        codes.add(caught.value.code)
    assert len(codes) == 1, f"the code depends on how the body is cut: {sorted(codes)}"
    return codes.pop()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 64])
@pytest.mark.parametrize("step", [1, 2, 5, 1 << 30])
def test_payload_comes_back(mode, size, step):
    """Payload and trailers come back, however the body is cut."""
    payload = bytes(range(size))
    assert decoded(encoded(payload, mode), mode, size, step) == payload


@given(payload=st.binary(max_size=300), chunk_bytes=st.integers(1, 64), cuts=st.lists(st.integers(0, 2000)))
def test_payload_comes_back_for_any_cuts(payload, chunk_bytes, cuts):
    """For any chunk size and any cuts the payload is the same."""
    body = encoded(payload, SIGNED_TRAILER, chunk_bytes)
    machine = decoder(SIGNED_TRAILER, len(payload))
    edges = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    pieces = [
        bytes(piece) for start, end in pairwise(edges) for piece in machine.feed(memoryview(body)[start:end])
    ]
    machine.finish()
    assert b"".join(pieces) == payload


@pytest.mark.parametrize("mode", MODES)
def test_every_truncation_is_refused(mode):
    """A body that ends early is IncompleteBody, wherever it ends."""
    body = encoded(b"payload of two chunks", mode)
    for end in range(len(body)):
        machine = decoder(mode, 21)
        machine.feed(body[:end])
        with pytest.raises(S3Error, match="IncompleteBody"):
            machine.finish()


@pytest.mark.parametrize("mode", [SIGNED, SIGNED_TRAILER])
def test_every_flipped_byte_of_a_signed_body_is_refused(mode):
    """No single byte of a signed body can change unnoticed before finish returns."""
    body = encoded(b"payload of two chunks", mode)
    for position in range(len(body)):
        spoiled = bytearray(body)
        spoiled[position] ^= 1
        with pytest.raises(S3Error):
            decoded(bytes(spoiled), mode, 21)


def test_a_flipped_payload_byte_is_a_bad_signature():
    """Changed payload is SignatureDoesNotMatch, not some fault of form."""
    body = encoded(b"payload", SIGNED).replace(b"payload", b"Payload")
    assert refusal(body, SIGNED, 7) == "SignatureDoesNotMatch"


def test_chunks_cannot_be_swapped():
    """Signatures are a chain: two chunks that change places are refused."""
    body = encoded(b"aaaaaaaabbbbbbbb", SIGNED)
    length = len(body[: body.index(b"aaaaaaaa") + 10])
    swapped = body[length : 2 * length] + body[:length] + body[2 * length :]
    assert refusal(swapped, SIGNED, 16) == "SignatureDoesNotMatch"


def test_a_changed_trailer_is_a_bad_signature():
    """The trailer is signed too."""
    body = encoded(b"payload", SIGNED_TRAILER).replace(b"AAAAAA==", b"AAAAAQ==")
    assert refusal(body, SIGNED_TRAILER, 7) == "SignatureDoesNotMatch"


def test_an_empty_line_before_the_trailer_signature_is_passed_over():
    """Clients that follow the first edition of AWS's page are understood."""
    body = encoded(b"payload", SIGNED_TRAILER)
    at = body.index(b"x-amz-trailer-signature")
    assert decoded(body[:at] + b"\r\n" + body[at:], SIGNED_TRAILER, 7) == b"payload"


@pytest.mark.parametrize("declared", [0, 6, 8, 1000])
@pytest.mark.parametrize("mode", MODES)
def test_the_declared_length_must_be_exact(mode, declared):
    """More or fewer bytes than x-amz-decoded-content-length are IncompleteBody."""
    assert refusal(encoded(b"payload", mode), mode, declared) == "IncompleteBody"


@pytest.mark.parametrize("mode", MODES)
def test_bytes_behind_the_end_are_refused(mode):
    """Nothing may follow the last line, be it a line or not."""
    assert refusal(encoded(b"payload", mode) + b"x", mode, 7) == "IncompleteBody"
    assert refusal(encoded(b"payload", mode) + b"x\n", mode, 7) == "IncompleteBody"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\r\n", "InvalidChunkSizeError"),
        (b"-7\r\n", "InvalidChunkSizeError"),
        (b"0x7\r\n", "InvalidChunkSizeError"),
        (b" 7\r\n", "InvalidChunkSizeError"),
        (b"7_0\r\n", "InvalidChunkSizeError"),
        (b"7\n", "InvalidChunkSizeError"),
        (b"7;chunk-signature=0\r\n", "IncompleteBody"),
        (b"7\r\npayload0\r\n", "IncompleteBody"),
        (b"7\r\npayload\n", "IncompleteBody"),
        (b"f" * CHUNK_LINE_MAX_BYTES + b"\r\n", "IncompleteBody"),
        (b"7\r\npayload\r\n0\r\nnot a trailer\r\n\r\n", "MalformedTrailerError"),
        (b"7\r\npayload\r\n0\r\n\r\n", "MalformedTrailerError"),
        (b"7\r\npayload\r\n0\r\nx-amz-checksum-sha1:a\r\n\r\n", "MalformedTrailerError"),
        (
            b"7\r\npayload\r\n0\r\nx-amz-checksum-crc32:a\r\nx-amz-checksum-crc32:a\r\n\r\n",
            "MalformedTrailerError",
        ),
        (b"7\r\npayload\r\n0\r\n" + b"a:b\r\n" * 2000, "MalformedTrailerError"),
        (b"7\r\npayload\r\n0\r\n" + b"a" * TRAILER_MAX_BYTES + b"\r\n", "IncompleteBody"),
    ],
)
def test_malformed_framing(body, code):
    """Every fault of form has a code, and lines have bounds."""
    assert refusal(body, UNSIGNED, 7) == code


@pytest.mark.parametrize("line", [b"7\r\n", b"7;\r\n", b"7;signature=0\r\n"])
def test_a_signed_chunk_needs_its_signature(line):
    """A chunk without a signature is refused in the signed modes before its bytes are read."""
    assert refusal(line + b"payload\r\n", SIGNED, 7) == "IncompleteBody"


def test_endless_lines_are_not_kept():
    """A line without an end is refused once it passes its bound, however slowly it comes."""
    machine = decoder(UNSIGNED, 7)
    for _ in range(CHUNK_LINE_MAX_BYTES):
        machine.feed(b"1")
    with pytest.raises(S3Error, match="too long"):
        machine.feed(b"1")


def test_payload_is_not_copied():
    """Pieces are views of what was fed."""
    body = encoded(b"payload!", UNSIGNED)
    (piece,) = decoder(UNSIGNED, 8).feed(body)
    assert piece.obj is body


def test_the_framing_headers():
    """Length and trailer names are read from the headers, in any case and spacing."""
    framing = read_framing(
        {"x-amz-decoded-content-length": "12", "x-amz-trailer": " X-Amz-Checksum-CRC32 , x-other"}
    )
    assert (framing.decoded_bytes, framing.trailer_names) == (12, ("x-amz-checksum-crc32", "x-other"))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "MissingContentLength"),
        ("", "InvalidArgument"),
        ("-1", "InvalidArgument"),
        ("1.0", "InvalidArgument"),
        ("9" * 5000, "InvalidArgument"),
    ],
)
def test_bad_decoded_lengths(value, code):
    """The decoded length must be there and a number."""
    headers = {} if value is None else {"x-amz-decoded-content-length": value}
    with pytest.raises(S3Error) as caught:
        read_framing(headers)
    assert caught.value.code == code


def test_unsigned_bodies_as_sdks_send_them():
    """The body that botocore and the Go SDK send by default, byte for byte."""
    value = b64encode(b"\x00\x01\x02\x03").decode()
    body = f"b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:{value}\r\n\r\n".encode()
    machine = decoder(UNSIGNED, 11)
    assert [bytes(piece) for piece in machine.feed(body)] == [b"hello world"]
    machine.finish()
    assert machine.trailers == {TRAILER: value}
