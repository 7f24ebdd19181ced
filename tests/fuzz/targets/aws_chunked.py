"""aws-chunked bodies. The first line of an input names mode, decoded length and trailers, as headers would.

Whatever the pieces in which it arrives, a body is decoded to the same payload or refused with the same code.
What is accepted has the length that was announced and, encoded again, decodes to the same. In the signed
modes nothing is accepted but what the holder of the key has signed.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256

import attrs

from rustfs_proto.s3.chunked import ChunkedDecoder, ChunkSigner, read_framing
from rustfs_proto.s3.chunked_encoder import encode_chunked
from rustfs_proto.s3.sigv4 import derive_signing_key
from rustfs_proto.s3.sigv4_claims import PayloadMode
from tests.fuzz.campaign import Target
from tests.fuzz.refusals import value_or_code

_DATE, _SCOPE = "20240101T000000Z", "20240101/us-east-1/s3/aws4_request"
_SEED_SIGNATURE = sha256(b"seed").hexdigest()
_KEY = derive_signing_key("secret-of-the-fuzzer", _SCOPE)
_MODES = {mode.value: mode for mode in PayloadMode if mode.streaming}
_HELLO, _LONG = b"hello world", bytes(range(256)) * 4
_CRC = {"x-amz-checksum-crc32": "DUoRhQ=="}
PAYLOADS = (_HELLO, _LONG, b"")
"""All that the holder of the key ever signed."""


@attrs.frozen
class Case:
    """An input taken apart."""

    mode: PayloadMode
    decoded_bytes: int
    trailer_names: tuple[str, ...]
    body: bytes

    def decode(self, piece_bytes: int) -> tuple[bytes, dict[str, str]]:
        """Payload and trailers of the body, given in pieces of that size; raises S3Error."""
        decoder = ChunkedDecoder(
            self.mode,
            decoded_bytes=self.decoded_bytes,
            trailer_names=self.trailer_names,
            signer=signer_of(self.mode),
        )
        payload = bytearray()
        for at in range(0, len(self.body), piece_bytes):
            for part in decoder.feed(self.body[at : at + piece_bytes]):
                payload += part
        decoder.finish()
        return bytes(payload), decoder.trailers


def signer_of(mode: PayloadMode) -> ChunkSigner | None:
    """The chain from the seed signature on, where the mode has one."""
    if mode is PayloadMode.STREAMING_UNSIGNED_TRAILER:
        return None
    return ChunkSigner(_KEY, _DATE, _SCOPE, _SEED_SIGNATURE)


def case_of(data: bytes) -> Case | str:
    """The input taken apart, or the code with which its headers are refused."""
    line, _, body = data.partition(b"\n")
    mode_name, _, rest = line.decode("latin-1").partition(" ")
    length, _, trailers = rest.partition(" ")
    headers = {"x-amz-decoded-content-length": length, "x-amz-trailer": trailers}
    framing, code = value_or_code(lambda: read_framing(headers))
    if framing is None:
        return code
    mode = _MODES.get(mode_name, PayloadMode.STREAMING_UNSIGNED_TRAILER)
    return Case(mode, framing.decoded_bytes, framing.trailer_names, body)


def check(data: bytes) -> str:
    """See the module."""
    case = case_of(data)
    if isinstance(case, str):
        return f"headers {case}"
    whole = value_or_code(partial(case.decode, len(case.body) or 1))
    for size in (1, 5, 97):
        assert value_or_code(partial(case.decode, size)) == whole, f"pieces of {size} bytes"
    decoded, code = whole
    if decoded is None:
        return f"{case.mode.name} {code}"
    payload, trailers = decoded
    assert len(payload) == case.decoded_bytes and trailers.keys() == set(case.trailer_names)
    _check_round_trip(case, payload, trailers)
    assert case.mode is PayloadMode.STREAMING_UNSIGNED_TRAILER or payload in PAYLOADS, "a forged payload"
    if case.mode is PayloadMode.STREAMING_SIGNED_TRAILER:
        assert trailers in ({}, _CRC), "a forged trailer"
    return f"{case.mode.name} accepted"


def _check_round_trip(case: Case, payload: bytes, trailers: dict[str, str]) -> None:
    again = encode_chunked(
        payload, case.mode, chunk_bytes=100, signer=signer_of(case.mode), trailers=trailers
    )
    decoded = attrs.evolve(case, body=again).decode(len(again))
    assert decoded == (payload, trailers), decoded


def seeds() -> list[bytes]:
    found = []
    for mode in _MODES.values():
        for payload, size in ((_HELLO, 4), (_LONG, 700), (b"", 8)):
            trailers = {} if mode is PayloadMode.STREAMING_SIGNED or size == 8 else _CRC
            body = encode_chunked(payload, mode, chunk_bytes=size, signer=signer_of(mode), trailers=trailers)
            found.append(f"{mode.value} {len(payload)} {','.join(trailers)}\n".encode() + body)
    return found


TARGET = Target(
    "aws_chunked",
    check,
    seeds,
    executions=3000,
    tokens=(
        b"\r\n", b"\n", b"\r", b";", b":", b";chunk-signature=", b"0\r\n\r\n", b"0\r\n",
        b"b\r\nhello world\r\n", b"0x5",
        b"-1", b"+5", b" ", b"\0", b"ffffffffffffffff", b"00000000000000000005",
        b"x-amz-trailer-signature:", b"X-AMZ-",
        b"x-amz-checksum-crc32:DUoRhQ==\r\n", b"x-amz-checksum-crc32", *(name.encode() for name in _MODES),
        b";chunk-signature=" + b"0" * 64, b" 0 ", b" 11 ",
    ),
    suffix=".txt",
)  # fmt: skip
