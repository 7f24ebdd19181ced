"""Health for load balancers and orchestrators, at the paths that MinIO's users have in their configuration.

live says that this process answers, ready that it takes requests, cluster that every set can be written to,
cluster/read that every set can be read. While the node is being stopped all but live say no, so that whoever
spreads requests over nodes learns of it before the listeners close. `cluster?maintenance=true` asks whether
every set could be written to without this node's drives, which is whether the node may be stopped. What is
being healed is told as JSON, below a path that MinIO does not have.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.net.messages import HttpRequest, Response
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.wire.drive_ops import DriveState
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import SetStatus, SetStatusReply

HEALTH = "Health"
"""What the log calls these requests."""

_PREFIX = b"/minio/health/"
_LIVE = b"/minio/health/live"
_HEALING = b"/minio/health/healing"
_ALIVE = frozenset({b"/health", _LIVE, b"/minio/health/ready"})
_OFFLINE = (b"x-minio-server-status", b"offline")
AWAY = frozenset({-1, DriveState.FAULTY})
"""States of drives that hold nothing for anybody."""


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
    if services.leaving.is_set() and path != _LIVE:
        return Response(503, [_OFFLINE])
    if path in _ALIVE:
        return Response(200)
    if path == _HEALING:
        return await _answer_healing(services)
    if path not in (b"/minio/health/cluster", b"/minio/health/cluster/read"):
        raise S3Error(
            "InvalidURI", "Below /minio/health/ are live, ready, cluster, cluster/read and healing."
        )
    found = await services.sets.status_of_all(
        SetStatus(), SetStatusReply, deadline_s=services.settings.health_deadline_s
    )
    for_reads = path.endswith(b"/read")
    own = services.sets.own_slots if b"maintenance=true" in query else None
    return cluster_answer(found, own, for_reads=for_reads)


async def _answer_healing(services: Services) -> Response:
    """What each set that answers heals, as the worker sees it that this node asks."""
    found = await services.sets.status_of_all(
        SetStatus(), SetStatusReply, deadline_s=services.settings.health_deadline_s
    )
    sets = [
        {"set": one.set_index, **msgspec.to_builtins(one.healing)}
        for one in found
        if isinstance(one, SetStatusReply)
    ]
    headers = [(b"content-type", b"application/json")]
    if len(sets) == len(found):
        return Response(200, headers, msgspec.json.encode({"sets": sets}))
    return Response(503, [*headers, _OFFLINE], msgspec.json.encode({"sets": sets}))


def cluster_answer(
    found: list[SetStatusReply | Fault], leaving: Sequence[frozenset[int]] | None, *, for_reads: bool
) -> Response:
    """What is answered for what the sets say; `leaving` are the slots of each that are to be done without."""
    answered = [one for one in found if isinstance(one, SetStatusReply)]
    well = len(answered) == len(found) and all(
        one.readable if for_reads else one.writable for one in answered
    )
    headers: list[tuple[bytes, bytes]] = []
    if not well:
        headers.append(_OFFLINE)
    if answered:
        quorum = max(one.k if for_reads else one.write_quorum for one in answered)
        headers.append((b"x-minio-read-quorum" if for_reads else b"x-minio-write-quorum", b"%d" % quorum))
    if not well:
        return Response(503, headers)
    if leaving is not None and not all(
        _spares(one, leaving[one.set_index], for_reads=for_reads) for one in answered
    ):
        return Response(412, headers)
    return Response(200, headers)


def _spares(one: SetStatusReply, leaving: frozenset[int], *, for_reads: bool) -> bool:
    """Whether the set keeps its quorum without the drives in these slots."""
    staying = [view for view in one.drives if view.state not in AWAY and view.slot not in leaving]
    return len(staying) >= (one.k if for_reads else one.write_quorum)
