"""Tags of objects and of buckets: put, told, removed.

Those of an object belong to one version of it, the current one if none is named, and are changed by an
amendment of that; those of a bucket stand in its record.
"""

from __future__ import annotations

import attrs

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.documents import read_document
from rustfs_node.acceptor.s3.versions import look_at, not_there, sub_asked, version_lines
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.tagging import bucket_tags, object_tags
from rustfs_proto.s3.xml_in import TAGGING_BODY_MAX_BYTES, parse_tagging
from rustfs_proto.s3.xml_out import tagging
from rustfs_proto.versions import Versioning
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import Amend, Amended


async def put_object_tagging(call: Call) -> Response:
    """The tags of the document become those of the object, in place of all it has."""
    document = await read_document(call.body(), TAGGING_BODY_MAX_BYTES)
    return Response(200, await _amend(call, object_tags(parse_tagging(document))))


async def get_object_tagging(call: Call) -> Response:
    """The object's tags, which may be none."""
    got = await look_at(call)
    return Response(200, [*XML_HEADERS, *version_lines(call, got.sub)], tagging(got.meta.tags))


async def delete_object_tagging(call: Call) -> Response:
    """The object has no tags from now on."""
    return Response(204, await _amend(call, {}))


async def _amend(call: Call, tags: dict[str, str]) -> list[tuple[bytes, bytes]]:
    # Says precisely why where there is nothing that has tags.
    sub = (await look_at(call)).sub if call.record.versioning is not Versioning.OFF else sub_asked(call)
    request = Amend(call.bucket, call.key_bytes, tags, sub=sub)
    try:
        amended, _ = await call.sets.ask(call.lead, request, Amended, trace=call.request_id)
    except Fault as fault:
        raise not_there(call, sub_asked(call), fault) from fault
    return version_lines(call, amended.sub)


async def put_bucket_tagging(call: Call) -> Response:
    """The tags of the document become those of the bucket, in place of all it has."""
    document = await read_document(call.body(), TAGGING_BODY_MAX_BYTES)
    tags = bucket_tags(parse_tagging(document))
    await call.services.buckets.change(
        call.bucket, call.request_id, lambda record: attrs.evolve(record, tags=tags)
    )
    return Response(204)


async def get_bucket_tagging(call: Call) -> Response:
    """The bucket's tags; raises NoSuchTagSet where it has none."""
    # Not from the cache: another acceptor may have changed them a moment ago.
    record = await call.services.buckets.look_up(call.bucket, call.request_id)
    if record is None:
        raise S3Error("NoSuchBucket", extra={"BucketName": call.bucket})
    if not record.tags:
        raise S3Error("NoSuchTagSet", extra={"BucketName": call.bucket})
    return Response(200, list(XML_HEADERS), tagging(record.tags))


async def delete_bucket_tagging(call: Call) -> Response:
    """The bucket has no tags from now on."""
    await call.services.buckets.change(
        call.bucket, call.request_id, lambda record: attrs.evolve(record, tags={})
    )
    return Response(204)
