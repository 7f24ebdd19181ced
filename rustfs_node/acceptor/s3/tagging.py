"""Tags of objects and of buckets: put, told, removed.

Those of an object belong to its current version and are changed by an amendment of it; those of a bucket
stand in its record.
"""

from __future__ import annotations

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.conditional import refuse_version
from rustfs_node.acceptor.s3.documents import read_document
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.tagging import bucket_tags, object_tags
from rustfs_proto.s3.xml_in import TAGGING_BODY_MAX_BYTES, parse_tagging
from rustfs_proto.s3.xml_out import tagging
from rustfs_proto.wire.set_ops import Amend, Amended, Get, Got


async def put_object_tagging(call: Call) -> Response:
    """The tags of the document become those of the object, in place of all it has."""
    refuse_version(call)
    document = await read_document(call.body(), TAGGING_BODY_MAX_BYTES)
    await _amend(call, object_tags(parse_tagging(document)))
    return Response(200)


async def get_object_tagging(call: Call) -> Response:
    """The object's tags, which may be none."""
    refuse_version(call)
    request = Get(call.bucket, call.key_bytes, want_data=False)
    got, _ = await call.sets.ask(call.home, request, Got, trace=call.request_id)
    return Response(200, list(XML_HEADERS), tagging(got.meta.tags))


async def delete_object_tagging(call: Call) -> Response:
    """The object has no tags from now on."""
    refuse_version(call)
    await _amend(call, {})
    return Response(204)


async def _amend(call: Call, tags: dict[str, str]) -> None:
    request = Amend(call.bucket, call.key_bytes, tags)
    await call.sets.ask(call.home, request, Amended, trace=call.request_id)


async def put_bucket_tagging(call: Call) -> Response:
    """The tags of the document become those of the bucket, in place of all it has."""
    document = await read_document(call.body(), TAGGING_BODY_MAX_BYTES)
    tags = bucket_tags(parse_tagging(document))
    await call.services.buckets.change(call.bucket, call.request_id, tags=tags)
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
    await call.services.buckets.change(call.bucket, call.request_id, tags={})
    return Response(204)
