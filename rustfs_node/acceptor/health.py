"""Health for load balancers and orchestrators, at the paths that MinIO's users have in their configuration.

live and ready say that this process answers; cluster says that every set can be written to, cluster/read that
every set can be read.
"""

from __future__ import annotations

from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.net.messages import HttpRequest, Response
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import SetStatus, SetStatusReply

HEALTH = "Health"
"""What the log calls these requests."""

_PREFIX = b"/minio/health/"
_ALIVE = frozenset({b"/health", b"/minio/health/live", b"/minio/health/ready"})


def is_health(request: HttpRequest) -> bool:
    """Whether this is a probe. With a signature it is about a bucket of that name."""
    path = request.target.partition(b"?")[0]
    if path == b"/health":
        return (
            request.method in ("GET", "HEAD")
            and "authorization" not in request.headers
            and path == request.target
        )
    is_signed = "authorization" in request.headers or b"X-Amz-Signature=" in request.target
    return path.startswith(_PREFIX) and not is_signed


async def answer_health(request: HttpRequest, services: Services) -> Response:
    """The state as a status: 200 or 503."""
    path, _, query = request.target.partition(b"?")
    request.facts["operation"] = HEALTH
    if request.method not in ("GET", "HEAD"):
        raise S3Error("MethodNotAllowed", headers={"allow": "GET, HEAD"})
    if path in _ALIVE:
        return Response(200)
    if path not in (b"/minio/health/cluster", b"/minio/health/cluster/read"):
        raise S3Error("InvalidURI", "There are live, ready, cluster and cluster/read below /minio/health/.")
    found = await services.sets.status_of_all(
        SetStatus(), SetStatusReply, deadline_s=services.settings.health_deadline_s
    )
    for_reads = path.endswith(b"/read")
    return _cluster_answer(found, for_reads=for_reads, for_maintenance=b"maintenance=true" in query)


def _cluster_answer(
    found: list[SetStatusReply | Fault], *, for_reads: bool, for_maintenance: bool
) -> Response:
    answered = [one for one in found if isinstance(one, SetStatusReply)]
    well = len(answered) == len(found) and all(
        one.readable if for_reads else one.writable for one in answered
    )
    headers: list[tuple[bytes, bytes]] = []
    if not well:
        headers.append((b"x-minio-server-status", b"offline"))
    if answered:
        quorum = max(one.k if for_reads else one.write_quorum for one in answered)
        headers.append((b"x-minio-read-quorum" if for_reads else b"x-minio-write-quorum", b"%d" % quorum))
    if not well:
        return Response(503, headers)
    # All drives are on this node, so taking it down always costs the quorum.
    return Response(412 if for_maintenance else 200, headers)
