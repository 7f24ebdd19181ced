"""MinIO's administration, as far as it is there: `info` and `storageinfo` below `/minio/admin/v3/`, and what
the modules `admin_...` add to it.

Requests are signed as those of S3 are, but for those by the node's own socket; the answers are JSON, errors
too. Everything else below that path is answered NotImplemented.
"""

from __future__ import annotations

from typing import Any

import msgspec
import trio

from rustfs_node.acceptor.admin_drives import ACTIONS, answer_drive
from rustfs_node.acceptor.admin_heal import BACKGROUND, answer_heal, is_heal
from rustfs_node.acceptor.admin_healing import HEALING_REQUESTS, answer_healing
from rustfs_node.acceptor.admin_layout import LAYOUT_REQUESTS, answer_layout
from rustfs_node.acceptor.admin_locks import LOCKS, told_locks
from rustfs_node.acceptor.admin_logs import LOGS, told_logs
from rustfs_node.acceptor.admin_objects import INSPECT, answer_inspect
from rustfs_node.acceptor.admin_scrub import SCRUB_REQUESTS, answer_scrub
from rustfs_node.acceptor.admin_settings import SETTINGS, told_settings
from rustfs_node.acceptor.admin_support import SUPPORT, told_support
from rustfs_node.acceptor.admin_trace import TRACE, told_requests
from rustfs_node.acceptor.admin_usage import USAGE_INFO, answer_usage, stored
from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.faults import s3_error_of
from rustfs_node.acceptor.monitor import View
from rustfs_node.acceptor.net.messages import HttpRequest, Response
from rustfs_proto.metrics.admin import Deployment, server_info, storage_info
from rustfs_proto.metrics.minio_heal import background_heal
from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.operations import Op
from rustfs_proto.s3.sigv4 import Verified
from rustfs_proto.s3.target import Target, parse_target
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import SetStatus, SetStatusReply

ADMIN = "Admin"
"""What the log and the metrics call these requests."""

_PREFIX = b"/minio/admin/v3/"
_JSON = [(b"content-type", b"application/json")]
_OF_PLAN = {("GET", SETTINGS): told_settings, ("GET", SUPPORT): told_support}
_OF_NODE = {("GET", LOGS): told_logs, ("GET", LOCKS): told_locks, ("GET", TRACE): told_requests}
_DOCUMENTS = {"info": server_info, "storageinfo": storage_info}


def is_admin(request: HttpRequest) -> bool:
    """Whether this is a request of an administrator."""
    return request.target.startswith(_PREFIX)


async def answer_admin(request: HttpRequest, services: Services) -> Response:
    """The document that was asked for, or an error in the same form."""
    request.facts["operation"] = ADMIN
    try:
        document = await _document(request, services)
    except S3Error as error:
        return _refusal(request, services, error)
    except Fault as fault:
        return _refusal(request, services, s3_error_of(fault, is_write=request.method != "GET"))
    return Response(200, list(_JSON), msgspec.json.encode(document))


def _refusal(request: HttpRequest, services: Services, error: S3Error) -> Response:
    request.facts["code"] = error.code
    services.counts.refused(error.code)
    told = {"Code": error.code, "Message": error.message, "RequestId": request.facts["request_id"]}
    return Response(error.status, list(_JSON), msgspec.json.encode(told))


async def _document(request: HttpRequest, services: Services) -> dict[str, Any]:
    target, request_id = parse_target(request.target), request.facts["request_id"]
    if not request.is_local:
        _authenticate(request, target, services)
    name = target.path.encode("latin-1").removeprefix(_PREFIX).decode("latin-1")
    asked = (request.method, name)
    if request.method == "POST" and name in ACTIONS:
        return await answer_drive(name, target.params, services, request_id)
    if asked in LAYOUT_REQUESTS:
        return await answer_layout(asked, target.params, services, request_id)
    if asked in HEALING_REQUESTS:
        return await answer_healing(asked, target.params, services, request_id)
    if asked in SCRUB_REQUESTS:
        return await answer_scrub(asked, target.params, services, request_id)
    if asked in _OF_PLAN:
        return _OF_PLAN[asked](services.monitor.plan)
    if asked in _OF_NODE:
        return await _OF_NODE[asked](target.params, services)
    if asked == ("GET", INSPECT):
        return await answer_inspect(target.params, services, request_id)
    if is_heal(request.method, name):
        # Its body is read by what was signed of it.
        verified = _authenticate(request, target, services)
        return await answer_heal(request, verified, name, target.params, services)
    if asked == ("POST", BACKGROUND):
        view = await services.monitor.of_cluster()
        statuses = await _statuses(services)
        healing = {one.set_index: one.healing for one in statuses}
        return background_heal(view.standing, await _deployment(request, services, view), healing)
    if asked == ("GET", USAGE_INFO):
        return await answer_usage(target.params, services, request_id)
    if request.method != "GET" or name not in _DOCUMENTS:
        raise not_implemented(f"{request.method} of the administration's {name}")
    view = await services.monitor.of_cluster()
    return _DOCUMENTS[name](view.standing, await _deployment(request, services, view))


def _authenticate(request: HttpRequest, target: Target, services: Services) -> Verified:
    """As any operation of the service as a whole: what is signed does not name one."""
    return services.authenticator.authenticate(request, target, Op.ListBuckets)


async def _deployment(request: HttpRequest, services: Services, view: View) -> Deployment:
    plan = services.monitor.plan
    request_id = request.facts["request_id"]
    statuses = await _statuses(services)
    return Deployment(
        deployment_id=plan.deployment_id,
        region=services.settings.region,
        names=view.names,
        own_node=plan.node_number,
        now_s=services.clock.wall_ms() / 1000,
        drive_ids={(one.index, drive.slot): drive.drive_id for one in plan.sets for drive in one.drives},
        reasons={
            (status.set_index, drive.slot): drive.reason
            for status in statuses
            for drive in status.drives
            if drive.reason
        },
        rrs_parity=max(dict(one.class_parities).get("REDUCED_REDUNDANCY", one.m) for one in plan.sets),
        buckets=await _bucket_count(services, request_id),
        stored=(await stored(services)).sums(),
    )


async def _bucket_count(services: Services, request_id: str) -> int | None:
    """None where too few drives answer in time, which is one of the things that `info` is asked for."""
    with trio.move_on_after(services.settings.health_deadline_s):
        try:
            return len(await services.buckets.all(request_id))
        except Fault as fault:
            if fault.code not in {FaultCode.NO_QUORUM, FaultCode.PEER_DOWN, FaultCode.TIMEOUT}:
                raise
    return None


async def _statuses(services: Services) -> list[SetStatusReply]:
    """Of those sets that answer."""
    told = await services.sets.status_of_all(
        SetStatus(), SetStatusReply, deadline_s=services.settings.health_deadline_s
    )
    return [status for status in told if isinstance(status, SetStatusReply)]
