"""The client's half of aws-chunked: frame a whole payload, for tests, benchmarks and tools."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from rustfs_proto.s3.chunked import TRAILER_SIGNATURE, ChunkSigner
from rustfs_proto.s3.sigv4_claims import PayloadMode


def encode_chunked(
    payload: bytes,
    mode: PayloadMode,
    *,
    chunk_bytes: int,
    signer: ChunkSigner | None = None,
    trailers: Mapping[str, str] | None = None,
) -> bytes:
    """`payload` in chunks of `chunk_bytes`, signed by `signer` if given; `trailers` have lower-case names."""
    assert mode.streaming, f"{mode} is not a chunked mode"
    assert chunk_bytes > 0, chunk_bytes
    starts = range(0, len(payload), chunk_bytes)
    chunks = [*(payload[start : start + chunk_bytes] for start in starts), b""]
    framed = [_frame(chunk, signer) for chunk in chunks]
    return b"".join([*framed, *_trailer(mode, signer, trailers or {}), b"\r\n"])


def _frame(chunk: bytes, signer: ChunkSigner | None) -> bytes:
    extension = (
        "" if signer is None else f";chunk-signature={signer.chunk(hashlib.sha256(chunk).hexdigest())}"
    )
    head = f"{len(chunk):x}{extension}\r\n".encode()
    return head + chunk + b"\r\n" if chunk else head


def _trailer(mode: PayloadMode, signer: ChunkSigner | None, trailers: Mapping[str, str]) -> Iterator[bytes]:
    lines = [f"{name}:{value}".encode("latin-1") for name, value in trailers.items()]
    for line in lines:
        yield line + b"\r\n"
    if mode is PayloadMode.STREAMING_SIGNED_TRAILER:
        assert signer is not None
        signature = signer.trailer(b"".join(line + b"\n" for line in lines))
        yield f"{TRAILER_SIGNATURE}:{signature}\r\n".encode()
