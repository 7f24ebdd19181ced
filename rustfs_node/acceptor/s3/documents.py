"""Requests whose body is a document rather than an object's bytes."""

from __future__ import annotations

from rustfs_node.acceptor.body import BodyReader
from rustfs_proto.s3.errors import S3Error


async def read_document(body: BodyReader, limit_bytes: int) -> bytes:
    """The whole body, verified; raises MaxMessageLengthExceeded beyond `limit_bytes`."""
    document, is_last = await body.next_block(limit_bytes)
    if not is_last:
        raise S3Error("MaxMessageLengthExceeded", extra={"MaxMessageLengthBytes": str(limit_bytes)})
    await body.digest(document)
    body.finish()
    return document
