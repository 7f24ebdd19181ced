"""Bodies that are all different, and known again by their ETag alone."""

from __future__ import annotations

import hashlib
from random import Random

import attrs

BYTES_MIN = 24


@attrs.frozen
class Body:
    """What was or would have been stored: its bytes and the ETag that S3 gives them."""

    data: bytes = attrs.field(repr=False)
    etag: str


def new_body(random: Random, token: str, size: int) -> Body:
    """Begins with its token; the rest is incompressible."""
    data = token.encode().ljust(BYTES_MIN, b".") + random.randbytes(max(0, size - BYTES_MIN))
    return Body(data, hashlib.md5(data, usedforsecurity=False).hexdigest())


def joined(parts: list[Body]) -> Body:
    """The object that an upload of those parts makes."""
    digests = b"".join(bytes.fromhex(part.etag) for part in parts)
    etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
    return Body(b"".join(part.data for part in parts), etag)
