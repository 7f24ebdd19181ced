"""GetObjectAttributes: what HeadObject and ListParts tell, in one document, and only what is asked for."""

from __future__ import annotations

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.versions import look_at, version_lines
from rustfs_proto.objects import modified_ms_of
from rustfs_proto.s3.attributes import AttributePart, ObjectAttributes, object_attributes, parse_attributes
from rustfs_proto.s3.httpdate import format_http_date
from rustfs_proto.wire.set_ops import Got


async def get_object_attributes(call: Call) -> Response:
    """What the request names of ETag, Checksum, ObjectParts, StorageClass and ObjectSize."""
    query = parse_attributes(call.headers)
    got = await look_at(call)
    modified = format_http_date(modified_ms_of(got.head, got.stamp) // 1000).encode()
    lines = [*XML_HEADERS, (b"last-modified", modified), *version_lines(call, got.sub)]
    return Response(200, lines, object_attributes(query, _told(got)))


def _told(got: Got) -> ObjectAttributes:
    # As in `reads`: only the ETag of an upload has a number behind a hyphen.
    is_upload = "-" in got.head.etag
    parts = [AttributePart(part.number, part.size, part.checksums) for part in got.meta.parts]
    return ObjectAttributes(
        got.head.etag,
        got.head.size,
        got.head.storage_class,
        got.meta.checksums,
        got.meta.checksum_type,
        parts if is_upload else (),
    )
