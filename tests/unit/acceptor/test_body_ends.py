"""A chunked body ends with its last chunk and not with its last byte of payload."""

from __future__ import annotations

import pytest

from rustfs_proto.s3.sigv4_claims import PayloadMode
from tests.unit.acceptor.http_kit import connected, serving
from tests.unit.acceptor.test_body import chunked_request, content_of, exchange, make_handler


@pytest.mark.parametrize("size", [1000, 60_000])
async def test_payload_without_the_last_chunk_is_refused(size: int) -> None:
    """All bytes that were announced have come, and the signature over the end of them has not."""
    head, body = chunked_request(PayloadMode.STREAMING_SIGNED, content_of(size))
    cut = body[: body.rindex(b"0;chunk-signature=")]
    shorter = head.replace(f"Content-Length: {len(body)}".encode(), f"Content-Length: {len(cut)}".encode())
    async with serving(make_handler()) as running, connected(running) as client:
        assert await exchange(client, shorter, cut) == b"IncompleteBody"
