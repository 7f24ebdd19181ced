"""Operations on buckets themselves, and the configurations that a bucket here has, or precisely does not
have.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import attrs

from rustfs_node.acceptor.bucket_deletion import delete_bucket as remove
from rustfs_node.acceptor.buckets import BucketRecord
from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.documents import read_document
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.listing import Position, encode_token, parse_list_buckets
from rustfs_proto.s3.names import check_bucket_name
from rustfs_proto.s3.object_lock import enables_object_lock, versioning_is_fixed
from rustfs_proto.s3.sigv4 import DEFAULT_REGION
from rustfs_proto.s3.xml_in import (
    CREATE_BUCKET_BODY_MAX_BYTES,
    VERSIONING_BODY_MAX_BYTES,
    parse_create_bucket,
    parse_versioning,
)
from rustfs_proto.s3.xml_out import (
    ListedBucket,
    document,
    element,
    list_buckets,
    location_constraint,
    owner_element,
    versioning_configuration,
)
from rustfs_proto.versions import Versioning

_STATUSES = {Versioning.OFF: "", Versioning.ENABLED: "Enabled", Versioning.SUSPENDED: "Suspended"}

_REGION = re.compile(r"[A-Za-z0-9-]{1,64}")
"""A region is told in a header of every HeadBucket, so it must look like one."""


async def list_all_buckets(call: Call) -> Response:
    """A page of the deployment's buckets by name; S3's pages have 10,000 where the client does not say."""
    query = parse_list_buckets(call.params)
    found = await call.services.buckets.all(call.request_id, prefix=query.prefix, after=query.after)
    wanted = [bucket for bucket in found if query.region in (None, bucket.region)]
    page = wanted[: query.max_buckets]
    token = encode_token(Position(page[-1].name)) if len(wanted) > len(page) else None
    listed = [
        ListedBucket(one.name, one.created_ms, one.region if query.tells_regions else "") for one in page
    ]
    owner = call.services.owner
    body = list_buckets(listed, owner, prefix=query.prefix, continuation_token=token)
    return Response(200, list(XML_HEADERS), body)


async def create_bucket(call: Call) -> Response:
    """A new, empty bucket."""
    check_bucket_name(call.bucket)
    region = parse_create_bucket(await read_document(call.body(), CREATE_BUCKET_BODY_MAX_BYTES))
    if region is not None and _REGION.fullmatch(region) is None:
        raise S3Error("InvalidLocationConstraint", extra={"LocationConstraint": region})
    expected = call.services.settings.region
    if region is not None and expected and region != expected:
        raise S3Error("InvalidLocationConstraint", extra={"LocationConstraint": region})
    services, has_lock = call.services, enables_object_lock(call.headers)
    await services.buckets.create(
        call.bucket, region or services.region, services.owner.id, call.request_id, object_lock=has_lock
    )
    return Response(200, [(b"location", f"/{call.bucket}".encode())])


async def head_bucket(call: Call) -> Response:
    """Whether there is such a bucket: dispatch has answered NoSuchBucket otherwise."""
    record = await call.services.buckets.get(call.bucket, call.request_id)
    return Response(200, [(b"x-amz-bucket-region", record.region.encode()), *XML_HEADERS])


async def delete_bucket(call: Call) -> Response:
    """Remove the bucket if it is empty."""
    services = call.services
    await remove(services.buckets, services.sets, services.clock, call.bucket, call.request_id)
    return Response(204)


async def get_bucket_location(call: Call) -> Response:
    """The bucket's region; us-east-1 is written as nothing."""
    record = await call.services.buckets.get(call.bucket, call.request_id)
    return Response(200, list(XML_HEADERS), location_constraint(record.region or DEFAULT_REGION))


async def get_bucket_versioning(call: Call) -> Response:
    """Whether the bucket's keys have versions; nothing is said where they never had."""
    # Not from the cache: another acceptor may have changed it a moment ago.
    record = await call.services.buckets.look_up(call.bucket, call.request_id)
    if record is None:
        raise S3Error("NoSuchBucket", extra={"BucketName": call.bucket})
    return Response(200, list(XML_HEADERS), versioning_configuration(_STATUSES[record.versioning]))


async def put_bucket_versioning(call: Call) -> Response:
    """From the answer on every write into the bucket goes by it, at whichever acceptor."""
    status = parse_versioning(await read_document(call.body(), VERSIONING_BODY_MAX_BYTES))
    versioning = next(one for one, name in _STATUSES.items() if name == status)
    buckets = call.services.buckets

    def changed(record: BucketRecord) -> BucketRecord:
        if record.object_lock and versioning is not Versioning.ENABLED:
            raise versioning_is_fixed()
        return attrs.evolve(record, versioning=versioning)

    await buckets.change(call.bucket, call.request_id, changed)
    await buckets.in_force(call.bucket)
    return Response(200)


async def get_acl(call: Call) -> Response:
    """Everything belongs to the owner, who may do everything; nobody else may do anything."""
    owner = call.services.owner
    inner = element("ID", owner.id) + element("DisplayName", owner.display_name)
    namespace = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
    grant = f"<Grant><Grantee {namespace}>{inner}</Grantee><Permission>FULL_CONTROL</Permission></Grant>"
    body = document(
        "AccessControlPolicy", f"{owner_element(owner)}<AccessControlList>{grant}</AccessControlList>"
    )
    return Response(200, list(XML_HEADERS), body)


async def get_request_payment(_: Call) -> Response:
    """There are no requesters to bill."""
    return Response(
        200, list(XML_HEADERS), document("RequestPaymentConfiguration", element("Payer", "BucketOwner"))
    )


def absent(code: str) -> Callable[[Call], Awaitable[Response]]:
    """A handler for a configuration that no bucket here has: S3's own way to say so is the error `code`."""

    async def answer(_: Call) -> Response:
        raise S3Error(code)

    return answer


def empty(root: str) -> Callable[[Call], Awaitable[Response]]:
    """A handler for a configuration that is empty here, which S3 answers by an empty document."""

    async def answer(_: Call) -> Response:
        return Response(200, list(XML_HEADERS), document(root, ""))

    return answer
