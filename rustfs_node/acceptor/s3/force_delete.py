"""DeleteObject and DeleteBucket with MinIO's x-minio-force-delete: everything below a key, or a bucket with
all that is in it.

It is no atomic step: objects go page by page, and a failure in between leaves the rest.
"""

from __future__ import annotations

from rustfs_node.acceptor.bucket_deletion import Lease
from rustfs_node.acceptor.bucket_deletion import delete_bucket as remove_bucket
from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.emptying import give_up_uploads, remove_below, remove_key
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3 import buckets, delete
from rustfs_proto.s3.force_delete import check_unconditional, forces_delete, prefix_below


async def delete_object(call: Call) -> Response:
    """Remove the object, or every version of it and of everything below its key as a folder."""
    if not forces_delete(call.headers):
        return await delete.delete_object(call)
    check_unconditional(call.headers, call.params)
    prefix = prefix_below(call.key).encode()
    await remove_below(call.sets, call.bucket, prefix, call.request_id)
    # Last: as long as it is there, a client sees that its request has not ended well.
    await remove_key(call.sets, call.bucket, call.key_bytes, call.request_id)
    return Response(204)


async def delete_bucket(call: Call) -> Response:
    """Remove the bucket if it is empty, or with everything in it."""
    if not forces_delete(call.headers):
        return await buckets.delete_bucket(call)
    services = call.services

    async def empty(lease: Lease) -> None:
        await give_up_uploads(call.sets, call.bucket, call.request_id, permit=lease.extend)
        await remove_below(call.sets, call.bucket, b"", call.request_id, permit=lease.extend)

    await remove_bucket(
        services.buckets, services.sets, services.clock, call.bucket, call.request_id, empty=empty
    )
    return Response(204)
